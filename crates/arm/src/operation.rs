//! An operation: one thing a caller can do. Route, permission, activity-log name, documentation and test coverage all
//! hang off its row in [`crate::operations`].

use crate::models::scale_set::INSTANCE_TYPE;
use crate::resource_id::{ArmPath, ResourceId};
use http::Method;

/// One row of the table.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The row's name in the code; the server dispatches on it.
    pub id: OperationId,
    /// `operationName` in the activity log and in `GET /providers/{namespace}/operations`; unique in the table.
    pub name: &'static str,
    /// The action that a role must allow. Differs from `name` where ours is another door to the same right.
    pub requires: Require,
    /// The HTTP method.
    pub method: Method,
    /// What the path must name.
    pub target: Target,
    /// Whether an activity event is written.
    pub audit: Audit,
    /// One line for people.
    pub summary: &'static str,
}

/// What a caller must be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Require {
    /// This action, at the target's scope.
    Action(&'static str),
    /// What reaches a guest: the first action where the path hangs on a virtual machine, the second where it hangs on an instance
    /// of a scale set; each is the one that Azure's own door to the same thing asks for.
    Guest(&'static str, &'static str),
    /// This action, at the target's scope or anywhere below it; the answer holds only what the caller may read.
    Visible(&'static str),
    /// This action at the target's scope, or any role at all in its subscription: whoever may do something there may see the
    /// subscription itself, and what concerns it as a whole.
    Member(&'static str),
    /// Being signed in; the answer holds only what the caller may read.
    SignedIn,
    /// The blob endpoint's own proof: a signature with the account's key, of the request itself or of a SAS.
    Sas,
}

impl Require {
    /// The action, where one is needed.
    pub fn action(self) -> Option<&'static str> {
        match self {
            Self::Action(action) | Self::Visible(action) | Self::Member(action) | Self::Guest(action, _) => {
                Some(action)
            }
            Self::SignedIn | Self::Sas => None,
        }
    }

    /// The action that is needed for what `id` names.
    pub fn action_at(self, id: &ResourceId) -> Option<&'static str> {
        match self {
            Self::Guest(_, action) if id.extended().resource_type().eq_ignore_ascii_case(INSTANCE_TYPE) => {
                Some(action)
            }
            other => other.action(),
        }
    }
}

/// What a path must name for a row to match. Types are compared in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A resource of this type: `…/virtualMachines/vm1`.
    Item(&'static str),
    /// The resources of this type below a subscription, a group or a parent: `…/virtualMachines`.
    Collection(&'static str),
    /// A verb (or a sub-document) of a resource of this type: `…/virtualMachines/vm1/start`.
    Verb(&'static str, &'static str),
    /// `/providers/{any namespace}/operations`.
    ProviderOperations,
    /// `/providers/{any namespace}`.
    TenantProvider,
    /// `/subscriptions/{subscription}/providers/{any namespace}`.
    SubscriptionProvider,
    /// A verb of `/subscriptions/{subscription}/providers/{any namespace}`: `…/register`.
    SubscriptionProviderVerb(&'static str),
    /// Not an ARM path: the blob endpoint or a console session's own URL.
    Elsewhere,
}

impl Target {
    /// The resource type; empty where the path names none.
    pub fn resource_type(self) -> &'static str {
        match self {
            Self::Item(kind) | Self::Collection(kind) | Self::Verb(kind, _) => kind,
            Self::ProviderOperations
            | Self::TenantProvider
            | Self::SubscriptionProvider
            | Self::SubscriptionProviderVerb(_)
            | Self::Elsewhere => "",
        }
    }

    fn matches(self, path: &ArmPath) -> bool {
        let kind = path.id.resource_type();
        match (self, &path.tail) {
            (Self::Item(t), None) => kind.eq_ignore_ascii_case(t),
            (Self::Verb(t, verb), Some(tail)) => {
                kind.eq_ignore_ascii_case(t) && tail.eq_ignore_ascii_case(verb)
            }
            (Self::Collection(t), Some(tail)) => match t.rsplit_once('/') {
                // These hang under the tenant itself and are not written with their namespace.
                Some(("Microsoft.Resources", last @ ("subscriptions" | "tenants" | "providers"))) => {
                    kind.is_empty() && tail.eq_ignore_ascii_case(last)
                }
                Some((parent, last)) => kind.eq_ignore_ascii_case(parent) && tail.eq_ignore_ascii_case(last),
                None => false,
            },
            (Self::ProviderOperations, Some(tail)) => {
                tail.eq_ignore_ascii_case("operations")
                    && path.id.subscription().is_none()
                    && path.id.namespace().is_some()
                    && !kind.contains('/')
            }
            (Self::TenantProvider, None) => path.id.subscription().is_none() && is_namespace(path, &kind),
            (Self::SubscriptionProvider, None) => {
                path.id.subscription().is_some() && path.id.group().is_none() && is_namespace(path, &kind)
            }
            (Self::SubscriptionProviderVerb(verb), Some(tail)) => {
                tail.eq_ignore_ascii_case(verb)
                    && path.id.subscription().is_some()
                    && path.id.group().is_none()
                    && is_namespace(path, &kind)
            }
            _ => false,
        }
    }
}

/// Whether the path ends with the namespace of its first provider.
fn is_namespace(path: &ArmPath, kind: &str) -> bool {
    path.id.namespace() == Some(kind) && path.id.scope().namespace().is_none()
}

/// When an operation leaves an activity event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audit {
    /// Writes, actions, and every read of what a guest printed or shows: start and end events, refusals too.
    Always,
    /// Reads of the control plane's own documents: only a refusal (403) leaves an event.
    Refusals,
}

macro_rules! ids {
    ($($id:ident),* $(,)?) => {
        /// The name of a row. Every id has exactly one row (tested), every row a handler (the server's match is exhaustive).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "the row itself is the documentation")]
        pub enum OperationId { $($id),* }

        impl OperationId {
            /// Every id.
            pub const ALL: &'static [Self] = &[$(Self::$id),*];
        }
    };
}

ids! {
    // Microsoft.Resources
    SubscriptionList, SubscriptionGet, SubscriptionPut, SubscriptionDelete,
    GroupList, GroupGet, GroupHead, GroupPut, GroupPatch, GroupDelete,
    ProviderOperations,
    TenantList, LocationList, TenantProviderList, TenantProviderGet, ProviderList, ProviderGet,
    ProviderRegister, ProviderUnregister, ResourceList, GroupResourceList,
    // Microsoft.Compute: what a location offers
    ImagePublisherList, ImageOfferList, ImageSkuList, ImageVersionList, ImageVersionGet,
    VmSizeList, ComputeSkuList, VmResizeOptionList,
    // Microsoft.Resources/deployments
    DeploymentList, DeploymentGet, DeploymentHead, DeploymentPut, DeploymentDelete,
    DeploymentValidate, DeploymentWhatIf, DeploymentCancel,
    DeploymentOperationList, DeploymentOperationGet, DeploymentStatusGet,
    // Microsoft.Compute
    VmList, VmGet, VmPut, VmPatch, VmDelete, VmInstanceView,
    VmStart, VmPowerOff, VmRestart, VmDeallocate, VmRetrieveBootDiagnosticsData,
    ComputeOperationGet,
    ScaleSetList, ScaleSetGet, ScaleSetPut, ScaleSetPatch, ScaleSetDelete, ScaleSetInstanceView,
    ScaleSetStart, ScaleSetPowerOff, ScaleSetRestart, ScaleSetDeallocate, ScaleSetDeleteInstances, ScaleSetManualUpgrade,
    InstanceList, InstanceGet, InstanceDelete, InstanceInstanceView,
    InstanceStart, InstancePowerOff, InstanceRestart, InstanceDeallocate, InstanceRetrieveBootDiagnosticsData,
    // Microsoft.Network
    VnetList, VnetGet, VnetPut, VnetPatch, VnetDelete, VnetCheckAddress,
    SubnetList, SubnetGet, SubnetPut, SubnetDelete,
    NicList, NicGet, NicPut, NicPatch, NicDelete,
    PublicIpList, PublicIpGet, PublicIpPut, PublicIpPatch, PublicIpDelete,
    NsgList, NsgGet, NsgPut, NsgPatch, NsgDelete,
    SecurityRuleList, SecurityRuleGet, SecurityRulePut, SecurityRuleDelete,
    DefaultSecurityRuleList, DefaultSecurityRuleGet,
    RouteTableList, RouteTableGet, RouteTablePut, RouteTablePatch, RouteTableDelete,
    RouteList, RouteGet, RoutePut, RouteDelete,
    // Microsoft.SerialConsole
    ConsoleServiceGet, ConsoleServiceEnable, ConsoleServiceDisable,
    SerialPortList, SerialPortGet, SerialPortPut, SerialPortDelete, SerialPortConnect,
    // Microsoft.Authorization
    RoleDefinitionList, RoleDefinitionGet, RoleDefinitionPut, RoleDefinitionDelete,
    RoleAssignmentList, RoleAssignmentGet, RoleAssignmentPut, RoleAssignmentDelete, PermissionList,
    // Microsoft.Insights
    ActivityLogList,
    DiagnosticSettingList, DiagnosticSettingGet, DiagnosticSettingPut, DiagnosticSettingDelete,
    // Microsoft.Storage
    StorageNameCheck, StorageAccountList, StorageAccountGet, StorageAccountPut, StorageAccountPatch, StorageAccountDelete,
    StorageAccountListKeys, StorageAccountRegenerateKey,
    // Microsoft.Storage (data plane)
    ContainerRead, BlobGet, BlobHead,
    // Hardline.Console
    ConsoleStream, ConsoleSession, ConsoleNmi, ConsoleReset, ConsoleSysRq, ConsoleBreak,
    // Hardline.Diagnostics
    SerialLogGet, SerialLogContent, ScreenshotContent,
    // Hardline.Insights
    EventRecordList, MetricsGet,
    // Hardline.Identity: the directory
    UserList, UserGet, UserPut, UserDelete,
    ServicePrincipalList, ServicePrincipalGet, ServicePrincipalPut, ServicePrincipalDelete,
    PrincipalGroupList, PrincipalGroupGet, PrincipalGroupPut, PrincipalGroupDelete,
    GroupMemberList, GroupMemberPut, GroupMemberDelete,
    // Hardline.Fleet
    HostList,
    // Hardline.Identity
    DeviceCodeFind, DeviceCodeAnswer,
    // Hardline.Detection
    DetectionRuleList, DetectionRuleGet, DetectionRulePut, DetectionRulePatch, DetectionRuleDelete,
    DetectionRuleCheck, DetectionRuleTry, DetectionRuleImport,
    AlertList, AlertGet, AlertPatch,
}

/// What a request's method and path mean.
#[derive(Clone, Debug)]
pub enum Identified {
    /// This row.
    Operation(&'static Operation),
    /// The path is known; these methods are.
    WrongMethod(Vec<Method>),
    /// No row has such a path.
    Unknown,
}

/// Finds the row of a request.
pub fn identify(method: &Method, path: &ArmPath) -> Identified {
    let mut other = Vec::new();
    for operation in crate::operations::all() {
        if operation.target.matches(path) {
            if operation.method == *method {
                return Identified::Operation(operation);
            }
            other.push(operation.method.clone());
        }
    }
    if other.is_empty() { Identified::Unknown } else { Identified::WrongMethod(other) }
}
