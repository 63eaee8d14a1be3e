//! The resource provider `insights`. Each function answers one row of the table.

super::unbuilt! {
    activity_log_list,
}
