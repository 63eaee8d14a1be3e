//! The language against its second reading: the same texts are queries, and the same documents are meant.

use super::naive;
use hardline_detect::kql::Query;
use proptest::prelude::*;
use serde_json::{Value, json};

const WORDS: &[&str] = &[
    "success",
    "Success",
    "start",
    "start stop",
    "M/VM/WRITE",
    "3598",
    "42",
    "10.0.0.1",
    "203.0.113.7",
    "2026-11-21",
    "2026-11-20",
    "true",
    "x",
    "a?b",
    "say \"x\"",
    "a*b",
    "",
];
const FIELDS: &[&str] = &[
    "event.action",
    "event.outcome",
    "source.as.number",
    "source.ip",
    "@timestamp",
    "message",
    "tags",
    "u.a",
    "u.b",
    "n",
    "n.k",
    "n.v",
    "missing",
];

fn literal() -> impl Strategy<Value = String> {
    let word = prop::sample::select(WORDS);
    let escaped = |word: &str| word.replace('"', "\\\"").replace('*', "\\*");
    prop_oneof![
        4 => word.clone().prop_map(move |word| if word.is_empty() { "\"\"".to_owned() } else { escaped(word) }),
        3 => word.prop_map(|word| format!("\"{}\"", word.replace('"', "\\\""))),
        3 => prop::sample::select(vec!["*", "s*", "*s", "*t*", "M/*/WRITE", "start *", "st* x", "2*", "**", "S*s"]).prop_map(str::to_owned),
        1 => prop::sample::select(vec!["null", "10.0.0.0/8", "203.0.113.0/24", "0.0.0.0/0", "0"]).prop_map(str::to_owned),
    ]
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => prop::sample::select(FIELDS).prop_map(str::to_owned),
        1 => prop::sample::select(vec!["event.*", "*", "u.*", "*.k", "n*"]).prop_map(str::to_owned),
        1 => prop::sample::select(FIELDS).prop_map(|name| format!("\"{name}\"")),
    ]
}

fn joined<T: Strategy<Value = String> + 'static>(one: T, depth: u32) -> impl Strategy<Value = String> {
    one.boxed().prop_recursive(depth, 12, 3, |inner| {
        let joint = prop::sample::select(vec![" and ", " or ", " AND ", "\n or\t"]);
        prop_oneof![
            (prop::collection::vec(inner.clone(), 2..4), joint)
                .prop_map(|(items, joint)| format!("({})", items.join(joint))),
            (prop::collection::vec(inner.clone(), 3), any::<bool>()).prop_map(|(items, first)| {
                let (a, b) = if first { ("and", "or") } else { ("or", "and") };
                format!("({} {a} {} {b} {})", items[0], items[1], items[2])
            }),
            inner.clone().prop_map(|item| if item.starts_with("not ") {
                format!("({item})")
            } else {
                format!("( {item} )")
            }),
            inner.prop_map(|item| if item.starts_with("not ") {
                format!("(not ({item}))")
            } else {
                format!("(not {item})")
            }),
        ]
    })
}

fn clause() -> impl Strategy<Value = String> {
    let simple = prop_oneof![
        5 => (name(), literal()).prop_map(|(name, value)| format!("{name}: {value}")),
        3 => (name(), joined(literal(), 2)).prop_map(|(name, values)| format!("{name}:({values})")),
        2 => (name(), prop::sample::select(vec!["<", "<=", ">", ">="]), literal()).prop_map(|(n, o, v)| format!("{n} {o} {v}")),
        1 => literal(),
    ];
    let inside = (prop::sample::select(vec!["k", "v", "k*"]), literal())
        .prop_map(|(name, value)| format!("{name}: {value}"));
    let nested = (prop::sample::select(vec!["n", "u", "missing"]), joined(inside, 2))
        .prop_map(|(n, i)| format!("{n}: {{ {i} }}"));
    prop_oneof![6 => simple, 1 => nested]
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => prop::sample::select(WORDS).prop_map(|word| json!(word)),
        2 => prop::sample::select(vec![json!(3598), json!(42), json!(0), json!(true), json!(null), json!(7)]),
    ]
}

fn document() -> impl Strategy<Value = Value> {
    let some = || prop_oneof![3 => leaf(), 1 => prop::collection::vec(leaf(), 0..3).prop_map(Value::Array)];
    let pair = || (leaf(), leaf()).prop_map(|(k, v)| json!({ "k": k, "v": v }));
    let objects = prop_oneof![1 => pair(), 2 => prop::collection::vec(pair(), 0..3).prop_map(Value::Array)];
    (some(), some(), some(), some(), some(), some(), objects, any::<[bool; 4]>()).prop_map(
        |(action, outcome, asn, ip, at, text, nested, [dotted, more, flat, tagged])| {
            let mut document = json!({ "@timestamp": at, "message": text, "n": nested });
            let (event, source) = if dotted {
                (
                    json!({ "event.action": action, "event.outcome": outcome }),
                    json!({ "source.ip": ip, "source.as": { "number": asn } }),
                )
            } else {
                (
                    json!({ "event": { "action": action, "outcome": outcome } }),
                    json!({ "source": { "ip": ip, "as.number": asn } }),
                )
            };
            let parts =
                [event, source, if more { json!({ "u": { "a": outcome, "b": [asn] } }) } else { json!({}) }];
            let object = document.as_object_mut().unwrap();
            parts.iter().for_each(|part| object.extend(part.as_object().unwrap().clone()));
            if flat {
                object.insert("u.a".to_owned(), at.clone());
            }
            if tagged {
                object.insert("tags".to_owned(), json!(["x", [text]]));
            }
            document
        },
    )
}

fn soup() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        " and ",
        " or ",
        "not ",
        " AND ",
        " oR ",
        "and",
        "or",
        "not",
        "(",
        ")",
        "( ",
        " )",
        ":",
        ": ",
        "{",
        "}",
        "<",
        ">=",
        "\"",
        "*",
        "\\",
        " ",
        "  ",
        "\\\"",
        "\\and",
        "\\not",
        "\\or ",
        "\\u0041",
        "\\u00",
        "\\t",
        "\\n",
        "\n",
        "\u{a0}",
        "\u{2003}",
        "a",
        "u.a:",
        "tags:(",
        "x",
        "success",
        "\"x\"",
        "null",
        "n:{",
        "k:x",
        "source.ip",
        "event.outcome: ",
        "cannot ",
        "nothing",
    ]);
    prop::collection::vec(part, 0..10).prop_map(|parts| parts.concat())
}

fn compare(text: &str, document: &Value) -> Result<(), TestCaseError> {
    let ours = Query::parse(text).map(|query| query.matches(document));
    let theirs = naive::ask(text, document);
    match (&ours, theirs) {
        (Ok(ours), Some(theirs)) => prop_assert_eq!(*ours, theirs, "{}\n{}", text, document),
        (Err(_), None) => {}
        _ => prop_assert!(false, "{text:?}: {ours:?} against {theirs:?}"),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn two_readings_of_generated_queries_agree(query in joined(clause(), 3), document in document()) {
        compare(&query, &document)?;
    }

    #[test]
    fn two_readings_of_any_text_agree(text in soup(), document in document()) {
        compare(&text, &document)?;
    }
}
