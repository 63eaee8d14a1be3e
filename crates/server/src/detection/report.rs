//! What a run of a rule did, as it is kept and shown.

use serde::{Deserialize, Serialize};

/// A stretch of time, RFC 3339.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stretch {
    /// Its beginning.
    pub from: String,
    /// Its end.
    pub to: String,
}

/// A run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Report {
    /// When it began.
    pub started_at: String,
    /// Where the first of its windows begins.
    pub from: String,
    /// Where the last one ends.
    pub to: String,
    /// How many windows: more than one when runs were missed.
    pub windows: usize,
    /// Events that were looked at.
    pub events: u64,
    /// Alerts that it raised.
    pub alerts: u64,
    /// Events that were counted with an alert that was there already.
    pub suppressed: u64,
    /// What its reader should know.
    pub warnings: Vec<String>,
    /// What no run has looked at and none will.
    pub gap: Option<Stretch>,
    /// Why it could not be done.
    pub error: Option<String>,
}
