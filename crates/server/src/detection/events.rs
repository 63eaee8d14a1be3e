//! The activity log as rules read it: ECS documents in the order of a time, page by page. Rules that are due together mostly
//! look at the same window; it is read once for all of them.

use crate::clock::{from_micros, micros};
use crate::state::State;
use hardline_arm::activity::ActivityEvent;
use hardline_arm::activity::ecs::{self, Wanted};
use hardline_detect::engine::{Document, Read, Window};
use hardline_store::StoreError;
use hardline_store::db::activity_events::{self, IngestedEvent, Order};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The data stream in which every event stands.
pub const INDEX: &str = ecs::DATA_STREAM;
/// Events of one page.
const PAGE: usize = 500;
/// Events that a statement looks through for some operations.
const LOOKED_THROUGH: i64 = 2_000;
/// Most operations that a statement names.
const OPERATIONS: usize = 100;
/// Most events that are kept for the next rule. A document takes about 25 KiB.
const KEPT: usize = 5_000;

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Place {
    order: Order,
    window: (i64, i64),
    after: Option<(i64, i64)>,
}

/// Events of one time.
#[derive(Clone, Debug)]
pub struct Page {
    /// The documents.
    pub documents: Arc<Vec<Document>>,
    /// Where the next page begins; none after the last one.
    pub next: Option<(i64, i64)>,
}

/// Reads a subscription's events; one for all rules that run at the same time.
#[derive(Debug)]
pub struct Events {
    subscription: String,
    pages: HashMap<Place, Page>,
    kept: usize,
}

impl Events {
    /// The events of a subscription.
    pub fn new(subscription: &str) -> Self {
        Self { subscription: subscription.to_owned(), pages: HashMap::new(), kept: 0 }
    }

    /// The page that begins after `after`, or the first one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn page(
        &mut self,
        state: &State,
        order: Order,
        read: &Read,
        after: Option<(i64, i64)>,
    ) -> Result<Page, StoreError> {
        let place = Place { order, window: window(read.window), after };
        if let Some(page) = self.pages.get(&place) {
            return Ok(page.clone());
        }
        // What is kept serves all rules; what is not is read for this one, which need not see what it does not look for.
        let kept = self.kept + PAGE <= KEPT;
        let operations = if kept { Vec::new() } else { operations(read.actions.as_deref()) };
        let past =
            Past { subscription: &self.subscription, order, window: read.window, operations: &operations };
        let rows = rows(state, past, after, PAGE).await?;
        let length = rows.events.len();
        let next = rows.next;
        let page = Page { documents: Arc::new(made(state, rows).await?), next };
        if kept {
            self.kept += length;
            self.pages.insert(place, page.clone());
        }
        Ok(page)
    }
}

/// Events as they stand in the store.
#[derive(Debug)]
pub struct Rows {
    /// In the order of their time.
    pub events: Vec<IngestedEvent>,
    /// Where the next ones begin; none after the last.
    pub next: Option<(i64, i64)>,
}

/// Which events are read.
#[derive(Clone, Copy, Debug)]
pub struct Past<'a> {
    /// The subscription's id.
    pub subscription: &'a str,
    /// By which time.
    pub order: Order,
    /// From when to when.
    pub window: Window,
    /// Of these operations, by their names in lower case; of all where none is named.
    pub operations: &'a [String],
}

/// Up to `limit` events that begin after `after`, or the first ones; of some operations those among about two thousand.
///
/// # Errors
/// When the store fails.
pub async fn rows(
    state: &State,
    past: Past<'_>,
    after: Option<(i64, i64)>,
    limit: usize,
) -> Result<Rows, StoreError> {
    let Past { subscription, order, operations, .. } = past;
    let (store, (from, mut to), mut most) =
        (&state.store, window(past.window), i64::try_from(limit).unwrap_or(i64::MAX));
    let mut ahead = None;
    if !operations.is_empty() {
        // However few there are, no statement looks through more than so many: a long one keeps SQLite from clearing its
        // log, and writers would pay for that.
        let window = (from, to);
        ahead =
            activity_events::time_ahead(store, subscription, order, window, after, LOOKED_THROUGH).await?;
        (to, most) = (ahead.unwrap_or(to), i64::MAX);
    }
    let events =
        activity_events::ascending_of(store, subscription, order, (from, to), after, operations, most)
            .await?;
    let time = |row: &IngestedEvent| match order {
        Order::Ingested => (row.ingested, row.seq),
        Order::Happened => (row.time, row.seq),
    };
    let next = if operations.is_empty() {
        events.last().filter(|_| events.len() == limit).map(time)
    } else {
        // All of that moment were read.
        ahead.map(|time| (time, i64::MAX))
    };
    Ok(Rows { events, next })
}

/// How many events there are of all operations.
///
/// # Errors
/// When the store fails.
pub async fn count(state: &State, past: Past<'_>) -> Result<u64, StoreError> {
    let Past { subscription, order, .. } = past;
    let count =
        activity_events::count_between(&state.store, subscription, order, window(past.window)).await?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// Windows are in whole milliseconds, and both ends belong to them.
fn window(window: Window) -> (i64, i64) {
    (micros(window.from), micros(window.to).saturating_add(999))
}

/// The documents of events, with the wanted fields. Takes long: not for a thread that serves others.
pub fn documents(state: &State, rows: &Rows, wanted: &Wanted) -> Vec<Document> {
    rows.events.iter().filter_map(|row| document(state, row, wanted)).collect()
}

async fn made(state: &State, rows: Rows) -> Result<Vec<Document>, StoreError> {
    let state = state.clone();
    let made = tokio::task::spawn_blocking(move || documents(&state, &rows, &Wanted::ALL)).await;
    made.map_err(|error| StoreError::Other(Box::new(error)))
}

/// The order in which a rule reads: by the field whose time counts for it.
pub fn order(timestamp_override: Option<&str>) -> Order {
    match timestamp_override {
        Some("event.ingested") => Order::Ingested,
        // No event has another such field: each counts by its own time.
        _ => Order::Happened,
    }
}

/// The operations, by their names in lower case, that have one of the actions; none where that cannot be told.
pub fn operations(actions: Option<&BTreeSet<String>>) -> Vec<String> {
    // An action is the operation's name in upper case. What a database makes of other letters is its own affair.
    let actions =
        actions.filter(|actions| actions.len() <= OPERATIONS && actions.iter().all(|a| a.is_ascii()));
    actions.into_iter().flatten().map(|action| action.to_ascii_lowercase()).collect()
}

/// One event as a document, by its id.
///
/// # Errors
/// When the store fails.
pub async fn get(state: &State, id: &str) -> Result<Option<Document>, StoreError> {
    let row = activity_events::get(&state.store, id).await?;
    Ok(row.and_then(|row| document(state, &row, &Wanted::ALL)))
}

fn document(state: &State, row: &IngestedEvent, wanted: &Wanted) -> Option<Document> {
    let event: ActivityEvent = serde_json::from_str(&row.body).ok()?;
    let place = state.places.find(&event.http_request.client_ip_address);
    Some(Document {
        index: INDEX.to_owned(),
        id: row.id.clone(),
        version: 1,
        body: ecs::view_of(&event, from_micros(row.ingested), place.as_ref(), wanted),
    })
}
