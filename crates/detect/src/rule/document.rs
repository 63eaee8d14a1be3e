//! A rule's text as a tree of values that remembers where each of them stands.

use super::place::{Position, Remark};
use serde_json::{Map, Number, Value};
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// Values of one file, at most.
const VALUES_LIMIT: usize = 50_000;

/// A tree, and the places of its parts.
pub(super) struct Source<'a> {
    /// The text of the whole file.
    pub text: &'a str,
    /// The tree.
    pub value: Value,
    /// Byte ranges by path: `rule/threshold/value`.
    spans: HashMap<String, Range<usize>>,
    /// Where the tree stands in the file, for trees that know no places of their parts.
    whole: Option<Range<usize>>,
    /// The path before which nothing is said to people: `rule/`.
    pub root: &'static str,
}

impl<'a> Source<'a> {
    /// Reads TOML.
    pub fn toml(text: &'a str) -> Result<Self, Remark> {
        let table = DeTable::parse(text)
            .map_err(|error| Remark::new("", text, error.span(), error.message().replace('\n', ", ")))?;
        let mut spans = HashMap::new();
        let value =
            tree(table.get_ref(), "", &mut spans).map_err(|message| Remark::new("", text, None, message))?;
        Ok(Self { text, value, spans, whole: None, root: "rule/" })
    }

    /// A line of an export that was parsed already; it stands at `line` of `text`.
    pub fn line(text: &'a str, line: Range<usize>, value: Value) -> Self {
        Self { text, value, spans: HashMap::new(), whole: Some(line), root: "" }
    }

    /// A remark about the value at `path`, or about the nearest around it whose place is known.
    pub fn remark(&self, path: &str, message: impl Into<String>) -> Remark {
        Remark::new(self.key(path), self.text, self.span(path), message)
    }

    /// A remark about a part of the text at `path`: `within` counts in bytes of the value. It is exact when the value stands in
    /// the file as it is, without escapes.
    pub fn remark_within(
        &self,
        path: &str,
        value: &str,
        within: &Range<usize>,
        message: impl Into<String>,
    ) -> Remark {
        let message = message.into();
        let exact = self.spans.get(path).and_then(|span| {
            let at = span.start + self.text.get(span.clone())?.find(value)?;
            Some(at + within.start..at + within.end)
        });
        match exact {
            Some(span) => Remark::new(self.key(path), self.text, Some(span), message),
            None => {
                let inner = Position::of(value, within.start);
                self.remark(path, format!("{message} (at {inner} of the text)"))
            }
        }
    }

    fn key(&self, path: &str) -> String {
        path.strip_prefix(self.root).unwrap_or(path).replace('/', ".")
    }

    fn span(&self, path: &str) -> Option<Range<usize>> {
        let mut path = path;
        loop {
            if let Some(span) = self.spans.get(path) {
                return Some(span.clone());
            }
            match path.rsplit_once('/') {
                Some((above, _)) => path = above,
                None => return self.whole.clone(),
            }
        }
    }
}

fn below(path: &str, part: &str) -> String {
    if path.is_empty() { part.to_owned() } else { format!("{path}/{part}") }
}

fn tree(table: &DeTable<'_>, path: &str, spans: &mut HashMap<String, Range<usize>>) -> Result<Value, String> {
    let mut map = Map::new();
    for (key, value) in table {
        let path = below(path, key.get_ref());
        // Of tables and of values that span lines the key is where a person looks.
        let span = match value.get_ref() {
            DeValue::Table(_) | DeValue::Array(_) => key.span(),
            _ => value.span(),
        };
        spans.insert(path.clone(), span);
        map.insert(key.get_ref().clone().into_owned(), leaf(value.get_ref(), &path, spans)?);
    }
    Ok(Value::Object(map))
}

fn leaf(value: &DeValue<'_>, path: &str, spans: &mut HashMap<String, Range<usize>>) -> Result<Value, String> {
    if spans.len() > VALUES_LIMIT {
        return Err(format!("the file has more than {VALUES_LIMIT} values"));
    }
    Ok(match value {
        DeValue::String(text) => Value::String(Cow::clone(text).into_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map(|n| Value::Number(n.into()))
            .map_err(|_| format!("{path}: the number {number} is too large"))?,
        DeValue::Float(number) => number
            .as_str()
            .parse()
            .ok()
            .and_then(Number::from_f64)
            .map(Value::Number)
            .ok_or_else(|| format!("{path}: {} is no finite number", number.as_str()))?,
        DeValue::Boolean(word) => Value::Bool(*word),
        DeValue::Datetime(date) => Value::String(date.to_string()),
        DeValue::Array(items) => {
            let mut list = Vec::new();
            for (index, item) in items.iter().enumerate() {
                let path = below(path, &index.to_string());
                spans.insert(path.clone(), item.span());
                list.push(leaf(item.get_ref(), &path, spans)?);
            }
            Value::Array(list)
        }
        DeValue::Table(table) => tree(table, path, spans)?,
    })
}
