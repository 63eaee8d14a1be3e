//! `GET /subscriptions/{s}/providers/Microsoft.Insights/eventtypes/management/values` (contract section 6): newest first,
//! by default the last six hours.

use crate::auth::Allowed;
use crate::clock::micros;
use crate::pipeline::{Cx, Recorded, store_error};
use crate::providers::resources::find_subscription;
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::activity::rest;
use hardline_arm::error::ArmError;
use hardline_arm::filter::{self, Op, Term};
use hardline_arm::models::paging::{cursor, next_link, page};
use hardline_arm::resource_id::ResourceId;
use hardline_store::db::activity_events::{self, EventFilter};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// The window when the filter names no start.
const WINDOW: SignedDuration = SignedDuration::from_hours(6);
/// Events of one page.
const PAGE: usize = 200;

/// The events of a subscription.
pub async fn activity_log_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let id = &allowed.path.id;
    if !id.name().eq_ignore_ascii_case("management") {
        return Err(ArmError::not_found(format!("The event type '{}' is not known.", id.name())));
    }
    let subscription = find_subscription(cx, id).await?;
    let mut wanted = parse(cx.query.filter(), cx.now)?;
    wanted.subscription = Some(subscription.id);
    wanted.before = cursor(&cx.query)?.map(|text| place(&text)).transpose()?;
    let size = cx.query.top()?.unwrap_or(PAGE).min(PAGE);
    let limit = i64::try_from(size + 1).unwrap_or(i64::MAX);
    let mut rows = activity_events::list(&cx.state.store, &wanted, limit).await.map_err(store_error)?;
    let more = rows.len() > size;
    rows.truncate(size);
    let link = rows.last().filter(|_| more).map(|last| {
        let cursor = format!("{}:{}", last.time, last.seq);
        next_link(&cx.facts.base_url, &cx.facts.path, &cx.query, &cursor)
    });
    let select = cx.query.select();
    let events = rows.iter().filter_map(|row| serde_json::from_str(&row.body).ok());
    let shown = events.map(|event| project(rest::view(event), select.as_deref())).collect();
    Ok(cx.read(ArmResponse::ok(page(shown, link))))
}

/// Where the page before ended: `{microseconds}:{seq}`.
fn place(text: &str) -> Result<(i64, i64), ArmError> {
    let parts = text.split_once(':').and_then(|(time, seq)| Some((time.parse().ok()?, seq.parse().ok()?)));
    parts.ok_or_else(|| ArmError::invalid_parameter("$skiptoken", "it is not one that this server gave out."))
}

/// Keeps the members that `$select` names; their names are compared in any case.
fn project(event: Value, select: Option<&[&str]>) -> Value {
    match (event, select) {
        (Value::Object(mut members), Some(names)) if !names.is_empty() => {
            members.retain(|member, _| names.iter().any(|n| n.eq_ignore_ascii_case(member)));
            Value::Object(members)
        }
        (event, _) => event,
    }
}

fn parse(text: Option<&str>, now: Timestamp) -> Result<EventFilter, ArmError> {
    let mut wanted = EventFilter::default();
    for term in text.map(filter::parse).transpose()?.unwrap_or_default() {
        let Term::Compare { name, op, value } = term else {
            return Err(ArmError::invalid_filter("calls are not supported here"));
        };
        let name = name.to_ascii_lowercase();
        if name == "eventtimestamp" {
            let time = filter::time(&value);
            let time = time.ok_or_else(|| ArmError::invalid_filter(&format!("'{value}' is not a time")))?;
            bound(&mut wanted, op, micros(time))?;
            continue;
        }
        if op != Op::Eq {
            return Err(ArmError::invalid_filter(&format!("'{name}' can only be compared by 'eq'")));
        }
        match name.as_str() {
            "resourcegroupname" => wanted.group = Some(value),
            "resourceid" | "resourceuri" => {
                let id = ResourceId::parse(&value);
                let id = id
                    .map_err(|e| ArmError::invalid_filter(&format!("'{value}' is not a resource id: {e}")))?;
                wanted.resource = Some(id.to_string());
            }
            "resourceprovider" => wanted.provider = Some(value),
            "correlationid" => wanted.correlation = Some(value),
            "caller" => wanted.caller = Some(value),
            "status" => wanted.status = Some(value),
            // Every event is of the channels that clients ask for.
            "eventchannels" | "channels" => {}
            _ => {
                return Err(ArmError::invalid_filter(&format!(
                    "'{name}' is not a property that can be filtered by"
                )));
            }
        }
    }
    wanted.from = wanted.from.or_else(|| {
        let end = wanted.to.and_then(|to| Timestamp::from_microsecond(to).ok()).unwrap_or(now);
        end.checked_sub(WINDOW).ok().map(micros)
    });
    Ok(wanted)
}

/// Times are whole microseconds, so "after" is "from the next one on".
fn bound(wanted: &mut EventFilter, op: Op, time: i64) -> Result<(), ArmError> {
    match op {
        Op::Ge => wanted.from = Some(time),
        Op::Gt => wanted.from = Some(time.saturating_add(1)),
        Op::Le => wanted.to = Some(time),
        Op::Lt => wanted.to = Some(time.saturating_sub(1)),
        Op::Eq => (wanted.from, wanted.to) = (Some(time), Some(time)),
        Op::Ne => return Err(ArmError::invalid_filter("'eventTimestamp' cannot be compared by 'ne'")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        micros(text.parse().unwrap())
    }

    fn read(text: &str) -> Result<EventFilter, ArmError> {
        parse(Some(text), "2026-11-21T20:00:00Z".parse().unwrap())
    }

    #[test]
    fn what_the_cli_and_the_sdks_send() {
        let cli = read("eventTimestamp ge 2026-11-21T15:28:28.060356 and eventTimestamp le 2026-11-21T19:28:28.060356 and resourceGroupName eq 'rg1'").unwrap();
        assert_eq!(cli.from, Some(at("2026-11-21T15:28:28.060356Z")));
        assert_eq!(cli.to, Some(at("2026-11-21T19:28:28.060356Z")));
        assert_eq!(cli.group.as_deref(), Some("rg1"));
        let sdk = read("eventTimestamp gt '2026-11-21T15:28:28Z' and resourceUri eq '/subscriptions/S/resourcegroups/rg'").unwrap();
        assert_eq!(sdk.from, Some(at("2026-11-21T15:28:28.000001Z")));
        assert_eq!(sdk.resource.as_deref(), Some("/subscriptions/S/resourceGroups/rg"));
        assert_eq!(
            read("resourceId eq /subscriptions/S").unwrap().resource.as_deref(),
            Some("/subscriptions/S")
        );
        assert_eq!(read("correlationId eq abc").unwrap().correlation.as_deref(), Some("abc"));
        assert!(read("eventChannels eq 'Admin, Operation'").is_ok());
    }

    #[test]
    fn without_a_start_the_window_is_six_hours() {
        assert_eq!(read("status eq 'Failed'").unwrap().from, Some(at("2026-11-21T14:00:00Z")));
        assert_eq!(
            read("eventTimestamp le '2026-11-20T06:00:00Z'").unwrap().from,
            Some(at("2026-11-20T00:00:00Z"))
        );
    }

    #[test]
    fn what_cannot_be_asked() {
        for text in [
            "eventTimestamp ge yesterday",
            "caller ne 'x'",
            "level eq 'Error'",
            "atScope()",
            "resourceId eq 'vm1'",
            "eventTimestamp ne '2026-11-20T06:00:00Z'",
        ] {
            assert_eq!(read(text).unwrap_err().code, "InvalidFilterInQueryString", "{text}");
        }
    }
}
