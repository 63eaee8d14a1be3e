//! Detection rules: what one is, how it is read from TOML and from Kibana's export, and how it is written back.
//!
//! ```text
//!   TOML file ──document──┐                    ┌─ Rule ──lint──► findings
//!                         ├─ Source ──reading──┼─ Unsupported (with what a page shows of it)
//!   export line ──────────┘                    └─ Broken (places and reasons)
//! ```

mod activity_log;
pub mod collection;
pub mod date_math;
mod document;
pub mod exception;
mod export;
mod keys;
pub mod lint;
mod nested;
mod parameters;
pub mod place;
mod reading;
pub mod shipped;
pub mod threat;
pub mod unsupported;
mod write;

pub use self::collection::{Entry, File, Outcome, Report, read, read_toml};
use self::date_math::{DateMath, Interval};
use self::exception::Exception;
use self::threat::Threat;
use self::unsupported::Unsupported;
use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt;

/// Alerts of one run, when a rule does not say.
pub const DEFAULT_MAX_SIGNALS: usize = 100;
/// Alerts of one run, whatever a rule says.
pub const MAX_SIGNALS_LIMIT: usize = 1000;
/// Seconds between runs, when a rule does not say: five minutes.
const DEFAULT_INTERVAL_MINUTES: i64 = 5;
/// Look-back, when a rule does not say.
const DEFAULT_FROM: &str = "now-6m";

/// How grave an alert is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "the words of rule files")]
pub enum Severity {
    #[default]
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    /// The severity of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "low" => Self::Low,
            "medium" => Self::Medium,
            "high" => Self::High,
            "critical" => Self::Critical,
            _ => return None,
        })
    }

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a rule says about itself: everything that an alert or a rule's page shows and no run looks at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
    /// The rule's own id, the same wherever it is installed.
    pub rule_id: String,
    /// Its name.
    pub name: String,
    /// What it finds and why that matters.
    pub description: String,
    /// How grave its alerts are.
    pub severity: Severity,
    /// The same as a number, 0 to 100.
    pub risk_score: u8,
    /// Counted up with each published change; 1 when the file does not say.
    pub version: u64,
    /// `query`, `new_terms`, `threshold`, or whatever stands there for a rule that is not supported.
    pub kind: String,
    /// `kuery`, or whatever stands there.
    pub language: String,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Who wrote it.
    pub author: Vec<String>,
    /// Under which licence.
    pub license: String,
    /// Pages to read.
    pub references: Vec<String>,
    /// Who does this in peace.
    pub false_positives: Vec<String>,
    /// The investigation guide, Markdown.
    pub note: String,
    /// What must be set up for it, Markdown.
    pub setup: String,
    /// MITRE ATT&CK tactics and techniques.
    pub threat: Vec<Threat>,
    /// Fields to look at first.
    pub investigation_fields: Vec<String>,
    /// `default` for a rule whose alerts are only ingredients of other rules.
    pub building_block_type: Option<String>,
    /// The table `[metadata]` of a TOML file.
    pub metadata: Map<String, Value>,
    /// Whatever else the rule says, known or not, as it stood; it is shown and written back.
    pub kept: Map<String, Value>,
}

/// When a rule runs and how far it looks back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The beginning of a run's window.
    pub from: DateMath,
    /// Its end.
    pub to: DateMath,
    /// From run to run.
    pub interval: Interval,
    /// Alerts of one run, at most.
    pub max_signals: usize,
}

/// What makes a matching document an alert.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Each matching document is one.
    Query,
    /// Values that were not there before.
    NewTerms(NewTerms),
    /// Many matching documents together.
    Threshold(Threshold),
}

impl Kind {
    /// The word in rule files.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::NewTerms(_) => "new_terms",
            Self::Threshold(_) => "threshold",
        }
    }
}

/// Alerts on the first appearance of a combination of values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTerms {
    /// One to three fields whose values are taken together.
    pub fields: Vec<String>,
    /// How far back a value counts as known.
    pub history_window_start: DateMath,
}

/// Alerts on groups of documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Threshold {
    /// What documents of a group have in common; empty for one group of all.
    pub field: Vec<String>,
    /// How many documents, at least.
    pub value: u64,
    /// How many distinct values of fields, at least.
    pub cardinality: Vec<Cardinality>,
}

/// How many distinct values a field must have in a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cardinality {
    /// The field.
    pub field: String,
    /// At least this many.
    pub value: u64,
}

/// Several alerts about the same thing become one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// What "the same" is: up to three fields. A threshold rule's own fields when empty.
    pub group_by: Vec<String>,
    /// How long an open alert takes up later ones; none: within one run.
    pub duration: Option<Interval>,
    /// Documents that lack one of the fields: grouped by what they have (`true`), or an alert each.
    pub missing_fields_too: bool,
}

/// A rule that runs here.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// What it says about itself.
    pub about: About,
    /// When it runs.
    pub schedule: Schedule,
    /// Patterns of the indices that it reads; every index when empty.
    pub index: Vec<String>,
    /// The field whose time counts; `@timestamp` when none.
    pub timestamp_override: Option<String>,
    /// Whether a document without that field is left out, instead of counting by its `@timestamp`.
    pub fallback_disabled: bool,
    /// What makes an alert.
    pub kind: Kind,
    /// The query, KQL; proven to parse.
    pub query: String,
    /// Whether alerts are grouped.
    pub suppression: Option<Suppression>,
    /// What is never an alert.
    pub exceptions: Vec<Exception>,
    /// Whether its author switched it on (an export says so; a TOML file's rule is on).
    pub enabled: bool,
}

/// A rule that is understood as a rule but does not run here.
#[derive(Clone, Debug, PartialEq)]
pub struct UnsupportedRule {
    /// What it says about itself.
    pub about: About,
    /// Why it does not run.
    pub reasons: Vec<Unsupported>,
}

impl Schedule {
    /// The ends of the window of a run at `now`, both inclusive.
    ///
    /// # Errors
    /// When one of the expressions leaves the calendar.
    pub fn window(
        &self,
        now: jiff::Timestamp,
    ) -> Result<(jiff::Timestamp, jiff::Timestamp), date_math::DateMathError> {
        Ok((self.from.resolve(now)?, self.to.resolve(now)?))
    }
}
