//! Which fields of documents a trial looks at. Whoever makes the documents for it may leave all others out.

use super::reason;
use crate::fields;
use crate::kql::Query;
use crate::kql::syntax::{Clause, Name, Tree};
use crate::rule::{Kind, Rule};
use std::collections::BTreeSet;

/// Where a document says from which rule's alert it stems.
pub(super) const ANCESTORS: &str = "kibana.alert.ancestors.rule";

/// The dotted names of all fields that decide what a trial of the rule says, with what is below them; none where any field may:
/// of values that are sought in all fields, and of patterns of names.
pub(super) fn fields(rule: &Rule, query: &Query) -> Option<BTreeSet<String>> {
    if anywhere(query.syntax()) {
        return None;
    }
    let mut names: BTreeSet<String> = query.fields().map(str::to_owned).collect();
    names.extend(rule.exceptions.iter().flat_map(|e| &e.entries).map(|entry| entry.field.clone()));
    match &rule.kind {
        Kind::Query => {}
        Kind::NewTerms(terms) => names.extend(terms.fields.iter().cloned()),
        Kind::Threshold(threshold) => {
            names.extend(threshold.field.iter().cloned());
            names.extend(threshold.cardinality.iter().map(|counted| counted.field.clone()));
        }
    }
    names.extend(rule.suppression.iter().flat_map(|suppression| suppression.group_by.iter().cloned()));
    names.extend(rule.timestamp_override.clone());
    names.extend(["@timestamp", ANCESTORS].into_iter().chain(reason::FIELDS).map(str::to_owned));
    // `user.name.text` stands in `user.name`.
    let viewed: Vec<_> = names.iter().filter_map(|name| fields::viewed(name)).map(str::to_owned).collect();
    names.extend(viewed);
    Some(names)
}

fn anywhere(tree: &Tree<Clause>) -> bool {
    match tree {
        Tree::All(items) | Tree::Any(items) => items.iter().any(anywhere),
        Tree::Not(inner) => anywhere(inner),
        Tree::One(Clause::Anywhere(_)) => true,
        Tree::One(Clause::Is { field, .. } | Clause::Range { field, .. }) => {
            matches!(field, Name::Pattern(_))
        }
        // What is below the field is wanted with it.
        Tree::One(Clause::Nested { .. }) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::{Outcome, read_toml};

    fn of(query: &str, more: &str) -> Option<Vec<String>> {
        let text = format!(
            "[rule]\nname = \"n\"\ndescription = \"d\"\nrule_id = \"r\"\nseverity = \"low\"\nrisk_score = 21\n\
             type = \"query\"\nlanguage = \"kuery\"\nindex = [\"logs-*\"]\nquery = '''{query}'''\n{more}"
        );
        let entry = read_toml("", &text);
        let Outcome::Rule(rule) = entry.outcome else { panic!("{text}: {:?}", entry.outcome) };
        let names = fields(&rule, &Query::parse(&rule.query).unwrap())?;
        let always: BTreeSet<_> = ["@timestamp", ANCESTORS].into_iter().chain(reason::FIELDS).collect();
        Some(names.into_iter().filter(|name| !always.contains(name.as_str())).collect())
    }

    #[test]
    fn what_a_rule_names() {
        let check = |query: &str, more: &str, expected: &[&str]| {
            assert_eq!(of(query, more).unwrap(), expected, "{query} {more}");
        };
        check("event.action: x and not azure.tenant.id: *", "", &["azure.tenant.id", "event.action"]);
        check(
            "user.email: a or user.full_name.text: ann",
            "",
            &["user.email", "user.full_name", "user.full_name.text"],
        );
        check("a: { b: c and d > 1 }", "", &["a", "a.b", "a.d"]);
        check("", "timestamp_override = \"event.ingested\"", &["event.ingested"]);
        let grouped = "[rule.alert_suppression]\ngroup_by = [\"azure.resource.name\"]\nmissing_fields_strategy = \"suppress\"\n";
        check("", grouped, &["azure.resource.name"]);
    }

    #[test]
    fn what_may_stand_anywhere_wants_all() {
        for query in [
            "word",
            "\"two words\" and event.action: x",
            "not *word*",
            "event.*: x",
            "a: b or (c.*: * and d: e)",
        ] {
            assert_eq!(of(query, ""), None, "{query}");
        }
    }
}
