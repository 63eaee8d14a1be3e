//! Microsoft.Authorization: role definitions, role assignments, and what the caller may do.

mod assignments;
mod definitions;
mod documents;
mod permissions;
mod scope;

pub use assignments::{
    role_assignment_delete, role_assignment_get, role_assignment_list, role_assignment_put,
};
pub use definitions::{
    role_definition_delete, role_definition_get, role_definition_list, role_definition_put,
};
pub use permissions::permission_list;
