//! KQL: what matches, what is refused and where, what is printed; and a second evaluator, read from the grammar another way,
//! that has to say the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod differential;
mod kinds;
mod limits;
mod matching;
mod naive;
mod problems;
mod round_trip;
mod rules;

use hardline_detect::kql::Query;
use jiff::Timestamp;
use serde_json::Value;

/// What `now` is in these tests.
fn now() -> Timestamp {
    "2026-11-21T10:00:00Z".parse().unwrap()
}

fn query(text: &str) -> Query {
    Query::parse(text).unwrap_or_else(|problems| panic!("{text}: {problems:?}"))
}

/// Each row: a query, and whether it means the document.
#[track_caller]
fn check(document: &Value, rows: &[(&str, bool)]) {
    for (text, expected) in rows {
        assert_eq!(query(text).matches_at(document, now()), *expected, "{text}");
    }
}
