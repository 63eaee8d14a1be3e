//! The activity log as rules read it: ECS documents in the order of a time, page by page. Rules that are due together mostly
//! look at the same window; it is read once for all of them.

use crate::clock::{from_micros, micros};
use crate::state::State;
use hardline_arm::activity::{ActivityEvent, ecs};
use hardline_detect::engine::{Document, Read};
use hardline_store::StoreError;
use hardline_store::db::activity_events::{self, IngestedEvent, Order};
use std::collections::HashMap;
use std::sync::Arc;

/// The data stream in which every event stands.
pub const INDEX: &str = ecs::DATA_STREAM;
/// Events of one page.
const PAGE: usize = 500;
/// Most events that are kept for the next rule.
const KEPT: usize = 20_000;

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
        // Windows are in whole milliseconds, and both ends belong to them.
        let window = (micros(read.window.from), micros(read.window.to).saturating_add(999));
        let place = Place { order, window, after };
        if let Some(page) = self.pages.get(&place) {
            return Ok(page.clone());
        }
        let limit = i64::try_from(PAGE).unwrap_or(i64::MAX);
        let rows =
            activity_events::ascending(&state.store, &self.subscription, order, window, after, limit).await?;
        let time = |row: &IngestedEvent| match order {
            Order::Ingested => (row.ingested, row.seq),
            Order::Happened => (row.time, row.seq),
        };
        let next = rows.last().filter(|_| rows.len() == PAGE).map(time);
        let documents = rows.iter().filter_map(|row| document(state, row)).collect();
        let page = Page { documents: Arc::new(documents), next };
        if self.kept + rows.len() <= KEPT {
            self.kept += rows.len();
            self.pages.insert(place, page.clone());
        }
        Ok(page)
    }
}

/// The order in which a rule reads: by the field whose time counts for it.
pub fn order(timestamp_override: Option<&str>) -> Order {
    match timestamp_override {
        Some("event.ingested") => Order::Ingested,
        // No event has another such field: each counts by its own time.
        _ => Order::Happened,
    }
}

/// One event as a document, by its id.
///
/// # Errors
/// When the store fails.
pub async fn get(state: &State, id: &str) -> Result<Option<Document>, StoreError> {
    let row = activity_events::get(&state.store, id).await?;
    Ok(row.and_then(|row| document(state, &row)))
}

fn document(state: &State, row: &IngestedEvent) -> Option<Document> {
    let event: ActivityEvent = serde_json::from_str(&row.body).ok()?;
    let place = state.places.find(&event.http_request.client_ip_address);
    Some(Document {
        index: INDEX.to_owned(),
        id: row.id.clone(),
        version: 1,
        body: ecs::view(&event, from_micros(row.ingested), place.as_ref()),
    })
}
