//! A query made fast: paths split, names looked up in the table of kinds, values read, long lists of texts hashed.

use super::needle::{Needle, text_of};
use super::place::Place;
use super::syntax::{Clause, Literal, Name, Order, Tree};
use crate::document::{self, Path};
use crate::fields::Kind;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::HashSet;

/// Lists from this length on are hashed.
const HASHED_FROM: usize = 4;

/// What is asked of a document.
#[derive(Clone, Debug)]
pub enum Plan {
    /// All of them.
    All(Vec<Plan>),
    /// One of them.
    Any(Vec<Plan>),
    /// Not it.
    Not(Box<Plan>),
    /// A field has a value.
    Field(Place, Tree<Test>),
    /// One object at a path satisfies it.
    Nested(Path, Box<Plan>),
    /// Any leaf is one of them.
    Anywhere(String, Vec<Needle>),
}

/// What is asked of the values of a field.
#[derive(Clone, Debug)]
pub enum Test {
    /// There is one.
    Exists,
    /// One is it.
    Is(Needle),
    /// One is one of them; the texts are hashed for what is compared as text.
    OneOf(HashSet<String>, Vec<Needle>),
    /// One lies on that side.
    Range(Order, Needle),
}

impl Plan {
    /// Prepares a clause tree whose names begin behind a prefix.
    pub fn new(tree: &Tree<Clause>, prefix: &str) -> Self {
        let plans = |items: &[Tree<Clause>]| items.iter().map(|item| Self::new(item, prefix)).collect();
        match tree {
            Tree::All(items) => Self::All(plans(items)),
            Tree::Any(items) => Self::Any(plans(items)),
            Tree::Not(inner) => Self::Not(Box::new(Self::new(inner, prefix))),
            Tree::One(clause) => Self::of_clause(clause, prefix),
        }
    }

    fn of_clause(clause: &Clause, prefix: &str) -> Self {
        match clause {
            Clause::Is { field: Name::Pattern(names), value: Tree::One(Literal::Wildcard(value)) }
                if names.is_star() && value.is_star() =>
            {
                Self::All(Vec::new())
            }
            Clause::Is { field, value } => Self::Field(Place::new(field, prefix), tests(value)),
            Clause::Range { field, order, bound } => {
                let test = Test::Range(*order, Needle::new(bound));
                Self::Field(Place::new(field, prefix), Tree::One(test))
            }
            Clause::Nested { field, inside } => {
                let names = format!("{prefix}{field}.");
                Self::Nested(Path::new(field.as_str()), Box::new(Self::new(inside, &names)))
            }
            Clause::Anywhere(Literal::Wildcard(pattern)) if pattern.is_star() => Self::All(Vec::new()),
            Clause::Anywhere(Literal::Wildcard(pattern)) => {
                let word = |word| match word {
                    Ok(pattern) => Needle::new(&Literal::Wildcard(pattern)),
                    Err(text) => Needle::new(&Literal::Text { text, quoted: false }),
                };
                Self::Anywhere(prefix.to_owned(), pattern.words().into_iter().map(word).collect())
            }
            Clause::Anywhere(literal) => Self::Anywhere(prefix.to_owned(), vec![Needle::new(literal)]),
        }
    }

    /// Whether a document has what is asked.
    pub fn holds(&self, document: &Value, now: Option<Timestamp>) -> bool {
        match self {
            Self::All(plans) => plans.iter().all(|plan| plan.holds(document, now)),
            Self::Any(plans) => plans.iter().any(|plan| plan.holds(document, now)),
            Self::Not(plan) => !plan.holds(document, now),
            Self::Field(place, tests) => hold(tests, place, document, now),
            Self::Nested(path, plan) => {
                path.any(document, &mut |object| object.is_object() && plan.holds(object, now))
            }
            Self::Anywhere(prefix, needles) => document::any_leaf(document, &mut |name, leaf| {
                let kind = super::place::kind(prefix, name);
                needles.iter().any(|needle| needle.is(kind, leaf, now))
            }),
        }
    }
}

fn hold(tests: &Tree<Test>, place: &Place, document: &Value, now: Option<Timestamp>) -> bool {
    match tests {
        Tree::All(items) => items.iter().all(|item| hold(item, place, document, now)),
        Tree::Any(items) => items.iter().any(|item| hold(item, place, document, now)),
        Tree::Not(inner) => !hold(inner, place, document, now),
        Tree::One(Test::Exists) => place.exists(document),
        Tree::One(test) => place.any(document, &mut |kind, value| test.accepts(kind, value, now)),
    }
}

impl Test {
    fn accepts(&self, kind: Kind, value: &Value, now: Option<Timestamp>) -> bool {
        match self {
            Self::Exists => true,
            Self::Is(needle) => needle.is(kind, value, now),
            Self::Range(order, needle) => needle.bounds(*order, kind, value, now),
            Self::OneOf(texts, needles) => match kind.of(value) {
                Kind::Keyword | Kind::Wildcard | Kind::Flattened => {
                    text_of(value).is_some_and(|text| texts.contains(text.as_ref()))
                }
                kind => needles.iter().any(|needle| needle.is(kind, value, now)),
            },
        }
    }
}

fn tests(values: &Tree<Literal>) -> Tree<Test> {
    match values {
        Tree::All(items) => Tree::All(items.iter().map(tests).collect()),
        Tree::Not(inner) => Tree::Not(Box::new(tests(inner))),
        Tree::One(Literal::Wildcard(pattern)) if pattern.is_star() => Tree::One(Test::Exists),
        Tree::One(literal) => Tree::One(Test::Is(Needle::new(literal))),
        Tree::Any(items) => {
            let (mut rest, mut texts, mut needles) = (Vec::new(), HashSet::new(), Vec::new());
            for item in items.iter().map(tests) {
                match item {
                    Tree::One(Test::Is(needle)) if needle.keyword().is_some() => {
                        texts.extend(needle.keyword().map(str::to_owned));
                        needles.push(needle);
                    }
                    item => rest.push(item),
                }
            }
            if needles.len() < HASHED_FROM {
                rest.extend(needles.into_iter().map(|needle| Tree::One(Test::Is(needle))));
            } else {
                rest.push(Tree::One(Test::OneOf(texts, needles)));
            }
            Tree::Any(rest)
        }
    }
}
