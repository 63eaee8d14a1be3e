//! Ids of alerts. The same event and rule give the same id for ever, which is what removes duplicates between windows that
//! overlap, between a run and its repetition after a crash, and between replicas.

use super::Document;
use serde_json::Value;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid, uuid};

/// The namespace of the ids of threshold groups.
const THRESHOLD_NAMESPACE: Uuid = uuid!("0684ec03-7201-4ee0-8ee0-3a3f6b2479b2");

/// Of a matching event: SHA-256 of index, id, version and rule, one after the other.
pub fn of_event(index: &str, id: &str, version: &str, space: &str, rule: &str) -> String {
    let mut hash = Sha256::new();
    for part in [index, id, version, space, ":", rule] {
        hash.update(part.as_bytes());
    }
    hex::encode(hash.finalize())
}

/// Of a new combination of values and its oldest event.
pub fn of_new_terms(document: &Document, space: &str, rule: &str, terms: &[Value]) -> String {
    object_hash(&Value::Array(vec![
        document.index.clone().into(),
        document.id.clone().into(),
        document.version.to_string().into(),
        format!("{space}:{rule}").into(),
        Value::Array(terms.to_vec()),
    ]))
}

/// The id of the event that a threshold group stands for. `run` is the end of the window.
pub fn of_group(rule_id: &str, run: jiff::Timestamp, fields: &[String], values: &[Value]) -> Uuid {
    let mut texts: Vec<String> = values.iter().map(text).collect();
    texts.sort();
    let name = format!("{rule_id}{}{}{}", iso(run), fields.join(","), texts.join(","));
    let mut hash = Sha1::new();
    hash.update(THRESHOLD_NAMESPACE.as_bytes());
    hash.update(name.as_bytes());
    let mut half = [0; 16];
    half.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
    Builder::from_sha1_bytes(half).into_uuid()
}

/// The id of what suppressed alerts have in common.
pub fn of_instance(terms: &[(String, Value)], space: &str, rule: &str) -> String {
    let terms = terms.iter().map(|(field, value)| {
        // As an object of field and value, whose keys are hashed in their order.
        Value::Array(vec![field.clone().into(), value.clone()])
    });
    object_hash(&Value::Array(vec![terms.collect(), rule.into(), space.into()]))
}

/// Milliseconds and Z, as JavaScript writes times.
pub fn iso(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// A value as text, without quotes.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// SHA-1 over a text that names every value with its type and length: what npm's `object-hash` gives for values without
/// objects.
fn object_hash(value: &Value) -> String {
    let mut hash = Sha1::new();
    describe(value, &mut hash);
    hex::encode(hash.finalize())
}

fn describe(value: &Value, hash: &mut Sha1) {
    match value {
        Value::Null => hash.update("Null"),
        Value::Bool(word) => hash.update(format!("bool:{word}")),
        Value::Number(number) => hash.update(format!("number:{number}")),
        // JavaScript counts UTF-16 units.
        Value::String(text) => {
            hash.update(format!("string:{}:", text.encode_utf16().count()));
            hash.update(text);
        }
        Value::Array(items) => {
            hash.update(format!("array:{}:", items.len()));
            items.iter().for_each(|item| describe(item, hash));
        }
        // Fields of documents have no objects as values; were there one, its text would tell it apart.
        Value::Object(_) => hash.update(format!("object:{value}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn new_terms_are_hashed_as_by_object_hash_3_0() {
        let table = [
            (
                json!([".ds-logs-1", "abc", "1", "default:r1", ["alice", 64500]]),
                "f45025239c52512fb699c4dc1586042f02930f5f",
            ),
            (
                json!(["i", "é😀", "2", "default:r1", ["x", true, 1.5]]),
                "2ff5e5227e0edd9f02a68cc73652bb01730ff56b",
            ),
        ];
        for (value, expected) in table {
            assert_eq!(object_hash(&value), expected);
        }
        let document = Document { index: ".ds-logs-1".into(), id: "abc".into(), version: 1, body: json!({}) };
        let id = of_new_terms(&document, "default", "r1", &[json!("alice"), json!(64500)]);
        assert_eq!(id, "f45025239c52512fb699c4dc1586042f02930f5f");
    }

    #[test]
    fn events_are_hashed_without_separators() {
        // printf '%s' index1id11default:uuid | sha256sum
        assert_eq!(
            of_event("index1", "id1", "1", "default", "uuid"),
            "c5fe084de80a5be31f3425ef9f3086d902cf46116fb72494128072f2629d27fc"
        );
    }

    #[test]
    fn groups_have_version_5_ids() {
        let at = "2026-11-21T10:00:00Z".parse().unwrap();
        let fields = ["a".to_owned(), "b".to_owned()];
        let id = of_group("rule", at, &fields, &[json!("z"), json!(1)]);
        assert_eq!(id.get_version_num(), 5);
        // uuid5(namespace, "rule2026-11-21T10:00:00.000Za,b1,z")
        assert_eq!(id.to_string(), "468ad1ad-2ab8-5b8f-a2e9-ed87a2d07d9c");
        assert_eq!(id, of_group("rule", at, &fields, &[json!(1), json!("z")]), "values are sorted");
    }
}
