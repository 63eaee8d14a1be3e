//! Values of fields taken together: what new_terms, thresholds and suppression group by.

use crate::document::Path;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Combinations that are taken from one document, at most.
pub(super) const COMBINATIONS_LIMIT: usize = 1000;

/// Stands for a combination of values wherever many of them are kept: half a SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key([u8; 16]);

impl Key {
    pub fn of<'a>(values: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut hash = Sha256::new();
        for value in values {
            let (kind, text) = match value {
                Value::String(text) => (b's', std::borrow::Cow::Borrowed(text.as_str())),
                other => (b'v', other.to_string().into()),
            };
            hash.update([kind]);
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        let digest = hash.finalize();
        let mut half = [0; 16];
        half.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self(half)
    }

    pub fn hex(self) -> String {
        hex::encode(self.0)
    }
}

/// Fields whose values are taken together.
#[derive(Clone, Debug)]
pub(super) struct Fields(Vec<Path>);

impl Fields {
    pub fn new(names: &[String]) -> Self {
        Self(names.iter().map(|name| Path::new(name.as_str())).collect())
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Path::as_str)
    }

    /// Every combination of the fields' values, lists opened; empty when the document lacks one of the fields, one empty
    /// combination when there are no fields. The second value says that there were more than are taken.
    pub fn combinations(&self, body: &Value) -> (Vec<Vec<Value>>, bool) {
        let mut combinations = vec![Vec::new()];
        let mut cut = false;
        for path in &self.0 {
            let values = distinct(path, body);
            let mut next = Vec::new();
            'all: for combination in &combinations {
                for value in &values {
                    if next.len() == COMBINATIONS_LIMIT {
                        cut = true;
                        break 'all;
                    }
                    let mut longer: Vec<Value> = combination.clone();
                    longer.push(value.clone());
                    next.push(longer);
                }
            }
            combinations = next;
        }
        (combinations, cut)
    }

    /// One combination a document: a list of several values is one value, sorted. A missing field is null, and the second
    /// value says so.
    pub fn whole(&self, body: &Value) -> (Vec<Value>, bool) {
        let mut missing = false;
        let value = |path: &Path| {
            let mut values = distinct(path, body);
            match values.len() {
                0 => {
                    missing = true;
                    Value::Null
                }
                1 => values.pop().unwrap_or_default(),
                _ => {
                    values.sort_by_key(ToString::to_string);
                    Value::Array(values)
                }
            }
        };
        let whole = self.0.iter().map(value).collect();
        (whole, missing)
    }
}

/// The values at a path, each once.
pub(super) fn distinct(path: &Path, body: &Value) -> Vec<Value> {
    let mut values: Vec<Value> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    path.any(body, &mut |value| {
        if !value.is_object() && seen.insert(Key::of([value])) {
            values.push(value.clone());
        }
        values.len() == COMBINATIONS_LIMIT
    });
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lists_make_combinations() {
        let body = json!({ "a": ["x", "y", "x", null], "b": { "c": [1, 2] }, "e": [], "n": null });
        let table = [
            (vec!["a"], json!([["x"], ["y"]])),
            (vec!["a", "b.c"], json!([["x", 1], ["x", 2], ["y", 1], ["y", 2]])),
            (vec!["a", "missing"], json!([])),
            (vec!["e"], json!([])),
            (vec!["n"], json!([])),
            (vec![], json!([[]])),
        ];
        for (names, expected) in table {
            let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
            assert_eq!(json!(Fields::new(&names).combinations(&body).0), expected, "{names:?}");
        }
    }

    #[test]
    fn a_document_with_a_thousand_values_twice_is_cut() {
        let many: Vec<_> = (0..999).collect();
        let body = json!({ "a": many, "b": many });
        let (combinations, cut) = Fields::new(&["a".into(), "b".into()]).combinations(&body);
        assert_eq!((combinations.len(), cut), (COMBINATIONS_LIMIT, true));
    }

    #[test]
    fn keys_tell_values_apart() {
        let sets =
            [json!(["a", "b"]), json!(["ab", ""]), json!(["1"]), json!([1]), json!([true]), json!([null])];
        let keys: std::collections::HashSet<_> =
            sets.iter().map(|set| Key::of(set.as_array().unwrap())).collect();
        assert_eq!(keys.len(), sets.len());
    }
}
