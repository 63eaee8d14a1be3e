//! Counting of a threshold rule: groups of events, and distinct values in each.

use super::alert::{Candidate, Counted};
use super::alert_id::{self, iso};
use super::state::RuleState;
use super::terms::{Fields, Key, distinct};
use super::warning::Warning;
use super::{Document, Window};
use crate::document::Path;
use crate::rule::Threshold;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};

/// Groups, and distinct values over all of them, that are kept at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub groups: usize,
    pub values: usize,
}

struct Tallied {
    values: Vec<Value>,
    count: u64,
    first: Timestamp,
    last: Timestamp,
    distinct: Vec<HashSet<Key>>,
}

/// The groups of one window.
pub(super) struct Groups {
    threshold: Threshold,
    fields: Fields,
    counted: Vec<Path>,
    groups: HashMap<Key, Tallied>,
    room: Room,
    values: usize,
    uncounted: u64,
    cut: u64,
    full: bool,
}

impl Groups {
    pub fn new(threshold: &Threshold, room: Room) -> Self {
        Self {
            fields: Fields::new(&threshold.field),
            counted: threshold.cardinality.iter().map(|c| Path::new(c.field.as_str())).collect(),
            threshold: threshold.clone(),
            groups: HashMap::new(),
            room,
            values: 0,
            uncounted: 0,
            cut: 0,
            full: false,
        }
    }

    /// Counts an event that was not counted for an alert before.
    pub fn add(&mut self, body: &Value, time: Timestamp, state: &RuleState) {
        let (combinations, cut) = self.fields.combinations(body);
        self.cut += u64::from(cut);
        let counted: Vec<Vec<Key>> = self
            .counted
            .iter()
            .map(|path| distinct(path, body).iter().map(|value| Key::of([value])).collect())
            .collect();
        for values in combinations {
            let key = Key::of(&values);
            if state.covered(key).is_some_and(|last| time <= last) {
                continue;
            }
            if self.groups.len() >= self.room.groups && !self.groups.contains_key(&key) {
                self.uncounted += 1;
                continue;
            }
            let fields = self.counted.len();
            let group = self.groups.entry(key).or_insert_with(|| Tallied {
                values,
                count: 0,
                first: time,
                last: time,
                distinct: vec![HashSet::new(); fields],
            });
            group.count += 1;
            group.first = group.first.min(time);
            group.last = group.last.max(time);
            for (known, new) in group.distinct.iter_mut().zip(&counted) {
                for value in new {
                    if self.values >= self.room.values && !known.contains(value) {
                        self.full = true;
                    } else if known.insert(*value) {
                        self.values += 1;
                    }
                }
            }
        }
    }

    pub fn warnings(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if self.uncounted > 0 {
            warnings.push(Warning::TooManyGroups { limit: self.room.groups, events: self.uncounted });
        }
        if self.full {
            warnings.push(Warning::TooManyValues { limit: self.room.values });
        }
        if self.cut > 0 {
            let limit = super::terms::COMBINATIONS_LIMIT;
            warnings.push(Warning::TooManyCombinations { limit, events: self.cut });
        }
        warnings
    }

    /// The groups that reach the threshold, by the first event.
    pub fn reached(
        &self,
        rule_id: &str,
        index: &str,
        window: Window,
        id: &dyn Fn(&Document) -> String,
    ) -> Vec<Candidate> {
        let reached = |group: &&Tallied| {
            let wanted = self.threshold.cardinality.iter().map(|c| c.value);
            group.count >= self.threshold.value
                && group.distinct.iter().zip(wanted).all(|(set, wanted)| set.len() as u64 >= wanted)
        };
        let mut groups: Vec<_> = self.groups.iter().filter(|(_, group)| reached(group)).collect();
        groups.sort_by_key(|(key, group)| (group.first, **key));
        let candidate = |(key, group): (&Key, &Tallied)| {
            let event = alert_id::of_group(rule_id, window.to, &self.threshold.field, &group.values);
            let terms: Vec<_> =
                self.threshold.field.iter().cloned().zip(group.values.iter().cloned()).collect();
            let mut body: Map<String, Value> = terms.iter().cloned().collect();
            body.insert("@timestamp".into(), json!(iso(group.last)));
            let document = Document {
                index: index.to_owned(),
                id: event.to_string(),
                version: 1,
                body: Value::Object(body),
            };
            let cardinality = self.threshold.cardinality.iter().zip(&group.distinct);
            let cardinality = cardinality.map(|(c, set)| (c.field.clone(), set.len() as u64)).collect();
            Candidate {
                id: id(&document),
                document,
                time: group.last,
                new_terms: None,
                threshold: Some(Counted {
                    terms,
                    count: group.count,
                    cardinality,
                    first: group.first,
                    last: group.last,
                    key: *key,
                }),
            }
        };
        groups.into_iter().map(candidate).collect()
    }
}
