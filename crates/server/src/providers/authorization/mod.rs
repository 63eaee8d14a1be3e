//! The resource provider `authorization`. Each function answers one row of the table.

super::unbuilt! {
    role_definition_list,
    role_definition_get,
    role_assignment_list,
    role_assignment_get,
    role_assignment_put,
    role_assignment_delete,
}
