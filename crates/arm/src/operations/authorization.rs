//! Microsoft.Authorization: role definitions, role assignments, and what somebody may do.

use super::*;

const DEFINITIONS: &str = "Microsoft.Authorization/roleDefinitions";
const ASSIGNMENTS: &str = "Microsoft.Authorization/roleAssignments";

pub(super) fn rows() -> Vec<Operation> {
    use Audit::{Always, Refusals};
    use OperationId::*;
    use Target::{Collection, Item};
    const DEFINITION_READ: &str = "Microsoft.Authorization/roleDefinitions/read";
    const ASSIGNMENT_READ: &str = "Microsoft.Authorization/roleAssignments/read";
    const PERMISSION_READ: &str = "Microsoft.Authorization/permissions/read";
    vec![
        Operation {
            requires: Require::Action(DEFINITION_READ),
            ..row(
                RoleDefinitionList,
                "Microsoft.Authorization/roleDefinitions/list/read",
                Method::GET,
                Collection(DEFINITIONS),
                Refusals,
                "List role definitions",
            )
        },
        row(
            RoleDefinitionGet,
            DEFINITION_READ,
            Method::GET,
            Item(DEFINITIONS),
            Refusals,
            "Get a role definition",
        ),
        row(
            RoleDefinitionPut,
            "Microsoft.Authorization/roleDefinitions/write",
            Method::PUT,
            Item(DEFINITIONS),
            Always,
            "Create or change a custom role",
        ),
        row(
            RoleDefinitionDelete,
            "Microsoft.Authorization/roleDefinitions/delete",
            Method::DELETE,
            Item(DEFINITIONS),
            Always,
            "Delete a custom role that nobody has",
        ),
        Operation {
            requires: Require::Action(ASSIGNMENT_READ),
            ..row(
                RoleAssignmentList,
                "Microsoft.Authorization/roleAssignments/list/read",
                Method::GET,
                Collection(ASSIGNMENTS),
                Refusals,
                "List role assignments",
            )
        },
        row(
            RoleAssignmentGet,
            ASSIGNMENT_READ,
            Method::GET,
            Item(ASSIGNMENTS),
            Refusals,
            "Get a role assignment",
        ),
        row(
            RoleAssignmentPut,
            "Microsoft.Authorization/roleAssignments/write",
            Method::PUT,
            Item(ASSIGNMENTS),
            Always,
            "Give a principal a role at a scope",
        ),
        row(
            RoleAssignmentDelete,
            "Microsoft.Authorization/roleAssignments/delete",
            Method::DELETE,
            Item(ASSIGNMENTS),
            Always,
            "Take a role away",
        ),
        // One's own rights: whoever has any role here may ask.
        Operation {
            requires: Require::Member(PERMISSION_READ),
            ..row(
                PermissionList,
                PERMISSION_READ,
                Method::GET,
                Collection("Microsoft.Authorization/permissions"),
                Refusals,
                "What the caller may do at a scope",
            )
        },
    ]
}
