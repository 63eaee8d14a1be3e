//! Hostile texts and documents: bounded work, bounded stack, an answer.

use super::query;
use hardline_detect::kql::{DEPTH_LIMIT, LENGTH_LIMIT, NAME_LIMIT, Query, VALUE_LIMIT};
use serde_json::json;

#[track_caller]
fn refused(text: &str, part: &str) {
    let problems = Query::parse(text).unwrap_err();
    assert!(problems.iter().any(|p| p.message.contains(part)), "{problems:?}");
    assert!(problems.len() <= 20, "{}", problems.len());
    for problem in &problems {
        assert!(text.get(problem.span.clone()).is_some(), "{problem:?}");
    }
}

#[test]
fn long_texts() {
    refused(&"a".repeat(LENGTH_LIMIT + 1), "more than 131072");
    refused(&"é".repeat(LENGTH_LIMIT), "more than 131072");
    assert!(Query::parse(&"a".repeat(LENGTH_LIMIT)).is_ok());
    refused(&format!("{}: x", "a".repeat(NAME_LIMIT + 1)), "the name of a field is longer");
    refused(&format!("{}: x", "*".repeat(NAME_LIMIT + 1)), "the name of a field is longer");
    let escaped = query(&format!("{}: x", "\\<".repeat(NAME_LIMIT)));
    assert_eq!(query(&escaped.to_string()), escaped);
}

#[test]
fn deep_brackets() {
    for (open, close) in [("(", ")"), ("not (", ")"), ("a:{", "}"), ("a:1 or (", ")")] {
        let text = |n: usize| format!("{}a:1{}", open.repeat(n), close.repeat(n));
        assert!(Query::parse(&text(DEPTH_LIMIT)).is_ok(), "{open}");
        refused(&text(DEPTH_LIMIT + 1), "deeper than 64");
        refused(&text(10_000), "deeper than 64");
    }
    refused(&format!("a:{}1", "(".repeat(100_000)), "deeper than 64");
    refused(&"(".repeat(100_000), "deeper than 64");
    refused(&")".repeat(100_000), "closes nothing");
    refused(&"a:{".repeat(40_000), "deeper than 64");
    refused(
        &format!("{0}x:1{1}", format!("{}:{{", "n".repeat(100)).repeat(20), "}".repeat(20)),
        "are together longer",
    );
}

#[test]
fn many_values() {
    let list = |n: usize| format!("a:({})", vec!["x"; n].join(" or "));
    assert!(Query::parse(&list(VALUE_LIMIT - 1)).is_ok());
    refused(&list(VALUE_LIMIT), "more than 8192");
    refused(&"a b:\"c\" ".repeat(10_000), "expected 'and' or 'or'");
    refused(&"not ".repeat(30_000), "a second 'not'");
    refused(&"\\x".repeat(60_000), "is no escape");
    refused(&": : < > } {".repeat(10_000), "expected the name of a field");
}

#[test]
fn long_runs_are_read_once() {
    let spaces = " ".repeat(LENGTH_LIMIT - 10);
    assert!(query(&format!("a:x{spaces}y")).matches(&json!({ "a": format!("x{spaces}y") })));
    assert!(query(&format!("a:x{spaces}or b:1")).matches(&json!({ "b": "1" })));
    let stars = "*a".repeat(60_000);
    assert!(!query(&format!("a:{stars}")).matches(&json!({ "a": "a".repeat(50_000) })));
    let quotes = "\\\"".repeat(60_000);
    assert!(query(&format!("a:\"{quotes}\"")).matches(&json!({ "a": "\"".repeat(60_000) })));
}

#[test]
fn deep_and_wide_documents() {
    let mut deep = json!("x");
    for n in 0..100 {
        deep = if n % 2 == 0 { json!([deep]) } else { json!({ "a": deep }) };
    }
    let path = vec!["a"; 50].join(".");
    assert!(query(&format!("{path}: x")).matches(&deep));
    assert!(query("*: x").matches(&deep));
    // Dots in keys: every way to split the path is there, and each place is looked at once.
    let mut keys = json!({ "x": 1 });
    for _ in 0..30 {
        keys = json!({ "a": keys.clone(), "a.a": "no" });
    }
    assert!(query(&format!("{}.x: 1", vec!["a"; 30].join("."))).matches(&keys));
}
