//! Rules that cannot work on what is recorded here: fields that no document has, values that no field takes, indices that
//! are not there.
//!
//! A query is asked whether any document could meet it. A clause under `not` always can be met; of `and` every part must be
//! possible, of `or` one. What makes a query impossible is told with its place; what is only useless - one operation of a
//! list that nobody does here - is told too, as a note.

use super::{Kind, Rule};
use crate::engine::covers;
use crate::kql::Query;
use crate::kql::syntax::{Clause, Literal, Name, Tree};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Findings of one rule, at most.
const FINDINGS_LIMIT: usize = 50;

/// What is there for rules to look at.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The indices or data streams that hold the documents.
    pub indices: Vec<String>,
    /// The fields that documents can have, by whole name; `a.b.*` stands for everything below `a.b`.
    pub fields: BTreeSet<String>,
    /// Fields that only ever hold one of these values: operation names, outcomes.
    pub values: BTreeMap<String, BTreeSet<String>>,
    /// Fields (or `a.b.*`) that are not there at present, with what is to be done about it: `source.as.*` without an ASN database.
    pub missing: BTreeMap<String, String>,
    /// Fields (or `a.b.*`) that are there under a condition only, with the condition.
    pub conditional: BTreeMap<String, String>,
}

/// How much a finding means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// The rule can never make an alert.
    Never,
    /// Part of it is without effect, or hangs on a condition.
    Note,
}

/// Something about a rule that its author should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How much it means.
    pub weight: Weight,
    /// The field it is about; empty for the whole rule.
    pub field: String,
    /// One or two sentences.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// What is to be said of a rule, the gravest first.
pub fn lint(rule: &Rule, surroundings: &Surroundings) -> Vec<Finding> {
    let mut lint = Lint { surroundings, findings: Vec::new() };
    if !surroundings.indices.iter().any(|index| covers(&rule.index, index)) {
        let message = format!(
            "None of its index patterns ({}) covers {}, so it reads nothing here.",
            rule.index.join(", "),
            surroundings.indices.join(", ")
        );
        lint.say(Weight::Never, "", message);
    }
    if let Ok(query) = Query::parse(&rule.query) {
        let mut causes = Vec::new();
        if lint.possible(query.syntax(), "", &mut causes) {
            for finding in causes {
                lint.say(Weight::Note, &finding.field, finding.message);
            }
        } else {
            for finding in causes {
                lint.say(Weight::Never, &finding.field, finding.message);
            }
        }
    }
    lint.needed(rule);
    lint.findings.sort_by_key(|finding| finding.weight);
    lint.findings.dedup();
    lint.findings.truncate(FINDINGS_LIMIT);
    lint.findings
}

struct Lint<'a> {
    surroundings: &'a Surroundings,
    findings: Vec<Finding>,
}

/// Whether the name is in the set, itself or by something above it.
fn named<'a, T>(names: impl Iterator<Item = (&'a String, T)>, field: &str) -> Option<T> {
    let mut names = names;
    names.find(|(name, _)| matches_name(name, field)).map(|(_, value)| value)
}

fn matches_name(name: &str, field: &str) -> bool {
    match name.strip_suffix(".*") {
        Some(above) => field.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')),
        None => name == field,
    }
}

impl Lint<'_> {
    fn say(&mut self, weight: Weight, field: &str, message: String) {
        self.findings.push(Finding { weight, field: field.to_owned(), message });
    }

    /// Fields without which the kind of rule finds nothing.
    fn needed(&mut self, rule: &Rule) {
        let mut needed: Vec<(&str, &str)> = Vec::new();
        match &rule.kind {
            Kind::Query => {}
            Kind::NewTerms(terms) => {
                needed.extend(terms.fields.iter().map(|f| (f.as_str(), "looks for new values of")));
            }
            Kind::Threshold(threshold) => {
                needed.extend(threshold.field.iter().map(|f| (f.as_str(), "groups by")));
                let counted =
                    threshold.cardinality.iter().map(|c| (c.field.as_str(), "counts the values of"));
                needed.extend(counted);
            }
        }
        for (field, use_of_it) in needed {
            if let Some(why) = self.absent(field) {
                self.say(Weight::Never, field, format!("It {use_of_it} {field}. {why}"));
            } else if let Some(condition) = self.condition(field) {
                self.say(Weight::Note, field, format!("It {use_of_it} {field}. {condition}"));
            }
        }
        let group_by = rule.suppression.iter().flat_map(|s| &s.group_by);
        let shown = rule.timestamp_override.iter().chain(group_by);
        for field in shown {
            if let Some(why) = self.absent(field) {
                self.say(Weight::Note, field, why);
            }
        }
    }

    /// Why no document has a field; none when documents can have it.
    fn absent(&self, field: &str) -> Option<String> {
        if let Some(why) = named(self.surroundings.missing.iter(), field) {
            return Some(why.clone());
        }
        let there = self.surroundings.fields.iter().any(|name| matches_name(name, field));
        (!there).then(|| format!("No document here has the field {field}."))
    }

    fn condition(&self, field: &str) -> Option<String> {
        named(self.surroundings.conditional.iter(), field).cloned()
    }

    /// Whether some document could meet this; what speaks against it goes into `causes`, and what is of no use as well.
    fn possible(&self, tree: &Tree<Clause>, above: &str, causes: &mut Vec<Finding>) -> bool {
        match tree {
            // Each is looked at, so that everything is told at once.
            Tree::All(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| self.possible(part, above, causes)).collect();
                parts.into_iter().all(|part| part)
            }
            Tree::Any(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| self.possible(part, above, causes)).collect();
                parts.into_iter().any(|part| part)
            }
            Tree::Not(_) => true,
            Tree::One(clause) => self.clause_is_possible(clause, above, causes),
        }
    }

    fn clause_is_possible(&self, clause: &Clause, above: &str, causes: &mut Vec<Finding>) -> bool {
        let below = |name: &str| if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") };
        let (field, value) = match clause {
            Clause::Is { field: Name::Exact(field), value } => (below(field), Some(value)),
            Clause::Range { field: Name::Exact(field), .. } => (below(field), None),
            Clause::Nested { field, inside } => return self.possible(inside, &below(field), causes),
            // Patterns of names and free text may mean anything.
            Clause::Is { .. } | Clause::Range { .. } | Clause::Anywhere(_) => return true,
        };
        let mut say = |message: String| {
            causes.push(Finding { weight: Weight::Note, field: field.clone(), message });
        };
        if let Some(why) = self.absent(&field) {
            if value.is_some_and(only_negative) {
                return true;
            }
            say(format!("The query asks for {field}. {why}"));
            return false;
        }
        if let Some(condition) = self.condition(&field) {
            say(format!("The query asks for {field}. {condition}"));
        }
        let (Some(known), Some(value)) = (self.surroundings.values.get(&field), value) else { return true };
        let mut unknown = Vec::new();
        let possible = value_is_possible(value, known, &mut unknown);
        let asked = |text: &str| asks_for(value, text);
        for text in unknown {
            let nearest = known.iter().find(|value| value.eq_ignore_ascii_case(&text));
            // Whoever writes (success or Success) knows that case counts.
            if possible && nearest.is_some_and(|nearest| asked(nearest)) {
                continue;
            }
            say(match nearest {
                Some(nearest) => {
                    format!("{field} is never '{text}' here: it is written '{nearest}', and case counts.")
                }
                None => format!("{field} is never '{text}' here."),
            });
        }
        possible
    }
}

/// Whether a document without the field can meet a value: nothing but negations.
fn only_negative(value: &Tree<Literal>) -> bool {
    match value {
        Tree::Not(_) => true,
        Tree::All(parts) => parts.iter().all(only_negative),
        Tree::Any(parts) => parts.iter().any(only_negative),
        Tree::One(_) => false,
    }
}

/// Whether a text stands among the values.
fn asks_for(value: &Tree<Literal>, wanted: &str) -> bool {
    match value {
        Tree::All(parts) | Tree::Any(parts) => parts.iter().any(|part| asks_for(part, wanted)),
        Tree::Not(_) => false,
        Tree::One(Literal::Text { text, .. }) => text == wanted,
        Tree::One(_) => false,
    }
}

fn value_is_possible(value: &Tree<Literal>, known: &BTreeSet<String>, unknown: &mut Vec<String>) -> bool {
    match value {
        Tree::All(parts) => {
            let parts: Vec<_> = parts.iter().map(|part| value_is_possible(part, known, unknown)).collect();
            parts.into_iter().all(|part| part)
        }
        Tree::Any(parts) => {
            let parts: Vec<_> = parts.iter().map(|part| value_is_possible(part, known, unknown)).collect();
            parts.into_iter().any(|part| part)
        }
        Tree::Not(_) => true,
        Tree::One(Literal::Text { text, .. }) => {
            let there = known.contains(text);
            if !there {
                unknown.push(text.clone());
            }
            there
        }
        Tree::One(Literal::Wildcard(pattern)) => {
            let there = known.iter().any(|value| pattern.matches(value));
            if !there {
                unknown.push(pattern.pieces().collect::<Vec<_>>().join("*"));
            }
            there
        }
        Tree::One(Literal::Null | Literal::Boolean(_)) => true,
    }
}
