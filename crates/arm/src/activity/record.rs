//! The Event Hub record of an event: what Azure's diagnostic settings send of the activity log, one of `{"records": […]}`.
//!
//! The same event in other words than the REST view's: `Success` instead of `Succeeded`, ids in upper case, the caller as the
//! claims and the evidence behind the decision.

use super::event::{ActivityEvent, Level};
use serde_json::{Map, Value, json};

/// The record of an event.
pub fn view(event: &ActivityEvent) -> Value {
    let mut record = json!({
        "time": format!("{:.7}", event.event_timestamp),
        "resourceId": upper(&event.resource_id),
        "operationName": upper(&event.operation_name.value),
        // Not `Write`, `Action` or `Delete`, as in older records: Elastic's integration takes only this word for an activity.
        "category": event.category.value,
        "resultType": result_type(&event.status.value),
        "resultSignature": format!("{}.{}", event.status.value, event.sub_status.value),
        "durationMs": duration_ms(event),
        "callerIpAddress": event.http_request.client_ip_address,
        "correlationId": event.correlation_id,
        "identity": identity(event),
        "level": level(event.level),
    });
    if let Some(members) = record.as_object_mut() {
        if let Some(location) = location(event) {
            members.insert("location".into(), location.into());
        }
        members.insert("tenantId".into(), event.tenant_id.clone().into());
        members.insert("properties".into(), json!(event.properties));
    }
    record
}

/// Several records, as one message holds them.
pub fn message(records: &[Value]) -> Value {
    json!({ "records": records })
}

fn identity(event: &ActivityEvent) -> Value {
    let asked = &event.authorization;
    let mut authorization = Map::new();
    authorization.insert("scope".into(), asked.scope.clone().into());
    authorization.insert("action".into(), asked.action.clone().into());
    if let Some(evidence) = &asked.evidence {
        authorization.insert("evidence".into(), json!(evidence));
    }
    json!({ "authorization": authorization, "claims": event.claims })
}

/// The word for how an event stands: `Start`, `Accept`, `Success`, `Failure`.
pub(super) fn result_type(status: &str) -> &str {
    match status {
        "Started" => "Start",
        "Accepted" => "Accept",
        "Succeeded" => "Success",
        "Failed" => "Failure",
        other => other,
    }
}

/// The word for how grave it is.
pub(super) fn level(level: Level) -> &'static str {
    match level {
        Level::Critical => "Critical",
        Level::Error => "Error",
        Level::Warning => "Warning",
        Level::Informational => "Information",
        Level::Verbose => "Verbose",
    }
}

/// How long the operation has taken up to this event, milliseconds; 0 at its begin, and where that is not known.
pub(super) fn duration_ms(event: &ActivityEvent) -> i64 {
    let Some(particulars) = &event.particulars else { return 0 };
    let taken = event.event_timestamp.duration_since(particulars.started).as_millis();
    i64::try_from(taken.max(0)).unwrap_or(i64::MAX)
}

/// The server's location.
pub(super) fn location(event: &ActivityEvent) -> Option<&str> {
    event.particulars.as_ref().map(|p| p.location.as_str()).filter(|location| !location.is_empty())
}

/// An id or a name in upper case, except its GUIDs, which are in lower case.
pub(super) fn upper(id: &str) -> String {
    let part = |part: &str| {
        if is_guid(part) { part.to_ascii_lowercase() } else { part.to_ascii_uppercase() }
    };
    id.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activity::Deed;
    use crate::operation::OperationId;
    use crate::operations;
    use crate::resource_id::ResourceId;
    use http::StatusCode;
    use jiff::Timestamp;
    use uuid::Uuid;

    fn deed() -> Deed {
        let vm = "/subscriptions/ABCDEF01-2222-3333-4444-555555555555/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm-ä";
        let vm = ResourceId::parse(vm).unwrap();
        let mut deed = Deed::new(operations::get(OperationId::VmStart), &vm, Uuid::nil());
        deed.since = Some("2026-11-21T10:00:00.123456Z".parse().unwrap());
        deed
    }

    #[test]
    fn times_have_seven_digits_and_ends_their_duration() {
        let end: Timestamp = "2026-11-21T10:00:03.5Z".parse().unwrap();
        let record = view(&deed().succeeded(Uuid::nil(), end, StatusCode::OK));
        assert_eq!(
            (&record["time"], &record["durationMs"]),
            (&json!("2026-11-21T10:00:03.5000000Z"), &json!(3376))
        );
        assert_eq!(view(&deed().started(Uuid::nil(), end))["durationMs"], 0);
        let before: Timestamp = "2026-11-21T10:00:00Z".parse().unwrap();
        assert_eq!(view(&deed().succeeded(Uuid::nil(), before, StatusCode::OK))["durationMs"], 0);
    }

    #[test]
    fn the_words_of_an_event_hub() {
        let at = Timestamp::UNIX_EPOCH;
        let refused = crate::error::ArmError::conflict("no");
        let words = |event: ActivityEvent| {
            let record = view(&event);
            let word = |name: &str| record[name].as_str().unwrap().to_owned();
            (word("resultType"), word("resultSignature"), word("level"))
        };
        let check = |event, kind: &str, signature: &str, level: &str| {
            assert_eq!(words(event), (kind.to_owned(), signature.to_owned(), level.to_owned()));
        };
        let deed = deed();
        check(deed.started(Uuid::nil(), at), "Start", "Started.", "Information");
        let status = StatusCode::ACCEPTED;
        check(deed.accepted(Uuid::nil(), at, status), "Accept", "Accepted.Accepted", "Information");
        check(deed.succeeded(Uuid::nil(), at, StatusCode::OK), "Success", "Succeeded.OK", "Information");
        check(deed.failed(Uuid::nil(), at, &refused), "Failure", "Failed.Conflict", "Error");
    }

    #[test]
    fn ids_are_in_upper_case_and_guids_in_lower_case() {
        let record = view(&deed().started(Uuid::nil(), Timestamp::UNIX_EPOCH));
        assert_eq!(
            record["resourceId"],
            "/SUBSCRIPTIONS/abcdef01-2222-3333-4444-555555555555/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.COMPUTE/VIRTUALMACHINES/VM-ä"
        );
        assert_eq!(record["operationName"], "MICROSOFT.COMPUTE/VIRTUALMACHINES/START/ACTION");
        assert_eq!(upper("abcdef01-2222-3333-4444-55555555555g"), "ABCDEF01-2222-3333-4444-55555555555G");
    }
}
