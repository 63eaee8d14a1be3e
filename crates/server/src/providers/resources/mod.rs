//! Microsoft.Resources: subscriptions, resource groups, and what the providers can do.

mod groups;
mod operations;
mod subscriptions;

pub use groups::{group_delete, group_get, group_head, group_list, group_patch, group_put};
pub use operations::provider_operations;
pub(super) use subscriptions::find as find_subscription;
pub use subscriptions::{subscription_delete, subscription_get, subscription_list, subscription_put};
