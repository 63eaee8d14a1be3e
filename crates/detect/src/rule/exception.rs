//! Exceptions: what a rule is not to be told about. Items are alternatives; the entries of one hold together.

use jiff::Timestamp;
use serde::Serialize;

/// One exception of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exception {
    /// Its id, or where it stands in the list.
    pub item_id: String,
    /// Its name.
    pub name: String,
    /// From when on it does not count any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expire_time: Option<Timestamp>,
    /// What must hold, all of it, for a document to be left out.
    pub entries: Vec<ExceptionEntry>,
}

/// One condition of an exception.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExceptionEntry {
    /// The field; below a nested entry, relative to its field.
    pub field: String,
    /// Whether the condition must hold (`true`) or must not.
    pub included: bool,
    /// The condition.
    pub test: ExceptionTest,
}

/// How a field is compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionTest {
    /// One of its values is this.
    Match(String),
    /// One of its values is one of these.
    MatchAny(Vec<String>),
    /// One of its values has this form: `*` is any run of characters, `?` is one.
    Wildcard(String),
    /// It has a value.
    Exists,
    /// One of its objects meets all of these.
    Nested(Vec<ExceptionEntry>),
}
