//! What every document that a query means must hold: texts of a keyword, one of which is in it. Whoever has documents sorted by
//! such a field need not ask the query of the others.

use super::syntax::{Clause, Literal, Name, Tree};
use std::collections::BTreeSet;

/// The texts of a keyword's field one of which a document must have; none where the query says nothing of the kind.
pub(super) fn texts(tree: &Tree<Clause>, field: &str) -> Option<BTreeSet<String>> {
    let named = |name: &Name| matches!(name, Name::Exact(name) if name == field);
    of(tree, &|clause| match clause {
        Clause::Is { field, value } if named(field) => of(value, &|literal| match literal {
            Literal::Text { text, .. } => Some(BTreeSet::from([text.clone()])),
            _ => None,
        }),
        _ => None,
    })
}

fn of<T>(tree: &Tree<T>, one: &dyn Fn(&T) -> Option<BTreeSet<String>>) -> Option<BTreeSet<String>> {
    match tree {
        // Each of them must hold: the one that leaves the fewest says the most.
        Tree::All(items) => items.iter().filter_map(|item| of(item, one)).min_by_key(BTreeSet::len),
        Tree::Any(items) => {
            let each: Option<Vec<_>> = items.iter().map(|item| of(item, one)).collect();
            each.map(|each| each.into_iter().flatten().collect()).filter(|all: &BTreeSet<_>| !all.is_empty())
        }
        Tree::Not(_) => None,
        Tree::One(item) => one(item),
    }
}

#[cfg(test)]
mod tests {
    use crate::kql::Query;

    #[test]
    fn what_must_be_there() {
        let check = |query: &str, expected: Option<&[&str]>| {
            let found = Query::parse(query).unwrap().required("event.action");
            let found: Option<Vec<_>> = found.map(|texts| texts.into_iter().collect());
            let expected =
                expected.map(|texts| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
            assert_eq!(found, expected, "{query}");
        };
        check("event.action: \"A/B\"", Some(&["A/B"]));
        check("a: b and event.action: (x or \"Y\") and not event.action: z", Some(&["Y", "x"]));
        check("(event.action: x and a: b) or (event.action: y and c: d)", Some(&["x", "y"]));
        check("event.action: (x or y) and event.action: y", Some(&["y"]));
        check("event.action: (x and y)", Some(&["x"]));
        check("event.action: x or a: b", None);
        check("event.action: (x or y*)", None);
        check("event.action: *", None);
        check("event.action: (not x)", None);
        check("event.action: null", None);
        check("not event.action: x", None);
        check("event.*: x", None);
        check("x", None);
        check("event: { action: x }", None);
        check("event.action > x", None);
        check("", None);
    }
}
