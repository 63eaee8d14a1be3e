//! From request bodies to the stored document of a set: create, PUT as a merge, PATCH. The rules are those of virtual machines
//! ([`crate::models::vm`]): what is absent stays, `null` removes, tags and image references are taken whole.

use super::{CAPACITY_LIMIT, Mode, ScaleSet, Upgrade, check_name};
use crate::models::document;
use crate::models::vm::{VmError, body};
use secrecy::SecretString;
use serde_json::{Map, Value, json};

/// What only the server writes, at the top of the body.
const READ_ONLY_TOP: &[&str] = &["id", "name", "type", "etag", "systemData"];
/// What only the server writes, in `properties`.
const READ_ONLY_PROPERTIES: &[&str] = &["provisioningState", "uniqueId", "timeCreated"];
/// What must be objects, in `properties.virtualMachineProfile`.
const PROFILES: &[&str] =
    &["storageProfile", "osProfile", "networkProfile", "diagnosticsProfile", "hardlineProfile"];

/// A request body whose secret has been taken out.
#[derive(Debug)]
pub struct Input {
    /// The body without read-only members, without secrets and without the capacity.
    pub body: Value,
    /// `sku.capacity`: how many instances are wanted.
    pub capacity: Option<u32>,
    /// `virtualMachineProfile.osProfile.adminPassword`.
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
        for key in READ_ONLY_TOP {
            top.shift_remove(*key);
        }
        if let Some(tags) = top.get("tags") {
            body::check_tags(tags)?;
        }
        let capacity = take_capacity(top)?;
        let mut admin_password = None;
        match top.get_mut("properties") {
            None | Some(Value::Null) => {
                top.insert("properties".into(), json!({}));
            }
            Some(Value::Object(properties)) => {
                for key in READ_ONLY_PROPERTIES {
                    properties.shift_remove(*key);
                }
                for policy in ["upgradePolicy", "virtualMachineProfile"] {
                    check_object(policy, properties.get(policy))?;
                }
                if let Some(Value::Object(profile)) = properties.get_mut("virtualMachineProfile") {
                    profile.shift_remove("timeCreated");
                    for part in PROFILES {
                        check_object(part, profile.get(*part))?;
                    }
                    admin_password = body::take_password(profile)?;
                }
            }
            Some(_) => return Err(VmError::Content("'properties' must be an object.".into())),
        }
        if let Some(profile) = body.pointer_mut("/properties/virtualMachineProfile") {
            body::drop_secrets(profile);
            drop_protected_settings(profile);
        }
        Ok(Self { body, capacity, admin_password })
    }
}

/// Removes what extensions are told in secret: it is for an agent in the guest, of which there is none.
fn drop_protected_settings(profile: &mut Value) {
    let extensions = profile.pointer_mut("/extensionProfile/extensions").and_then(Value::as_array_mut);
    for extension in extensions.into_iter().flatten() {
        if let Some(properties) = extension.get_mut("properties").and_then(Value::as_object_mut) {
            properties.shift_remove("protectedSettings");
        }
    }
}

fn check_object(name: &str, value: Option<&Value>) -> Result<(), VmError> {
    match value {
        None | Some(Value::Null | Value::Object(_)) => Ok(()),
        Some(_) => {
            Err(VmError::parameter(name, format!("The value of parameter '{name}' must be an object.")))
        }
    }
}

fn take_capacity(top: &mut Map<String, Value>) -> Result<Option<u32>, VmError> {
    let sku = match top.get_mut("sku") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(sku)) => sku,
        Some(_) => return Err(VmError::parameter("sku", "The value of parameter 'sku' must be an object.")),
    };
    let asked = match sku.shift_remove("capacity") {
        None | Some(Value::Null) => return Ok(None),
        Some(asked) => asked,
    };
    let capacity = asked.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| *n <= CAPACITY_LIMIT);
    capacity.map(Some).ok_or_else(|| {
        VmError::parameter(
            "sku.capacity",
            format!(
                "The value of parameter 'sku.capacity' must be a whole number from 0 to {CAPACITY_LIMIT}."
            ),
        )
    })
}

/// The document of a new set, with its defaults written out, and what we read of it.
pub fn create(name: &str, body: &Value) -> Result<(Value, ScaleSet), VmError> {
    check_name(name)?;
    let mut stored = json!({});
    body::merge(&mut stored, body);
    let set = ScaleSet::read(name, &stored)?;
    let mode = match set.mode {
        Mode::Uniform => "Uniform",
        Mode::Flexible => "Flexible",
    };
    let upgrade = match set.upgrade {
        Upgrade::Manual => "Manual",
        Upgrade::Automatic => "Automatic",
    };
    body::set(&mut stored, &["properties", "orchestrationMode"], json!(mode));
    body::set(&mut stored, &["properties", "upgradePolicy", "mode"], json!(upgrade));
    body::default(&mut stored, &["properties", "singlePlacementGroup"], json!(set.mode == Mode::Uniform));
    if set.model {
        body::set(&mut stored, &["sku", "name"], json!(set.size.name));
        body::default(&mut stored, &["sku", "tier"], json!("Standard"));
        let profile = ["properties", "virtualMachineProfile"];
        let at = |rest: &[&'static str]| [&profile[..], rest].concat();
        body::set(&mut stored, &at(&["osProfile", "computerNamePrefix"]), json!(set.prefix));
        // Absent on create: on, in storage that the system owns; as for virtual machines.
        body::default(&mut stored, &at(&["diagnosticsProfile", "bootDiagnostics"]), json!({"enabled": true}));
    }
    Ok((stored, set))
}

/// The document after a PUT onto an existing set.
pub fn put(name: &str, stored: &Value, body: &Value) -> Result<(Value, ScaleSet), VmError> {
    if body.get("location").and_then(Value::as_str).is_none_or(|l| l.trim().is_empty()) {
        return Err(VmError::LocationRequired);
    }
    let mut base = stored.clone();
    let diagnostics = "/properties/virtualMachineProfile/diagnosticsProfile";
    if body.pointer(diagnostics).and_then(|d| d.get("bootDiagnostics")).is_some_and(Value::is_object)
        && let Some(profile) = base.pointer_mut(diagnostics).and_then(Value::as_object_mut)
    {
        profile.shift_remove("bootDiagnostics");
    }
    change(name, stored, base, body)
}

/// The document after a PATCH.
pub fn patch(name: &str, stored: &Value, body: &Value) -> Result<(Value, ScaleSet), VmError> {
    change(name, stored, stored.clone(), body)
}

fn change(name: &str, stored: &Value, mut base: Value, body: &Value) -> Result<(Value, ScaleSet), VmError> {
    body::merge(&mut base, body);
    let (old, new) = (ScaleSet::read(name, stored)?, ScaleSet::read(name, &base)?);
    if document::location(&old.location) != document::location(&new.location) {
        return Err(VmError::Location { name: name.into(), old: old.location, new: new.location });
    }
    body::set(&mut base, &["location"], json!(old.location));
    let immutable = |what: &str| Err(VmError::Immutable(what.into()));
    if old.mode != new.mode {
        return immutable("orchestrationMode");
    }
    if old.model && old.prefix != new.prefix {
        return immutable("osProfile.computerNamePrefix");
    }
    let user = "/properties/virtualMachineProfile/osProfile/adminUsername";
    if old.model && stored.pointer(user) != base.pointer(user) {
        return immutable("osProfile.adminUsername");
    }
    if new.model {
        body::set(&mut base, &["sku", "name"], json!(new.size.name));
        body::default(&mut base, &["sku", "tier"], json!("Standard"));
    }
    Ok((base, new))
}
