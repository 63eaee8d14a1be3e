//! Planning and running rules over documents. Pure: whoever drives it reads documents, looks alerts up, writes them, and
//! keeps the state.
//!
//! ```text
//!   schedule, last run ──window──► windows, oldest first, and what stays uncovered
//!   for each window:
//!     Execution::new ─► step ─┬─ Read ─► feed(page)…   candidates: query, new_terms (up to three passes), threshold
//!                         ▲   ├─ Ask ──► answer        which alerts are there already
//!                         └───┘
//!                             └─ Done ─► finish: alerts, updates, warnings, state — one transaction of the driver
//! ```
//!
//! Duplicates are removed before alerts are counted, so a run that had to stop at its limit is completed by the next one whose
//! window still holds the rest.

pub mod alert;
pub mod alert_id;
mod collector;
pub mod execution;
mod filter;
mod groups;
mod index_pattern;
mod reason;
mod state;
mod terms;
mod timestamp;
pub mod trial;
mod wanted;
pub mod warning;
pub mod window;

pub use self::alert::{Alert, Installed, Run};
pub use self::collector::{Answer, Ask, Suppressed, Update};
pub use self::execution::{Counts, Execution, Limits, Pass, Read, RunOutcome, Source, Step, drive};
pub use self::index_pattern::covers;
pub use self::state::RuleState;
pub use self::trial::{Trial, TrialResult};
pub use self::warning::Warning;
pub use self::window::{Gap, Plan, Window, plan};

use crate::kql::Problem;
use crate::rule::date_math::DateMathError;
use serde_json::Value;

/// An event as it is stored: what a rule looks at, and what names it.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The index it stands in: a data stream, or one of its backing indices.
    pub index: String,
    /// Its id in the index.
    pub id: String,
    /// Counted up when it is written again; an alert's id hangs on it.
    pub version: u64,
    /// The ECS document.
    pub body: Value,
}

/// Why a rule cannot run at all.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EngineError {
    /// Its query does not parse; rules that were read have one that does.
    #[error("the query means nothing: {}", .0.first().map_or("", |p| p.message.as_str()))]
    Query(Vec<Problem>),
    /// A date expression leaves the calendar.
    #[error("a date of the rule cannot be told: {0}")]
    Date(#[from] DateMathError),
    /// History must begin before the window does.
    #[error("the history of a new_terms rule must begin before its window; mend history_window_start")]
    History,
    /// The window ends before it begins.
    #[error("the rule's window ends before it begins; mend from and to")]
    Window,
}
