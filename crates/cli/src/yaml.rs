//! JSON values as YAML 1.2, block style; strings are quoted whenever a reader could take them for something else.

use serde_json::Value;
use std::fmt::Write as _;

/// The document, with a newline at its end.
pub fn emit(value: &Value) -> String {
    let mut out = String::new();
    node(&mut out, value, 0, false);
    out
}

/// `inline`: something (a key, a dash) stands on this line already.
fn node(out: &mut String, value: &Value, indent: usize, inline: bool) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (i, (key, value)) in map.iter().enumerate() {
                if i > 0 || !inline {
                    pad(out, indent);
                }
                scalar(out, &Value::String(key.clone()));
                out.push(':');
                child(out, value, indent + 2, matches!(value, Value::Array(_)).then_some(indent));
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (i, item) in items.iter().enumerate() {
                if i > 0 || !inline {
                    pad(out, indent);
                }
                out.push_str("- ");
                node(out, item, indent + 2, true);
            }
        }
        other => {
            if !inline {
                pad(out, indent);
            }
            scalar(out, other);
            out.push('\n');
        }
    }
}

/// A key's value: scalars on the key's line, the rest below it. Lists may stand as far left as their key.
fn child(out: &mut String, value: &Value, indent: usize, list_indent: Option<usize>) {
    let block = match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if block {
        out.push('\n');
        node(out, value, list_indent.unwrap_or(indent), false);
    } else {
        out.push(' ');
        scalar(out, value);
        out.push('\n');
    }
}

fn pad(out: &mut String, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
}

fn scalar(out: &mut String, value: &Value) {
    match value {
        Value::String(text) if is_plain(text) => out.push_str(text),
        // JSON's quoted strings are YAML's.
        other => {
            let _ = write!(out, "{other}");
        }
    }
}

fn is_plain(text: &str) -> bool {
    let word = text.to_ascii_lowercase();
    let reserved = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let letter_first = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '_');
    let tame = text.chars().all(|c| c.is_alphanumeric() || " /_.@+-:".contains(c));
    letter_first
        && tame
        && !reserved.contains(&word.as_str())
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
}

#[cfg(test)]
mod tests {
    use super::emit;
    use serde_json::json;

    #[test]
    fn documents() {
        let value = json!({"a": "b", "n": 1, "e": [], "s": "yes", "t": "a: b", "m": "x\ny",
            "list": [{"k": null, "l": [1, 2]}, "z"], "o": {"p": {"q": true}}});
        let yaml = "a: b\nn: 1\ne: []\ns: \"yes\"\nt: \"a: b\"\nm: \"x\\ny\"\nlist:\n- k: null\n  l:\n  - 1\n  - 2\n- z\no:\n  p:\n    q: true\n";
        // `n` would be a boolean for YAML 1.1 readers.
        assert_eq!(emit(&value), yaml.replace("\nn: 1", "\n\"n\": 1"));
        assert_eq!(emit(&json!([[1], []])), "- - 1\n- []\n");
        assert_eq!(emit(&json!("x")), "x\n");
    }
}
