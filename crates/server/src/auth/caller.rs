//! Who calls: a person, a program, the bearer of a SAS, or the server itself. And the proof that they may.

use super::roles::Rights;
use super::tokens::AccessClaims;
use hardline_arm::activity::{AuthorizationEvidence, AuthorizationRecord};
use hardline_arm::error::ArmError;
use hardline_arm::operation::Operation;
use hardline_arm::resource_id::{ArmPath, ResourceId};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// What kind of principal calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerKind {
    /// A person.
    User,
    /// A program.
    ServicePrincipal,
    /// The bearer of a SAS, or whoever has a storage account's key.
    Sas,
    /// The server itself.
    System,
}

impl CallerKind {
    /// `principalType`, as role assignments and activity events have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::ServicePrincipal => "ServicePrincipal",
            Self::Sas | Self::System => "Unknown",
        }
    }
}

/// Somebody whose token was verified. Only [`super::authenticate`] makes one for a user or a program.
#[allow(
    clippy::manual_non_exhaustive,
    reason = "the private field keeps this crate's other modules from making one"
)]
#[derive(Clone, Debug)]
pub struct Caller {
    /// Object id; empty for the bearer of a SAS.
    pub oid: String,
    /// Person or program.
    pub kind: CallerKind,
    /// UPN, or the application id: what a refusal names.
    pub name: String,
    /// Tenant id.
    pub tenant: String,
    /// The token's claims, as activity events show them.
    pub claims: BTreeMap<String, String>,
    /// When the token ends.
    pub expires: Timestamp,
    _verified: (),
}

impl Caller {
    pub(super) fn of_token(claims: &AccessClaims, expires: Timestamp) -> Self {
        let person = claims.upn.clone();
        Self {
            oid: claims.oid.clone(),
            kind: if person.is_some() { CallerKind::User } else { CallerKind::ServicePrincipal },
            name: person.unwrap_or_else(|| claims.appid.clone()),
            tenant: claims.tid.clone(),
            claims: claims.for_events(),
            expires,
            _verified: (),
        }
    }

    pub(super) fn of_sas(tenant: String, expires: Timestamp) -> Self {
        Self::without_token(CallerKind::Sas, "Shared access signature", tenant, expires)
    }

    pub(super) fn of_key(tenant: String) -> Self {
        Self::without_token(CallerKind::Sas, "Storage account key", tenant, Timestamp::MAX)
    }

    pub(super) fn stranger(tenant: String) -> Self {
        Self::without_token(CallerKind::Sas, "Unknown", tenant, Timestamp::MIN)
    }

    /// The server itself, for what it does on its own (a guest that went down, a repair).
    pub fn system(tenant: String) -> Self {
        Self::without_token(CallerKind::System, "Hardline", tenant, Timestamp::MAX)
    }

    fn without_token(kind: CallerKind, name: &str, tenant: String, expires: Timestamp) -> Self {
        let claims = BTreeMap::new();
        Self { oid: String::new(), kind, name: name.into(), tenant, claims, expires, _verified: () }
    }

    /// What the activity log shows as `caller`: the UPN of a person, the object id of a program.
    pub fn label(&self) -> &str {
        match self.kind {
            CallerKind::ServicePrincipal => &self.oid,
            _ => &self.name,
        }
    }
}

/// Proof that a caller may do an operation on a path. Only [`super::authorise`], [`super::allow_sas`] and [`super::allow_key`]
/// make one.
#[derive(Clone, Debug)]
pub struct Allowed {
    /// The row.
    pub operation: &'static Operation,
    /// The path.
    pub path: ArmPath,
    /// Who.
    pub caller: Caller,
    /// Why.
    pub evidence: Evidence,
    rights: Rights,
}

impl Allowed {
    pub(super) fn new(
        operation: &'static Operation,
        path: ArmPath,
        caller: Caller,
        evidence: Evidence,
        rights: Rights,
    ) -> Self {
        Self { operation, path, caller, evidence, rights }
    }

    /// Whether the row's action is allowed at `id` too: what a list shows (`Require::Visible`).
    pub fn shows(&self, id: &ResourceId) -> bool {
        match self.operation.requires.action_at(id) {
            Some(action) => self.rights.at(id, action).is_some(),
            None => self.rights.any_within(id).is_some(),
        }
    }

    /// Whether the caller may do `action` at `id` too.
    pub fn may(&self, action: &str, id: &ResourceId) -> bool {
        self.rights.at(id, action).is_some()
    }

    /// 403 unless `action` is allowed at `id` too, which the request's body names: asked before it is looked up.
    pub fn check_linked(&self, action: &str, id: &ResourceId) -> Result<(), ArmError> {
        if self.may(action, id) {
            return Ok(());
        }
        Err(ArmError::linked_authorization_failed(
            (&self.caller.name, &self.caller.oid),
            (required_action(self.operation, &self.path.id), &self.path.id.scope().to_string()),
            (action, &id.to_string()),
        ))
    }

    /// What the caller may do at `id`, as roles say it.
    pub fn permissions(&self, id: &ResourceId) -> Vec<hardline_arm::rbac::Permission> {
        self.rights.permissions(id)
    }

    /// The action, the role and the assignment behind it, as activity events keep them.
    pub fn record(&self) -> AuthorizationRecord {
        let digits = |id: &str| id.replace('-', "");
        let given_to = self.evidence.principal.as_deref().unwrap_or(&self.caller.oid);
        let through_group = !given_to.eq_ignore_ascii_case(&self.caller.oid);
        let evidence = self.evidence.assignment.as_ref().map(|assignment| AuthorizationEvidence {
            role: self.evidence.role.clone(),
            role_assignment_scope: self.evidence.scope.clone(),
            role_assignment_id: digits(assignment),
            role_definition_id: digits(self.evidence.definition.as_deref().unwrap_or("")),
            principal_id: digits(given_to),
            principal_type: if through_group { "Group" } else { self.caller.kind.as_str() }.into(),
        });
        AuthorizationRecord {
            role: Some(self.evidence.role.clone()).filter(|role| !role.is_empty()),
            evidence,
            ..asked_for(self.operation, &self.path)
        }
    }
}

/// The action and scope that were asked for, without a role: what a refusal leaves in its events.
pub fn asked_for(operation: &Operation, path: &ArmPath) -> AuthorizationRecord {
    AuthorizationRecord {
        action: required_action(operation, &path.id).into(),
        scope: path.id.scope().to_string(),
        role: None,
        evidence: None,
    }
}

/// The action that a row needs for what `id` names; a row that needs none has its own name.
pub fn required_action(operation: &Operation, id: &ResourceId) -> &'static str {
    operation.requires.action_at(id).unwrap_or(operation.name)
}

/// What allowed a call.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// The role's name; empty where being signed in is enough.
    pub role: String,
    /// The scope at which it was assigned.
    pub scope: String,
    /// The assignment's name; none where no role was needed.
    pub assignment: Option<String>,
    /// The role's GUID.
    pub definition: Option<String>,
    /// To whom the role was given: the caller, or a group that the caller is in.
    pub principal: Option<String>,
}

impl From<hardline_arm::rbac::Evidence> for Evidence {
    fn from(found: hardline_arm::rbac::Evidence) -> Self {
        Self {
            role: found.role_name,
            scope: found.scope.to_string(),
            assignment: Some(found.assignment.to_string()),
            definition: Some(found.role.to_string()),
            principal: Some(found.principal.to_string()),
        }
    }
}
