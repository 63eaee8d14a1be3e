//! The activity log: written in the transaction of the change, read by filters, newest first.

use super::sql::{Select, below, number, optional_number, text};
use crate::db::{Reader, Tx};
use crate::error::Result;
use sqlx::any::AnyRow;

/// An event to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// The event's id.
    pub id: String,
    /// The correlation id.
    pub correlation: String,
    /// The operation's id: start and end share it.
    pub operation: String,
    /// `Microsoft.Compute/virtualMachines/start/action`.
    pub operation_name: String,
    /// When, microseconds.
    pub time: i64,
    /// The subscription's id in lower case; empty at the tenant.
    pub subscription: String,
    /// The group's name in lower case; may be empty.
    pub group_key: String,
    /// The resource's id in lower case.
    pub resource_key: String,
    /// The provider's namespace in lower case.
    pub provider: String,
    /// Who.
    pub caller: String,
    /// `Started`, `Accepted`, `Succeeded`, `Failed`.
    pub status: String,
    /// The event as it is shown: JSON.
    pub body: String,
}

/// An event as it stands in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its place in the order of writing.
    pub seq: i64,
    /// When, microseconds.
    pub time: i64,
    /// JSON.
    pub body: String,
}

/// An event that is read in the order of writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowedEvent {
    /// Its place in the order of writing.
    pub seq: i64,
    /// Its id.
    pub id: String,
    /// The resource's id in lower case.
    pub resource_key: String,
    /// JSON.
    pub body: String,
}

/// Which events are wanted. Texts are compared in any case; empty fields do not filter.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// The subscription's id; none: events of the tenant too.
    pub subscription: Option<String>,
    /// From this time on, microseconds.
    pub from: Option<i64>,
    /// Up to this time, inclusive.
    pub to: Option<i64>,
    /// A group's name.
    pub group: Option<String>,
    /// A resource's id; what hangs below it counts too.
    pub resource: Option<String>,
    /// A provider's namespace.
    pub provider: Option<String>,
    /// A correlation id.
    pub correlation: Option<String>,
    /// A caller.
    pub caller: Option<String>,
    /// A status.
    pub status: Option<String>,
    /// Only events older than this place (time, seq): where the page before ended.
    pub before: Option<(i64, i64)>,
}

/// Writes an event; its place in the log. `ingested` is asked when it becomes searchable, microseconds, once nobody else
/// writes: places and times are in one order, as far as the clock goes forward.
pub async fn insert(tx: &mut Tx, event: &NewEvent, ingested: impl FnOnce() -> i64) -> Result<i64> {
    // On PostgreSQL the numbers of two open transactions may become visible in the wrong order, and a reader with a
    // cursor would miss one. Whoever draws a number holds this lock until the commit.
    tx.lock(EVENT_ORDER).await?;
    let statement = sqlx::query(
        "INSERT INTO activity_events (id, correlation, operation, operation_name, time, subscription_key, group_key, \
         resource_key, provider_key, caller_key, status, body, ingested) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING seq",
    )
    .bind(event.id.as_str())
    .bind(event.correlation.as_str())
    .bind(event.operation.as_str())
    .bind(event.operation_name.as_str())
    .bind(event.time)
    .bind(event.subscription.as_str())
    .bind(event.group_key.as_str())
    .bind(event.resource_key.as_str())
    .bind(event.provider.as_str())
    .bind(event.caller.to_lowercase())
    .bind(event.status.as_str())
    .bind(event.body.as_str())
    .bind(ingested());
    let row = Reader::from(tx).one(statement).await?;
    number(&row, "seq")
}

/// The advisory lock that orders events ("HLEVENTS").
const EVENT_ORDER: i64 = 0x484c_4556_454e_5453;

/// An event as detection reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IngestedEvent {
    /// Its place in the order of writing.
    pub seq: i64,
    /// The event's id.
    pub id: String,
    /// When it happened, microseconds.
    pub time: i64,
    /// When it became searchable, microseconds.
    pub ingested: i64,
    /// JSON.
    pub body: String,
}

/// Waits until every event that was numbered before now is there to be read: whoever writes one holds the lock until the commit.
pub async fn settle(tx: &mut Tx) -> Result<()> {
    tx.lock(EVENT_ORDER).await
}

/// The time that events are read by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    /// When they became searchable.
    Ingested,
    /// When they happened.
    Happened,
}

/// Up to `limit` events of a subscription whose time is from `from` to `to`, microseconds, both inclusive, after the place
/// `after` (that time, seq), in that order.
pub async fn ascending<'a>(
    reader: impl Into<Reader<'a>>,
    subscription: &str,
    order: Order,
    (from, to): (i64, i64),
    after: Option<(i64, i64)>,
    limit: i64,
) -> Result<Vec<IngestedEvent>> {
    ascending_of(reader, subscription, order, (from, to), after, &[], limit).await
}

/// The same of some operations only, by their names in lower case; of all of them where none is named. The events between are
/// passed over without their bodies being read. Where few match the whole window is looked through: bound it ([`time_ahead`]).
pub async fn ascending_of<'a>(
    reader: impl Into<Reader<'a>>,
    subscription: &str,
    order: Order,
    (from, to): (i64, i64),
    after: Option<(i64, i64)>,
    operations: &[String],
    limit: i64,
) -> Result<Vec<IngestedEvent>> {
    let start = "SELECT seq, id, time, ingested, body FROM activity_events WHERE 1 = 1";
    let (mut select, last) = between(start, subscription, order, (from, to), after);
    select.and_one_of("lower(operation_name)", operations);
    let rows = reader.into().all(select.finish(last, limit)).await?;
    rows.iter().map(read).collect()
}

/// The time of the event that stands `events` further on than the place `after` or the first one; none where there are fewer.
/// Arguments as for [`ascending`].
pub async fn time_ahead<'a>(
    reader: impl Into<Reader<'a>>,
    subscription: &str,
    order: Order,
    (from, to): (i64, i64),
    after: Option<(i64, i64)>,
    events: i64,
) -> Result<Option<i64>> {
    let start = match order {
        Order::Ingested => "SELECT ingested AS moment FROM activity_events WHERE 1 = 1",
        Order::Happened => "SELECT time AS moment FROM activity_events WHERE 1 = 1",
    };
    let (select, last) = between(start, subscription, order, (from, to), after);
    let row = reader.into().optional(select.finish_at(last, events)).await?;
    row.map(|row| number(&row, "moment")).transpose()
}

/// What [`ascending`] selects, and its order.
fn between(
    start: &'static str,
    subscription: &str,
    order: Order,
    (from, to): (i64, i64),
    after: Option<(i64, i64)>,
) -> (Select, &'static str) {
    let (first, end, place, last) = match order {
        Order::Ingested => ("ingested >= ?", "ingested <= ?", "(ingested > ?", "ORDER BY ingested, seq"),
        Order::Happened => ("time >= ?", "time <= ?", "(time > ?", "ORDER BY time, seq"),
    };
    let mut select = Select::new(start);
    select.and("subscription_key = ?", &subscription.to_ascii_lowercase());
    select.and_number(first, after.map_or(from, |(time, _)| time.max(from)));
    select.and_number(end, to);
    if let Some((time, seq)) = after {
        select.and_number(place, time);
        select.or_number("seq > ?)", seq);
    }
    (select, last)
}

/// How many events of a subscription there are whose time is from `from` to `to`, microseconds, both inclusive.
pub async fn count_between<'a>(
    reader: impl Into<Reader<'a>>,
    subscription: &str,
    order: Order,
    (from, to): (i64, i64),
) -> Result<i64> {
    let sql = match order {
        Order::Ingested => {
            "SELECT COUNT(*) AS events FROM activity_events WHERE subscription_key = $1 AND ingested >= $2 AND ingested <= $3"
        }
        Order::Happened => {
            "SELECT COUNT(*) AS events FROM activity_events WHERE subscription_key = $1 AND time >= $2 AND time <= $3"
        }
    };
    let statement = sqlx::query(sql).bind(subscription.to_ascii_lowercase()).bind(from).bind(to);
    number(&reader.into().one(statement).await?, "events")
}

/// One event, by its id.
pub async fn get<'a>(reader: impl Into<Reader<'a>>, id: &str) -> Result<Option<IngestedEvent>> {
    let mut select = Select::new("SELECT seq, id, time, ingested, body FROM activity_events WHERE 1 = 1");
    select.and("id = ?", id);
    reader.into().optional(select.finish("", 1)).await?.as_ref().map(read).transpose()
}

fn read(row: &AnyRow) -> Result<IngestedEvent> {
    Ok(IngestedEvent {
        seq: number(row, "seq")?,
        id: text(row, "id")?,
        time: number(row, "time")?,
        ingested: number(row, "ingested")?,
        body: text(row, "body")?,
    })
}

/// Up to `limit` events that match, newest first.
pub async fn list<'a>(
    from: impl Into<Reader<'a>>,
    filter: &EventFilter,
    limit: i64,
) -> Result<Vec<StoredEvent>> {
    let mut select = Select::new("SELECT seq, time, body FROM activity_events WHERE 1 = 1");
    let lower = |value: &Option<String>| value.as_deref().map(str::to_lowercase);
    if let Some(subscription) = lower(&filter.subscription) {
        select.and("subscription_key = ?", &subscription);
    }
    if let Some(time) = filter.from {
        select.and_number("time >= ?", time);
    }
    if let Some(time) = filter.to {
        select.and_number("time <= ?", time);
    }
    if let Some(group) = lower(&filter.group) {
        select.and("group_key = ?", &group);
    }
    if let Some(resource) = lower(&filter.resource) {
        let (first, last) = below(&resource);
        // Three parameters, the first twice in meaning: the resource itself, and the range below it.
        select.and("(resource_key = ?", resource.trim_end_matches('/'));
        select.or_range("resource_key", &first, &last);
    }
    if let Some(provider) = lower(&filter.provider) {
        select.and("provider_key = ?", &provider);
    }
    if let Some(correlation) = lower(&filter.correlation) {
        select.and("correlation = ?", &correlation);
    }
    if let Some(caller) = lower(&filter.caller) {
        select.and("caller_key = ?", &caller);
    }
    if let Some(status) = lower(&filter.status) {
        select.and("lower(status) = ?", &status);
    }
    if let Some((time, seq)) = filter.before {
        select.and_number("(time < ?", time);
        select.or_same_time_before(time, seq);
    }
    let rows = from.into().all(select.finish("ORDER BY time DESC, seq DESC", limit)).await?;
    rows.iter()
        .map(|row| {
            Ok(StoredEvent { seq: number(row, "seq")?, time: number(row, "time")?, body: text(row, "body")? })
        })
        .collect()
}

/// Up to `limit` events of a subscription after the place `after`, in the order of writing. None is missed by asking again from
/// the last one on: numbers become visible in their order.
pub async fn following<'a>(
    from: impl Into<Reader<'a>>,
    subscription: &str,
    after: i64,
    limit: i64,
) -> Result<Vec<FollowedEvent>> {
    let sql = "SELECT seq, id, resource_key, body FROM activity_events WHERE subscription_key = $1 AND seq > $2 \
               ORDER BY seq LIMIT $3";
    let statement = sqlx::query(sql).bind(subscription.to_lowercase()).bind(after).bind(limit);
    let rows = from.into().all(statement).await?;
    let read = |row: &sqlx::any::AnyRow| {
        Ok(FollowedEvent {
            seq: number(row, "seq")?,
            id: text(row, "id")?,
            resource_key: text(row, "resource_key")?,
            body: text(row, "body")?,
        })
    };
    rows.iter().map(read).collect()
}

/// How many events of a subscription there are after the place `after`; counted up to `most`.
pub async fn count_after<'a>(
    from: impl Into<Reader<'a>>,
    subscription: &str,
    after: i64,
    most: i64,
) -> Result<i64> {
    let sql = "SELECT COUNT(*) AS events FROM (SELECT seq FROM activity_events WHERE subscription_key = $1 AND seq > $2 \
               LIMIT $3) AS waiting";
    let statement = sqlx::query(sql).bind(subscription.to_lowercase()).bind(after).bind(most);
    number(&from.into().one(statement).await?, "events")
}

/// What a reader with a cursor has still to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// How many events.
    pub events: i64,
    /// Since when the oldest of them has been searchable, microseconds.
    pub since: Option<i64>,
}

/// What there is of a subscription after the place `after`.
pub async fn waiting<'a>(from: impl Into<Reader<'a>>, subscription: &str, after: i64) -> Result<Waiting> {
    let sql = "SELECT COUNT(*) AS events, (SELECT ingested FROM activity_events WHERE subscription_key = $1 AND seq > $2 \
               ORDER BY seq LIMIT 1) AS since FROM activity_events WHERE subscription_key = $1 AND seq > $2";
    let statement = sqlx::query(sql).bind(subscription.to_lowercase()).bind(after);
    let row = from.into().one(statement).await?;
    Ok(Waiting { events: number(&row, "events")?, since: optional_number(&row, "since")? })
}

/// The place of the newest event of all; 0 when there is none.
pub async fn newest<'a>(from: impl Into<Reader<'a>>) -> Result<i64> {
    let statement = sqlx::query("SELECT COALESCE(MAX(seq), 0) AS seq FROM activity_events");
    number(&from.into().one(statement).await?, "seq")
}
