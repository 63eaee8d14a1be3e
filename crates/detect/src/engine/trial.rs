//! What a rule would have said of the past, without writing anything: one pass over the events, which stands for all the runs
//! that there would have been.
//!
//! Runs are taken to have come on time, every interval from the beginning of the past on. An event belongs to the first run
//! that could see it; the limit of alerts, groups and suppression are those of that run, and what a run had to leave goes to
//! the next one, as long as its window reaches back so far. Suppressing alerts are taken to have stayed open.

use super::filter::{ACTION, Filter};
use super::terms::{COMBINATIONS_LIMIT, Fields, Key, distinct};
use super::timestamp::Times;
use super::warning::Warning;
use super::{Document, EngineError, Window, execution::Limits, reason};
use crate::document::Path;
use crate::rule::{Kind, Rule, Threshold};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;
use std::borrow::Borrow;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

/// Bars of a chart, at most.
const BUCKETS_LIMIT: i64 = 5000;
/// Alerts that are shown, at most.
const SAMPLES_LIMIT: usize = 100;

/// One bar of the chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bucket {
    /// Its first moment.
    pub start: Timestamp,
    /// Events that the query means.
    pub matched: u64,
    /// Alerts.
    pub alerts: u64,
}

/// An alert that there would have been.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sample {
    /// The time of its event; of a group the last one's.
    pub time: Timestamp,
    /// The event's index and id; the last one's of a group.
    pub event: (String, String),
    /// The sentence.
    pub reason: String,
    /// The values that were new, or that the group has in common.
    pub terms: Vec<Value>,
}

/// What the rule would have said.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialResult {
    /// Over the whole past, without holes.
    pub buckets: Vec<Bucket>,
    /// Alerts, all of them.
    pub alerts: u64,
    /// Events that the query means.
    pub matched: u64,
    /// Events that were looked at.
    pub read: u64,
    /// Alerts that another one stands for.
    pub suppressed: u64,
    /// Runs that would have stopped at their limit.
    pub cut_runs: u64,
    /// Matches that no run would have got to, because of the limit.
    pub lost: u64,
    /// The first alerts.
    pub samples: Vec<Sample>,
    /// What could not be counted.
    pub warnings: Vec<Warning>,
}

struct Pending {
    time: Timestamp,
    sample: Option<Sample>,
}

enum Memory {
    Query,
    NewTerms { fields: Fields, reach: SignedDuration, seen: HashMap<Key, Timestamp> },
    Threshold(Box<Sliding>),
}

struct Sliding {
    threshold: Threshold,
    fields: Fields,
    counted: Vec<Path>,
    groups: HashMap<Key, Series>,
    touched: BTreeSet<Key>,
    kept: usize,
}

struct Series {
    values: Vec<Value>,
    events: VecDeque<(Timestamp, Vec<Vec<Key>>)>,
    event: (String, String),
}

/// A rule that is tried.
pub struct Trial {
    rule: Rule,
    past: Window,
    read: Window,
    bucket: SignedDuration,
    look_back: SignedDuration,
    filter: Filter,
    times: Times,
    memory: Memory,
    suppression: Option<Fields>,
    open: HashMap<Key, (Timestamp, i64)>,
    pending: VecDeque<Pending>,
    run: i64,
    limits: Limits,
    latest: Option<Timestamp>,
    result: TrialResult,
}

impl Trial {
    /// A trial over `past`, counted in bars of `bucket` (made longer when there would be too many).
    ///
    /// # Errors
    /// When the rule cannot run at all.
    pub fn new(
        rule: &Rule,
        past: Window,
        bucket: SignedDuration,
        limits: Limits,
    ) -> Result<Self, EngineError> {
        let (from, to) = rule.schedule.window(past.to)?;
        let look_back = to.duration_since(from);
        if look_back <= SignedDuration::ZERO || past.from >= past.to {
            return Err(EngineError::Window);
        }
        let mut read = past;
        let memory = match &rule.kind {
            Kind::Query => Memory::Query,
            Kind::NewTerms(terms) => {
                let reach = past.to.duration_since(terms.history_window_start.resolve(past.to)?);
                if reach <= look_back {
                    return Err(EngineError::History);
                }
                read.from = past.from.checked_sub(reach).unwrap_or(Timestamp::MIN);
                Memory::NewTerms { fields: Fields::new(&terms.fields), reach, seen: HashMap::new() }
            }
            Kind::Threshold(threshold) => {
                read.from = past.from.checked_sub(look_back).unwrap_or(Timestamp::MIN);
                Memory::Threshold(Box::new(Sliding {
                    fields: Fields::new(&threshold.field),
                    counted: threshold.cardinality.iter().map(|c| Path::new(c.field.as_str())).collect(),
                    threshold: threshold.clone(),
                    groups: HashMap::new(),
                    touched: BTreeSet::new(),
                    kept: 0,
                }))
            }
        };
        let length = i64::try_from(past.to.duration_since(past.from).as_millis()).unwrap_or(i64::MAX);
        let least = length / BUCKETS_LIMIT + 1;
        let bucket = bucket.max(SignedDuration::from_millis(least));
        let suppression = rule.suppression.as_ref().map(|s| Fields::new(&s.group_by));
        Ok(Self {
            filter: Filter::new(rule, "", past.to)?,
            times: Times::of(rule),
            result: TrialResult {
                buckets: empty(past, bucket),
                alerts: 0,
                matched: 0,
                read: 0,
                suppressed: 0,
                cut_runs: 0,
                lost: 0,
                samples: Vec::new(),
                warnings: Vec::new(),
            },
            rule: rule.clone(),
            past,
            read,
            bucket,
            look_back,
            memory,
            suppression,
            open: HashMap::new(),
            pending: VecDeque::new(),
            run: i64::MIN,
            limits,
            latest: None,
        })
    }

    /// What is to be fed, by ascending time: the past, and before it what makes values known.
    pub fn window(&self) -> Window {
        self.read
    }

    /// The dotted names of the fields that it looks at, with what is below them; none for all. Documents that lack the others
    /// lead to the same.
    pub fn fields(&self) -> Option<BTreeSet<String>> {
        self.filter.fields(&self.rule)
    }

    /// Texts of `event.action` one of which a document must have to count at all; none where the rule does not say. Documents
    /// that have none of them need not be fed: [`Trial::pass_over`].
    pub fn actions(&self) -> Option<BTreeSet<String>> {
        self.filter.required(ACTION)
    }

    /// Counts documents that were not fed.
    pub fn pass_over(&mut self, documents: u64) {
        self.result.read += documents;
    }

    /// Takes documents.
    pub fn feed<D: Borrow<Document>>(&mut self, page: &[D]) {
        for document in page {
            self.one(document.borrow());
        }
    }

    fn one(&mut self, document: &Document) {
        self.result.read += 1;
        let Some(time) = self.times.time(&document.body).filter(|time| self.read.holds(*time)) else {
            return;
        };
        if !self.filter.passes(document) {
            return;
        }
        if self.latest.is_some_and(|latest| time < latest) {
            self.warn(Warning::OutOfOrder);
        }
        self.latest = Some(time);
        let run = self.run_of(time);
        if run > self.run {
            self.end_run(run);
        }
        let counts = self.past.holds(time);
        if counts {
            self.result.matched += 1;
            if let Some(bucket) = self.bucket(time) {
                bucket.matched += 1;
            }
        }
        match &self.memory {
            Memory::Query if counts => self.found(document, time, Vec::new()),
            Memory::Query => {}
            Memory::NewTerms { .. } => self.terms(document, time, counts),
            Memory::Threshold(_) => self.count(document, time),
        }
    }

    /// The first run that could see an event.
    fn run_of(&self, time: Timestamp) -> i64 {
        let passed = time.duration_since(self.past.from).as_millis();
        let interval = self.rule.schedule.interval.duration().as_millis().max(1);
        i64::try_from((passed + interval - 1).div_euclid(interval)).unwrap_or(i64::MAX)
    }

    fn run_at(&self, run: i64) -> Timestamp {
        let interval = i64::try_from(self.rule.schedule.interval.duration().as_millis()).unwrap_or(i64::MAX);
        let passed = SignedDuration::from_millis(interval.saturating_mul(run));
        self.past.from.checked_add(passed).unwrap_or(Timestamp::MAX)
    }

    fn warn(&mut self, warning: Warning) {
        if !self.result.warnings.contains(&warning) {
            self.result.warnings.push(warning);
        }
    }

    fn bucket(&mut self, time: Timestamp) -> Option<&mut Bucket> {
        let place = time.duration_since(self.past.from).as_millis() / self.bucket.as_millis().max(1);
        self.result.buckets.get_mut(usize::try_from(place).ok()?)
    }

    /// A match that would be an alert, unless another one stands for it.
    fn found(&mut self, document: &Document, time: Timestamp, terms: Vec<Value>) {
        if let (Some(fields), Some(suppression)) = (&self.suppression, &self.rule.suppression) {
            let (values, missing) = match self.rule.kind {
                Kind::Threshold(_) => (terms.clone(), false),
                _ => fields.whole(&document.body),
            };
            if !missing || suppression.missing_fields_too {
                let key = Key::of(&values);
                let taken = self.open.get(&key).is_some_and(|(start, run)| match suppression.duration {
                    Some(span) => start.saturating_add(span.duration()).is_ok_and(|end| time <= end),
                    None => *run == self.run,
                });
                if taken {
                    self.result.suppressed += 1;
                    return;
                }
                if self.open.len() < self.limits.groups {
                    self.open.insert(key, (time, self.run));
                } else {
                    self.warn(Warning::TooManyGroups { limit: self.limits.groups, events: 1 });
                }
            }
        }
        let shown = self.result.samples.len() + self.pending.len() < SAMPLES_LIMIT;
        let sample = shown.then(|| Sample {
            time,
            event: (document.index.clone(), document.id.clone()),
            reason: reason::sentence(&document.body, self.rule.about.severity, &self.rule.about.name),
            terms,
        });
        self.pending.push_back(Pending { time, sample });
    }

    fn terms(&mut self, document: &Document, time: Timestamp, counts: bool) {
        let mut new = Vec::new();
        let (mut full, mut cut) = (false, false);
        if let Memory::NewTerms { fields, reach, seen } = &mut self.memory {
            let (combinations, many) = fields.combinations(&document.body);
            cut = many;
            for values in combinations {
                let key = Key::of(&values);
                if seen.len() >= self.limits.terms && !seen.contains_key(&key) {
                    full = true;
                    continue;
                }
                let before = seen.insert(key, time);
                if before.is_none_or(|before| time.duration_since(before) > *reach) {
                    new.push(values);
                }
            }
        }
        if full && !self.result.warnings.iter().any(|w| matches!(w, Warning::TooManyTerms { .. })) {
            self.warn(Warning::TooManyTerms { limit: self.limits.terms, since: time });
        }
        if cut {
            self.warn(Warning::TooManyCombinations { limit: COMBINATIONS_LIMIT, events: 1 });
        }
        for values in new.into_iter().filter(|_| counts) {
            self.found(document, time, values);
        }
    }

    fn count(&mut self, document: &Document, time: Timestamp) {
        let Memory::Threshold(sliding) = &mut self.memory else { return };
        let (combinations, _) = sliding.fields.combinations(&document.body);
        let counted: Vec<Vec<Key>> = sliding
            .counted
            .iter()
            .map(|path| distinct(path, &document.body).iter().map(|value| Key::of([value])).collect())
            .collect();
        let mut full = false;
        for values in combinations {
            if sliding.kept >= self.limits.values {
                full = true;
                break;
            }
            let key = Key::of(&values);
            let fresh = || Series { values, events: VecDeque::new(), event: Default::default() };
            let series = sliding.groups.entry(key).or_insert_with(fresh);
            series.events.push_back((time, counted.clone()));
            series.event = (document.index.clone(), document.id.clone());
            sliding.kept += 1;
            sliding.touched.insert(key);
        }
        if full {
            self.warn(Warning::TooManyValues { limit: self.limits.values });
        }
    }

    /// The present run ends, and `next` begins.
    fn end_run(&mut self, next: i64) {
        if self.run != i64::MIN {
            self.reach();
            let mut left = self.rule.schedule.max_signals;
            let mut run = self.run;
            // What one run leaves is the next one's, and so on until the next event.
            loop {
                while left > 0
                    && let Some(pending) = self.pending.pop_front()
                {
                    left -= 1;
                    self.emit(pending);
                }
                if self.pending.is_empty() || run >= next {
                    break;
                }
                self.result.cut_runs += 1;
                run += 1;
                let reach = self.run_at(run).checked_sub(self.look_back).unwrap_or(Timestamp::MIN);
                let before = self.pending.len();
                self.pending.retain(|pending| pending.time >= reach);
                self.result.lost += (before - self.pending.len()) as u64;
                if run == next {
                    break;
                }
                left = self.rule.schedule.max_signals;
            }
        }
        self.run = next;
    }

    fn emit(&mut self, pending: Pending) {
        self.result.alerts += 1;
        if let Some(bucket) = self.bucket(pending.time) {
            bucket.alerts += 1;
        }
        self.result.samples.extend(pending.sample);
    }

    /// Groups that reach the threshold in the run that ends.
    fn reach(&mut self) {
        let reach = self.run_at(self.run).checked_sub(self.look_back).unwrap_or(Timestamp::MIN);
        let mut reached = Vec::new();
        if let Memory::Threshold(sliding) = &mut self.memory {
            for key in std::mem::take(&mut sliding.touched) {
                let Some(series) = sliding.groups.get_mut(&key) else { continue };
                while series.events.front().is_some_and(|(time, _)| *time < reach) {
                    series.events.pop_front();
                    sliding.kept -= 1;
                }
                let threshold = &sliding.threshold;
                let enough = series.events.len() as u64 >= threshold.value
                    && threshold.cardinality.iter().enumerate().all(|(field, wanted)| {
                        let values = series.events.iter().filter_map(|(_, sets)| sets.get(field)).flatten();
                        values.collect::<HashSet<_>>().len() as u64 >= wanted.value
                    });
                if enough && let Some((last, _)) = series.events.back() {
                    reached.push((*last, series.values.clone(), series.event.clone()));
                    sliding.kept -= series.events.len();
                    series.events.clear();
                }
            }
            // Groups of which nothing is left in any later window are forgotten.
            if sliding.groups.len() > self.limits.groups {
                let mut gone = 0;
                sliding.groups.retain(|_, series| {
                    let lives = series.events.back().is_some_and(|(time, _)| *time >= reach);
                    gone += if lives { 0 } else { series.events.len() };
                    lives
                });
                sliding.kept -= gone;
            }
        }
        reached.sort_by_key(|(time, ..)| *time);
        let past = self.past;
        for (time, values, (index, id)) in reached.into_iter().filter(|(time, ..)| past.holds(*time)) {
            let names = match &self.rule.kind {
                Kind::Threshold(threshold) => threshold.field.clone(),
                _ => Vec::new(),
            };
            let body = names.into_iter().zip(values.iter().cloned()).collect();
            let document = Document { index, id, version: 1, body: Value::Object(body) };
            self.found(&document, time, values);
        }
    }

    /// The end of the past.
    pub fn finish(mut self) -> TrialResult {
        let end = self.run_of(self.past.to).max(self.run.saturating_add(1));
        self.end_run(end);
        // What is left is within reach of the run that comes now, as much as it may.
        let mut left = self.rule.schedule.max_signals;
        while left > 0
            && let Some(pending) = self.pending.pop_front()
        {
            left -= 1;
            self.emit(pending);
        }
        self.result.lost += self.pending.len() as u64;
        self.result
    }
}

fn empty(past: Window, bucket: SignedDuration) -> Vec<Bucket> {
    let mut buckets = Vec::new();
    let mut start = past.from;
    while start <= past.to && buckets.len() as i64 <= BUCKETS_LIMIT {
        buckets.push(Bucket { start, matched: 0, alerts: 0 });
        match start.checked_add(bucket) {
            Ok(next) => start = next,
            Err(_) => break,
        }
    }
    buckets
}
