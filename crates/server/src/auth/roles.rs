//! Whether a caller may: the role assignments of the principal against the row's action, at the path's scope and above.
//!
//! Assignments are read from the store for every request: one indexed read. So a right that was taken away is gone with the
//! next request, on every replica, without any cache to tell.

use super::caller::{Allowed, Caller, CallerKind, Evidence};
use super::required_action;
use crate::pipeline::{Cx, store_error};
use crate::state::State;
use hardline_arm::error::ArmError;
use hardline_arm::operation::{Operation, OperationId, Require};
use hardline_arm::rbac::{self, Plane, RoleAssignment, RoleDefinition, built_in_roles};
use hardline_arm::resource_id::{ArmPath, ResourceId};
use hardline_store::StoreError;
use hardline_store::db::{async_operations, role_assignments};
use jiff::Timestamp;
use std::sync::Arc;
use uuid::Uuid;

/// Everything that one principal was given, and the roles behind it.
#[derive(Clone, Debug, Default)]
pub struct Rights {
    assignments: Arc<Vec<RoleAssignment>>,
}

impl Rights {
    /// Reads the assignments of a principal.
    pub async fn of(state: &State, oid: &str) -> Result<Self, StoreError> {
        let rows = role_assignments::of_principal(&state.store, oid).await?;
        let read = |row: &role_assignments::RoleAssignment| {
            Some(RoleAssignment {
                name: row.name.parse().ok()?,
                scope: ResourceId::parse(&row.scope).ok()?,
                principal: row.principal.parse().ok()?,
                role: row.role.parse::<Uuid>().ok()?,
            })
        };
        // A row that cannot be read gives nothing: when in doubt, refuse.
        Ok(Self { assignments: Arc::new(rows.iter().filter_map(read).collect()) })
    }

    /// Rights made of these assignments.
    pub fn new(assignments: Vec<RoleAssignment>) -> Self {
        Self { assignments: Arc::new(assignments) }
    }

    fn roles(&self) -> &'static [RoleDefinition] {
        built_in_roles()
    }

    /// The assignment that allows `action` at `scope`.
    pub fn at(&self, scope: &ResourceId, action: &str) -> Option<Evidence> {
        rbac::evaluate(self.assignments.iter(), self.roles(), scope, Plane::Control, action)
            .map(Evidence::from)
    }

    /// The assignment that allows `action` at `scope` or, failing that, at some scope below it.
    pub fn at_or_below(&self, scope: &ResourceId, action: &str) -> Option<Evidence> {
        let below = || {
            let inside = self.assignments.iter().filter(|a| scope.contains(&a.scope));
            inside.map(|a| &a.scope).find_map(|place| self.at(place, action))
        };
        self.at(scope, action).or_else(below)
    }

    /// Any assignment at `scope`, above it or below it.
    pub fn any_within(&self, scope: &ResourceId) -> Option<Evidence> {
        let found = self.assignments.iter().find(|a| scope.contains(&a.scope) || a.scope.contains(scope))?;
        let role = self.roles().iter().find(|r| r.name == found.role)?;
        Some(Evidence {
            role: role.role_name.clone(),
            scope: found.scope.to_string(),
            assignment: Some(found.name.to_string()),
            definition: Some(found.role.to_string()),
        })
    }

    /// What a row needs, at the scope of a path.
    pub fn evidence(&self, requires: Require, scope: &ResourceId) -> Option<Evidence> {
        match requires {
            Require::Action(action) => self.at(scope, action),
            Require::Visible(action) => self.at_or_below(scope, action),
            Require::Member(action) => self.at(scope, action).or_else(|| self.any_within(scope)),
            Require::SignedIn => Some(Evidence::default()),
            Require::Sas => None,
        }
    }
}

/// Checks the caller's right to `operation` on `path`, before anything is looked up: the refusal reads the same whether or
/// not the resource exists.
pub async fn authorise(
    cx: &Cx,
    caller: &Caller,
    operation: &'static Operation,
    path: &ArmPath,
) -> Result<Allowed, ArmError> {
    let rights = match caller.kind {
        CallerKind::User | CallerKind::ServicePrincipal => {
            Rights::of(&cx.state, &caller.oid).await.map_err(store_error)?
        }
        CallerKind::Sas | CallerKind::System => Rights::default(),
    };
    let scope = scope_of(cx, operation, path).await?;
    match rights.evidence(operation.requires, &scope) {
        Some(evidence) => Ok(Allowed::new(operation, path.clone(), caller.clone(), evidence, rights)),
        None => Err(refusal(caller, operation, path)),
    }
}

/// Whether a caller whose connection goes on for long (a console, a log that is followed) still may.
pub async fn still_allowed(state: &State, allowed: &Allowed, now: Timestamp) -> Result<bool, StoreError> {
    if now >= allowed.caller.expires {
        return Ok(false);
    }
    let rights = Rights::of(state, &allowed.caller.oid).await?;
    Ok(rights.evidence(allowed.operation.requires, &allowed.path.id.scope()).is_some())
}

fn refusal(caller: &Caller, operation: &Operation, path: &ArmPath) -> ArmError {
    let scope = path.id.scope().to_string();
    ArmError::authorization_failed(&caller.name, &caller.oid, required_action(operation), &scope)
}

/// Where the row's action must be allowed: at the path's own scope; for a long-running operation, whose path hangs under the
/// subscription, at the resource that it works on, so that a role at a group or a VM is enough to follow one's own start.
async fn scope_of(cx: &Cx, operation: &Operation, path: &ArmPath) -> Result<ResourceId, ArmError> {
    let scope = path.id.scope();
    if operation.id == OperationId::ComputeOperationGet {
        let found = async_operations::get(&cx.state.store, &path.id.name().to_ascii_lowercase()).await;
        if let Some(running) = found.map_err(store_error)? {
            let resource = ResourceId::parse(&running.resource_key).unwrap_or_default();
            let same = resource.subscription().zip(scope.subscription());
            if same.is_some_and(|(a, b)| a.eq_ignore_ascii_case(b)) {
                return Ok(resource);
            }
        }
    }
    Ok(scope)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hardline_arm::operations;
    use hardline_arm::rbac::{OWNER, READER, VIRTUAL_MACHINE_CONTRIBUTOR};

    const VM: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm";

    fn rights(given: &[(&str, Uuid)]) -> Rights {
        let assignment = |(n, (scope, role)): (usize, &(&str, Uuid))| RoleAssignment {
            name: Uuid::from_u128(n as u128),
            scope: ResourceId::parse(scope).unwrap(),
            principal: Uuid::nil(),
            role: *role,
        };
        Rights::new(given.iter().enumerate().map(assignment).collect())
    }

    fn ask(given: &[(&str, Uuid)], id: OperationId, scope: &str) -> bool {
        let scope = ResourceId::parse(scope).unwrap();
        rights(given).evidence(operations::get(id).requires, &scope).is_some()
    }

    #[test]
    fn a_role_on_one_vm_shows_its_subscription_and_nothing_else_of_it() {
        let given = [(VM, VIRTUAL_MACHINE_CONTRIBUTOR)];
        assert!(ask(&given, OperationId::SubscriptionGet, "/subscriptions/s"));
        assert!(!ask(&given, OperationId::SubscriptionGet, "/subscriptions/other"));
        assert!(!ask(&given, OperationId::ActivityLogList, "/subscriptions/s"));
        assert!(!ask(&given, OperationId::GroupGet, "/subscriptions/s/resourceGroups/rg"));
        assert!(ask(&given, OperationId::VmStart, VM));
        assert!(!ask(&given, OperationId::VmStart, &format!("{VM}2")));
    }

    #[test]
    fn a_list_that_shows_what_may_be_read_opens_to_whoever_may_read_anything_in_it() {
        let group = [("/subscriptions/s/resourceGroups/rg", READER)];
        assert!(ask(&group, OperationId::GroupList, "/subscriptions/s"));
        assert!(!ask(&group, OperationId::GroupList, "/subscriptions/other"));
        assert!(!ask(&[], OperationId::GroupList, "/subscriptions/s"));
        let read = "Microsoft.Resources/subscriptions/resourceGroups/read";
        let mine = rights(&group);
        assert!(mine.at(&ResourceId::of_group("s", "RG"), read).is_some());
        assert!(mine.at(&ResourceId::of_group("s", "rg2"), read).is_none());
    }

    #[test]
    fn nobody_has_a_right_by_a_sas() {
        assert!(!ask(&[("/", OWNER)], OperationId::BlobGet, "/subscriptions/s"));
    }
}
