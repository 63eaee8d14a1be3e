//! Role-based access: definitions, assignments, and whether an action is allowed at a scope.
//!
//! An action is allowed when at the scope or above it the principal has an assignment whose role lists the action under
//! `actions` and not under `notActions`. A `notActions` entry takes away from its own role only: another role can give it.

mod builtin;
mod custom;

pub use builtin::{
    CONTRIBUTOR, NETWORK_CONTRIBUTOR, OWNER, READER, STORAGE_ACCOUNT_CONTRIBUTOR,
    STORAGE_ACCOUNT_KEY_OPERATOR, USER_ACCESS_ADMINISTRATOR, VIRTUAL_MACHINE_CONTRIBUTOR, built_in_roles,
};

pub use custom::{CustomRole, Draft};

use crate::resource_id::ResourceId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A named set of permissions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleDefinition {
    /// Its GUID, the same in every subscription.
    pub name: Uuid,
    /// `Virtual Machine Contributor`.
    pub role_name: String,
    /// One sentence.
    pub description: String,
    /// Ours or a customer's.
    pub kind: RoleKind,
    /// Where it may be assigned.
    pub assignable_scopes: Vec<String>,
    /// What it allows.
    pub permissions: Vec<Permission>,
}

/// Who defined a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoleKind {
    /// Comes with the product, cannot be changed.
    #[serde(rename = "BuiltInRole")]
    BuiltIn,
    /// Defined by a customer.
    #[serde(rename = "CustomRole")]
    Custom,
}

impl RoleKind {
    /// The word in `properties.type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BuiltIn => "BuiltInRole",
            Self::Custom => "CustomRole",
        }
    }
}

/// Patterns of actions: `*` stands for any text, slashes too; compared in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Permission {
    /// Control-plane actions that are allowed.
    pub actions: Vec<String>,
    /// Taken away from `actions`.
    pub not_actions: Vec<String>,
    /// Data-plane actions that are allowed.
    pub data_actions: Vec<String>,
    /// Taken away from `data_actions`.
    pub not_data_actions: Vec<String>,
}

impl Permission {
    fn allows(&self, plane: Plane, action: &str) -> bool {
        let (yes, no) = match plane {
            Plane::Control => (&self.actions, &self.not_actions),
            Plane::Data => (&self.data_actions, &self.not_data_actions),
        };
        let any = |patterns: &[String]| patterns.iter().any(|p| matches(p, action));
        any(yes) && !any(no)
    }
}

/// Which list of a role counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plane {
    /// `actions`.
    Control,
    /// `dataActions`.
    Data,
}

impl RoleDefinition {
    /// Whether one of its permissions allows `action`.
    pub fn allows(&self, plane: Plane, action: &str) -> bool {
        self.permissions.iter().any(|p| p.allows(plane, action))
    }

    /// Whether it may be assigned at `scope`: at one of its assignable scopes or below.
    pub fn assignable_at(&self, scope: &ResourceId) -> bool {
        self.scopes().any(|assignable| assignable.contains(scope))
    }

    /// Whether it may be assigned at `scope` or at some scope below it.
    pub fn assignable_at_or_below(&self, scope: &ResourceId) -> bool {
        self.scopes().any(|assignable| assignable.contains(scope) || scope.contains(&assignable))
    }

    fn scopes(&self) -> impl Iterator<Item = ResourceId> {
        self.assignable_scopes.iter().filter_map(|text| ResourceId::parse(text).ok())
    }

    /// Its id as seen from a subscription, or from the tenant. Assignments name it by exactly this text.
    pub fn id(&self, subscription: Option<&str>) -> String {
        definition_id(self.name, subscription)
    }
}

/// The id of the role with this GUID, as seen from a subscription or from the tenant.
pub fn definition_id(name: Uuid, subscription: Option<&str>) -> String {
    match subscription {
        Some(s) => format!("/subscriptions/{s}/providers/Microsoft.Authorization/roleDefinitions/{name}"),
        None => format!("/providers/Microsoft.Authorization/roleDefinitions/{name}"),
    }
}

/// A role given to a principal at a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleAssignment {
    /// Its name, a GUID.
    pub name: Uuid,
    /// Where it counts: here and below.
    pub scope: ResourceId,
    /// The object id of who has it: a person, a program, or a group.
    pub principal: Uuid,
    /// The GUID of the role.
    pub role: Uuid,
}

/// Why an action is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The role's name for people.
    pub role_name: String,
    /// The role's GUID.
    pub role: Uuid,
    /// The assignment's name.
    pub assignment: Uuid,
    /// The assignment's scope.
    pub scope: ResourceId,
    /// To whom it was given: the caller, or a group that the caller is in.
    pub principal: Uuid,
}

/// Looks for an assignment, nearest to `scope` first, whose role allows `action` there. `role_of` finds a role by its GUID;
/// an assignment of a role that is not found gives nothing.
pub fn evaluate<'a, 'r>(
    assignments: impl IntoIterator<Item = &'a RoleAssignment>,
    role_of: impl Fn(Uuid) -> Option<&'r RoleDefinition>,
    scope: &ResourceId,
    plane: Plane,
    action: &str,
) -> Option<Evidence> {
    let mut best: Option<(usize, Evidence)> = None;
    for assignment in assignments {
        if !assignment.scope.contains(scope) {
            continue;
        }
        let depth = assignment.scope.key().len();
        if best.as_ref().is_some_and(|(d, _)| *d >= depth) {
            continue;
        }
        if let Some(role) = role_of(assignment.role).filter(|role| role.allows(plane, action)) {
            let evidence = Evidence {
                role_name: role.role_name.clone(),
                role: role.name,
                assignment: assignment.name,
                scope: assignment.scope.clone(),
                principal: assignment.principal,
            };
            best = Some((depth, evidence));
        }
    }
    best.map(|(_, evidence)| evidence)
}

/// The built-in role with this GUID.
pub fn built_in(name: Uuid) -> Option<&'static RoleDefinition> {
    built_in_roles().iter().find(|role| role.name == name)
}

/// Whether `action` fits `pattern`. Linear in both for each `*`, so a hostile custom role cannot stall the server.
pub fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.as_bytes(), action.as_bytes());
    let (mut p, mut a) = (0, 0);
    // Where the last `*` stood, and how much of the action it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while a < action.len() {
        match (pattern.get(p), action.get(a)) {
            (Some(b'*'), _) => {
                star = Some((p, a));
                p += 1;
            }
            (Some(x), Some(y)) if x.eq_ignore_ascii_case(y) => {
                p += 1;
                a += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    a = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|c| *c == b'*'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CONNECT: &str = "Microsoft.SerialConsole/serialPorts/connect/action";
    const VM: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm";

    #[test]
    fn wildcards() {
        for (pattern, action, yes) in [
            ("*", "anything/at/all", true),
            ("*", "", true),
            ("*/read", "Microsoft.Compute/virtualMachines/READ", true),
            ("*/read", "Microsoft.Compute/virtualMachines/read/action", false),
            ("Microsoft.Compute/*", "microsoft.compute/virtualMachines/start/action", true),
            ("Microsoft.Compute/*/read", "Microsoft.Compute/virtualMachines/read", true),
            ("Microsoft.Compute/*/read", "Microsoft.Compute/read", false),
            ("Microsoft.Compute/virtualMachines/read", "Microsoft.Compute/virtualMachines/readX", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("", "x", false),
            ("**", "x", true),
        ] {
            assert_eq!(matches(pattern, action), yes, "{pattern} on {action}");
        }
    }

    #[test]
    fn a_hostile_pattern_is_cheap() {
        let pattern = "*a".repeat(500);
        assert!(!matches(&pattern, &"a".repeat(499)));
        assert!(!matches(&format!("{pattern}b"), &"a".repeat(5_000)));
    }

    fn assignment(scope: &str, role: Uuid) -> RoleAssignment {
        RoleAssignment {
            name: Uuid::from_u128(1),
            scope: ResourceId::parse(scope).unwrap(),
            principal: Uuid::nil(),
            role,
        }
    }

    fn ask(assignments: &[RoleAssignment], action: &str) -> Option<String> {
        let scope = ResourceId::parse(VM).unwrap().extension("Microsoft.SerialConsole/serialPorts", "0");
        evaluate(assignments, built_in, &scope, Plane::Control, action)
            .map(|e| format!("{} at {}", e.role_name, e.scope))
    }

    #[test]
    fn assignments_count_at_their_scope_and_below() {
        let vmc = VIRTUAL_MACHINE_CONTRIBUTOR;
        assert_eq!(
            ask(&[assignment(VM, vmc)], CONNECT),
            Some(format!("Virtual Machine Contributor at {VM}"))
        );
        assert!(ask(&[assignment("/SUBSCRIPTIONS/S/resourcegroups/RG", vmc)], CONNECT).is_some());
        assert!(ask(&[assignment("/subscriptions/s/resourceGroups/r", vmc)], CONNECT).is_none());
        assert!(ask(&[assignment("/subscriptions/other", vmc)], CONNECT).is_none());
        assert!(ask(&[assignment("/", OWNER)], CONNECT).is_some());
        assert!(ask(&[assignment("/", READER)], CONNECT).is_none());
        assert!(ask(&[], CONNECT).is_none());
    }

    #[test]
    fn the_nearest_assignment_is_the_evidence_and_not_actions_are_a_roles_own() {
        let write = "Microsoft.Authorization/roleAssignments/write";
        assert!(ask(&[assignment("/subscriptions/s", CONTRIBUTOR)], write).is_none());
        let both = [
            assignment("/subscriptions/s", CONTRIBUTOR),
            assignment("/subscriptions/s", USER_ACCESS_ADMINISTRATOR),
        ];
        assert!(ask(&both, write).unwrap().starts_with("User Access Administrator"));
        let near = [assignment("/", OWNER), assignment(VM, OWNER), assignment("/subscriptions/s", OWNER)];
        assert_eq!(ask(&near, CONNECT), Some(format!("Owner at {VM}")));
    }

    #[test]
    fn data_actions_are_apart() {
        let owner = built_in(OWNER).unwrap();
        assert!(owner.allows(Plane::Control, "x/read"));
        assert!(!owner.allows(Plane::Data, "x/read"));
    }

    proptest! {
        #[test]
        fn matching_agrees_with_a_plain_definition(pattern in "[ab*]{0,8}", action in "[ab]{0,10}") {
            fn slow(p: &[u8], a: &[u8]) -> bool {
                match (p.split_first(), a.split_first()) {
                    (None, None) => true,
                    (Some((b'*', rest)), _) => slow(rest, a) || a.split_first().is_some_and(|(_, more)| slow(p, more)),
                    (Some((x, rest)), Some((y, more))) => x == y && slow(rest, more),
                    _ => false,
                }
            }
            prop_assert_eq!(matches(&pattern, &action), slow(pattern.as_bytes(), action.as_bytes()));
        }

        #[test]
        fn more_assignments_never_take_a_right_away(seed in proptest::collection::vec((0usize..6, 0usize..4), 0..6)) {
            let scopes = ["/", "/subscriptions/s", "/subscriptions/s/resourceGroups/rg", VM];
            let all: Vec<_> = seed.iter().map(|(r, s)| assignment(scopes[*s], built_in_roles()[*r].name)).collect();
            for n in 0..all.len() {
                if ask(&all[..n], CONNECT).is_some() {
                    prop_assert!(ask(&all, CONNECT).is_some());
                }
            }
        }
    }
}
