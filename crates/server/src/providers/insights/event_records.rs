//! `GET /subscriptions/{s}/providers/Hardline.Insights/eventRecords`: events as an Event Hub's consumers read them, for those that
//! fetch. `{"records": […]}`, oldest first; `nextLink` is always there and goes on where the page ends, also when nothing has come yet.

use crate::auth::Allowed;
use crate::pipeline::{Cx, Recorded, store_error};
use crate::providers::resources::find_subscription;
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::activity::{ActivityEvent, record};
use hardline_arm::error::ArmError;
use hardline_arm::models::paging::{cursor, next_link};
use hardline_store::db::activity_events;
use serde_json::Value;

/// Records of one page.
const PAGE: usize = 500;

/// The records after the place that the link of the page before names.
pub async fn event_record_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let subscription = find_subscription(cx, &allowed.path.id).await?;
    let forged = || ArmError::invalid_parameter("$skiptoken", "it is not one that this server gave out.");
    let after = cursor(&cx.query)?.map(|text| text.parse::<i64>().map_err(|_| forged())).transpose()?;
    let after = after.unwrap_or(0);
    let size = i64::try_from(cx.query.top()?.unwrap_or(PAGE).min(PAGE)).unwrap_or(i64::MAX);
    let rows = activity_events::following(&cx.state.store, &subscription.id, after, size).await;
    let rows = rows.map_err(store_error)?;
    let events = rows.iter().filter_map(|row| serde_json::from_str::<ActivityEvent>(&row.body).ok());
    let records: Vec<Value> = events.map(|event| record::view(&event)).collect();
    let last = rows.last().map_or(after, |row| row.seq).to_string();
    let link = next_link(&cx.facts.base_url, &cx.facts.path, &cx.query, &last);
    let mut answer = record::message(&records);
    if let Some(members) = answer.as_object_mut() {
        members.insert("nextLink".into(), link.into());
    }
    Ok(cx.read(ArmResponse::ok(answer)))
}
