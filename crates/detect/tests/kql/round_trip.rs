//! What is printed reads as what was printed.

use super::query;
use hardline_detect::kql::Query;
use proptest::prelude::*;

#[test]
fn queries_are_printed_as_they_are_written() {
    let table = [
        ("a:b", "a: b"),
        ("  a : b   AND (c:d)  ", "a: b and c: d"),
        ("a:(x or y) or not b:\"q\"", "a: (x or y) or not b: \"q\""),
        ("(a:1 or b:2) and not (c:3 and d:4)", "(a: 1 or b: 2) and not (c: 3 and d: 4)"),
        ("(a:1 or b:2) or c:3", "(a: 1 or b: 2) or c: 3"),
        ("f:{a:1 and b>=2}", "f: { a: 1 and b >= 2 }"),
        ("f:(* and not (1 or 2))", "f: (* and not (1 or 2))"),
        ("a.*:x*y", "a.*: x*y"),
        ("f:*\\\"x\\\"\\:true*", "f: *\\\"x\\\"\\:true*"),
        ("f: \\not", "f: \\u006eot"),
        ("f: can\\not", "f: can\\u006eot"),
        ("f: x \\or y", "f: x \\u006fr y"),
        ("f: \\u0041", "f: A"),
        ("f: null or true", "f: null or true"),
        ("\"a b\": \" c \"", "a b: \" c \""),
        ("\" a\": \"\\\\ \\\" \\n\"", "\" a\": \"\\\\ \\\" \\n\""),
        ("free text", "free text"),
        ("", ""),
    ];
    for (text, expected) in table {
        let printed = query(text).to_string();
        assert_eq!(printed, expected, "{text}");
        assert_eq!(query(&printed), query(text), "{text}");
    }
}

/// Characters and words that queries are sensitive to.
fn soup() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        prop::sample::select(vec![
            " and ", " or ", "not ", " AND ", " Or ", "(", ")", ":", "{", "}", "<", "<=", ">", ">=", "\"",
            "*", "\\", " ", "\\\"", "\\and", "\\not", "\\u0041", "\\u0020", "\\t", "\n", "\u{a0}", "a",
            "b.c", "x y", "null", "true", "or", "and", "not", "?", "é", "\u{2003}", "\\:", "\"q\"", "f:",
            "f:(", "1",
        ])
        .prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(part, 0..14).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn what_is_printed_reads_the_same(text in soup()) {
        match Query::parse(&text) {
            Ok(read) => {
                let printed = read.to_string();
                prop_assert_eq!(Query::parse(&printed).map_err(|p| format!("{printed}: {p:?}")), Ok(read));
            }
            Err(problems) => {
                prop_assert!(!problems.is_empty());
                for problem in problems {
                    prop_assert!(text.get(problem.span.clone()).is_some(), "{:?}", problem);
                }
            }
        }
    }

    #[test]
    fn any_text_is_a_value_in_quotes_or_escaped(value in any::<String>()) {
        let quoted = format!("f: \"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
        let document = serde_json::json!({ "f": value });
        prop_assert!(Query::parse(&quoted).unwrap().matches(&document));
        let escaped: String = value.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        let kept = value.trim_matches(|c: char| (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}');
        if !value.is_empty() && !["null", "true", "false"].contains(&kept) {
            let document = serde_json::json!({ "f": kept });
            let text = format!("f: {escaped}");
            prop_assert!(Query::parse(&text).unwrap().matches(&document), "{}", text);
        }
    }
}
