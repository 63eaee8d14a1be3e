//! What is refused: where, and with which words. And what runs but is warned of.

use super::query;
use hardline_detect::kql::Query;

/// Each row: a text, the part of it that is pointed at (by its bytes), and words of the message.
#[track_caller]
fn refused(rows: &[(&str, std::ops::Range<usize>, &str)]) {
    for (text, span, words) in rows {
        let Err(problems) = Query::parse(text) else { panic!("{text} is read") };
        let first = &problems[0];
        assert_eq!(&first.span, span, "{text}: {problems:?}");
        assert!(first.message.contains(words), "{text}: {problems:?}");
        assert_eq!(problems.len(), 1, "{text}: {problems:?}");
    }
}

#[test]
fn problems_point_at_their_place() {
    refused(&[
        ("a:", 2..2, "the query ends where a value is expected"),
        ("a: ", 3..3, "the query ends where a value is expected"),
        (":x", 0..1, "expected the name of a field before ':'"),
        ("> 5", 0..1, "expected the name of a field before '>'"),
        ("a:1 and ", 8..8, "the query ends where a field, a value or '(' is expected"),
        ("a:1 or ", 7..7, "the query ends where"),
        ("not ", 4..4, "the query ends where"),
        ("(a:1", 0..1, "'(' is not closed: ')' is missing"),
        ("a:(x or y", 2..3, "'(' is not closed: ')' is missing"),
        ("a:{b:1", 2..3, "'{' is not closed: '}' is missing"),
        ("a:1)", 3..4, "')' closes nothing"),
        ("a:1}", 3..4, "'}' closes nothing"),
        ("()", 1..2, "found ')', expected a field, a value or '('"),
        ("a:()", 3..4, "found ')', expected a value"),
        ("a:{}", 3..4, "found '}', expected a field"),
        ("(a:1}", 4..5, "found '}', expected ')'"),
        ("a:(x}", 4..5, "found '}', expected ')'"),
        ("a:\"x", 2..4, "the quote that opens here is not closed"),
        ("a:\"x\\\"", 2..6, "the quote that opens here is not closed"),
        ("a: x\\y", 4..6, "'\\y' is no escape: a backslash is written '\\\\'"),
        ("a: C\\", 4..5, "is no escape"),
        ("a: \\u00g1", 3..5, "'\\u' is no escape"),
        ("a: \\uD800", 3..9, "half of a surrogate pair"),
        ("a: \"\\uDC00\"", 4..10, "half of a surrogate pair"),
        ("a:b:c", 3..4, "a value with ':' is written in quotes or with '\\:'"),
        ("@timestamp > 2026-11-21T10:00", 26..27, "in quotes"),
        ("a:b<c", 3..4, "a value with '<' is written in quotes"),
        ("a:\"b\" c", 6..7, "expected 'and' or 'or' before this"),
        ("\"a\" \"b\"", 4..7, "expected 'and' or 'or' before this"),
        ("a:b\"c\"", 3..6, "expected 'and' or 'or' before this"),
        ("(a:1)and (b:2)", 5..8, "'and' needs a space on both sides"),
        ("(a:1) (b:2)", 6..7, "found '(', expected 'and', 'or' or the end"),
        ("a:1 and(b:2)", 7..8, "'and' needs a space behind it"),
        ("a > b*", 4..6, "without '*'"),
        ("a > (b)", 4..5, "the value behind '>'"),
        ("a >", 3..3, "the value behind '>'"),
        ("a*:{b:1}", 0..2, "expected one field before '{'"),
        ("a {b:1}", 2..3, "'{', which comes behind 'field:'"),
        ("a:(b:c)", 4..5, "a value with ':'"),
        ("a:(x or )", 8..9, "found ')', expected a value"),
        ("a:({b:1})", 3..4, "found '{', expected a value"),
        ("a::b", 2..3, "found ':', expected a value"),
        ("a:>5", 2..3, "found '>', expected a value"),
        ("é:1 and é:(", 13..13, "the query ends where a value is expected"),
    ]);
}

/// The rows in which Kibana, Elastic's rule tools and Elasticsearch differ: Kibana's reading is ours.
#[test]
fn where_implementations_differ_kibana_is_right() {
    let one = serde_json::json!({ "f": "foo bar", "message": "x foo bar y" });
    assert!(query("f: foo bar").matches(&one));
    assert!(query("f: foo bar AND NOT f:x OR f:y").matches(&one));
    assert!(query("f: \\u0066oo bar").matches(&one));
    assert!(query("f:(a or foo bar)").matches(&one));
    assert!(query("f:{ a: b } or f: foo bar").matches(&one));
    assert!(query("message: \"foo bar\"").matches(&one));
    assert!(!query("message: \"bar foo\"").matches(&one));
    refused(&[
        ("f: not v", 3..6, "write 'not field: value' or 'field: (not value)'"),
        ("f: not not not v", 3..6, "write 'not field: value'"),
        ("not(a:b)", 3..4, "'not' needs a space behind it: 'not (…'"),
        ("f: cannot do", 6..9, "inside a value it is written in quotes"),
        ("f: x not y", 5..8, "'not' belongs behind 'and' or 'or'"),
        ("a:b and not(c:d)", 11..12, "'not' needs a space behind it"),
        ("not not a:b", 4..7, "a second 'not' needs parentheses"),
    ]);
}

#[test]
fn one_text_tells_several_problems() {
    let text = "a: not x and (b:1 or ) and c:\"d\" e and f > g* or h:{ i: } and \\q:1)";
    let problems = Query::parse(text).unwrap_err();
    let told: Vec<_> = problems.iter().map(|p| (&text[p.span.clone()], p.message.as_str())).collect();
    let expected = [
        ("not", "'not' does not stand before a value: write 'not field: value' or 'field: (not value)'"),
        (")", "found ')', expected a field, a value or '('"),
        (
            "e",
            "expected 'and' or 'or' before this: a value with spaces and quotes is written in one pair of quotes",
        ),
        ("g*", "'>' compares with one value, without '*'"),
        ("}", "found '}', expected a value"),
        ("\\q", "'\\q' is no escape: a backslash is written '\\\\'"),
        (")", "')' closes nothing: remove it, or open it before"),
    ];
    assert_eq!(told, expected);
}

#[test]
fn what_can_hardly_be_meant_is_warned_of() {
    let rows = [
        (
            "source.as.number: many",
            "many",
            "source.as.number holds whole numbers: this is never found; write a number",
        ),
        ("source.as.number:(1 or 35*)", "35*", "no '*' applies: compare with"),
        ("source.ip: alice", "alice", "source.ip holds addresses"),
        ("source.ip: 10.0.*", "10.0.*", "name a network, as 10.0.0.0/8"),
        ("source.ip > 10.0.0.0/8", "10.0.0.0/8", "source.ip holds addresses"),
        ("@timestamp > yesterday", "yesterday", "@timestamp holds dates"),
        ("process.interactive: yes", "yes", "write true or false"),
        ("event.action: null", "null", "'not event.action: *' finds documents without it"),
        ("source:{ ip: x }", "x", "source.ip holds addresses"),
        ("event.action: x and", "x and", "'and' is read as a part of the value"),
        ("or event.action", "or event.action", "'or' is read as a part of the value"),
    ];
    for (text, part, words) in rows {
        let query = query(text);
        let [warning] = query.warnings() else { panic!("{text}: {:?}", query.warnings()) };
        assert_eq!(&text[warning.span.clone()], part, "{text}");
        assert!(warning.message.contains(words), "{text}: {}", warning.message);
    }
    let fine = [
        "source.as.number:(* and not (3598 or \"8068\"))",
        "source.ip: (10.0.0.0/8 or \"::1\" or *)",
        "@timestamp > now-7d and @timestamp: 2026-11",
        "source.*: x",
        "event.action: \"and\" and tags: android",
        "process.interactive: true",
    ];
    for text in fine {
        assert_eq!(query(text).warnings(), [], "{text}");
    }
}
