//! Microsoft.Authorization: role definitions and role assignments.

mod assignments;
mod definitions;
mod scope;

pub use assignments::{
    role_assignment_delete, role_assignment_get, role_assignment_list, role_assignment_put,
};
pub use definitions::{role_definition_get, role_definition_list};
