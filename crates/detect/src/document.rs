//! Fields of a JSON document, the way Elasticsearch sees them: a dotted path leads through objects, through keys that hold
//! dots themselves (`{"a": {"b": 1}}` and `{"a.b": 1}` are the same field), and through arrays, whose order and nesting
//! mean nothing. A null is no value.

use serde_json::Value;

/// Objects up to this size are searched key by key, which is faster than a hash for every way to split the path.
const SMALL: usize = 12;

/// A dotted path, split once and followed often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    text: String,
    /// Where parts end: the dots and the end of the text, ascending.
    ends: Vec<usize>,
}

impl Path {
    /// Splits at the dots.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        let dots = text.bytes().enumerate().filter(|(_, b)| *b == b'.').map(|(at, _)| at);
        let ends = dots.chain([text.len()]).collect();
        Self { text, ends }
    }

    /// The path as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Calls `found` with what stands at the end of the path (anything but an array or a null), until it says `true`, and
    /// tells whether it did. Each value of the document is looked at once at most.
    pub fn any<'a>(&self, document: &'a Value, found: &mut dyn FnMut(&'a Value) -> bool) -> bool {
        self.follow(document, 0, found)
    }

    /// From the part that begins at `start`; behind the last part it is one more than the length.
    fn follow<'a>(&self, value: &'a Value, start: usize, found: &mut dyn FnMut(&'a Value) -> bool) -> bool {
        match value {
            Value::Null => false,
            Value::Array(items) => items.iter().any(|item| self.follow(item, start, found)),
            _ if start > self.text.len() => found(value),
            Value::Object(members) if members.len() <= SMALL => {
                let rest = self.text.as_bytes().get(start..).unwrap_or_default();
                members.iter().any(|(key, member)| {
                    let behind = rest.strip_prefix(key.as_bytes());
                    behind.is_some_and(|behind| matches!(behind.first(), None | Some(b'.')))
                        && self.follow(member, start + key.len() + 1, found)
                })
            }
            Value::Object(members) => {
                let ends = self.ends.get(self.ends.partition_point(|end| *end < start)..);
                ends.unwrap_or_default().iter().any(|end| {
                    let member = self.text.get(start..*end).and_then(|key| members.get(key));
                    member.is_some_and(|member| self.follow(member, *end + 1, found))
                })
            }
            _ => false,
        }
    }
}

/// All values at a path: arrays opened, nulls and objects left out.
///
/// ```
/// let document = serde_json::json!({ "host": [{ "ip": ["10.0.0.1", null] }, { "ip": "10.0.0.2" }], "host.ip": "::1" });
/// let values = hardline_detect::document::values(&document, "host.ip");
/// assert_eq!(values, ["10.0.0.1", "10.0.0.2", "::1"]);
/// ```
pub fn values<'a>(document: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut values = Vec::new();
    Path::new(path).any(document, &mut |value| {
        if !value.is_object() {
            values.push(value);
        }
        false
    });
    values
}

/// Calls `found` with the dotted name and the value of every leaf (no object, array or null), until it says `true`, and
/// tells whether it did. A leaf inside an array is called by its field's name, as often as it stands there.
pub fn any_leaf<'a>(document: &'a Value, found: &mut dyn FnMut(&str, &'a Value) -> bool) -> bool {
    walk(document, &mut String::new(), found)
}

fn walk<'a>(value: &'a Value, name: &mut String, found: &mut dyn FnMut(&str, &'a Value) -> bool) -> bool {
    match value {
        Value::Null => false,
        Value::Array(items) => items.iter().any(|item| walk(item, name, found)),
        Value::Object(members) => {
            let length = name.len();
            members.iter().any(|(key, member)| {
                if length > 0 {
                    name.push('.');
                }
                name.push_str(key);
                let done = walk(member, name, found);
                name.truncate(length);
                done
            })
        }
        _ => found(name, value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_lead_through_objects_dots_and_arrays() {
        let document = json!({
            "a": { "b": { "c": 1 }, "b.c": 2, "": { "x": 7 } },
            "a.b": { "c": [3, null, [4, { "d": 9 }]] },
            "a.b.c": "five",
            "n": null,
            "e": [],
            "o": { "p": { "q": false } },
        });
        let table = [
            ("a.b.c", json!([1, 2, 3, 4, "five"])),
            ("a.b.c.d", json!([9])),
            ("a..x", json!([7])),
            ("o.p.q", json!([false])),
            ("o.p", json!([])),
            ("n", json!([])),
            ("e", json!([])),
            ("a.b.c.", json!([])),
            ("", json!([])),
            (".", json!([])),
            ("missing.x", json!([])),
        ];
        // A large object is searched another way.
        let mut large = document.clone();
        for n in 0..=SMALL {
            large[format!("other{n}")] = json!({ "b": 0 });
        }
        for (path, expected) in table {
            assert_eq!(json!(values(&document, path)), expected, "{path}");
            assert_eq!(json!(values(&large, path)), expected, "{path}");
        }
    }

    #[test]
    fn leaves_have_their_dotted_names() {
        let document = json!({ "a": [{ "b": 1 }, { "b": [2, null] }], "c.d": { "e": "x" }, "f": {} });
        let mut leaves = Vec::new();
        any_leaf(&document, &mut |name, value| {
            leaves.push(format!("{name}={value}"));
            false
        });
        assert_eq!(leaves, ["a.b=1", "a.b=2", "c.d.e=\"x\""]);
        assert!(any_leaf(&document, &mut |name, _| name == "c.d.e"));
    }
}
