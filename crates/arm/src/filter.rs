//! `$filter`: comparisons and calls joined by ` and `, as ARM's lists take them (contract sections 6 and 7).
//!
//! ```text
//! eventTimestamp ge 2026-11-21T15:28:28.060356 and resourceGroupName eq 'rg1'
//! atScope() and assignedTo('guid')
//! ```
//! Values come quoted (`''` stands for one quote) or bare; names and words are compared in any case.

use crate::error::ArmError;
use jiff::Timestamp;

/// Longest filter that is read, bytes.
pub const FILTER_LIMIT: usize = 4096;

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// `name op value`.
    Compare {
        /// As it came.
        name: String,
        /// How.
        op: Op,
        /// Without its quotes.
        value: String,
    },
    /// `name()` or `name('argument')`.
    Call {
        /// As it came.
        name: String,
        /// What stands between the parentheses.
        argument: Option<String>,
    },
    /// `function('value', name)` or `function(name, 'value')`: a test of a text.
    Text {
        /// `substringof`, `startswith`, as it came.
        function: String,
        /// The property, as it came.
        name: String,
        /// Without its quotes.
        value: String,
    },
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "OData's own words")]
pub enum Op {
    Eq,
    Ne,
    Ge,
    Gt,
    Le,
    Lt,
}

impl Op {
    fn parse(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "eq" => Self::Eq,
            "ne" => Self::Ne,
            "ge" => Self::Ge,
            "gt" => Self::Gt,
            "le" => Self::Le,
            "lt" => Self::Lt,
            _ => return None,
        })
    }
}

/// Reads a filter.
pub fn parse(text: &str) -> Result<Vec<Term>, ArmError> {
    if text.len() > FILTER_LIMIT {
        return Err(ArmError::invalid_filter(&format!("it is longer than {FILTER_LIMIT} bytes")));
    }
    // No name and no value has one; a database refuses what has a NUL.
    if text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return Err(ArmError::invalid_filter("it has a control character"));
    }
    conjuncts(text)?.into_iter().map(term).collect()
}

/// Splits at the word `and` outside of quotes.
fn conjuncts(text: &str) -> Result<Vec<&str>, ArmError> {
    let (mut parts, mut start, mut quoted) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        if c == '\'' {
            quoted = !quoted;
        } else if !quoted
            && c.is_whitespace()
            && text.get(at + c.len_utf8()..).is_some_and(starts_with_and)
            && let Some(part) = text.get(start..at)
        {
            parts.push(part);
            start = at + c.len_utf8() + "and".len();
        }
    }
    if quoted {
        return Err(ArmError::invalid_filter("a quote is not closed"));
    }
    parts.extend(text.get(start..));
    Ok(parts)
}

fn starts_with_and(rest: &str) -> bool {
    let mut chars = rest.chars();
    let word: String = chars.by_ref().take(3).collect();
    word.eq_ignore_ascii_case("and") && chars.next().is_some_and(char::is_whitespace)
}

fn term(text: &str) -> Result<Term, ArmError> {
    let text = text.trim();
    let unknown = || {
        let shown: String = text.chars().take(80).collect();
        ArmError::invalid_filter(&format!("the condition '{shown}' is neither a comparison nor a call"))
    };
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '/')).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end).ok_or_else(unknown)?;
    let rest = rest.trim_start();
    if name.is_empty() {
        return Err(unknown());
    }
    if let Some(inside) = rest.strip_prefix('(') {
        let inside = inside.strip_suffix(')').ok_or_else(unknown)?.trim();
        if let Some((name, value)) = text_arguments(inside) {
            return Ok(Term::Text { function: text.get(..end).unwrap_or("").into(), name, value });
        }
        let argument = if inside.is_empty() { None } else { Some(unquote(inside).ok_or_else(unknown)?) };
        return Ok(Term::Call { name: name.into(), argument });
    }
    let (word, value) = rest.split_once(char::is_whitespace).ok_or_else(unknown)?;
    let op = Op::parse(word).ok_or_else(unknown)?;
    let value = unquote(value.trim()).ok_or_else(unknown)?;
    Ok(Term::Compare { name: name.into(), op, value })
}

/// A quoted text and a bare name with a comma in between, in either order.
fn text_arguments(inside: &str) -> Option<(String, String)> {
    let (name, quoted) = match inside.strip_suffix('\'') {
        Some(_) => inside.split_once(','),
        None => inside.rsplit_once(',').map(|(quoted, name)| (name, quoted)),
    }?;
    let (name, quoted) = (name.trim(), quoted.trim());
    let bare = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if !bare || !quoted.starts_with('\'') {
        return None;
    }
    Some((name.into(), unquote(quoted)?))
}

fn unquote(text: &str) -> Option<String> {
    // OData's typed literals: datetime'…', guid'…'.
    let typed = ["datetime'", "guid'"]
        .iter()
        .any(|p| text.len() > p.len() && text.get(..p.len()).is_some_and(|t| t.eq_ignore_ascii_case(p)));
    let text = if typed { text.get(text.find('\'')?..)? } else { text };
    match text.strip_prefix('\'') {
        Some(inside) => {
            let pairs: Vec<&str> = inside.strip_suffix('\'')?.split("''").collect();
            (!pairs.iter().any(|part| part.contains('\''))).then(|| pairs.join("'"))
        }
        // `a eq b or c eq d` is not the value `b or c eq d`.
        None => (!text.is_empty()
            && !text.contains('\'')
            && !text.split_whitespace().any(|word| word.eq_ignore_ascii_case("or")))
        .then(|| text.into()),
    }
}

/// A time as clients write it: RFC 3339, or without an offset, which then means UTC; or a date.
pub fn time(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    let civil = text.parse::<jiff::civil::DateTime>().ok()?;
    civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|z| z.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn compare(name: &str, op: Op, value: &str) -> Term {
        Term::Compare { name: name.into(), op, value: value.into() }
    }

    #[test]
    fn what_clients_send() {
        let cli = "eventTimestamp ge 2026-11-21T15:28:28.060356 and eventTimestamp le '2026-11-21T19:28:28Z' AND resourceGroupName eq 'r and g''s'";
        assert_eq!(
            parse(cli).unwrap(),
            [
                compare("eventTimestamp", Op::Ge, "2026-11-21T15:28:28.060356"),
                compare("eventTimestamp", Op::Le, "2026-11-21T19:28:28Z"),
                compare("resourceGroupName", Op::Eq, "r and g's"),
            ]
        );
        let call = |name: &str, argument: Option<&str>| Term::Call {
            name: name.into(),
            argument: argument.map(Into::into),
        };
        assert_eq!(parse("atScope()").unwrap(), [call("atScope", None)]);
        assert_eq!(
            parse("atScope() and assignedTo('x')").unwrap(),
            [call("atScope", None), call("assignedTo", Some("x"))]
        );
        for (filter, function, name, value) in [
            ("substringof('we,b', name)", "substringof", "name", "we,b"),
            ("startswith(tagname, 'it''s')", "startswith", "tagname", "it's"),
        ] {
            let text = Term::Text { function: function.into(), name: name.into(), value: value.into() };
            assert_eq!(parse(filter).unwrap(), [text]);
        }
        assert_eq!(parse("a eq datetime'2026-01-01'").unwrap(), [compare("a", Op::Eq, "2026-01-01")]);
        assert_eq!(parse("a eq ''").unwrap(), [compare("a", Op::Eq, "")]);
    }

    #[test]
    fn what_is_no_filter() {
        for text in [
            "",
            "a",
            "a eq",
            "a like 'b'",
            "a eq 'b",
            "a eq 'b' or c eq 'd'",
            "atScope(",
            "= 1",
            "a eq b'c'",
            "a eq 'b' and",
            "f('a', 'b')",
            "f('a' b)",
            "f(a, b c')",
            "a eq b or c eq d",
            "a eq 'b\u{0}c'",
            "f(\u{1})",
        ] {
            assert_eq!(parse(text).unwrap_err().code, "InvalidFilterInQueryString", "{text}");
        }
        assert!(parse(&"a".repeat(FILTER_LIMIT + 1)).is_err());
    }

    #[test]
    fn times_in_every_spelling() {
        let same = "2026-11-21T15:28:28.06Z".parse::<Timestamp>().unwrap();
        for text in [
            "2026-11-21T15:28:28.060000",
            "2026-11-21T15:28:28.06Z",
            "2026-11-21T16:28:28.06+01:00",
            "2026-11-21 15:28:28.06",
        ] {
            assert_eq!(time(text), Some(same), "{text}");
        }
        assert_eq!(time("2026-11-21"), "2026-11-21T00:00:00Z".parse().ok());
        assert_eq!(time("yesterday"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,60}") {
            let _ = parse(&text);
            let _ = time(&text);
        }

        #[test]
        fn a_quoted_value_comes_back(value in "[ -~é]{0,40}") {
            let text = format!("x eq '{}'", value.replace('\'', "''"));
            prop_assert_eq!(parse(&text).unwrap(), vec![compare("x", Op::Eq, &value)]);
        }
    }
}
