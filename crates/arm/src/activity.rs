//! Activity events: who did what to which resource, from where, and how it ended (contract section 6).
//!
//! A [`Deed`] is what all events of one request share. It is kept with a long-running operation, so that the end event
//! written an hour later by another process still names the caller, the address and the correlation id.
//!
//! ```text
//!   Deed ── started ──► BeginRequest/Started
//!      ├── accepted ──► EndRequest/Accepted     (a long-running operation goes on)
//!      ├── succeeded ─► EndRequest/Succeeded
//!      └── failed ────► EndRequest/Failed       (also every refusal, 403)
//! ```

use crate::error::ArmError;
use crate::operation::Operation;
use crate::resource_id::ResourceId;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

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

/// One event, as `GET …/eventtypes/management/values` gives it.
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
}

/// What all events of one request share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deed {
    /// `operationName.value`.
    pub operation: String,
    /// `operationName.localizedValue`.
    pub summary: String,
    /// What it is done to.
    pub resource_id: String,
    /// Right and role.
    pub authorization: AuthorizationRecord,
    /// UPN of a user, object id of a service principal.
    pub caller: String,
    /// The token's claims.
    pub claims: BTreeMap<String, String>,
    /// The tenant.
    pub tenant_id: String,
    /// Shared by everything that the request sets going.
    pub correlation_id: Uuid,
    /// This operation's own id.
    pub operation_id: Uuid,
    /// Where the request came from.
    pub http_request: HttpRequest,
    /// More facts for `properties`: the byte counts of a console session, the blob that was read.
    #[serde(default)]
    pub facts: BTreeMap<String, String>,
}

impl Deed {
    /// A deed of `operation` on `resource`; caller, right and request are set by the fields.
    pub fn new(operation: &Operation, resource: &ResourceId, correlation_id: Uuid) -> Self {
        Self {
            operation: operation.name.into(),
            summary: operation.summary.into(),
            resource_id: resource.scope().to_string(),
            authorization: AuthorizationRecord::default(),
            caller: String::new(),
            claims: BTreeMap::new(),
            tenant_id: String::new(),
            correlation_id,
            operation_id: correlation_id,
            http_request: HttpRequest::default(),
            facts: BTreeMap::new(),
        }
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.facts.insert(name.into(), value.into());
        self
    }

    /// The event that opens it.
    pub fn started(&self, event: Uuid, at: Timestamp) -> ActivityEvent {
        self.event(event, at, "BeginRequest", "Started", Level::Informational, None)
    }

    /// The request was taken and goes on behind the answer (202, or 201 with a status URL).
    pub fn accepted(&self, event: Uuid, at: Timestamp, status: StatusCode) -> ActivityEvent {
        self.event(event, at, "EndRequest", "Accepted", Level::Informational, Some(status))
    }

    /// It is done.
    pub fn succeeded(&self, event: Uuid, at: Timestamp, status: StatusCode) -> ActivityEvent {
        self.event(event, at, "EndRequest", "Succeeded", Level::Informational, Some(status))
    }

    /// It was refused or went wrong; the outward half of the error is kept as `statusMessage`.
    pub fn failed(&self, event: Uuid, at: Timestamp, error: &ArmError) -> ActivityEvent {
        let mut failed = self.event(event, at, "EndRequest", "Failed", Level::Error, Some(error.status));
        failed.description.clone_from(&error.message);
        failed.properties.insert("statusMessage".into(), error.envelope().to_string());
        failed
    }

    fn event(
        &self,
        event: Uuid,
        at: Timestamp,
        name: &str,
        status: &str,
        level: Level,
        http: Option<StatusCode>,
    ) -> ActivityEvent {
        let id = ResourceId::parse(&self.resource_id).unwrap_or_default();
        let (sub_status, status_code) = match http {
            Some(code) => {
                let word = code.canonical_reason().unwrap_or("").replace(' ', "");
                let text = format!(
                    "{} (HTTP Status Code: {})",
                    code.canonical_reason().unwrap_or(""),
                    code.as_u16()
                );
                (Localized::new(word.clone(), text), Some(word))
            }
            None => (Localized::default(), None),
        };
        let mut properties = self.facts.clone();
        properties.extend([
            ("entity".to_string(), self.resource_id.clone()),
            ("eventCategory".to_string(), "Administrative".to_string()),
            ("message".to_string(), self.operation.clone()),
        ]);
        if let Some(code) = status_code {
            properties.insert("statusCode".into(), code);
        }
        let namespace =
            id.namespace().unwrap_or(if id.subscription().is_some() { "Microsoft.Resources" } else { "" });
        ActivityEvent {
            authorization: self.authorization.clone(),
            caller: self.caller.clone(),
            channels: "Operation".into(),
            claims: self.claims.clone(),
            correlation_id: self.correlation_id.to_string(),
            description: String::new(),
            event_data_id: event.to_string(),
            event_name: Localized::new(
                name,
                if name == "BeginRequest" { "Begin request" } else { "End request" },
            ),
            category: Localized::plain("Administrative"),
            http_request: self.http_request.clone(),
            id: format!("{}/events/{event}/ticks/{}", self.resource_id.trim_end_matches('/'), ticks(at)),
            level,
            resource_group_name: id.group().unwrap_or("").into(),
            resource_provider_name: Localized::plain(namespace),
            resource_id: self.resource_id.clone(),
            resource_type: Localized::plain(id.resource_type()),
            operation_id: self.operation_id.to_string(),
            operation_name: Localized::new(self.operation.clone(), self.summary.clone()),
            properties,
            status: Localized::plain(status),
            sub_status,
            event_timestamp: at,
            submission_timestamp: at,
            subscription_id: id.subscription().unwrap_or("").into(),
            tenant_id: self.tenant_id.clone(),
        }
    }
}

/// 100 ns since the year 1, as Azure counts in event ids.
pub fn ticks(at: Timestamp) -> i128 {
    const EPOCH: i128 = 621_355_968_000_000_000;
    EPOCH + at.as_nanosecond() / 100
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::OperationId;
    use crate::operations;

    fn deed() -> Deed {
        let vm = "/subscriptions/s/resourceGroups/RG/providers/Microsoft.Compute/virtualMachines/web";
        let mut deed = Deed::new(
            operations::get(OperationId::VmStart),
            &ResourceId::parse(vm).unwrap(),
            Uuid::from_u128(7),
        );
        deed.caller = "ann@example".into();
        deed
    }

    #[test]
    fn a_success_has_every_member_that_clients_show() {
        let at = "2026-11-21T19:00:00Z".parse().unwrap();
        let event = deed().succeeded(Uuid::from_u128(9), at, StatusCode::CREATED);
        insta::assert_snapshot!(serde_json::to_string_pretty(&event).unwrap(), @r#"
        {
          "authorization": {
            "action": "",
            "scope": ""
          },
          "caller": "ann@example",
          "channels": "Operation",
          "claims": {},
          "correlationId": "00000000-0000-0000-0000-000000000007",
          "description": "",
          "eventDataId": "00000000-0000-0000-0000-000000000009",
          "eventName": {
            "value": "EndRequest",
            "localizedValue": "End request"
          },
          "category": {
            "value": "Administrative",
            "localizedValue": "Administrative"
          },
          "httpRequest": {
            "clientRequestId": "",
            "clientIpAddress": "",
            "method": ""
          },
          "id": "/subscriptions/s/resourceGroups/RG/providers/Microsoft.Compute/virtualMachines/web/events/00000000-0000-0000-0000-000000000009/ticks/639308844000000000",
          "level": "Informational",
          "resourceGroupName": "RG",
          "resourceProviderName": {
            "value": "Microsoft.Compute",
            "localizedValue": "Microsoft.Compute"
          },
          "resourceId": "/subscriptions/s/resourceGroups/RG/providers/Microsoft.Compute/virtualMachines/web",
          "resourceType": {
            "value": "Microsoft.Compute/virtualMachines",
            "localizedValue": "Microsoft.Compute/virtualMachines"
          },
          "operationId": "00000000-0000-0000-0000-000000000007",
          "operationName": {
            "value": "Microsoft.Compute/virtualMachines/start/action",
            "localizedValue": "Start a virtual machine"
          },
          "properties": {
            "entity": "/subscriptions/s/resourceGroups/RG/providers/Microsoft.Compute/virtualMachines/web",
            "eventCategory": "Administrative",
            "message": "Microsoft.Compute/virtualMachines/start/action",
            "statusCode": "Created"
          },
          "status": {
            "value": "Succeeded",
            "localizedValue": "Succeeded"
          },
          "subStatus": {
            "value": "Created",
            "localizedValue": "Created (HTTP Status Code: 201)"
          },
          "eventTimestamp": "2026-11-21T19:00:00Z",
          "submissionTimestamp": "2026-11-21T19:00:00Z",
          "subscriptionId": "s",
          "tenantId": ""
        }
        "#);
    }

    #[test]
    fn a_failure_keeps_the_outward_half_only() {
        let error = ArmError::internal("disk of host7 is full");
        let event = deed().failed(Uuid::from_u128(9), Timestamp::UNIX_EPOCH, &error);
        assert_eq!(event.status.value, "Failed");
        assert_eq!(event.level, Level::Error);
        let text = serde_json::to_string(&event).unwrap();
        assert!(!text.contains("host7") && text.contains("InternalServerError"));
    }

    #[test]
    fn ticks_are_those_of_the_year_one() {
        assert_eq!(ticks("2000-01-01T00:00:00Z".parse().unwrap()), 630_822_816_000_000_000);
    }

    #[test]
    fn a_list_is_recorded_at_its_scope() {
        let path = crate::resource_id::ArmPath::parse(
            "/subscriptions/s/providers/Microsoft.Compute/virtualMachines",
        )
        .unwrap();
        let deed = Deed::new(operations::get(OperationId::VmList), &path.id, Uuid::nil());
        assert_eq!(deed.resource_id, "/subscriptions/s");
    }
}
