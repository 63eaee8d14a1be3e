//! `whatIf`: what a template would change, told by comparing its resources with what is there.

use super::set;
use crate::template::position::dotted;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};

/// What would happen to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeType {
    /// It would be made.
    Create,
    /// It would be deleted: the template does not name it, and the mode is `Complete`.
    Delete,
    /// It stays: the template does not name it.
    Ignore,
    /// It would be deployed again; what changes is not known, as its body depends on what is deployed before.
    Deploy,
    /// It is as the template wants it.
    NoChange,
    /// It would be changed.
    Modify,
}

impl ChangeType {
    /// Azure's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Delete => "Delete",
            Self::Ignore => "Ignore",
            Self::Deploy => "Deploy",
            Self::NoChange => "NoChange",
            Self::Modify => "Modify",
        }
    }
}

/// One resource's change.
#[derive(Clone, Debug)]
pub struct Change {
    /// The resource.
    pub id: String,
    /// What would happen.
    pub change: ChangeType,
    /// The document as it is.
    pub before: Option<Value>,
    /// The document as it would be.
    pub after: Option<Value>,
    /// The properties that differ.
    pub delta: Vec<Value>,
}

impl Change {
    /// A change that is no comparison.
    pub fn plain(id: impl Into<String>, change: ChangeType) -> Self {
        Self { id: id.into(), change, before: None, after: None, delta: Vec::new() }
    }

    /// As clients read it; without documents when `whole` is false.
    pub fn document(&self, whole: bool) -> Value {
        let mut shown = json!({ "resourceId": self.id, "changeType": self.change.as_str() });
        if !whole {
            return shown;
        }
        if let Some(before) = &self.before {
            set(&mut shown, "before", before.clone());
        }
        if let Some(after) = &self.after {
            set(&mut shown, "after", after.clone());
        }
        if !self.delta.is_empty() {
            set(&mut shown, "delta", Value::Array(self.delta.clone()));
        }
        shown
    }
}

/// Compares what is there with what a template wants. Only what the template names is compared: the rest stays as it is.
pub fn change(id: impl Into<String>, before: Option<Value>, wanted: Value) -> Change {
    let Some(before) = before else {
        return Change { after: Some(wanted), ..Change::plain(id, ChangeType::Create) };
    };
    let mut delta = Vec::new();
    compare("", &before, &wanted, &mut delta);
    let after = merged(&before, &wanted);
    let change = if delta.is_empty() { ChangeType::NoChange } else { ChangeType::Modify };
    Change { id: id.into(), change, before: Some(before), after: Some(after), delta }
}

/// The members of a document that say something of it: without what the server adds to every one.
pub fn reduced(document: &Value) -> Value {
    let mut kept = document.clone();
    if let Some(map) = kept.as_object_mut() {
        map.remove("etag");
        if let Some(Value::Object(properties)) = map.get_mut("properties") {
            for added in ["provisioningState", "timeCreated", "instanceView", "resourceGuid"] {
                properties.remove(added);
            }
        }
    }
    kept
}

/// Members that hold a secret whatever made them.
const SECRET_MEMBERS: &[&str] = &[
    "adminPassword",
    "administratorLoginPassword",
    "password",
    "customData",
    "userData",
    "protectedSettings",
];
/// What is shown instead, as Azure does.
const CONCEALED: &str = "*******";

fn is_secret(member: &str) -> bool {
    SECRET_MEMBERS.iter().any(|s| s.eq_ignore_ascii_case(member))
}

/// Takes the secrets out of a document that is to be shown: the texts of secure parameters wherever they stand, and what
/// is known to be a secret by its member's name.
pub fn conceal(document: &mut Value, secrets: &[SecretString]) {
    match document {
        Value::String(text) if secrets.iter().any(|secret| holds(text, secret.expose_secret())) => {
            CONCEALED.clone_into(text);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| conceal(item, secrets)),
        Value::Object(map) => {
            for (key, value) in map {
                if is_secret(key) && !value.is_null() {
                    *value = CONCEALED.into();
                } else {
                    conceal(value, secrets);
                }
            }
        }
        _ => {}
    }
}

/// The same for an entry of a delta, whose path may name a member that is a secret.
pub fn conceal_entry(entry: &mut Value, secrets: &[SecretString]) {
    let path = entry.get("path").and_then(Value::as_str).unwrap_or("");
    let last = path.rsplit('.').next().unwrap_or(path);
    let secret = is_secret(last);
    for side in ["before", "after"] {
        if let Some(value) = entry.get_mut(side) {
            if secret {
                *value = CONCEALED.into();
            } else {
                conceal(value, secrets);
            }
        }
    }
    if let Some(children) = entry.get_mut("children").and_then(Value::as_array_mut) {
        children.iter_mut().for_each(|child| conceal_entry(child, secrets));
    }
}

/// A short secret counts only where it is the whole text: else it would hide half the document.
fn holds(text: &str, secret: &str) -> bool {
    text == secret || (secret.len() >= 4 && text.contains(secret))
}

fn compare(pointer: &str, before: &Value, wanted: &Value, delta: &mut Vec<Value>) {
    match (before, wanted) {
        (Value::Object(before), Value::Object(wanted)) => {
            for (key, wanted) in wanted {
                let place = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                match member(before, key) {
                    Some(before) => compare(&place, before, wanted, delta),
                    // No document shows a secret, so it cannot be compared.
                    None if is_nothing(wanted) || is_secret(key) => {}
                    None => delta.push(entry(&place, "Create", None, Some(wanted))),
                }
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            let mut children = Vec::new();
            for at in 0..a.len().max(b.len()) {
                match (a.get(at), b.get(at)) {
                    (Some(a), Some(b)) => compare(&format!("/{at}"), a, b, &mut children),
                    (None, Some(b)) => children.push(entry(&format!("/{at}"), "Create", None, Some(b))),
                    (Some(a), None) => children.push(entry(&format!("/{at}"), "Delete", Some(a), None)),
                    (None, None) => {}
                }
            }
            if !children.is_empty() {
                let mut shown = entry(pointer, "Array", Some(before), Some(wanted));
                set(&mut shown, "children", Value::Array(children));
                delta.push(shown);
            }
        }
        (a, b) if same(a, b) => {}
        (a, b) => delta.push(entry(pointer, "Modify", Some(a), Some(b))),
    }
}

/// Texts that name a type, an id or a location are compared in any case, as Azure's providers do.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.eq_ignore_ascii_case(b),
        (a, b) => a == b || (is_nothing(a) && is_nothing(b)),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.values().all(is_nothing),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn member<'v>(map: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    map.get(name)
        .or_else(|| map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
}

fn entry(pointer: &str, kind: &str, before: Option<&Value>, after: Option<&Value>) -> Value {
    let mut shown = json!({ "path": path(pointer), "propertyChangeType": kind });
    if let Some(before) = before {
        set(&mut shown, "before", before.clone());
    }
    if let Some(after) = after {
        set(&mut shown, "after", after.clone());
    }
    shown
}

/// An element's path is its bare number: clients put the brackets around it.
fn path(pointer: &str) -> String {
    let text = dotted(pointer);
    match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((number, rest)) => format!("{number}{rest}"),
        None => text,
    }
}

fn merged(before: &Value, wanted: &Value) -> Value {
    match (before, wanted) {
        (Value::Object(before), Value::Object(wanted)) => {
            let mut all = before.clone();
            for (key, value) in wanted {
                let known = all.keys().find(|k| k.eq_ignore_ascii_case(key)).cloned();
                let key = known.unwrap_or_else(|| key.clone());
                let value = all.get(&key).map_or_else(|| value.clone(), |there| merged(there, value));
                all.insert(key, value);
            }
            Value::Object(all)
        }
        (_, wanted) => wanted.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_template_names_counts() {
        let there = json!({"id": "/x", "location": "Local", "tags": {"a": "1"}, "properties": {"n": 1, "list": [{"p": 1}, {"p": 2}]}});
        let same = change(
            "/x",
            Some(there.clone()),
            json!({"location": "local", "properties": {"n": 1, "gone": null}}),
        );
        assert_eq!((same.change, same.delta.len()), (ChangeType::NoChange, 0));
        let wanted =
            json!({"tags": {"a": "2", "b": "3"}, "properties": {"list": [{"p": 1}, {"p": 7}, {"p": 3}]}});
        let other = change("/x", Some(there), wanted);
        assert_eq!(other.change, ChangeType::Modify);
        let expected = json!([
            {"path": "tags.a", "propertyChangeType": "Modify", "before": "1", "after": "2"},
            {"path": "tags.b", "propertyChangeType": "Create", "after": "3"},
            {"path": "properties.list", "propertyChangeType": "Array", "before": [{"p": 1}, {"p": 2}],
             "after": [{"p": 1}, {"p": 7}, {"p": 3}], "children": [
                {"path": "1.p", "propertyChangeType": "Modify", "before": 2, "after": 7},
                {"path": "2", "propertyChangeType": "Create", "after": {"p": 3}}]},
        ]);
        assert_eq!(Value::Array(other.delta.clone()), expected);
        assert_eq!(other.after.as_ref().unwrap()["properties"]["n"], 1);
        assert!(other.document(false).get("delta").is_none());
    }

    #[test]
    fn secrets_are_not_shown() {
        let mut document =
            json!({"a": "x hunter22 y", "b": "z", "c": {"adminPassword": "q"}, "d": ["ab", "abc"]});
        let secrets = ["hunter22", "ab"].map(|s| SecretString::from(s.to_owned()));
        conceal(&mut document, &secrets);
        assert_eq!(
            document,
            json!({"a": "*******", "b": "z", "c": {"adminPassword": "*******"}, "d": ["*******", "abc"]})
        );
    }

    #[test]
    fn what_is_not_there_is_made() {
        let new = change("/x", None, json!({"location": "local"}));
        assert_eq!(
            new.document(true),
            json!({"resourceId": "/x", "changeType": "Create", "after": {"location": "local"}})
        );
    }
}
