//! The one event that is stored, and the parts that it is made of.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A value and its text for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Localized {
    /// What programs compare.
    pub value: String,
    /// What people read.
    #[serde(default)]
    pub localized_value: String,
}

impl Localized {
    /// The same text for both.
    pub fn plain(value: impl Into<String>) -> Self {
        let value = value.into();
        Self { localized_value: value.clone(), value }
    }

    /// A value with a text of its own.
    pub fn new(value: impl Into<String>, localized_value: impl Into<String>) -> Self {
        Self { value: value.into(), localized_value: localized_value.into() }
    }
}

/// The right that was asked for, and the role that gave it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizationRecord {
    /// The action that a role had to allow.
    pub action: String,
    /// The role that allowed it; none when the request was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The scope over which the action was asked for.
    pub scope: String,
    /// The assignment behind `role`; none when the request was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<AuthorizationEvidence>,
}

/// The role assignment that allowed a request. Ids are 32 hex digits without dashes, as in Azure's own records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthorizationEvidence {
    /// The role's name.
    pub role: String,
    /// The scope at which it was given.
    pub role_assignment_scope: String,
    /// The assignment.
    pub role_assignment_id: String,
    /// The role.
    pub role_definition_id: String,
    /// Who has it.
    pub principal_id: String,
    /// `User` or `ServicePrincipal`.
    pub principal_type: String,
}

/// Where the request came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRequest {
    /// `x-ms-client-request-id`, or ours when the client sent none.
    pub client_request_id: String,
    /// The client's address, without port.
    pub client_ip_address: String,
    /// The HTTP method.
    pub method: String,
    /// The request's URI, without query: a query may hold a SAS or a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
}

/// How grave an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "Azure's own words")]
pub enum Level {
    Critical,
    Error,
    Warning,
    Informational,
    Verbose,
}

/// One event, as it is stored: what `GET …/eventtypes/management/values` gives, and [`Particulars`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActivityEvent {
    /// Right and role.
    pub authorization: AuthorizationRecord,
    /// UPN of a user, object id of a service principal.
    pub caller: String,
    /// Always `Operation`.
    pub channels: String,
    /// The token's claims, as strings.
    pub claims: BTreeMap<String, String>,
    /// Shared by all events of one request and of what it set going.
    pub correlation_id: String,
    /// A sentence; often empty.
    pub description: String,
    /// This event's own id.
    pub event_data_id: String,
    /// `BeginRequest` or `EndRequest`.
    pub event_name: Localized,
    /// `Administrative`.
    pub category: Localized,
    /// Where the request came from.
    pub http_request: HttpRequest,
    /// `{resourceId}/events/{eventDataId}/ticks/{ticks}`.
    pub id: String,
    /// How grave it is.
    pub level: Level,
    /// The group's name; empty above groups.
    pub resource_group_name: String,
    /// `Microsoft.Compute`.
    pub resource_provider_name: Localized,
    /// The resource's id.
    pub resource_id: String,
    /// `Microsoft.Compute/virtualMachines`.
    pub resource_type: Localized,
    /// One operation's id; the same as the correlation id for a single request.
    pub operation_id: String,
    /// `Microsoft.Compute/virtualMachines/start/action`.
    pub operation_name: Localized,
    /// More facts, as strings: `statusCode`, `statusMessage`, `entity`, byte counts of a console session.
    pub properties: BTreeMap<String, String>,
    /// `Started`, `Accepted`, `Succeeded`, `Failed`.
    pub status: Localized,
    /// `Created`, `Created (HTTP Status Code: 201)`; empty in a start event.
    pub sub_status: Localized,
    /// When it happened.
    pub event_timestamp: Timestamp,
    /// When it could be queried; here the same, because the event is in the transaction of the change.
    pub submission_timestamp: Timestamp,
    /// The subscription; empty above subscriptions.
    pub subscription_id: String,
    /// The tenant.
    pub tenant_id: String,
    /// What the REST answer leaves out ([`super::rest`]) and other views need; events from before it was kept lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub particulars: Option<Particulars>,
}

/// What is stored with an event beyond its REST view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Particulars {
    /// When the operation began whose event this is.
    pub started: Timestamp,
    /// The server's location: `local`.
    #[serde(default)]
    pub location: String,
}
