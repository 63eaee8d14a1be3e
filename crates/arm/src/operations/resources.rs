//! Microsoft.Resources: subscriptions and resource groups.

use super::*;

const SUBSCRIPTIONS: &str = "Microsoft.Resources/subscriptions";
const GROUPS: &str = "Microsoft.Resources/subscriptions/resourceGroups";

pub(super) fn rows() -> Vec<Operation> {
    use Audit::{Always, Refusals};
    use OperationId::*;
    use Target::{Collection, Item};
    const GROUP_READ: &str = "Microsoft.Resources/subscriptions/resourceGroups/read";
    const PROVIDER_READ: &str = "Microsoft.Resources/subscriptions/providers/read";
    const RESOURCES_READ: &str = "Microsoft.Resources/subscriptions/resources/read";
    const GROUP_RESOURCES_READ: &str = "Microsoft.Resources/subscriptions/resourceGroups/resources/read";
    const GROUP_WRITE: &str = "Microsoft.Resources/subscriptions/resourceGroups/write";
    vec![
        Operation {
            requires: Require::SignedIn,
            ..row(
                SubscriptionList,
                "Microsoft.Resources/subscriptions/list/read",
                Method::GET,
                Collection(SUBSCRIPTIONS),
                Refusals,
                "The subscriptions that the caller may read",
            )
        },
        Operation {
            requires: Require::Member("Microsoft.Resources/subscriptions/read"),
            ..row(
                SubscriptionGet,
                "Microsoft.Resources/subscriptions/read",
                Method::GET,
                Item(SUBSCRIPTIONS),
                Refusals,
                "Get a subscription",
            )
        },
        row(
            SubscriptionPut,
            "Microsoft.Resources/subscriptions/write",
            Method::PUT,
            Item(SUBSCRIPTIONS),
            Always,
            "Create or rename a subscription",
        ),
        row(
            SubscriptionDelete,
            "Microsoft.Resources/subscriptions/delete",
            Method::DELETE,
            Item(SUBSCRIPTIONS),
            Always,
            "Delete an empty subscription",
        ),
        Operation {
            requires: Require::Visible(GROUP_READ),
            ..row(
                GroupList,
                "Microsoft.Resources/subscriptions/resourceGroups/list/read",
                Method::GET,
                Collection(GROUPS),
                Refusals,
                "List resource groups",
            )
        },
        row(GroupGet, GROUP_READ, Method::GET, Item(GROUPS), Refusals, "Get a resource group"),
        Operation {
            requires: Require::Action(GROUP_READ),
            ..row(
                GroupHead,
                GROUP_READ,
                Method::HEAD,
                Item(GROUPS),
                Refusals,
                "Whether a resource group exists",
            )
        },
        row(GroupPut, GROUP_WRITE, Method::PUT, Item(GROUPS), Always, "Create or update a resource group"),
        row(GroupPatch, GROUP_WRITE, Method::PATCH, Item(GROUPS), Always, "Change a resource group's tags"),
        row(
            GroupDelete,
            "Microsoft.Resources/subscriptions/resourceGroups/delete",
            Method::DELETE,
            Item(GROUPS),
            Always,
            "Delete a resource group and everything in it",
        ),
        Operation {
            requires: Require::SignedIn,
            ..row(
                ProviderOperations,
                "Microsoft.Resources/providers/operations/read",
                Method::GET,
                Target::ProviderOperations,
                Refusals,
                "The operations of a resource provider",
            )
        },
        Operation {
            requires: Require::SignedIn,
            ..row(
                TenantList,
                "Microsoft.Resources/tenants/read",
                Method::GET,
                Collection("Microsoft.Resources/tenants"),
                Refusals,
                "The tenants in which the caller is",
            )
        },
        Operation {
            requires: Require::Member("Microsoft.Resources/subscriptions/locations/read"),
            ..row(
                LocationList,
                "Microsoft.Resources/subscriptions/locations/read",
                Method::GET,
                Collection("Microsoft.Resources/subscriptions/locations"),
                Refusals,
                "The locations of a subscription",
            )
        },
        Operation {
            requires: Require::SignedIn,
            ..row(
                TenantProviderList,
                "Microsoft.Resources/providers/list/read",
                Method::GET,
                Collection("Microsoft.Resources/providers"),
                Refusals,
                "The resource providers",
            )
        },
        Operation {
            requires: Require::SignedIn,
            ..row(
                TenantProviderGet,
                "Microsoft.Resources/providers/read",
                Method::GET,
                Target::TenantProvider,
                Refusals,
                "A resource provider: its types with their api-versions",
            )
        },
        Operation {
            requires: Require::Member(PROVIDER_READ),
            ..row(
                ProviderList,
                "Microsoft.Resources/subscriptions/providers/list/read",
                Method::GET,
                Collection("Microsoft.Resources/subscriptions/providers"),
                Refusals,
                "The resource providers, for a subscription",
            )
        },
        Operation {
            requires: Require::Member(PROVIDER_READ),
            ..row(
                ProviderGet,
                PROVIDER_READ,
                Method::GET,
                Target::SubscriptionProvider,
                Refusals,
                "A resource provider, for a subscription",
            )
        },
        row(
            ProviderRegister,
            "Microsoft.Resources/subscriptions/providers/register/action",
            Method::POST,
            Target::SubscriptionProviderVerb("register"),
            Always,
            "Register a resource provider; each is, from the start",
        ),
        row(
            ProviderUnregister,
            "Microsoft.Resources/subscriptions/providers/unregister/action",
            Method::POST,
            Target::SubscriptionProviderVerb("unregister"),
            Always,
            "Unregister a resource provider, which is refused",
        ),
        Operation {
            requires: Require::Member(RESOURCES_READ),
            ..row(
                ResourceList,
                RESOURCES_READ,
                Method::GET,
                Collection("Microsoft.Resources/subscriptions/resources"),
                Refusals,
                "List the resources of a subscription, of every type",
            )
        },
        Operation {
            requires: Require::Member(GROUP_RESOURCES_READ),
            ..row(
                GroupResourceList,
                GROUP_RESOURCES_READ,
                Method::GET,
                Collection("Microsoft.Resources/subscriptions/resourceGroups/resources"),
                Refusals,
                "List the resources of a resource group, of every type",
            )
        },
    ]
}
