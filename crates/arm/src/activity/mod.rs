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
//!
//! One event is stored, an [`ActivityEvent`]. It is shown in three ways:
//!
//! ```text
//!   ActivityEvent ─┬─ rest::view ────► GET …/eventtypes/management/values
//!                  ├─ record::view ──► one of an Event Hub message's records, as Azure's diagnostic settings send it
//!                  └─ ecs::view ─────► an Elastic Common Schema document, as Elastic's integration makes it of that record
//! ```

mod deed;
pub mod ecs;
mod event;
mod place;
pub mod record;
pub mod request_body;
pub mod rest;

pub use deed::{Deed, ticks};
pub use event::{
    ActivityEvent, AuthorizationEvidence, AuthorizationRecord, HttpRequest, Level, Localized, Particulars,
};
pub use place::{Coordinates, Place};
