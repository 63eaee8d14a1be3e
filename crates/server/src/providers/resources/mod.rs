//! The resource provider `resources`. Each function answers one row of the table.

super::unbuilt! {
    subscription_list,
    subscription_get,
    subscription_put,
    subscription_delete,
    group_list,
    group_get,
    group_head,
    group_put,
    group_patch,
    group_delete,
    provider_operations,
}
