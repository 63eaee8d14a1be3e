//! What all events of one request share, and how they are made of it.

use super::event::{ActivityEvent, AuthorizationRecord, HttpRequest, Level, Localized, Particulars};
use crate::error::ArmError;
use crate::operation::Operation;
use crate::resource_id::ResourceId;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use uuid::Uuid;

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
    /// When it began; deeds from before this was kept lack it.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// The server's location.
    #[serde(default)]
    pub location: String,
    /// The request's own id, `x-ms-request-id`: `properties.serviceRequestId`.
    #[serde(default)]
    pub service_request_id: String,
    /// What the request's body asked for, without secrets ([`super::request_body`]): `properties.requestbody` of the start event.
    #[serde(default)]
    pub request_body: Option<String>,
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
            since: None,
            location: String::new(),
            service_request_id: String::new(),
            request_body: None,
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
        let mut started = self.event(event, at, "BeginRequest", "Started", Level::Informational, None);
        // Azure shows what was asked for at the begin only.
        started.properties.extend(self.request_body.iter().map(|body| ("requestbody".into(), body.clone())));
        started
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
        let more = [
            ("hierarchy", self.hierarchy(&id)),
            ("serviceRequestId", self.service_request_id.clone()),
            ("statusCode", status_code.unwrap_or_default()),
        ];
        let more = more.into_iter().filter(|(_, text)| !text.is_empty());
        properties.extend(more.map(|(name, text)| (name.to_string(), text)));
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
            particulars: Some(Particulars {
                started: self.since.filter(|since| *since < at && name == "EndRequest").unwrap_or(at),
                location: self.location.clone(),
            }),
        }
    }

    /// From the tenant down to the subscription. There are no management groups between them here.
    fn hierarchy(&self, id: &ResourceId) -> String {
        let parts = [self.tenant_id.as_str(), id.subscription().unwrap_or("")];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
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
            "hierarchy": "s",
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
          "tenantId": "",
          "particulars": {
            "started": "2026-11-21T19:00:00Z",
            "location": ""
          }
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
    fn an_old_event_and_an_old_deed_are_read() {
        let new = ["particulars", "since", "location", "serviceRequestId", "requestBody"];
        let old = |value: serde_json::Value| {
            let mut value = value;
            value.as_object_mut().unwrap().retain(|name, _| !new.contains(&name.as_str()));
            value
        };
        let deed: Deed = serde_json::from_value(old(serde_json::json!(deed()))).unwrap();
        assert_eq!(deed.since, None);
        let event = deed.succeeded(Uuid::nil(), Timestamp::UNIX_EPOCH, StatusCode::OK);
        let event: ActivityEvent = serde_json::from_value(old(serde_json::json!(event))).unwrap();
        assert_eq!(event.particulars, None);
        assert_eq!(crate::activity::record::view(&event)["durationMs"], 0);
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
