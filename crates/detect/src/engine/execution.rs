//! One run of one rule over one window, driven from outside in steps.
//!
//! ```text
//!   query      Matches ─────────────────────────────────────────► candidates
//!   threshold  Matches ─► groups ───────────────────────────────► candidates
//!   new_terms  Matches ─► combinations ─► History ─► those that are new ─► (Oldest) ─► candidates
//! ```
//!
//! Each pass reads its window once, in ascending order of the documents' times. What is kept meanwhile is bounded: candidates
//! by a page, combinations and groups by [`Limits`], and whatever a limit leaves out is a [`Warning`].

use super::alert::{Alert, Candidate, Installed, Maker, Run};
use super::collector::{Answer, Ask, Collector, Update};
use super::filter::{ACTION, Filter};
use super::groups::{Groups, Room};
use super::state::RuleState;
use super::terms::{COMBINATIONS_LIMIT, Fields, Key};
use super::timestamp::Times;
use super::warning::Warning;
use super::{Document, EngineError, Window, alert_id};
use crate::rule::{Kind, NewTerms, Rule};
use jiff::Timestamp;
use serde_json::Value;
use std::borrow::Borrow;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

/// How much a run keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Combinations of a new_terms rule: 16 bytes each, and as much again for finding them.
    pub terms: usize,
    /// New combinations whose oldest event is kept, so that it need not be looked for a second time.
    pub kept: usize,
    /// Groups of a threshold rule.
    pub groups: usize,
    /// Distinct values of a threshold rule, over all groups.
    pub values: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { terms: 1_000_000, kept: 1000, groups: 100_000, values: 1_000_000 }
    }
}

/// What a pass looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Documents of the window.
    Matches,
    /// Documents before the window, which make values known.
    History,
    /// The oldest documents of values that are new.
    Oldest,
}

/// Documents that are to be fed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// Which pass it is.
    pub pass: Pass,
    /// All documents whose time may lie in it, by ascending time: of the rule's timestamp override, or where a document has none,
    /// of `@timestamp`. More do no harm.
    pub window: Window,
    /// Whether this goes on where the last page ended; else the pass begins.
    pub continues: bool,
    /// Texts of `event.action` one of which a document must have to count at all; none where the rule does not say. Other
    /// documents may be left out, and are not counted as read then.
    pub actions: Option<Arc<BTreeSet<String>>>,
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Read a page and call [`Execution::feed`].
    Read(Read),
    /// Look alerts up and call [`Execution::answer`].
    Ask(Ask),
    /// Call [`Execution::finish`].
    Done,
}

/// How many documents went which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Fed, in all passes.
    pub read: u64,
    /// Of the window, and meant by query and exceptions.
    pub matched: u64,
    /// Candidates that were alerts already.
    pub duplicates: u64,
    /// Candidates that another alert stands for.
    pub suppressed: u64,
}

/// What a run gives. All of it is written in one transaction.
#[derive(Clone, Debug)]
pub struct RunOutcome {
    /// New alerts, at most `max_signals`.
    pub alerts: Vec<Alert>,
    /// Alerts that took up more events.
    pub updates: Vec<Update>,
    /// What could not be done.
    pub warnings: Vec<Warning>,
    /// What the rule remembers.
    pub state: RuleState,
    /// How many documents went which way.
    pub counts: Counts,
}

enum Stage {
    Query,
    Threshold(Groups),
    /// Combinations of the window, the first `kept` with their oldest event.
    Terms(Terms),
    History(Terms),
    Oldest(HashSet<Key>),
    Over,
}

struct Terms {
    found: HashSet<Key>,
    /// None when there are too many.
    oldest: Option<Vec<(Key, Candidate)>>,
    since: Option<Timestamp>,
}

/// The machine.
pub struct Execution {
    rule: Rule,
    window: Window,
    history: Option<(Fields, Window)>,
    actions: Option<Arc<BTreeSet<String>>>,
    filter: Filter,
    times: Times,
    stage: Stage,
    collector: Collector,
    state: RuleState,
    limits: Limits,
    continues: bool,
    latest: Option<Timestamp>,
    disordered: bool,
    undated: u64,
    cut: u64,
    warnings: Vec<Warning>,
    counts: Counts,
}

impl Execution {
    /// A run of `rule` over `window`, with what it remembers.
    ///
    /// # Errors
    /// When the rule cannot run at all.
    pub fn new(
        rule: &Rule,
        installed: &Installed,
        run: &Run,
        window: Window,
        state: RuleState,
        limits: Limits,
    ) -> Result<Self, EngineError> {
        if window.from > window.to {
            return Err(EngineError::Window);
        }
        let history = match &rule.kind {
            Kind::NewTerms(terms) => Some(history(terms, window)?),
            _ => None,
        };
        let stage = match &rule.kind {
            Kind::Query => Stage::Query,
            Kind::Threshold(threshold) => Stage::Threshold(Groups::new(
                threshold,
                Room { groups: limits.groups, values: limits.values },
            )),
            Kind::NewTerms(_) => {
                Stage::Terms(Terms { found: HashSet::new(), oldest: Some(Vec::new()), since: None })
            }
        };
        let mut state = state;
        state.prune(window.from);
        let maker = Maker::new(rule, installed, run, window);
        let filter = Filter::new(rule, &installed.uuid, window.to)?;
        Ok(Self {
            window,
            history,
            actions: filter.required(ACTION).map(Arc::new),
            filter,
            times: Times::of(rule),
            stage,
            collector: Collector::new(rule, maker, run.started),
            state,
            limits,
            continues: false,
            latest: None,
            disordered: false,
            undated: 0,
            cut: 0,
            warnings: Vec::new(),
            counts: Counts::default(),
            rule: rule.clone(),
        })
    }

    /// What is to be done next. Asking twice changes nothing.
    pub fn step(&self) -> Step {
        if self.collector.is_full() {
            return Step::Done;
        }
        if let Some(ask) = self.collector.ask() {
            return Step::Ask(ask);
        }
        let (continues, actions) = (self.continues, &self.actions);
        let read = |pass, window| Step::Read(Read { pass, window, continues, actions: actions.clone() });
        match &self.stage {
            Stage::Query | Stage::Threshold(_) | Stage::Terms(_) => read(Pass::Matches, self.window),
            Stage::History(_) => {
                read(Pass::History, self.history.as_ref().map_or(self.window, |(_, window)| *window))
            }
            Stage::Oldest(_) => read(Pass::Oldest, self.window),
            Stage::Over => Step::Done,
        }
    }

    /// Takes a page of the documents that [`Step::Read`] asked for; `last` says that there are no more.
    pub fn feed<D: Borrow<Document>>(&mut self, page: &[D], last: bool) {
        self.continues = true;
        for document in page {
            self.one(document.borrow());
        }
        if last {
            self.advance();
        }
    }

    /// Takes what [`Step::Ask`] asked for.
    pub fn answer(&mut self, answer: Answer) {
        self.collector.answer(answer, &mut self.state);
    }

    /// The end of the run.
    pub fn finish(mut self) -> RunOutcome {
        let collected = self.collector.finish(&mut self.state);
        let mut warnings = self.warnings;
        if collected.truncated {
            warnings.push(Warning::MaxSignals { limit: self.rule.schedule.max_signals });
        }
        if self.cut > 0 {
            warnings.push(Warning::TooManyCombinations { limit: COMBINATIONS_LIMIT, events: self.cut });
        }
        if self.undated > 0 {
            warnings.push(Warning::Undated { events: self.undated });
        }
        if self.disordered {
            warnings.push(Warning::OutOfOrder);
        }
        self.counts.duplicates = collected.tally.duplicates;
        self.counts.suppressed = collected.tally.suppressed;
        RunOutcome {
            alerts: collected.alerts,
            updates: collected.updates,
            warnings,
            state: self.state,
            counts: self.counts,
        }
    }

    fn one(&mut self, document: &Document) {
        self.counts.read += 1;
        let first = matches!(self.stage, Stage::Query | Stage::Threshold(_) | Stage::Terms(_));
        let Some(time) = self.times.time(&document.body) else {
            if first && self.filter.passes(document) {
                self.undated += 1;
            }
            return;
        };
        let window = match (&self.stage, &self.history) {
            (Stage::History(_), Some((_, window))) => *window,
            _ => self.window,
        };
        if !window.holds(time) || !self.filter.passes(document) {
            return;
        }
        self.disordered |= self.latest.is_some_and(|latest| time < latest);
        self.latest = Some(time);
        self.counts.matched += u64::from(first);
        match &mut self.stage {
            Stage::Query => {
                let id = self.collector.maker().event_id(document);
                self.collector.push(Candidate {
                    id,
                    document: document.clone(),
                    time,
                    new_terms: None,
                    threshold: None,
                });
            }
            Stage::Threshold(groups) => groups.add(&document.body, time, &self.state),
            Stage::Terms(_) | Stage::History(_) | Stage::Oldest(_) => self.terms(document, time),
            Stage::Over => {}
        }
    }

    fn terms(&mut self, document: &Document, time: Timestamp) {
        let Some((fields, _)) = &self.history else { return };
        let (combinations, cut) = fields.combinations(&document.body);
        match &mut self.stage {
            // What first appears at the window's very beginning is not new: only what is younger is.
            Stage::Terms(_) if time <= self.window.from => {}
            Stage::Terms(terms) => {
                self.cut += u64::from(cut);
                for values in combinations {
                    let key = Key::of(&values);
                    if terms.found.contains(&key) {
                        continue;
                    }
                    if terms.found.len() >= self.limits.terms {
                        terms.since.get_or_insert(time);
                        continue;
                    }
                    terms.found.insert(key);
                    match &mut terms.oldest {
                        Some(oldest) if oldest.len() < self.limits.kept => {
                            oldest.push((key, candidate(self.collector.maker(), document, time, values)));
                        }
                        many => *many = None,
                    }
                }
            }
            Stage::History(terms) => {
                for values in combinations {
                    terms.found.remove(&Key::of(&values));
                }
            }
            Stage::Oldest(new) => {
                for values in combinations {
                    if new.remove(&Key::of(&values)) {
                        self.collector.push(candidate(self.collector.maker(), document, time, values));
                    }
                }
            }
            Stage::Query | Stage::Threshold(_) | Stage::Over => {}
        }
    }

    /// A pass is over.
    fn advance(&mut self) {
        self.continues = false;
        self.latest = None;
        self.stage = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Query | Stage::Oldest(_) | Stage::Over => Stage::Over,
            Stage::Threshold(groups) => {
                self.warnings.extend(groups.warnings());
                let maker = self.collector.maker();
                let id = |document: &Document| maker.event_id(document);
                let index = self.rule.index.join(",");
                let reached = groups.reached(&self.rule.about.rule_id, &index, self.window, &id);
                for candidate in reached {
                    self.collector.push(candidate);
                }
                Stage::Over
            }
            Stage::Terms(terms) => {
                if let Some(since) = terms.since {
                    self.warnings.push(Warning::TooManyTerms { limit: self.limits.terms, since });
                }
                if terms.found.is_empty() { Stage::Over } else { Stage::History(terms) }
            }
            Stage::History(terms) => match terms.oldest {
                _ if terms.found.is_empty() => Stage::Over,
                Some(oldest) => {
                    for (_, candidate) in oldest.into_iter().filter(|(key, _)| terms.found.contains(key)) {
                        self.collector.push(candidate);
                    }
                    Stage::Over
                }
                None => Stage::Oldest(terms.found),
            },
        };
    }
}

fn candidate(maker: &Maker, document: &Document, time: Timestamp, values: Vec<Value>) -> Candidate {
    let installed = &maker.installed;
    Candidate {
        id: alert_id::of_new_terms(document, &installed.space, &installed.uuid, &values),
        document: document.clone(),
        time,
        new_terms: Some(values),
        threshold: None,
    }
}

/// The fields of a new_terms rule, and the time before its window in which values become known; the window's first moment
/// belongs to both.
fn history(terms: &NewTerms, window: Window) -> Result<(Fields, Window), EngineError> {
    let from = terms.history_window_start.resolve(window.to)?;
    if from >= window.from {
        return Err(EngineError::History);
    }
    Ok((Fields::new(&terms.fields), Window { from, to: window.from }))
}

/// Where documents and alerts are, for a driver that need not wait for them.
pub trait Source {
    /// What can go wrong.
    type Error;
    /// A page of documents, and whether it is the last.
    ///
    /// # Errors
    /// When it cannot be read.
    fn page(&mut self, read: &Read) -> Result<(Vec<Document>, bool), Self::Error>;
    /// What is there of alerts.
    ///
    /// # Errors
    /// When it cannot be looked up.
    fn look_up(&mut self, ask: &Ask) -> Result<Answer, Self::Error>;
}

/// Drives an execution to its end.
///
/// # Errors
/// The source's.
pub fn drive<S: Source>(mut execution: Execution, source: &mut S) -> Result<RunOutcome, S::Error> {
    loop {
        match execution.step() {
            Step::Read(read) => {
                let (page, last) = source.page(&read)?;
                execution.feed(&page, last);
            }
            Step::Ask(ask) => {
                let answer = source.look_up(&ask)?;
                execution.answer(answer);
            }
            Step::Done => return Ok(execution.finish()),
        }
    }
}
