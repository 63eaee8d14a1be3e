//! Hardline.Identity: the people, programs and groups that can be given roles. Azure keeps them in Entra, outside of ARM; here
//! they are at the tenant's scope, in the same pipeline.
//!
//! Whoever may put somebody into a group, or set somebody's password, may act as they do. So every change requires what
//! giving and taking roles at the tenant requires.

use super::*;

const USERS: &str = "Hardline.Identity/users";
const PROGRAMS: &str = "Hardline.Identity/servicePrincipals";
const GROUPS: &str = "Hardline.Identity/groups";
const MEMBERS: &str = "Hardline.Identity/groups/members";

pub(super) fn rows() -> Vec<Operation> {
    use OperationId::*;
    use Target::{Collection, Item};
    let read = |id, name, target, summary| Operation {
        requires: Require::Action("Microsoft.Authorization/roleAssignments/read"),
        ..row(id, name, Method::GET, target, Audit::Refusals, summary)
    };
    let put = |id, name, target, summary| Operation {
        requires: Require::Action("Microsoft.Authorization/roleAssignments/write"),
        ..row(id, name, Method::PUT, target, Audit::Always, summary)
    };
    let delete = |id, name, target, summary| Operation {
        requires: Require::Action("Microsoft.Authorization/roleAssignments/delete"),
        ..row(id, name, Method::DELETE, target, Audit::Always, summary)
    };
    vec![
        read(UserList, "Hardline.Identity/users/list/read", Collection(USERS), "List the users"),
        read(UserGet, "Hardline.Identity/users/read", Item(USERS), "Get a user"),
        put(
            UserPut,
            "Hardline.Identity/users/write",
            Item(USERS),
            "Create a user, change its password, forbid it to sign in",
        ),
        delete(
            UserDelete,
            "Hardline.Identity/users/delete",
            Item(USERS),
            "Delete a user with everything it was given",
        ),
        read(
            ServicePrincipalList,
            "Hardline.Identity/servicePrincipals/list/read",
            Collection(PROGRAMS),
            "List the service principals",
        ),
        read(
            ServicePrincipalGet,
            "Hardline.Identity/servicePrincipals/read",
            Item(PROGRAMS),
            "Get a service principal",
        ),
        put(
            ServicePrincipalPut,
            "Hardline.Identity/servicePrincipals/write",
            Item(PROGRAMS),
            "Create a service principal, change its secret, forbid it to sign in",
        ),
        delete(
            ServicePrincipalDelete,
            "Hardline.Identity/servicePrincipals/delete",
            Item(PROGRAMS),
            "Delete a service principal with everything it was given",
        ),
        read(
            PrincipalGroupList,
            "Hardline.Identity/groups/list/read",
            Collection(GROUPS),
            "List the groups of principals",
        ),
        read(PrincipalGroupGet, "Hardline.Identity/groups/read", Item(GROUPS), "Get a group of principals"),
        put(
            PrincipalGroupPut,
            "Hardline.Identity/groups/write",
            Item(GROUPS),
            "Create a group of principals, or describe it",
        ),
        delete(
            PrincipalGroupDelete,
            "Hardline.Identity/groups/delete",
            Item(GROUPS),
            "Delete a group of principals with everything it was given",
        ),
        read(
            GroupMemberList,
            "Hardline.Identity/groups/members/list/read",
            Collection(MEMBERS),
            "List the members of a group",
        ),
        put(
            GroupMemberPut,
            "Hardline.Identity/groups/members/write",
            Item(MEMBERS),
            "Put a principal, or a group, into a group",
        ),
        delete(
            GroupMemberDelete,
            "Hardline.Identity/groups/members/delete",
            Item(MEMBERS),
            "Take a member out of a group",
        ),
    ]
}
