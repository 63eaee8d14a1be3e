//! An event on its way out.

use crate::export::Mode;
use crate::places::Places;
use hardline_arm::activity::{ActivityEvent, Place, ecs, record};
use hardline_store::db::activity_events::FollowedEvent;
use jiff::Timestamp;
use serde_json::Value;

/// An event on its way out.
#[derive(Debug)]
pub(super) struct Item {
    /// Its place in the log.
    pub seq: i64,
    /// Its id.
    pub id: String,
    /// The resource's id in lower case: events of one resource keep their order.
    pub resource: String,
    /// The event.
    pub event: ActivityEvent,
    /// Where the caller's address is, as far as it is known.
    pub place: Option<Place>,
}

impl Item {
    /// The event of a row; what is wrong with it, in words, where it cannot be read.
    pub(super) fn read(row: &FollowedEvent, places: &Places) -> Result<Self, String> {
        let event: ActivityEvent =
            serde_json::from_str(&row.body).map_err(|e| format!("the event cannot be read: {e}"))?;
        let place = places.find(&event.http_request.client_ip_address);
        Ok(Self { seq: row.seq, id: row.id.clone(), resource: row.resource_key.clone(), event, place })
    }

    /// What a sink is sent of it.
    pub(super) fn render(&self, mode: Mode, now: Timestamp) -> Value {
        match mode {
            Mode::Raw => record::view(&self.event),
            Mode::Ecs => {
                let mut document = ecs::view(&self.event, now, self.place.as_ref());
                if let Some(event) = document.get_mut("event").and_then(Value::as_object_mut) {
                    // Tells the order of events within a millisecond.
                    event.insert("sequence".into(), self.seq.into());
                }
                document
            }
        }
    }
}
