//! Which documents a rule means: index, query, exceptions, and none that stems from the rule itself.

use super::index_pattern::{covers, wildcard};
use super::{Document, EngineError};
use crate::document::{Path, values};
use crate::kql::Query;
use crate::rule::Rule;
use crate::rule::exception::{Exception, ExceptionEntry, ExceptionTest};
use jiff::Timestamp;
use serde_json::Value;

/// The conditions of a rule, ready to be asked.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    query: Query,
    index: Vec<String>,
    /// The last index that was asked about, and the answer.
    last: Option<(String, bool)>,
    exceptions: Vec<Exception>,
    rule_uuid: String,
    now: Timestamp,
    ancestors: Path,
}

impl Filter {
    /// The filter of a rule that runs at `now`; exceptions that have expired by then do not count.
    pub fn new(rule: &Rule, rule_uuid: &str, now: Timestamp) -> Result<Self, EngineError> {
        let lives = |exception: &&Exception| exception.expire_time.is_none_or(|time| time > now);
        Ok(Self {
            query: Query::parse(&rule.query).map_err(EngineError::Query)?,
            index: rule.index.clone(),
            last: None,
            exceptions: rule.exceptions.iter().filter(lives).cloned().collect(),
            rule_uuid: rule_uuid.to_owned(),
            now,
            ancestors: Path::new("kibana.alert.ancestors.rule"),
        })
    }

    pub fn passes(&mut self, document: &Document) -> bool {
        self.index_is_read(&document.index)
            && self.query.matches_at(&document.body, self.now)
            && !self.exceptions.iter().any(|exception| holds(&exception.entries, &document.body, ""))
            && !self.stems_from_the_rule(&document.body)
    }

    fn index_is_read(&mut self, index: &str) -> bool {
        match &self.last {
            Some((known, answer)) if known == index => *answer,
            _ => {
                let answer = covers(&self.index, index);
                self.last = Some((index.to_owned(), answer));
                answer
            }
        }
    }

    fn stems_from_the_rule(&self, body: &Value) -> bool {
        self.ancestors.any(body, &mut |value| value.as_str() == Some(self.rule_uuid.as_str()))
    }
}

fn holds(entries: &[ExceptionEntry], body: &Value, above: &str) -> bool {
    entries.iter().all(|entry| holds_entry(entry, body, above) == entry.included)
}

fn holds_entry(entry: &ExceptionEntry, body: &Value, above: &str) -> bool {
    let field = if above.is_empty() { entry.field.clone() } else { format!("{above}.{}", entry.field) };
    let any = |test: &dyn Fn(&str) -> bool| values(body, &field).into_iter().any(|value| is(value, test));
    match &entry.test {
        ExceptionTest::Match(text) => any(&|value| value == text),
        ExceptionTest::MatchAny(texts) => any(&|value| texts.iter().any(|text| value == text)),
        ExceptionTest::Wildcard(pattern) => any(&|value| wildcard(pattern, value, true)),
        ExceptionTest::Exists => !values(body, &field).is_empty(),
        ExceptionTest::Nested(entries) => {
            let mut found = false;
            objects(body, &field, &mut |object| found |= holds(entries, object, ""));
            found
        }
    }
}

/// Compares a value as text: numbers and truth values are what they read like.
fn is(value: &Value, test: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => test(text),
        Value::Number(number) => test(&number.to_string()),
        Value::Bool(word) => test(if *word { "true" } else { "false" }),
        _ => false,
    }
}

/// The objects at a path, of lists each one.
fn objects<'a>(body: &'a Value, path: &str, found: &mut dyn FnMut(&'a Value)) {
    Path::new(path).any(body, &mut |value| {
        if value.is_object() {
            found(value);
        }
        false
    });
}
