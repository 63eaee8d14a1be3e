//! Microsoft.Authorization: role definitions and assignments.

use super::*;

const DEFINITIONS: &str = "Microsoft.Authorization/roleDefinitions";
const ASSIGNMENTS: &str = "Microsoft.Authorization/roleAssignments";

pub(super) fn rows() -> Vec<Operation> {
    use Audit::{Always, Refusals};
    use OperationId::*;
    use Target::{Collection, Item};
    const DEFINITION_READ: &str = "Microsoft.Authorization/roleDefinitions/read";
    const ASSIGNMENT_READ: &str = "Microsoft.Authorization/roleAssignments/read";
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
    ]
}
