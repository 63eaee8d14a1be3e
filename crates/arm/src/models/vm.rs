//! Virtual machines: the document that clients write and read, and what we read out of it.
//!
//! Azure's model is kept and echoed, members that we do not know included. A document is `{location, tags, …, properties}`
//! without what the server adds when it answers ([`document`]) and without secrets ([`Input`]).

pub(crate) mod body;
mod instance_view;
mod machine;
mod size;

pub use body::{Input, create, patch, put};
pub use instance_view::{PowerState, Runtime, Step, instance_view};
pub use machine::{BootDiagnostics, Driver, Machine};
pub use size::{SIZES, Size};

use serde_json::{Map, Value, json};

/// The resource type.
pub const TYPE: &str = "Microsoft.Compute/virtualMachines";
/// Longest name of a VM, characters.
pub const VM_NAME_LIMIT: usize = 64;

/// Why a body is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VmError {
    /// Not a JSON object where one must be.
    #[error("The request content was invalid: {0}")]
    Content(String),
    /// A member has a value that is not allowed, or is missing.
    #[error("{message}")]
    Parameter {
        /// The member, `hardwareProfile.vmSize`.
        target: String,
        /// The whole message.
        message: String,
    },
    /// Location is missing.
    #[error("The location property is required for this definition.")]
    LocationRequired,
    /// A VM does not move.
    #[error(
        "The resource '{name}' already exists in location '{old}'. A resource with the same name cannot be created in location '{new}'. Please select a new resource name."
    )]
    Location {
        /// The VM's name.
        name: String,
        /// Where it is.
        old: String,
        /// Where the body wants it.
        new: String,
    },
    /// This member cannot change while the VM lives.
    #[error("Changing property '{0}' is not allowed.")]
    Immutable(String),
    /// The image is not one of ours.
    #[error(
        "The platform image '{0}' is not available. Verify that all fields in the storage profile are correct."
    )]
    Image(String),
}

impl VmError {
    /// HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Image(_) => 404,
            Self::Location { .. } | Self::Immutable(_) => 409,
            Self::Content(_) | Self::Parameter { .. } | Self::LocationRequired => 400,
        }
    }

    /// ARM's error code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Content(_) => "InvalidRequestContent",
            Self::Parameter { .. } => "InvalidParameter",
            Self::LocationRequired => "LocationRequired",
            Self::Location { .. } => "InvalidResourceLocation",
            Self::Immutable(_) => "PropertyChangeNotAllowed",
            Self::Image(_) => "PlatformImageNotFound",
        }
    }

    /// The member that is to blame, where there is one.
    pub fn target(&self) -> Option<&str> {
        match self {
            Self::Parameter { target, .. } | Self::Immutable(target) => Some(target),
            Self::Image(_) => Some("imageReference"),
            Self::Location { .. } | Self::LocationRequired => Some("location"),
            Self::Content(_) => None,
        }
    }

    /// A member whose value is not allowed; `message` says all.
    pub fn parameter(target: &str, message: impl Into<String>) -> Self {
        Self::Parameter { target: target.into(), message: message.into() }
    }

    /// A member that must be there.
    pub fn missing(target: &str) -> Self {
        Self::parameter(target, format!("Required parameter '{target}' is missing (null)."))
    }
}

impl From<VmError> for crate::error::ArmError {
    fn from(error: VmError) -> Self {
        let status = http::StatusCode::from_u16(error.status()).unwrap_or(http::StatusCode::BAD_REQUEST);
        let told = Self::new(status, error.code(), error.to_string());
        match error.target() {
            Some(target) => told.with_target(target),
            None => told,
        }
    }
}

/// Checks the name in a PUT's path.
pub fn check_name(name: &str) -> Result<(), VmError> {
    // Letters of every script, and nothing that is not seen or turns what stands around it.
    let refused = |c: char| !c.is_alphanumeric() && !matches!(c, '-' | '_' | '.');
    let length = name.chars().count();
    let good = (1..=VM_NAME_LIMIT).contains(&length)
        && !name.contains(refused)
        && !name.starts_with('_')
        && !name.ends_with(['.', '-']);
    if good {
        return Ok(());
    }
    Err(VmError::parameter(
        "vmName",
        format!(
            "The virtual machine name '{name}' is not valid: it must have 1 to {VM_NAME_LIMIT} letters, digits, '-', '_' and '.', must not start with '_' and not end with '.' or '-'."
        ),
    ))
}

/// What the server knows of a VM beside its document.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The resource id, in the stored case.
    pub id: &'a str,
    /// The name, in the stored case.
    pub name: &'a str,
    /// The machine's own id (a UUID), unchanged while it lives.
    pub vm_id: &'a str,
    /// `Creating`, `Updating`, `Succeeded`, `Failed` or `Deleting`.
    pub provisioning_state: &'a str,
    /// When it was created, RFC 3339.
    pub time_created: &'a str,
    /// The entity tag, with its quotes.
    pub etag: &'a str,
}

/// The VM as clients read it. `instance_view` is added where it was asked for.
pub fn document(facts: &Facts<'_>, stored: &Value, instance_view: Option<Value>) -> Value {
    let mut out = Map::new();
    out.insert("id".into(), facts.id.into());
    out.insert("name".into(), facts.name.into());
    out.insert("type".into(), TYPE.into());
    let mut properties = Map::new();
    for (key, value) in stored.as_object().into_iter().flatten() {
        match key.as_str() {
            "properties" => properties = value.as_object().cloned().unwrap_or_default(),
            _ => {
                out.insert(key.clone(), value.clone());
            }
        }
    }
    out.insert("etag".into(), facts.etag.into());
    properties.insert("vmId".into(), facts.vm_id.into());
    properties.insert("provisioningState".into(), facts.provisioning_state.into());
    properties.insert("timeCreated".into(), facts.time_created.into());
    if let Some(view) = instance_view {
        properties.insert("instanceView".into(), view);
    }
    let mut value = Value::Object(properties);
    body::drop_secrets(&mut value);
    out.insert("properties".into(), value);
    json!(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in ["a", "web-1", "Web_01", "a.b", &"x".repeat(64), "Ünit"] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        for bad in ["", "_a", "a.", "a-", "a b", "a/b", "a*", "a\u{7}", &"x".repeat(65)] {
            assert_eq!(check_name(bad).unwrap_err().code(), "InvalidParameter", "{bad}");
        }
    }

    #[test]
    fn the_answer_adds_what_the_server_knows_and_no_secret() {
        let stored = json!({
            "location": "local", "tags": {"a": "b"},
            "properties": {"osProfile": {"adminUsername": "u", "adminPassword": "p", "customData": "c"}, "x": 1}
        });
        let facts = Facts {
            id: "/subscriptions/s/…/vm1",
            name: "vm1",
            vm_id: "id1",
            provisioning_state: "Succeeded",
            time_created: "2026-11-21T00:00:00Z",
            etag: "\"3\"",
        };
        assert_eq!(
            document(&facts, &stored, None),
            json!({
                "id": "/subscriptions/s/…/vm1", "name": "vm1", "type": TYPE, "location": "local", "tags": {"a": "b"},
                "etag": "\"3\"",
                "properties": {
                    "osProfile": {"adminUsername": "u"}, "x": 1, "vmId": "id1", "provisioningState": "Succeeded",
                    "timeCreated": "2026-11-21T00:00:00Z"
                }
            })
        );
    }
}
