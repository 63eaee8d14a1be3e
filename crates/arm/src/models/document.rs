//! A request's body as a JSON object, and the members that many documents share.

use crate::error::ArmError;
use serde_json::{Map, Value};

/// What only the server writes, at the top of a document.
const READ_ONLY: &[&str] = &["id", "name", "type", "etag", "systemData"];

/// The body as an object. An empty body is an empty object: clients leave it out where nothing is needed.
pub fn object(body: &[u8]) -> Result<Map<String, Value>, ArmError> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(ArmError::invalid_content(&"the body must be a JSON object")),
        Err(error) => Err(ArmError::invalid_content(&error)),
    }
}

/// The body of a PUT or a PATCH of a resource: what only the server writes is taken out, tags are checked, and `properties`
/// is an object (made when it is not there).
pub fn resource(body: &[u8]) -> Result<Map<String, Value>, ArmError> {
    let mut map = object(body)?;
    map.retain(|name, _| !READ_ONLY.contains(&name.as_str()));
    tags(&map)?;
    match map.get("properties") {
        Some(Value::Object(_)) => {}
        None | Some(Value::Null) => {
            map.insert("properties".into(), Value::Object(Map::new()));
        }
        Some(_) => {
            let reason = "'properties' must be an object";
            return Err(ArmError::invalid_content(&reason).with_target("properties"));
        }
    }
    Ok(map)
}

/// Merges `body` into `base`: a member that is absent stays, an explicit `null` removes it, arrays and the members named in
/// `whole` are taken as they are.
pub fn merge(base: &mut Map<String, Value>, body: &Map<String, Value>, whole: &[&str]) {
    for (key, value) in body {
        match (base.get_mut(key), value) {
            (_, Value::Null) => {
                base.shift_remove(key);
            }
            (Some(Value::Object(old)), Value::Object(new)) if !whole.contains(&key.as_str()) => {
                merge(old, new, whole);
            }
            _ => {
                let mut fresh = value.clone();
                drop_nulls(&mut fresh);
                base.insert(key.clone(), fresh);
            }
        }
    }
}

/// Removes the members whose value is `null`, in objects within objects too.
pub fn drop_nulls(value: &mut Value) {
    if let Value::Object(map) = value {
        map.retain(|_, v| !v.is_null());
        map.values_mut().for_each(drop_nulls);
    }
}

/// A member that is text; absent, null and blank are none.
pub fn text<'v>(map: &'v Map<String, Value>, name: &str) -> Result<Option<&'v str>, ArmError> {
    match map.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim()).filter(|t| !t.is_empty())),
        Some(_) => {
            Err(ArmError::invalid_content(&format!("the value of '{name}' must be a string"))
                .with_target(name))
        }
    }
}

/// `tags`: at most 50 names of at most 512 characters with values of at most 256; none when it is absent.
pub fn tags(map: &Map<String, Value>) -> Result<Option<Map<String, Value>>, ArmError> {
    let invalid = |reason: &str| ArmError::invalid_content(&reason).with_target("tags");
    match map.get("tags") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(tags)) => {
            if tags.len() > 50 {
                return Err(invalid("a resource has at most 50 tags"));
            }
            for (name, value) in tags {
                let value = value.as_str().ok_or_else(|| invalid("the value of a tag must be a string"))?;
                if name.is_empty() || name.chars().count() > 512 || value.chars().count() > 256 {
                    return Err(invalid("a tag's name has 1 to 512 characters, its value at most 256"));
                }
            }
            Ok(Some(tags.clone()))
        }
        Some(_) => Err(invalid("'tags' must be an object")),
    }
}

/// A location as it is compared: lower case, without blanks (`West Europe` is `westeurope`).
pub fn location(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies() {
        assert!(object(b"").unwrap().is_empty());
        assert!(object(b" \r\n").unwrap().is_empty());
        for bad in [&b"[]"[..], b"{", b"null", b"{\"a\":1}x", b"\xff"] {
            assert_eq!(object(bad).unwrap_err().code, "InvalidRequestContent");
        }
        let deep = "[".repeat(100_000);
        assert!(object(deep.as_bytes()).is_err());
    }

    #[test]
    fn what_only_the_server_writes_is_taken_out_of_a_resource() {
        let map = resource(br#"{"id":"/x","etag":"1","location":"l","properties":null}"#).unwrap();
        assert_eq!(Value::Object(map), serde_json::json!({"location": "l", "properties": {}}));
        for bad in [&br#"{"properties":3}"#[..], br#"{"tags":{"a":1}}"#] {
            assert_eq!(resource(bad).unwrap_err().code, "InvalidRequestContent");
        }
    }

    #[test]
    fn a_merge_keeps_what_is_absent_and_null_removes() {
        let mut base = object(br#"{"a":{"x":1,"y":2},"tags":{"k":"v"},"list":[1,2],"gone":1}"#).unwrap();
        let body = object(br#"{"a":{"y":3,"z":{"n":null}},"tags":{"l":"w"},"list":[],"gone":null}"#).unwrap();
        merge(&mut base, &body, &["tags"]);
        let expected = serde_json::json!({"a": {"x": 1, "y": 3, "z": {}}, "tags": {"l": "w"}, "list": []});
        assert_eq!(Value::Object(base), expected);
    }

    #[test]
    fn members() {
        let map = object(br#"{"location":" West Europe ","n":1,"blank":" ","tags":{"a":"b"}}"#).unwrap();
        assert_eq!(text(&map, "location").unwrap().map(location).as_deref(), Some("westeurope"));
        assert_eq!(text(&map, "blank").unwrap(), None);
        assert!(text(&map, "n").is_err());
        assert_eq!(tags(&map).unwrap().unwrap().len(), 1);
        for bad in [r#"{"tags":{"a":1}}"#, r#"{"tags":[]}"#, r#"{"tags":{"":"x"}}"#] {
            assert!(tags(&object(bad.as_bytes()).unwrap()).is_err(), "{bad}");
        }
    }
}
