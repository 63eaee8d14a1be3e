//! From request bodies to the stored document: create, PUT as a merge, PATCH.
//!
//! Clients that write a VM back leave out what is read-only and what they do not know (contract 3.3, 14.22): a member that is
//! absent stays, an explicit `null` removes it, arrays are taken whole. Three things are taken whole as well, because their
//! absent members mean something: `tags`, the image reference, and in a PUT `bootDiagnostics` (no `storageUri` = managed).

use super::{BootDiagnostics, Driver, Machine, VmError};
use crate::models::document;
use secrecy::SecretString;
use serde_json::{Map, Value, json};

/// Longest administrator's password, characters; shortest is [`PASSWORD_LEAST`].
const PASSWORD_LIMIT: usize = 72;
/// Shortest administrator's password, characters.
const PASSWORD_LEAST: usize = 6;
/// What only the server writes, at the top of the body.
const READ_ONLY_TOP: &[&str] = &["id", "name", "type", "etag", "resources", "systemData"];
/// What only the server writes, in `properties`.
const READ_ONLY_PROPERTIES: &[&str] = &["vmId", "provisioningState", "timeCreated", "instanceView"];
/// What is taken whole: an absent member of it means something.
const WHOLE: &[&str] = &["tags", "imageReference"];
/// What goes in and never out, in `properties.osProfile`.
const SECRETS: &[&str] = &["adminPassword", "customData"];

/// A request body whose secret has been taken out.
#[derive(Debug)]
pub struct Input {
    /// The body without read-only members and without secrets.
    pub body: Value,
    /// `osProfile.adminPassword`.
    pub admin_password: Option<SecretString>,
}

impl Input {
    /// Parses a body.
    pub fn parse(bytes: &[u8]) -> Result<Self, VmError> {
        let mut body: Value = serde_json::from_slice(bytes)
            .map_err(|e| VmError::Content(format!("not JSON (line {}, column {}).", e.line(), e.column())))?;
        let Some(top) = body.as_object_mut() else {
            return Err(VmError::Content("the body must be a JSON object.".into()));
        };
        READ_ONLY_TOP.iter().for_each(|key| {
            top.shift_remove(*key);
        });
        if let Some(tags) = top.get("tags") {
            check_tags(tags)?;
        }
        let mut admin_password = None;
        match top.get_mut("properties") {
            None | Some(Value::Null) => {
                top.insert("properties".into(), json!({}));
            }
            Some(Value::Object(properties)) => {
                READ_ONLY_PROPERTIES.iter().for_each(|key| {
                    properties.shift_remove(*key);
                });
                for profile in [
                    "hardwareProfile",
                    "storageProfile",
                    "osProfile",
                    "diagnosticsProfile",
                    "hardlineProfile",
                ] {
                    if properties.get(profile).is_some_and(|v| !v.is_object() && !v.is_null()) {
                        return Err(VmError::parameter(
                            profile,
                            format!("The value of parameter '{profile}' must be an object."),
                        ));
                    }
                }
                admin_password = take_password(properties)?;
            }
            Some(_) => return Err(VmError::Content("'properties' must be an object.".into())),
        }
        if let Some(properties) = body.get_mut("properties") {
            drop_secrets(properties);
        }
        Ok(Self { body, admin_password })
    }
}

/// Removes from `properties` what is never stored nor told, however it is spelled: a member whose name has other capitals is
/// one that we do not know, and would be kept and told.
pub(crate) fn drop_secrets(properties: &mut Value) {
    let Some(properties) = properties.as_object_mut() else { return };
    let profiles = properties.iter_mut().filter(|(name, _)| name.eq_ignore_ascii_case("osProfile"));
    for profile in profiles.filter_map(|(_, profile)| profile.as_object_mut()) {
        profile.retain(|name, _| !SECRETS.iter().any(|secret| name.eq_ignore_ascii_case(secret)));
    }
}

pub(crate) fn take_password(properties: &mut Map<String, Value>) -> Result<Option<SecretString>, VmError> {
    let profile = properties.get_mut("osProfile").and_then(Value::as_object_mut);
    let password = match profile.and_then(|p| p.shift_remove("adminPassword")) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(password)) => password,
        Some(_) => {
            return Err(VmError::parameter(
                "adminPassword",
                "The value of parameter 'adminPassword' must be a string.",
            ));
        }
    };
    let length = password.chars().count();
    if !(PASSWORD_LEAST..=PASSWORD_LIMIT).contains(&length) || password.chars().any(char::is_control) {
        return Err(VmError::parameter(
            "adminPassword",
            format!(
                "The supplied password must be between {PASSWORD_LEAST}-{PASSWORD_LIMIT} characters long and hold no control characters."
            ),
        ));
    }
    Ok(Some(SecretString::from(password)))
}

pub(crate) fn check_tags(tags: &Value) -> Result<(), VmError> {
    let good = match tags {
        Value::Null => true,
        Value::Object(tags) => {
            tags.len() <= 50
                && tags.iter().all(|(k, v)| {
                    (1..=512).contains(&k.chars().count())
                        && v.as_str().is_some_and(|v| v.chars().count() <= 256)
                })
        }
        _ => false,
    };
    if good {
        return Ok(());
    }
    Err(VmError::parameter(
        "tags",
        "'tags' must be an object of at most 50 strings, names of 1-512 and values of at most 256 characters.",
    ))
}

/// The document of a new VM, with its defaults written out, and what we read of it.
pub fn create(name: &str, body: &Value) -> Result<(Value, Machine), VmError> {
    super::check_name(name)?;
    let mut stored = json!({});
    merge(&mut stored, body);
    let machine = Machine::read(name, &stored)?;
    set(&mut stored, &["properties", "hardwareProfile", "vmSize"], json!(machine.size.name));
    if machine.boot_diagnostics == BootDiagnostics::Managed {
        set(&mut stored, &["properties", "diagnosticsProfile", "bootDiagnostics"], json!({"enabled": true}));
    }
    if let Driver::Qemu { .. } = machine.driver {
        set(&mut stored, &["properties", "osProfile", "computerName"], json!(machine.computer_name));
        let mut disk =
            |key, value| default(&mut stored, &["properties", "storageProfile", "osDisk", key], value);
        disk("osType", json!(machine.os_type));
        disk("name", json!(format!("{name}_OsDisk")));
        disk("createOption", json!("FromImage"));
    }
    default(&mut stored, &["properties", "networkProfile"], json!({"networkInterfaces": []}));
    Ok((stored, machine))
}

/// The document after a PUT onto an existing VM.
pub fn put(name: &str, stored: &Value, body: &Value) -> Result<(Value, Machine), VmError> {
    if body.get("location").and_then(Value::as_str).is_none_or(|l| l.trim().is_empty()) {
        return Err(VmError::LocationRequired);
    }
    let mut base = stored.clone();
    if body.pointer("/properties/diagnosticsProfile/bootDiagnostics").is_some_and(Value::is_object)
        && let Some(profile) =
            base.pointer_mut("/properties/diagnosticsProfile").and_then(Value::as_object_mut)
    {
        profile.shift_remove("bootDiagnostics");
    }
    change(name, stored, base, body)
}

/// The document after a PATCH.
pub fn patch(name: &str, stored: &Value, body: &Value) -> Result<(Value, Machine), VmError> {
    change(name, stored, stored.clone(), body)
}

fn change(name: &str, stored: &Value, mut base: Value, body: &Value) -> Result<(Value, Machine), VmError> {
    merge(&mut base, body);
    let (old, new) = (Machine::read(name, stored)?, Machine::read(name, &base)?);
    if document::location(&old.location) != document::location(&new.location) {
        return Err(VmError::Location { name: name.into(), old: old.location, new: new.location });
    }
    // What stands in the document stays in the case and spelling in which it was created.
    if let Some(location) = base.get_mut("location") {
        *location = old.location.as_str().into();
    }
    let immutable = |what: &str| Err(VmError::Immutable(what.into()));
    match (&old.driver, &new.driver) {
        (Driver::Qemu { image: a, .. }, Driver::Qemu { image: b, .. }) if a != b => {
            return immutable("imageReference");
        }
        (Driver::Qemu { .. }, Driver::Attach { .. }) | (Driver::Attach { .. }, Driver::Qemu { .. }) => {
            return immutable("hardlineProfile.driver");
        }
        _ => {}
    }
    if old.admin_user != new.admin_user {
        return immutable("osProfile.adminUsername");
    }
    if old.computer_name != new.computer_name {
        return immutable("osProfile.computerName");
    }
    if old.os_type != new.os_type {
        return immutable("osDisk.osType");
    }
    Ok((base, new))
}

pub(crate) fn merge(base: &mut Value, body: &Value) {
    if let (Value::Object(base), Value::Object(body)) = (base, body) {
        document::merge(base, body, WHOLE);
    }
}

/// The place at `path`; the objects on the way are made where they are missing.
fn place<'a>(document: &'a mut Value, path: &[&str]) -> &'a mut Value {
    path.iter().fold(document, |parent, key| {
        if !parent.is_object() {
            *parent = json!({});
        }
        match parent {
            Value::Object(map) => map.entry(*key).or_insert(Value::Null),
            other => other,
        }
    })
}

pub(crate) fn set(document: &mut Value, path: &[&str], value: Value) {
    *place(document, path) = value;
}

pub(crate) fn default(document: &mut Value, path: &[&str], value: Value) {
    let slot = place(document, path);
    if slot.is_null() {
        *slot = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn body() -> Value {
        json!({"location": "local", "tags": {"a": "1"}, "properties": {
            "storageProfile": {"imageReference": {"publisher": "hardline", "offer": "demo"}, "osDisk": {"diskSizeGB": 3, "name": null}},
            "osProfile": {"adminUsername": "operator"},
            "networkProfile": {"networkInterfaces": [{"id": "/x/nic1"}]},
            "somethingNew": {"kept": true},
        }})
    }

    #[test]
    fn secrets_and_read_only_members_are_taken_out() {
        let text = json!({"id": "/x", "name": "n", "location": "l", "properties": {
            "vmId": "mine", "provisioningState": "x", "instanceView": {},
            "osProfile": {"adminPassword": "correct horse", "customData": "s", "adminUsername": "u"}}});
        let input = Input::parse(text.to_string().as_bytes()).unwrap();
        assert_eq!(input.body, json!({"location": "l", "properties": {"osProfile": {"adminUsername": "u"}}}));
        assert_eq!(input.admin_password.as_ref().map(ExposeSecret::expose_secret), Some("correct horse"));
        assert!(!format!("{input:?}").contains("horse"));
    }

    #[test]
    fn bodies_that_are_refused() {
        for text in ["", "[]", "{", r#"{"properties":3}"#] {
            assert_eq!(Input::parse(text.as_bytes()).unwrap_err().code(), "InvalidRequestContent", "{text}");
        }
        for text in [
            r#"{"tags":{"a":1}}"#,
            r#"{"properties":{"osProfile":{"adminPassword":"x"}}}"#,
            r#"{"properties":{"osProfile":{"adminPassword":"line\nbreak"}}}"#,
            r#"{"properties":{"osProfile":7}}"#,
        ] {
            assert_eq!(Input::parse(text.as_bytes()).unwrap_err().code(), "InvalidParameter", "{text}");
        }
    }

    #[test]
    fn create_writes_the_defaults_out() {
        let (stored, machine) = create("vm1", &body()).unwrap();
        assert_eq!(stored["properties"]["diagnosticsProfile"], json!({"bootDiagnostics": {"enabled": true}}));
        assert_eq!(stored["properties"]["hardwareProfile"]["vmSize"], machine.size.name);
        assert_eq!(stored["properties"]["osProfile"]["computerName"], "vm1");
        assert_eq!(stored["properties"]["somethingNew"], json!({"kept": true}));
        assert_eq!(
            stored["properties"]["storageProfile"]["osDisk"],
            json!({"diskSizeGB": 3, "osType": "Linux", "name": "vm1_OsDisk", "createOption": "FromImage"})
        );
        let mut off = body();
        off["properties"]["diagnosticsProfile"] = json!({"bootDiagnostics": {"enabled": false}});
        let (stored, _) = create("vm1", &off).unwrap();
        assert_eq!(stored["properties"]["diagnosticsProfile"]["bootDiagnostics"], json!({"enabled": false}));
    }

    #[test]
    fn a_put_merges_and_null_removes() {
        let (stored, _) = create("vm1", &body()).unwrap();
        let (after, _) = put(
            "vm1",
            &stored,
            &json!({"location": "LOCAL", "tags": {"b": "2"}, "properties": {
            "somethingNew": null, "diagnosticsProfile": {"bootDiagnostics": {"enabled": false}}}}),
        )
        .unwrap();
        assert_eq!(after["location"], "local");
        assert_eq!(after["tags"], json!({"b": "2"}));
        assert_eq!(after["properties"]["networkProfile"], stored["properties"]["networkProfile"]);
        assert!(after["properties"].get("somethingNew").is_none());
        let (again, machine) = put(
            "vm1",
            &after,
            &json!({"location": "local", "properties": {
            "diagnosticsProfile": {"bootDiagnostics": {"enabled": true}}}}),
        )
        .unwrap();
        assert!(machine.boot_diagnostics.enabled());
        assert_eq!(again["tags"], json!({"b": "2"}));
        assert_eq!(put("vm1", &after, &json!({"properties": {}})).unwrap_err(), VmError::LocationRequired);
    }

    #[test]
    fn a_patch_needs_no_location() {
        let (stored, _) = create("vm1", &body()).unwrap();
        let (after, machine) =
            patch("vm1", &stored, &json!({"properties": {"hardwareProfile": {"vmSize": "standard_b2s"}}}))
                .unwrap();
        assert_eq!(machine.size.vcpus, 2);
        assert_eq!(after["tags"], stored["tags"]);
    }

    #[test]
    fn what_cannot_change() {
        let (stored, _) = create("vm1", &body()).unwrap();
        let check = |properties: Value, target: &str| {
            let error = patch("vm1", &stored, &json!({"properties": properties})).unwrap_err();
            assert_eq!((error.code(), error.target()), ("PropertyChangeNotAllowed", Some(target)));
        };
        check(json!({"osProfile": {"adminUsername": "other"}}), "osProfile.adminUsername");
        check(json!({"osProfile": {"computerName": "other"}}), "osProfile.computerName");
        check(json!({"storageProfile": {"imageReference": {"id": "other"}}}), "imageReference");
        check(
            json!({"hardlineProfile": {"driver": "attach", "serial": "tcp:h:1"}}),
            "hardlineProfile.driver",
        );
        let moved = put("vm1", &stored, &json!({"location": "elsewhere"})).unwrap_err();
        assert_eq!((moved.code(), moved.status()), ("InvalidResourceLocation", 409));
    }

    #[test]
    fn custom_storage_is_read() {
        let mut custom = body();
        custom["properties"]["diagnosticsProfile"] =
            json!({"bootDiagnostics": {"enabled": true, "storageUri": "https://diag1.blob.example/"}});
        let (_, machine) = create("vm1", &custom).unwrap();
        assert_eq!(machine.boot_diagnostics, BootDiagnostics::Custom("https://diag1.blob.example/".into()));
    }
}
