//! One value of a query, read in every way that a field may need, and compared with one value of a document.

use super::date::{self, Moment, Stretch};
use super::network::{self, Network};
use super::number::Number;
use super::syntax::{Literal, Order};
use super::wildcard::Wildcard;
use super::words::words;
use crate::fields::Kind;
use jiff::Timestamp;
use serde_json::Value;
use std::borrow::Cow;
use std::cmp::Ordering;

/// What is sought, ready.
#[derive(Clone, Debug)]
pub enum Needle {
    /// `null`: nothing is it.
    Nothing,
    /// A pattern.
    Pattern(Box<Pattern>),
    /// A text.
    Text(Box<Text>),
}

/// A pattern, and what it means in text fields.
#[derive(Clone, Debug)]
pub struct Pattern {
    whole: Wildcard,
    /// In lower case; one of them has to match one word.
    words: Vec<Result<Wildcard, String>>,
}

/// A text and what else it may mean.
#[derive(Clone, Debug)]
pub struct Text {
    text: String,
    quoted: bool,
    words: Vec<String>,
    number: Option<Number>,
    moment: Option<Moment>,
    network: Option<Network>,
    truth: Option<bool>,
}

impl Needle {
    /// Reads a value.
    pub fn new(literal: &Literal) -> Self {
        let (text, quoted) = match literal {
            Literal::Null => return Self::Nothing,
            Literal::Wildcard(whole) => {
                let words = whole.to_lowercase().words();
                return Self::Pattern(Box::new(Pattern { whole: whole.clone(), words }));
            }
            Literal::Boolean(truth) => (truth.to_string(), false),
            Literal::Text { text, quoted } => (text.clone(), *quoted),
        };
        Self::Text(Box::new(Text {
            quoted,
            words: words(&text),
            number: Number::parse(&text),
            moment: Moment::parse(&text),
            network: Network::parse(&text),
            truth: truth(&text),
            text,
        }))
    }

    /// Whether a value of a document is it. Objects, arrays and nulls are nothing.
    pub fn is(&self, kind: Kind, value: &Value, now: Option<Timestamp>) -> bool {
        let kind = kind.of(value);
        match self {
            Self::Nothing => false,
            Self::Pattern(pattern) => match kind {
                Kind::Text => text_of(value).is_some_and(|text| pattern.in_words(&words(&text))),
                Kind::Keyword | Kind::Wildcard | Kind::Flattened => {
                    text_of(value).is_some_and(|text| pattern.whole.matches(&text))
                }
                _ => false,
            },
            Self::Text(text) => text.is(kind, value, now),
        }
    }

    /// Whether a value of a document lies on a side of it.
    pub fn bounds(&self, order: Order, kind: Kind, value: &Value, now: Option<Timestamp>) -> bool {
        let Self::Text(bound) = self else { return false };
        let found = match kind.of(value) {
            Kind::Long => {
                Number::of(value).zip(bound.number).map(|(found, bound)| found.whole().compare(bound))
            }
            Kind::Float => Number::of(value).zip(bound.number).map(|(found, bound)| found.compare(bound)),
            Kind::Date => {
                let stretch = bound.moment.as_ref().and_then(|moment| moment.at(now));
                date::milliseconds(value).zip(stretch).map(|(found, stretch)| side(order, found, stretch))
            }
            Kind::Ip => {
                let network = bound.network.filter(|network| network.is_one());
                address_of(value).zip(network).map(|(found, network)| found.cmp(&network.first()))
            }
            Kind::Boolean => None,
            Kind::Text => {
                let within = |word: &String| order.allows(word.as_str().cmp(bound.text.as_str()));
                return text_of(value).is_some_and(|text| words(&text).iter().any(within));
            }
            Kind::Keyword | Kind::Wildcard | Kind::Flattened | Kind::Unknown => {
                text_of(value).map(|found| found.as_ref().cmp(bound.text.as_str()))
            }
        };
        found.is_some_and(|found| order.allows(found))
    }

    /// The text that a keyword has to be; none for patterns.
    pub fn keyword(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(&text.text),
            _ => None,
        }
    }
}

impl Pattern {
    fn in_words(&self, found: &[String]) -> bool {
        self.words.iter().any(|sought| match sought {
            Ok(pattern) => found.iter().any(|word| pattern.matches(word)),
            Err(text) => words(text).iter().any(|sought| found.contains(sought)),
        })
    }
}

impl Text {
    fn is(&self, kind: Kind, value: &Value, now: Option<Timestamp>) -> bool {
        match kind {
            Kind::Long | Kind::Float => Number::of(value).zip(self.number).is_some_and(|(found, sought)| {
                let found = if kind == Kind::Long { found.whole() } else { found };
                found.compare(sought) == Ordering::Equal
            }),
            Kind::Date => {
                let stretch = self.moment.as_ref().and_then(|moment| moment.at(now));
                date::milliseconds(value)
                    .zip(stretch)
                    .is_some_and(|(found, stretch)| (stretch.first..=stretch.last).contains(&found))
            }
            Kind::Ip => {
                address_of(value).zip(self.network).is_some_and(|(found, sought)| sought.holds(found))
            }
            Kind::Boolean => truth_of(value).zip(self.truth).is_some_and(|(found, sought)| found == sought),
            Kind::Text => text_of(value).is_some_and(|text| self.in_words(&words(&text))),
            Kind::Keyword | Kind::Wildcard | Kind::Flattened | Kind::Unknown => {
                text_of(value).is_some_and(|text| text == self.text)
            }
        }
    }

    /// In quotes all words in a row, otherwise one of them.
    fn in_words(&self, found: &[String]) -> bool {
        if self.quoted {
            !self.words.is_empty() && found.windows(self.words.len()).any(|row| row == self.words)
        } else {
            self.words.iter().any(|word| found.contains(word))
        }
    }
}

/// On which side of a stretch of time a date lies, for an operator: the end that the operator means decides.
fn side(order: Order, found: i64, bound: Stretch) -> Ordering {
    match order {
        Order::Below | Order::AtLeast => found.cmp(&bound.first),
        Order::AtMost | Order::Above => found.cmp(&bound.last),
    }
}

/// A leaf as text.
pub fn text_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(truth) => Some(Cow::Borrowed(if *truth { "true" } else { "false" })),
        _ => None,
    }
}

fn address_of(value: &Value) -> Option<u128> {
    value.as_str().and_then(network::number)
}

/// Elasticsearch's words for booleans; the empty text is false.
fn truth(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" | "" => Some(false),
        _ => None,
    }
}

fn truth_of(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) => truth(text),
        _ => None,
    }
}
