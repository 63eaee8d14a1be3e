//! Whether a caller may: the role assignments of the principal against the row's action, at the path's scope and above.
//!
//! What somebody was given is read from the store for every request, groups and custom roles with it: one statement. So a
//! right that was taken away - the assignment, the place in a group, the action in a custom role - is gone with the next
//! request, on every replica, without any cache to tell.

use super::caller::{Allowed, Caller, CallerKind, Evidence};
use super::required_action;
use super::tokens::OBJECT_ID;
use crate::pipeline::{Cx, store_error};
use crate::state::State;
use hardline_arm::activity::Deed;
use hardline_arm::error::ArmError;
use hardline_arm::operation::{Operation, OperationId, Require};
use hardline_arm::rbac::{self, CustomRole, Permission, Plane, RoleAssignment, RoleDefinition};
use hardline_arm::resource_id::{ArmPath, ResourceId};
use hardline_store::StoreError;
use hardline_store::db::async_operations;
use hardline_store::db::role_assignments::{self, Granted};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

/// Everything that counts for one principal, and the roles behind it.
#[derive(Clone, Debug, Default)]
pub struct Rights {
    assignments: Arc<Vec<RoleAssignment>>,
    custom: Arc<BTreeMap<Uuid, RoleDefinition>>,
}

impl Rights {
    /// Reads what a principal was given, itself and through its groups. A row that cannot be read gives nothing: when in
    /// doubt, refuse.
    pub async fn of(state: &State, oid: &str) -> Result<Self, StoreError> {
        let rows = role_assignments::granted(&state.store, oid).await?;
        let role = |row: &Granted| {
            let kept: CustomRole = serde_json::from_str(row.custom_role.as_deref()?).ok()?;
            Some((kept.definition.name, kept.definition))
        };
        let custom = rows.iter().filter_map(role).collect();
        let read = |row: &Granted| {
            Some(RoleAssignment {
                name: row.assignment.name.parse().ok()?,
                scope: ResourceId::parse(&row.assignment.scope).ok()?,
                principal: row.assignment.principal.parse().ok()?,
                role: row.assignment.role.parse::<Uuid>().ok()?,
            })
        };
        let assignments = rows.iter().filter_map(read).collect();
        Ok(Self { assignments: Arc::new(assignments), custom: Arc::new(custom) })
    }

    /// Rights made of these assignments of built-in roles.
    pub fn new(assignments: Vec<RoleAssignment>) -> Self {
        Self { assignments: Arc::new(assignments), ..Self::default() }
    }

    fn role(&self, name: Uuid) -> Option<&RoleDefinition> {
        rbac::built_in(name).or_else(|| self.custom.get(&name))
    }

    /// The assignment that allows `action` at `scope`.
    pub fn at(&self, scope: &ResourceId, action: &str) -> Option<Evidence> {
        let found = rbac::evaluate(self.assignments.iter(), |r| self.role(r), scope, Plane::Control, action)?;
        Some(found.into())
    }

    /// What the assignments at `scope` and above it allow there, each role's permissions once.
    pub fn permissions(&self, scope: &ResourceId) -> Vec<Permission> {
        let here = self.assignments.iter().filter(|a| a.scope.contains(scope));
        let mut found: Vec<Permission> = Vec::new();
        for permission in here.filter_map(|a| self.role(a.role)).flat_map(|role| &role.permissions) {
            if !found.contains(permission) {
                found.push(permission.clone());
            }
        }
        found
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
        let near = |a: &&RoleAssignment| scope.contains(&a.scope) || a.scope.contains(scope);
        let found = self.assignments.iter().filter(near).find(|a| self.role(a.role).is_some())?;
        let role = self.role(found.role)?;
        let evidence = rbac::Evidence {
            role_name: role.role_name.clone(),
            role: role.name,
            assignment: found.name,
            scope: found.scope.clone(),
            principal: found.principal,
        };
        Some(evidence.into())
    }

    /// What a row needs, at the scope of a path.
    pub fn evidence(&self, requires: Require, scope: &ResourceId) -> Option<Evidence> {
        match requires {
            Require::Action(_) | Require::Guest(..) => self.at(scope, requires.action_at(scope)?),
            Require::Visible(action) => self.at_or_below(scope, action),
            Require::Member(action) => self.at(scope, action).or_else(|| {
                let subscription = scope.subscription().map(ResourceId::of_subscription);
                self.any_within(subscription.as_ref().unwrap_or(scope))
            }),
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
    let (requires, scope) = needed(cx, caller, operation, path).await?;
    match rights.evidence(requires, &scope) {
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
    ArmError::authorization_failed(&caller.name, &caller.oid, required_action(operation, &path.id), &scope)
}

/// What must be allowed, and where: the row's action at the path's own scope; for a long-running operation, whose path hangs
/// under the subscription, at the resource that it works on, so that a role at a group or a VM is enough to follow what others
/// began there. One's own start one may follow in any case.
async fn needed(
    cx: &Cx,
    caller: &Caller,
    operation: &Operation,
    path: &ArmPath,
) -> Result<(Require, ResourceId), ArmError> {
    let scope = path.id.scope();
    if operation.id == OperationId::ComputeOperationGet {
        let found = async_operations::get(&cx.state.store, &path.id.name().to_ascii_lowercase()).await;
        if let Some(running) = found.map_err(store_error)? {
            let resource = ResourceId::parse(&running.resource_key).unwrap_or_default();
            let same = resource.subscription().zip(scope.subscription());
            if same.is_some_and(|(a, b)| a.eq_ignore_ascii_case(b)) {
                let began: Option<Deed> = serde_json::from_str(&running.deed).ok();
                let own = began.is_some_and(|deed| deed.claims.get(OBJECT_ID) == Some(&caller.oid));
                return Ok((if own { Require::SignedIn } else { operation.requires }, resource));
            }
        }
    }
    Ok((operation.requires, scope))
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
