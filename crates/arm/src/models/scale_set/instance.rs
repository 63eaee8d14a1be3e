//! Instances: the document that the model makes of one, and how clients read it.

use super::{Mode, ScaleSet};
use crate::models::vm::{self, Machine, VmError};
use serde_json::{Map, Value, json};

/// Members of the model that are no members of a virtual machine.
const OF_THE_MODEL: &[&str] =
    &["extensionProfile", "scheduledEventsProfile", "networkProfile", "timeCreated"];

impl ScaleSet {
    /// The document that the set's model makes of instance `number`, named `name`. `set_id` is the set's.
    pub fn instance(
        &self,
        name: &str,
        set_id: &str,
        stored: &Value,
        number: i64,
    ) -> Result<(Value, Machine), VmError> {
        let Some(profile) = stored.pointer("/properties/virtualMachineProfile").and_then(Value::as_object)
        else {
            return Err(VmError::missing("virtualMachineProfile"));
        };
        let mut properties = Map::new();
        if let Some(size) = stored.pointer("/sku/name").filter(|name| !name.is_null()) {
            properties.insert("hardwareProfile".into(), json!({ "vmSize": size }));
        }
        for (key, value) in profile.iter().filter(|(key, _)| !OF_THE_MODEL.contains(&key.as_str())) {
            properties.insert(key.clone(), value.clone());
        }
        if let Some(os) = properties.get_mut("osProfile").and_then(Value::as_object_mut) {
            os.shift_remove("computerNamePrefix");
            os.insert("computerName".into(), json!(self.computer_name(number)));
        }
        match self.mode {
            Mode::Uniform => {
                let interfaces =
                    profile.get("networkProfile").and_then(|n| n.get("networkInterfaceConfigurations"));
                if let Some(interfaces) = interfaces {
                    let configuration = json!({ "networkInterfaceConfigurations": interfaces });
                    properties.insert("networkProfileConfiguration".into(), configuration);
                }
            }
            Mode::Flexible => {
                properties.insert("virtualMachineScaleSet".into(), json!({ "id": set_id }));
            }
        }
        let mut body = Map::new();
        for key in ["location", "tags", "zones"] {
            if let Some(value) = stored.get(key) {
                body.insert(key.into(), value.clone());
            }
        }
        body.insert("properties".into(), Value::Object(properties));
        vm::create(name, &Value::Object(body))
    }
}

/// Whether two instances are made of the same model: everything but their names, numbers and tags is the same.
pub fn same_model(one: &Value, other: &Value) -> bool {
    let plain = |document: &Value| {
        let mut properties = document.get("properties").cloned().unwrap_or_default();
        for (profile, member) in [("/osProfile", "computerName"), ("/storageProfile/osDisk", "name")] {
            if let Some(profile) = properties.pointer_mut(profile).and_then(Value::as_object_mut) {
                profile.shift_remove(member);
            }
        }
        properties
    };
    plain(one) == plain(other)
}

/// What the server knows of an instance beside its document.
#[derive(Clone, Debug)]
pub struct InstanceFacts<'a> {
    /// The id below its set, in the stored case.
    pub id: &'a str,
    /// The name.
    pub name: &'a str,
    /// The number of a Uniform set's instance, the name of a Flexible set's.
    pub instance_id: &'a str,
    /// The machine's own id (a UUID), unchanged while it lives.
    pub vm_id: &'a str,
    /// `Creating`, `Updating`, `Succeeded`, `Failed`.
    pub provisioning_state: &'a str,
    /// When it was created, RFC 3339.
    pub time_created: &'a str,
    /// The entity tag, with its quotes.
    pub etag: &'a str,
    /// Whether it was made of, or upgraded to, the set's present model.
    pub latest_model: bool,
}

/// The instance as clients read it. `instance_view` is added where it was asked for; of the properties only `select` is kept, where
/// it is given.
pub fn instance_document(
    facts: &InstanceFacts<'_>,
    stored: &Value,
    instance_view: Option<Value>,
    select: Option<&[&str]>,
) -> Value {
    let mut out = Map::from_iter([
        ("name".to_owned(), json!(facts.name)),
        ("instanceId".to_owned(), json!(facts.instance_id)),
        ("id".to_owned(), json!(facts.id)),
        ("type".to_owned(), json!(super::INSTANCE_TYPE)),
    ]);
    for (key, value) in stored.as_object().into_iter().flatten().filter(|(key, _)| *key != "properties") {
        out.insert(key.clone(), value.clone());
    }
    if let Some(size) = stored.pointer("/properties/hardwareProfile/vmSize") {
        out.insert("sku".into(), json!({ "name": size, "tier": "Standard" }));
    }
    out.insert("etag".into(), json!(facts.etag));
    let mut properties = stored.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    properties.insert("latestModelApplied".into(), json!(facts.latest_model));
    properties.insert("modelDefinitionApplied".into(), json!("VirtualMachineScaleSet"));
    properties.insert("vmId".into(), json!(facts.vm_id));
    properties.insert("provisioningState".into(), json!(facts.provisioning_state));
    properties.insert("timeCreated".into(), json!(facts.time_created));
    if let Some(view) = instance_view {
        properties.insert("instanceView".into(), view);
    }
    if let Some(select) = select {
        properties.retain(|key, _| select.iter().any(|wanted| wanted.eq_ignore_ascii_case(key)));
    }
    out.insert("properties".into(), Value::Object(properties));
    Value::Object(out)
}
