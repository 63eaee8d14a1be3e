//! The keys of a table, taken one by one: what has the wrong type is a fault, what nobody took is left over.

use super::document::Source;
use super::place::Remark;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Longest text of a rule, in bytes: an investigation guide.
const TEXT_LIMIT: usize = 256 << 10;
/// Most items of a list.
const LIST_LIMIT: usize = 1000;

/// What was found wrong and what is worth saying, while a rule is read.
#[derive(Default)]
pub(super) struct Remarks {
    pub faults: Vec<Remark>,
    pub notes: Vec<Remark>,
}

/// A table whose keys are taken.
pub(super) struct Keys<'a> {
    source: &'a Source<'a>,
    table: &'a Map<String, Value>,
    path: String,
    taken: RefCell<BTreeSet<&'a str>>,
    remarks: &'a RefCell<Remarks>,
}

impl<'a> Keys<'a> {
    pub fn new(
        source: &'a Source<'a>,
        table: &'a Map<String, Value>,
        path: &str,
        remarks: &'a RefCell<Remarks>,
    ) -> Self {
        Self { source, table, path: path.to_owned(), taken: RefCell::default(), remarks }
    }

    /// Another table of the same file.
    pub fn child(&self, table: &'a Map<String, Value>, path: &str) -> Self {
        Self::new(self.source, table, path, self.remarks)
    }

    pub fn path(&self, key: &str) -> String {
        match (self.path.is_empty(), key.is_empty()) {
            (true, _) => key.to_owned(),
            (false, true) => self.path.clone(),
            (false, false) => format!("{}/{key}", self.path),
        }
    }

    pub fn fault(&self, key: &str, message: impl Into<String>) {
        let remark = self.source.remark(&self.path(key), message);
        self.remarks.borrow_mut().faults.push(remark);
    }

    pub fn note(&self, key: &str, message: impl Into<String>) {
        let remark = self.source.remark(&self.path(key), message);
        self.remarks.borrow_mut().notes.push(remark);
    }

    pub fn fault_within(
        &self,
        key: &str,
        value: &str,
        within: &std::ops::Range<usize>,
        message: impl Into<String>,
    ) {
        let remark = self.source.remark_within(&self.path(key), value, within, message);
        self.remarks.borrow_mut().faults.push(remark);
    }

    pub fn note_within(
        &self,
        key: &str,
        value: &str,
        within: &std::ops::Range<usize>,
        message: impl Into<String>,
    ) {
        let remark = self.source.remark_within(&self.path(key), value, within, message);
        self.remarks.borrow_mut().notes.push(remark);
    }

    /// A value; `null` is as if it were not there. Kibana's older versions wrote some keys with humps.
    pub fn value(&self, key: &'static str) -> Option<&'a Value> {
        let named = |name: &str| self.table.get_key_value(name);
        let mut found = None;
        for (name, value) in [named(key), named(&humped(key))].into_iter().flatten() {
            self.taken.borrow_mut().insert(name);
            found = found.filter(|value: &&Value| !value.is_null()).or(Some(value));
        }
        found.filter(|value| !value.is_null())
    }

    pub fn text(&self, key: &'static str) -> Option<String> {
        match self.value(key)? {
            Value::String(text) if text.len() > TEXT_LIMIT => {
                self.fault(key, format!("it is longer than {} KiB", TEXT_LIMIT >> 10));
                None
            }
            Value::String(text) => Some(text.clone()),
            other => {
                self.fault(key, format!("a text is expected, not {}", sort(other)));
                None
            }
        }
    }

    pub fn required(&self, key: &'static str) -> String {
        let there = self.value(key).is_some();
        let text = self.text(key);
        let blank = text.as_ref().is_some_and(|text| text.trim().is_empty());
        if !there || blank {
            let path = self.path("");
            let remark = self.source.remark(&path, format!("'{key}' is missing"));
            self.remarks.borrow_mut().faults.push(Remark { key: key.into(), ..remark });
        }
        text.unwrap_or_default()
    }

    pub fn flag(&self, key: &'static str) -> Option<bool> {
        let value = self.value(key)?;
        if value.as_bool().is_none() {
            self.fault(key, format!("true or false is expected, not {}", sort(value)));
        }
        value.as_bool()
    }

    /// A whole number of at most `most`.
    pub fn number(&self, key: &'static str, most: u64) -> Option<u64> {
        let value = self.value(key)?;
        let number = value.as_u64().or_else(|| {
            value.as_f64().filter(|n| n.fract() == 0.0 && (0.0..1e15).contains(n)).map(|n| n as u64)
        });
        match number {
            Some(number) if number <= most => Some(number),
            Some(_) => {
                self.fault(key, format!("it is more than {most}"));
                None
            }
            None => {
                self.fault(key, format!("a whole number is expected, not {}", sort(value)));
                None
            }
        }
    }

    /// A list of texts; one text stands for a list of one.
    pub fn texts(&self, key: &'static str) -> Vec<String> {
        match self.value(key) {
            None => Vec::new(),
            Some(Value::String(text)) if text.is_empty() => Vec::new(),
            Some(Value::String(text)) => vec![text.clone()],
            Some(Value::Array(_)) => {
                let mut texts = Vec::new();
                for (index, item) in self.items(key).into_iter().enumerate() {
                    match item {
                        Value::String(text) => texts.push(text.clone()),
                        other => self.fault(
                            &format!("{key}/{index}"),
                            format!("a text is expected, not {}", sort(other)),
                        ),
                    }
                }
                texts
            }
            Some(other) => {
                self.fault(key, format!("a list of texts is expected, not {}", sort(other)));
                Vec::new()
            }
        }
    }

    /// The items of a list; none when it is absent.
    pub fn items(&self, key: &'static str) -> Vec<&'a Value> {
        match self.value(key) {
            None => Vec::new(),
            Some(Value::Array(items)) if items.len() > LIST_LIMIT => {
                self.fault(key, format!("it has more than {LIST_LIMIT} items"));
                Vec::new()
            }
            Some(Value::Array(items)) => items.iter().collect(),
            Some(other) => {
                self.fault(key, format!("a list is expected, not {}", sort(other)));
                Vec::new()
            }
        }
    }

    /// The tables of a list, or the one table that stands in its place.
    pub fn tables(&self, key: &'static str) -> Vec<Keys<'a>> {
        if let Some(Value::Object(table)) = self.value(key) {
            return vec![self.child(table, &self.path(key))];
        }
        let mut tables = Vec::new();
        for (index, item) in self.items(key).into_iter().enumerate() {
            let place = format!("{key}/{index}");
            match item {
                Value::Object(table) => tables.push(self.child(table, &self.path(&place))),
                other => self.fault(&place, format!("a table is expected, not {}", sort(other))),
            }
        }
        tables
    }

    /// A table.
    pub fn table(&self, key: &'static str) -> Option<Keys<'a>> {
        match self.value(key)? {
            Value::Object(table) => Some(self.child(table, &self.path(key))),
            other => {
                self.fault(key, format!("a table is expected, not {}", sort(other)));
                None
            }
        }
    }

    /// What was not taken, with `known` names apart from those that nobody knows.
    pub fn rest(&self, known: &[&str]) -> Map<String, Value> {
        let taken = self.taken.borrow();
        let mut rest = Map::new();
        for (key, value) in self.table {
            if taken.contains(key.as_str()) {
                continue;
            }
            if !known.contains(&key.as_str()) {
                self.note(key, "this key is not known here; it is kept and shown, and changes nothing");
            }
            rest.insert(key.clone(), value.clone());
        }
        rest
    }
}

/// What a value is, for a message.
pub(super) fn sort(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

/// `max_signals` as `maxSignals`.
fn humped(key: &str) -> String {
    let mut text = String::with_capacity(key.len());
    let mut up = false;
    for c in key.chars() {
        match c {
            '_' => up = true,
            c if up => {
                text.extend(c.to_uppercase());
                up = false;
            }
            c => text.push(c),
        }
    }
    text
}
