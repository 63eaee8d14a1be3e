//! From candidates to alerts: duplicates go first, then what is suppressed, and only then the limit counts.

use super::alert::{Alert, Candidate, Maker};
use super::alert_id;
use super::state::RuleState;
use super::terms::{Fields, Key};
use crate::rule::{Rule, Suppression};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};

/// What must be looked up before candidates become alerts: of one page of documents, or of all groups of a threshold, which may
/// be many; look them up in parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// Which of these alerts are there? Each id once.
    pub ids: Vec<String>,
    /// Which suppressing alerts of these instances are there? Only asked of rules whose suppression has a duration.
    pub instances: Vec<String>,
}

/// What is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Those of the ids that are alerts already, closed ones among them.
    pub known: HashSet<String>,
    /// Of each instance its latest alert, if there is one.
    pub suppressed: Vec<Suppressed>,
}

/// An alert that stands for others too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppressed {
    /// The alert's id.
    pub id: String,
    /// What its events have in common.
    pub instance: String,
    /// The first event's time.
    pub start: Timestamp,
    /// The last event's time.
    pub end: Timestamp,
    /// How many it stands for beside its own.
    pub docs_count: u64,
    /// Whether somebody closed it: later events then make a new one.
    pub closed: bool,
}

/// An alert that took up more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The alert's id.
    pub id: String,
    /// `kibana.alert.suppression.docs_count`, the new total.
    pub docs_count: u64,
    /// `kibana.alert.suppression.end`
    pub end: Timestamp,
    /// `kibana.alert.last_detected`
    pub last_detected: Timestamp,
}

/// Candidates that are about the same thing.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub candidate: Candidate,
    pub key: Key,
    pub instance: String,
    pub terms: Vec<(String, Value)>,
    pub start: Timestamp,
    pub end: Timestamp,
    pub suppressed: u64,
}

/// What candidates of a group have in common.
struct Sameness {
    key: Key,
    terms: Vec<(String, Value)>,
    instance: String,
}

/// How candidates fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub duplicates: u64,
    pub suppressed: u64,
}

/// The place where candidates wait, and what became of them.
pub(super) struct Collector {
    maker: Maker,
    limit: usize,
    started: Timestamp,
    suppression: Option<(Suppression, Fields)>,
    waiting: Vec<Candidate>,
    made: HashSet<String>,
    alerts: Vec<Alert>,
    groups: Vec<Group>,
    /// The youngest group of a key.
    places: HashMap<Key, usize>,
    open: HashMap<String, Suppressed>,
    asked: HashSet<String>,
    changed: BTreeMap<String, Update>,
    truncated: bool,
    pub tally: Tally,
}

/// What a run leaves.
pub(super) struct Collected {
    pub alerts: Vec<Alert>,
    pub updates: Vec<Update>,
    pub truncated: bool,
    pub tally: Tally,
}

impl Collector {
    pub fn new(rule: &Rule, maker: Maker, started: Timestamp) -> Self {
        let suppression = rule.suppression.clone().map(|s| {
            let fields = Fields::new(&s.group_by);
            (s, fields)
        });
        Self {
            maker,
            limit: rule.schedule.max_signals,
            started,
            suppression,
            waiting: Vec::new(),
            made: HashSet::new(),
            alerts: Vec::new(),
            groups: Vec::new(),
            places: HashMap::new(),
            open: HashMap::new(),
            asked: HashSet::new(),
            changed: BTreeMap::new(),
            truncated: false,
            tally: Tally::default(),
        }
    }

    pub fn maker(&self) -> &Maker {
        &self.maker
    }

    pub fn push(&mut self, candidate: Candidate) {
        self.waiting.push(candidate);
    }

    /// Nothing that could still come would change anything.
    pub fn is_full(&self) -> bool {
        self.truncated && self.suppression.is_none()
    }

    pub fn ask(&self) -> Option<Ask> {
        if self.waiting.is_empty() {
            return None;
        }
        let mut ask = Ask::default();
        let (mut ids, mut instances) = (HashSet::new(), HashSet::new());
        for candidate in &self.waiting {
            if !self.made.contains(&candidate.id) && ids.insert(candidate.id.as_str()) {
                ask.ids.push(candidate.id.clone());
            }
            if let Some((suppression, _)) = &self.suppression
                && suppression.duration.is_some()
                && let Some(Sameness { instance, .. }) = self.sameness(candidate)
                && !self.asked.contains(&instance)
                && instances.insert(instance.clone())
            {
                ask.instances.push(instance);
            }
        }
        Some(ask)
    }

    pub fn answer(&mut self, answer: Answer, state: &mut RuleState) {
        for suppressed in answer.suppressed {
            match self.open.get(&suppressed.instance) {
                Some(known) if known.end >= suppressed.end => {}
                _ => {
                    self.open.insert(suppressed.instance.clone(), suppressed);
                }
            }
        }
        for candidate in std::mem::take(&mut self.waiting) {
            if self.is_full() {
                break;
            }
            let counted = candidate.threshold.as_ref().map(|counted| (counted.key, counted.last));
            if self.settle(candidate, &answer.known, state)
                && let Some((key, last)) = counted
            {
                state.cover(key, last);
            }
        }
    }

    /// Whether the candidate found its place; not, when the limit left none.
    fn settle(&mut self, candidate: Candidate, known: &HashSet<String>, state: &RuleState) -> bool {
        if known.contains(&candidate.id) || self.made.contains(&candidate.id) {
            self.tally.duplicates += 1;
            return true;
        }
        let Some(Sameness { key, terms, instance }) = self.sameness(&candidate) else {
            return self.alone(&candidate);
        };
        self.asked.insert(instance.clone());
        let duration = self.suppression.as_ref().and_then(|(s, _)| s.duration).map(|d| d.duration());
        let within = |start: Timestamp| match duration {
            Some(duration) => start.saturating_add(duration).is_ok_and(|end| candidate.time <= end),
            None => true,
        };
        if duration.is_none() && candidate.threshold.is_none() {
            if state.covered(key).is_some_and(|last| candidate.time <= last) {
                self.tally.duplicates += 1;
                return true;
            }
        } else if let Some(open) = self.open.get_mut(&instance) {
            if candidate.time <= open.end {
                self.tally.duplicates += 1;
                return true;
            }
            if !open.closed && within(open.start) {
                open.end = candidate.time;
                open.docs_count = open.docs_count.saturating_add(1);
                let update = Update {
                    id: open.id.clone(),
                    docs_count: open.docs_count,
                    end: open.end,
                    last_detected: self.started,
                };
                self.changed.insert(open.id.clone(), update);
                self.tally.suppressed += 1;
                self.made.insert(candidate.id);
                return true;
            }
        }
        if let Some(group) = self.places.get(&key).and_then(|place| self.groups.get_mut(*place))
            && within(group.start)
        {
            group.end = group.end.max(candidate.time);
            group.suppressed += 1;
            self.tally.suppressed += 1;
            self.made.insert(candidate.id);
            return true;
        }
        if !self.has_room() {
            return false;
        }
        self.places.insert(key, self.groups.len());
        self.made.insert(candidate.id.clone());
        let (start, end) = (candidate.time, candidate.time);
        self.groups.push(Group { candidate, key, instance, terms, start, end, suppressed: 0 });
        true
    }

    fn alone(&mut self, candidate: &Candidate) -> bool {
        if !self.has_room() {
            return false;
        }
        self.made.insert(candidate.id.clone());
        self.alerts.push(self.maker.alert(candidate, None));
        true
    }

    fn has_room(&mut self) -> bool {
        let room = self.alerts.len() + self.groups.len() < self.limit;
        self.truncated |= !room;
        room
    }

    /// What a candidate has in common with others; none when it stands alone.
    fn sameness(&self, candidate: &Candidate) -> Option<Sameness> {
        let (suppression, fields) = self.suppression.as_ref()?;
        let terms = match &candidate.threshold {
            Some(counted) => counted.terms.clone(),
            None => {
                let (values, missing) = fields.whole(&candidate.document.body);
                if missing && !suppression.missing_fields_too {
                    return None;
                }
                fields.names().map(str::to_owned).zip(values).collect()
            }
        };
        let key = Key::of(terms.iter().map(|(_, value)| value));
        let installed = &self.maker.installed;
        let instance = alert_id::of_instance(&terms, &installed.space, &installed.uuid);
        Some(Sameness { key, terms, instance })
    }

    pub fn finish(mut self, state: &mut RuleState) -> Collected {
        let lasting = self.suppression.as_ref().is_some_and(|(s, _)| s.duration.is_some());
        for group in &self.groups {
            if !lasting {
                state.cover(group.key, group.end);
            }
            self.alerts.push(self.maker.alert(&group.candidate, Some(group)));
        }
        Collected {
            alerts: self.alerts,
            updates: self.changed.into_values().collect(),
            truncated: self.truncated,
            tally: self.tally,
        }
    }
}
