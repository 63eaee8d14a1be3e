//! Which documents a rule means: index, query, exceptions, and none that stems from the rule itself.

use super::index_pattern::{covers, wildcard};
use super::wanted::{self, ANCESTORS};
use super::{Document, EngineError};
use crate::document::Path;
use crate::kql::Query;
use crate::rule::Rule;
use crate::rule::exception::{Exception, ExceptionEntry, ExceptionTest};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeSet;

/// The field that says what was done, by which stores can tell documents apart.
pub(super) const ACTION: &str = "event.action";

/// The conditions of a rule, ready to be asked.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    query: Query,
    index: Vec<String>,
    /// The last index that was asked about, and the answer.
    last: Option<(String, bool)>,
    exceptions: Vec<Vec<Condition>>,
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
            exceptions: rule.exceptions.iter().filter(lives).map(|e| conditions(&e.entries)).collect(),
            rule_uuid: rule_uuid.to_owned(),
            now,
            ancestors: Path::new(ANCESTORS),
        })
    }

    /// The fields that decide ([`wanted::fields`]).
    pub fn fields(&self, rule: &Rule) -> Option<BTreeSet<String>> {
        wanted::fields(rule, &self.query)
    }

    /// What a document that passes has in a keyword's field ([`Query::required`]).
    pub fn required(&self, field: &str) -> Option<BTreeSet<String>> {
        self.query.required(field)
    }

    pub fn passes(&mut self, document: &Document) -> bool {
        self.index_is_read(&document.index)
            && self.query.matches_at(&document.body, self.now)
            && !self.exceptions.iter().any(|conditions| holds(conditions, &document.body))
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

/// One condition of an exception, ready to be asked.
#[derive(Clone, Debug)]
struct Condition {
    included: bool,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    /// A value is compared as the field's kind wants it: an address with a network, a number as a number.
    Query(Box<Query>),
    Match(Path, Vec<String>),
    Wildcard(Path, String),
    Exists(Path),
    Nested(Path, Vec<Condition>),
}

fn conditions(entries: &[ExceptionEntry]) -> Vec<Condition> {
    entries.iter().map(|entry| Condition { included: entry.included, test: test(entry) }).collect()
}

fn test(entry: &ExceptionEntry) -> Test {
    let path = Path::new(entry.field.as_str());
    let any = |texts: &[String]| match any_of(&entry.field, texts) {
        Some(query) => Test::Query(Box::new(query)),
        None => Test::Match(path.clone(), texts.to_vec()),
    };
    match &entry.test {
        ExceptionTest::Match(text) => any(std::slice::from_ref(text)),
        ExceptionTest::MatchAny(texts) => any(texts),
        ExceptionTest::Wildcard(pattern) => Test::Wildcard(path, pattern.clone()),
        ExceptionTest::Exists => Test::Exists(path),
        ExceptionTest::Nested(entries) => Test::Nested(path, conditions(entries)),
    }
}

/// `field: ("a" or "b")`; none where that is no query, for many values or for a name that KQL cannot write.
fn any_of(field: &str, texts: &[String]) -> Option<Query> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-.@".contains(c);
    if texts.is_empty() || !field.chars().all(plain) {
        return None;
    }
    let quoted = |text: &String| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let values: Vec<_> = texts.iter().map(quoted).collect();
    Query::parse(&format!("{field}: ({})", values.join(" or "))).ok()
}

fn holds(conditions: &[Condition], body: &Value) -> bool {
    conditions.iter().all(|condition| condition.test.holds(body) == condition.included)
}

impl Test {
    fn holds(&self, body: &Value) -> bool {
        let any = |path: &Path, test: &dyn Fn(&str) -> bool| path.any(body, &mut |value| is(value, test));
        match self {
            Self::Query(query) => query.matches(body),
            Self::Match(path, texts) => any(path, &|value| texts.iter().any(|text| value == text)),
            Self::Wildcard(path, pattern) => any(path, &|value| wildcard(pattern, value, true)),
            Self::Exists(path) => path.any(body, &mut |value| !value.is_object()),
            Self::Nested(path, inner) => {
                path.any(body, &mut |value| value.is_object() && holds(inner, value))
            }
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
