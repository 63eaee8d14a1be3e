//! The built-in roles, with Azure's GUIDs and lists of actions: those that the documents of boot diagnostics and of the
//! serial console name, and those that one needs to give and take them.
//!
//! How sure the lists are (Azure changes them from time to time; what is said here is what Azure published in 2024):
//! - Owner, Reader, User Access Administrator, Network Contributor, Storage Account Key Operator, Storage Account Contributor: certain.
//! - Contributor: certain for everything that Hardline has an operation for. Of `notActions`, the entries of Purview, of
//!   subscriptions (`cancel`, `enable`) and of deployment stacks came late and may be fewer or more in Azure.
//! - Virtual Machine Contributor: certain for Microsoft.Compute, Microsoft.Network, Microsoft.Storage,
//!   Microsoft.SerialConsole and Microsoft.Resources. The entries of Microsoft.DevTestLab, Microsoft.RecoveryServices
//!   and Microsoft.SqlVirtualMachine stand for completeness; Hardline has no operation that they could allow.
//! - The descriptions are in our own words where Azure's speak of what Hardline does not have.

use super::{Permission, RoleDefinition, RoleKind};
use std::sync::LazyLock;
use uuid::{Uuid, uuid};

/// Everything, role assignments too.
pub const OWNER: Uuid = uuid!("8e3af657-a8ff-443c-a75c-2fe8c4bcb635");
/// Everything but giving rights.
pub const CONTRIBUTOR: Uuid = uuid!("b24988ac-6180-42a0-ab88-20f7382dd24c");
/// Reading documents; neither consoles nor boot diagnostics data.
pub const READER: Uuid = uuid!("acdd72a7-3385-48ef-bd42-f606fba81ae7");
/// Reading, and giving rights.
pub const USER_ACCESS_ADMINISTRATOR: Uuid = uuid!("18d7d88d-d35e-4fb5-a5c3-7773c20a72d9");
/// Virtual machines, their consoles and boot diagnostics.
pub const VIRTUAL_MACHINE_CONTRIBUTOR: Uuid = uuid!("9980e02c-c2be-4d73-94e8-173b1dc7cf3c");
/// Networks and everything in them.
pub const NETWORK_CONTRIBUTOR: Uuid = uuid!("4d97b98b-1d4f-4787-a291-c67834d212e7");
/// Storage accounts and their keys.
pub const STORAGE_ACCOUNT_CONTRIBUTOR: Uuid = uuid!("17d1049b-9a84-46fb-8f53-869881c3d3ab");
/// The keys of storage accounts.
pub const STORAGE_ACCOUNT_KEY_OPERATOR: Uuid = uuid!("81a9662b-bebf-436f-a333-f67b29880f12");

static ROLES: LazyLock<Vec<RoleDefinition>> = LazyLock::new(|| {
    vec![
        role(
            OWNER,
            "Owner",
            "Grants full access to manage all resources, including the ability to assign roles.",
            &["*"],
            &[],
        ),
        role(
            CONTRIBUTOR,
            "Contributor",
            "Grants full access to manage all resources, but does not allow assigning roles.",
            &["*"],
            CONTRIBUTOR_NOT,
        ),
        role(
            READER,
            "Reader",
            "View all resources, but does not allow making any changes.",
            &["*/read"],
            &[],
        ),
        role(
            USER_ACCESS_ADMINISTRATOR,
            "User Access Administrator",
            "Lets you manage user access to resources.",
            &["*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"],
            &[],
        ),
        role(
            VIRTUAL_MACHINE_CONTRIBUTOR,
            "Virtual Machine Contributor",
            "Lets you manage virtual machines, their consoles and boot diagnostics, but not access to them.",
            VIRTUAL_MACHINE_CONTRIBUTOR_ACTIONS,
            &[],
        ),
        role(
            NETWORK_CONTRIBUTOR,
            "Network Contributor",
            "Lets you manage networks, but not access to them.",
            &[
                "Microsoft.Authorization/*/read",
                "Microsoft.Insights/alertRules/*",
                "Microsoft.Network/*",
                "Microsoft.ResourceHealth/availabilityStatuses/read",
                "Microsoft.Resources/deployments/*",
                "Microsoft.Resources/subscriptions/resourceGroups/read",
                "Microsoft.Support/*",
            ],
            &[],
        ),
        role(
            STORAGE_ACCOUNT_KEY_OPERATOR,
            "Storage Account Key Operator Service Role",
            "Allows listing and regenerating storage account access keys.",
            &[
                "Microsoft.Storage/storageAccounts/listkeys/action",
                "Microsoft.Storage/storageAccounts/regeneratekey/action",
            ],
            &[],
        ),
        role(
            STORAGE_ACCOUNT_CONTRIBUTOR,
            "Storage Account Contributor",
            "Lets you manage storage accounts, including accessing storage account keys which provide full access to storage account data.",
            &[
                "Microsoft.Authorization/*/read",
                "Microsoft.Insights/alertRules/*",
                "Microsoft.Insights/diagnosticSettings/*",
                "Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action",
                "Microsoft.ResourceHealth/availabilityStatuses/read",
                "Microsoft.Resources/deployments/*",
                "Microsoft.Resources/subscriptions/resourceGroups/read",
                "Microsoft.Storage/storageAccounts/*",
                "Microsoft.Support/*",
            ],
            &[],
        ),
    ]
});

/// Every built-in role.
pub fn built_in_roles() -> &'static [RoleDefinition] {
    &ROLES
}

fn role(name: Uuid, role_name: &str, description: &str, actions: &[&str], not: &[&str]) -> RoleDefinition {
    let texts = |list: &[&str]| list.iter().map(ToString::to_string).collect();
    RoleDefinition {
        name,
        role_name: role_name.into(),
        description: description.into(),
        kind: RoleKind::BuiltIn,
        assignable_scopes: vec!["/".into()],
        permissions: vec![Permission {
            actions: texts(actions),
            not_actions: texts(not),
            ..Permission::default()
        }],
    }
}

const CONTRIBUTOR_NOT: &[&str] = &[
    "Microsoft.Authorization/*/Delete",
    "Microsoft.Authorization/*/Write",
    "Microsoft.Authorization/elevateAccess/Action",
    "Microsoft.Blueprint/blueprintAssignments/write",
    "Microsoft.Blueprint/blueprintAssignments/delete",
    "Microsoft.Compute/galleries/share/action",
    "Microsoft.Purview/consents/write",
    "Microsoft.Purview/consents/delete",
    "Microsoft.Resources/deploymentStacks/manageDenySetting/action",
    "Microsoft.Subscription/cancel/action",
    "Microsoft.Subscription/enable/action",
];

const VIRTUAL_MACHINE_CONTRIBUTOR_ACTIONS: &[&str] = &[
    "Microsoft.Authorization/*/read",
    "Microsoft.Compute/availabilitySets/*",
    "Microsoft.Compute/locations/*",
    "Microsoft.Compute/virtualMachines/*",
    "Microsoft.Compute/virtualMachineScaleSets/*",
    "Microsoft.Compute/cloudServices/*",
    "Microsoft.Compute/disks/write",
    "Microsoft.Compute/disks/read",
    "Microsoft.Compute/disks/delete",
    "Microsoft.DevTestLab/schedules/*",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Network/applicationGateways/backendAddressPools/join/action",
    "Microsoft.Network/loadBalancers/backendAddressPools/join/action",
    "Microsoft.Network/loadBalancers/inboundNatPools/join/action",
    "Microsoft.Network/loadBalancers/inboundNatRules/join/action",
    "Microsoft.Network/loadBalancers/probes/join/action",
    "Microsoft.Network/loadBalancers/read",
    "Microsoft.Network/locations/*",
    "Microsoft.Network/networkInterfaces/*",
    "Microsoft.Network/networkSecurityGroups/join/action",
    "Microsoft.Network/networkSecurityGroups/read",
    "Microsoft.Network/publicIPAddresses/join/action",
    "Microsoft.Network/publicIPAddresses/read",
    "Microsoft.Network/virtualNetworks/read",
    "Microsoft.Network/virtualNetworks/subnets/join/action",
    "Microsoft.RecoveryServices/locations/*",
    "Microsoft.RecoveryServices/Vaults/backupFabrics/backupProtectionIntent/write",
    "Microsoft.RecoveryServices/Vaults/backupFabrics/protectionContainers/protectedItems/*/read",
    "Microsoft.RecoveryServices/Vaults/backupFabrics/protectionContainers/protectedItems/read",
    "Microsoft.RecoveryServices/Vaults/backupFabrics/protectionContainers/protectedItems/write",
    "Microsoft.RecoveryServices/Vaults/backupPolicies/read",
    "Microsoft.RecoveryServices/Vaults/backupPolicies/write",
    "Microsoft.RecoveryServices/Vaults/read",
    "Microsoft.RecoveryServices/Vaults/usages/read",
    "Microsoft.RecoveryServices/Vaults/write",
    "Microsoft.ResourceHealth/availabilityStatuses/read",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.SerialConsole/serialPorts/connect/action",
    "Microsoft.SqlVirtualMachine/*",
    "Microsoft.Storage/storageAccounts/listKeys/action",
    "Microsoft.Storage/storageAccounts/read",
    "Microsoft.Support/*",
];
