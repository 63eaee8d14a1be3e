//! Any text as a query and any JSON as a document: read or refused with problems inside the text; what is read prints as
//! something that reads the same, and answers alike for every document, with and without a time.
#![no_main]
use hardline_detect::kql::{LENGTH_LIMIT, Query};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fuzz_target!(|text: &str| {
    // The first line is the query, the rest a document.
    let (text, document) = text.split_once('\n').unwrap_or((text, ""));
    let query = match Query::parse(text) {
        Ok(query) => query,
        Err(problems) => {
            assert!(!problems.is_empty());
            assert!(problems.iter().all(|problem| text.get(problem.span.clone()).is_some()));
            return;
        }
    };
    assert!(query.warnings().iter().all(|warning| text.get(warning.span.clone()).is_some()));
    let printed = query.to_string();
    // Escapes may make it longer than what was read.
    if printed.len() > LENGTH_LIMIT {
        return;
    }
    let again = Query::parse(&printed).unwrap_or_else(|problems| panic!("{printed}: {problems:?}"));
    assert_eq!(again, query, "{printed}");
    assert!(again.fields().eq(query.fields()));
    let now = jiff::Timestamp::from_second(1_800_000_000).expect("a time");
    // One value under every name of the query, and whatever the text holds.
    let mut everywhere = serde_json::Map::new();
    for (n, field) in query.fields().enumerate() {
        let value = match n % 4 {
            0 => json!(text),
            1 => json!([n, 1.5, "10.0.0.1", null, { "x": text }]),
            2 => json!("2026-11-21T10:00:00Z"),
            _ => json!({ "a": [true, printed] }),
        };
        everywhere.insert(field.to_owned(), value);
    }
    let documents = [serde_json::from_str(document).unwrap_or(Value::Null), everywhere.into()];
    for document in &documents {
        let found = query.matches_at(document, now);
        assert_eq!(again.matches_at(document, now), found);
        assert_eq!(again.matches(document), query.matches(document));
        if printed.len() + 6 < LENGTH_LIMIT && !printed.is_empty() {
            if let Ok(negated) = Query::parse(&format!("not ({printed})")) {
                assert_eq!(negated.matches_at(document, now), !found, "{printed}");
            }
        }
    }
});
