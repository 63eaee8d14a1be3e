//! Operators, lists, existence, names, nested objects and values without a field. Keywords only: other kinds are in `kinds`.

use super::check;
use serde_json::json;

#[test]
fn keywords_operators_and_precedence() {
    let document = json!({ "a": "1", "b": "2", "c": "3", "none": null });
    check(
        &document,
        &[
            ("", true),
            (" \t\r\n\u{a0}", true),
            ("a:1", true),
            ("a:2", false),
            ("a : 1", true),
            ("a:1 and b:2", true),
            ("a:1 and b:x", false),
            ("a:x or b:2", true),
            ("a:x or b:x", false),
            ("not a:1", false),
            ("not a:x", true),
            // `and` binds closer than `or`, `not` closer than both.
            ("a:1 or b:x and c:x", true),
            ("(a:1 or b:x) and c:x", false),
            ("a:x and b:2 or c:3", true),
            ("a:x and (b:2 or c:3)", false),
            ("not a:x and b:2", true),
            ("not (a:x or b:2)", false),
            ("not a:1 or b:2", true),
            // Any case, any white space of the language.
            ("a:1 AND b:2", true),
            ("a:x Or b:2", true),
            ("NOT a:x", true),
            ("a:1\n\tand\r\nb:2", true),
            ("a:1\u{a0}and\u{a0}b:2", true),
            ("((((a:1))))", true),
            ("( a:1 )", true),
            ("a:1 and b:2 and c:3 and not d:4", true),
        ],
    );
}

#[test]
fn a_missing_field_satisfies_not() {
    let document = json!({ "a": "1", "n": null, "e": [], "o": {} });
    check(
        &document,
        &[
            ("not missing:x", true),
            ("missing:x", false),
            ("not n:x", true),
            ("missing:*", false),
            ("not missing:*", true),
            ("n:*", false),
            ("e:*", false),
            ("o:*", false),
            ("a:*", true),
            ("not a:*", false),
            ("missing > 1", false),
            ("not missing > 1", true),
        ],
    );
}

#[test]
fn quoted_and_unquoted_values() {
    let document = json!({
        "s": "foo bar", "q": "say \"hi\"", "star": "a*b", "tab": "a\tb", "path": "C:\\Temp\\x", "u": "Aé😀",
        "kw": "this and that", "op": "M.COMPUTE/VM/START/ACTION", "paren": "f(x)", "empty": "", "t": "true", "sp": " x ",
    });
    check(
        &document,
        &[
            ("s: foo bar", true),
            ("s:   foo bar   ", true),
            ("s: foo  bar", false),
            ("s: foo", false),
            ("s: \"foo bar\"", true),
            ("s: \" foo bar\"", false),
            ("s: \"foo\"", false),
            ("s: Foo bar", false),
            ("q: \"say \\\"hi\\\"\"", true),
            ("q: say \\\"hi\\\"", true),
            ("star: \"a*b\"", true),
            ("star: a\\*b", true),
            ("star: a\\*c", false),
            ("s: \"foo*\"", false),
            ("tab: \"a\\tb\"", true),
            ("tab: a\\tb", true),
            ("tab: a\tb", true),
            // In quotes only known escapes are escapes.
            ("path: \"C:\\\\Temp\\\\x\"", true),
            ("path: \"C:\\Temp\\x\"", true),
            ("path: C\\:\\\\Temp\\\\x", true),
            ("u: \\u0041\\u00e9\\uD83D\\uDE00", true),
            ("u: \"\\u0041\\u00E9\\uD83D\\uDE00\"", true),
            ("u: Aé😀", true),
            ("kw: \"this and that\"", true),
            ("kw: this \\and that", true),
            ("kw: this \\AND that", false),
            ("op: M.COMPUTE/VM/START/ACTION", true),
            ("op: m.compute/vm/start/action", false),
            ("paren: f\\(x\\)", true),
            ("paren: \"f(x)\"", true),
            ("empty: \"\"", true),
            ("empty: *", true),
            ("s: \"\"", false),
            ("t: true", true),
            ("t: \"true\"", true),
            ("t: True", false),
            ("sp: \" x \"", true),
            ("sp: x", false),
            ("sp: \\u0020x\\u0020", false),
        ],
    );
}

#[test]
fn keywords_inside_values() {
    let document = json!({ "a": ["or", "and b", "nothing", "a or", "x or y", "not", "oregon", "x \nor z"] });
    check(
        &document,
        &[
            ("a: or", true),
            ("a: and b", true),
            ("a: nothing", true),
            ("a: a or", true),
            ("a: x or a: q", false),
            ("a: \"x or y\"", true),
            ("a: x \\or y", true),
            ("a: not", true),
            ("a: \\not", true),
            ("a: no\\u0074", true),
            ("a: oregon", true),
            ("a: \\or", true),
            // The second `or` is the begin of a value: there is no operand before it.
            ("a: q or or b", false),
        ],
    );
}

#[test]
fn wildcards_match_the_whole_value() {
    let document = json!({ "op": "MICROSOFT.NETWORK/WATCHERS/STARTPACKETCAPTURE/ACTION", "q": "a?c", "l": "two\nlines" });
    check(
        &document,
        &[
            ("op: MICROSOFT.NETWORK/*/STARTPACKETCAPTURE/ACTION", true),
            ("op: *ACTION", true),
            ("op: MICROSOFT*", true),
            ("op: *PACKET*", true),
            ("op: *", true),
            ("op: **", true),
            ("op: PACKET*", false),
            ("op: *packet*", false),
            ("op: microsoft*", false),
            ("op: *WRITE", false),
            ("op: \"MICROSOFT*\"", false),
            ("op: MICROSOFT\\*", false),
            ("op: M*K/*/S*E/A*N", true),
            ("q: a?c", true),
            ("q: a?*", true),
            ("q: ??*", false),
            ("l: two*lines", true),
            ("op: *ACTION*ACTION", false),
        ],
    );
}

#[test]
fn lists_of_values() {
    let document = json!({ "a": ["x", "y"], "b": "z" });
    check(
        &document,
        &[
            ("a:(x or q)", true),
            ("a:(q or r)", false),
            ("a:(x and y)", true),
            ("a:(x and z)", false),
            ("b:(z and z)", true),
            ("a:(not q)", true),
            ("a:(not x)", false),
            ("a:(x and not q)", true),
            ("a:(x and not y)", false),
            ("a:(* and not (q or r))", true),
            ("a:(* and not (q or x))", false),
            ("b:(* and not (q or x))", true),
            ("missing:(* and not q)", false),
            ("missing:(not q)", true),
            ("a:((x or q) and (y or r))", true),
            ("a:(\"x\" or q*)", true),
            ("a : ( x  or  q )", true),
            ("a:(foo bar or x)", true),
            ("b:(a or c or d or e or f or g or z)", true),
            ("b:(a or c or d or e or f or g or h)", false),
            ("not b:(a or z)", false),
            ("b:(a or c or d or e or f or y* or z*)", true),
        ],
    );
}

#[test]
fn arrays_match_by_any_element() {
    let document = json!({ "a": ["x", ["y", null]], "o": [{ "k": "1", "v": "a" }, { "k": "2", "v": "b" }] });
    check(
        &document,
        &[
            ("a:x", true),
            ("a:y", true),
            ("a:z", false),
            ("o.k:1 and o.v:b", true),
            ("not a:x", false),
            ("not a:z", true),
            ("a:(x and y)", true),
        ],
    );
}

#[test]
fn names_of_fields() {
    let document = json!({
        "a": { "b": "1", "c": { "d": "2" } }, "a.e": "3", "two words": "4", "sp:ec": "5", "x*y": "6", "true": "7",
        "null": "8",
    });
    check(
        &document,
        &[
            ("a.b: 1", true),
            ("a.c.d: 2", true),
            ("a.e: 3", true),
            ("\"a.b\": 1", true),
            ("two words: 4", true),
            ("\"two words\": 4", true),
            ("sp\\:ec: 5", true),
            ("\"sp:ec\": 5", true),
            ("x\\*y: 6", true),
            ("\"x*y\": 6", true),
            ("true: 7", true),
            ("null: 8", true),
            ("a: 1", false),
            ("a: *", true),
            ("A.b: 1", false),
            // Patterns of names.
            ("a.*: 1", true),
            ("a.*: 2", true),
            ("a.*: 3", true),
            ("a.*: 4", false),
            ("*.d: 2", true),
            ("*d*: 4", true),
            ("a.*.d: 2", true),
            ("q.*: *", false),
            ("a.*: *", true),
            ("not q.*: 1", true),
            ("*: 5", true),
            ("*: 9", false),
            ("a.*: (1 and 3)", true),
            ("a.* > 2", true),
            ("a.* > 3", false),
            ("*:*", true),
        ],
    );
    check(&json!({}), &[("*:*", true), ("*", true), ("a:*", false), ("*: x", false), ("", true)]);
}

#[test]
fn nested_objects() {
    let document = json!({
        "items": [
            { "name": "x", "stock": 5, "in": [{ "k": "1", "v": "a" }, { "k": "2", "v": "b" }] },
            { "name": "y", "stock": 50 },
        ],
        "one": { "name": "z", "stock": 1 },
        "deep": { "items": [{ "name": "q" }] },
        "text": "plain",
    });
    check(
        &document,
        &[
            ("items: { name: x and stock < 10 }", true),
            ("items: { name: x and stock > 10 }", false),
            ("items.name: x and items.stock > 10", true),
            ("items:{ name:(x or y) }", true),
            ("items:{ not name: x }", true),
            ("not items:{ name: x }", false),
            ("items:{ name: * and not stock: * }", false),
            ("items:{ in: { k: 1 and v: a } }", true),
            ("items:{ in: { k: 1 and v: b } }", false),
            ("items.in:{ k: 2 and v: b }", true),
            ("items:{ in.k: 1 and in.v: b }", true),
            ("one: { name: z and stock: 1 }", true),
            ("deep.items:{ name: q }", true),
            ("deep:{ items:{ name: q } }", true),
            ("missing:{ name: x }", false),
            ("not missing:{ name: x }", true),
            ("text:{ name: x }", false),
            ("items:{ x }", true),
            ("items:{ w }", false),
            ("items:{ name: x or name: w }", true),
            ("items : { name : x } and text: plain", true),
            ("items:{na*: x and st*: 5}", true),
        ],
    );
}

#[test]
fn values_without_a_field() {
    let document = json!({ "message": "Failed to start the VM", "tags": ["prod", "eu west"], "source": { "as": { "number": 3598 } } });
    check(
        &document,
        &[
            ("prod", true),
            ("prod and 3598", true),
            ("Prod", false),
            ("\"eu west\"", true),
            ("eu west", true),
            ("eu", false),
            ("started", false),
            ("START", true),
            ("start stop", true),
            ("\"to start\"", true),
            ("\"start to\"", false),
            ("not nowhere", true),
            ("pro*", true),
            ("*", true),
            ("fail*", true),
            ("nothing fail*", true),
            ("xyz*", false),
            ("(prod or x) and not test", true),
            ("null", false),
        ],
    );
}
