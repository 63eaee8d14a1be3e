//! Microsoft.Resources: tenants, subscriptions, locations, resource groups, and what the providers have and can do.

mod groups;
mod locations;
mod operations;
mod providers;
mod resource_list;
mod subscriptions;
mod tenants;

pub(super) use groups::document as group_document;
pub use groups::{group_delete, group_get, group_head, group_list, group_patch, group_put};
pub use locations::location_list;
pub use operations::provider_operations;
pub use providers::{
    provider_get, provider_list, provider_register, provider_unregister, tenant_provider_get,
    tenant_provider_list,
};
pub use resource_list::resource_list;
pub(super) use subscriptions::find as find_subscription;
pub use subscriptions::{subscription_delete, subscription_get, subscription_list, subscription_put};
pub use tenants::tenant_list;
