//! KQL, the query language of Kibana: read with its problems in their places, printed, and asked of JSON documents.
//!
//! Where implementations of the language differ this one does as Kibana does. What a value means hangs on the kind of the
//! field (`fields`): keywords are compared whole and with their case, numbers as numbers, addresses with networks, dates with
//! date math, texts by their words. An array's element is a value like any other, and a document without the field satisfies
//! `not field: value`. `docs/kql.md` has the forms in a table.
//!
//! ```text
//!   text ── token ── parse ──► syntax ── plan ──► asked of documents (place: which values; needle: which of them)
//!                      │          └── print ──► text
//!                      └── problems and warnings, each with its place
//! ```

mod advice;
mod date;
mod needle;
mod network;
mod number;
mod parse;
mod place;
mod plan;
mod print;
mod required;
pub mod syntax;
mod token;
pub mod wildcard;
mod words;

pub use parse::{DEPTH_LIMIT, LENGTH_LIMIT, NAME_LIMIT, VALUE_LIMIT};

use jiff::Timestamp;
use plan::Plan;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use syntax::{Clause, Name, Tree};

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// The bytes of the text that it is about; empty at the end of the text.
    pub span: Range<usize>,
    /// What was expected and how to mend it.
    pub message: String,
}

/// A query, ready to be asked of documents. Equal when the same was written, but for spaces and spelling.
///
/// ```
/// use hardline_detect::kql::Query;
/// use serde_json::json;
///
/// let query = Query::parse("event.outcome: (success or Success) and not source.ip: 10.0.0.0/8").unwrap();
/// assert!(query.matches(&json!({ "event": { "outcome": "success" }, "source": { "ip": "203.0.113.7" } })));
/// assert!(!query.matches(&json!({ "event.outcome": "success", "source.ip": ["203.0.113.7", "10.1.2.3"] })));
///
/// let problems = Query::parse("event.outcome: not failure").unwrap_err();
/// assert_eq!(problems[0].span, 15..18);
/// ```
#[derive(Clone, Debug)]
pub struct Query {
    tree: Tree<Clause>,
    plan: Plan,
    fields: Vec<String>,
    warnings: Vec<Problem>,
}

impl Query {
    /// Reads a query; an empty or blank text means every document. Of a text that is no query, every problem that could be
    /// found, in order of their places.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let parsed = parse::parse(text);
        if !parsed.problems.is_empty() {
            return Err(parsed.problems);
        }
        let mut fields = Vec::new();
        name_fields(&parsed.tree, "", &mut fields);
        let mut seen = std::collections::HashSet::new();
        fields.retain(|field| seen.insert(field.clone()));
        Ok(Self { plan: Plan::new(&parsed.tree, ""), tree: parsed.tree, fields, warnings: parsed.warnings })
    }

    /// Whether the document is meant. Comparisons with `now` hold for no document: see [`Query::matches_at`].
    pub fn matches(&self, document: &Value) -> bool {
        self.plan.holds(document, None)
    }

    /// Whether the document is meant, at the time that `now` stands for in dates.
    pub fn matches_at(&self, document: &Value, now: Timestamp) -> bool {
        self.plan.holds(document, Some(now))
    }

    /// The fields that the query names, each once, in order: whole names (`a.b` for `a: { b: … }`), patterns as `a.*`.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(String::as_str)
    }

    /// Texts of a keyword's field one of which every document that is meant has, exactly so; none where the query does not say.
    pub fn required(&self, field: &str) -> Option<BTreeSet<String>> {
        required::texts(&self.tree, field)
    }

    /// What is well formed and can hardly be meant: values that a field's kind never holds, keywords that were read as a
    /// part of a value. Such a query runs.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// What the query says.
    pub fn syntax(&self) -> &Tree<Clause> {
        &self.tree
    }
}

impl PartialEq for Query {
    fn eq(&self, other: &Self) -> bool {
        self.tree == other.tree
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tree.fmt(f)
    }
}

fn name_fields(tree: &Tree<Clause>, prefix: &str, fields: &mut Vec<String>) {
    match tree {
        Tree::All(items) | Tree::Any(items) => {
            items.iter().for_each(|item| name_fields(item, prefix, fields));
        }
        Tree::Not(inner) => name_fields(inner, prefix, fields),
        Tree::One(Clause::Is { field, .. } | Clause::Range { field, .. }) => fields.push(match field {
            Name::Exact(name) => format!("{prefix}{name}"),
            Name::Pattern(pattern) => {
                format!("{prefix}{}", pattern.pieces().collect::<Vec<_>>().join("*"))
            }
        }),
        Tree::One(Clause::Nested { field, inside }) => {
            fields.push(format!("{prefix}{field}"));
            name_fields(inside, &format!("{prefix}{field}."), fields);
        }
        Tree::One(Clause::Anywhere(_)) => {}
    }
}
