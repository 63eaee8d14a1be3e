//! What a virtual machine's document says of its network interfaces.

use super::{invalid_format, invalid_reference_id};
use crate::error::ArmError;
use crate::resource_id::ResourceId;
use serde_json::Value;
use std::collections::BTreeSet;

/// Most interfaces of one machine.
const INTERFACE_LIMIT: usize = 64;
/// Where they stand.
const PATH: &str = "networkProfile.networkInterfaces";

/// An interface as its machine names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its id.
    pub id: ResourceId,
    /// Whether it is the machine's primary one.
    pub primary: bool,
    /// Whether it goes when the machine goes (`deleteOption`).
    pub goes_with_machine: bool,
}

/// The interfaces that `document` names, the machine `vm`'s. 400 when an id is none, is an interface's of another
/// subscription, or is named twice.
pub fn interfaces(vm: &ResourceId, document: &Value) -> Result<Vec<Named>, ArmError> {
    let list = document.pointer("/properties/networkProfile/networkInterfaces");
    let list = match list {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) if list.len() <= INTERFACE_LIMIT => list,
        Some(_) => {
            return Err(invalid_format(&format!("'{PATH}' must be a list of at most {INTERFACE_LIMIT}.")));
        }
    };
    let mut seen = BTreeSet::new();
    let mut named = Vec::with_capacity(list.len());
    for entry in list {
        let text = entry.get("id").and_then(Value::as_str).unwrap_or("");
        let wrong = || invalid_reference_id(text, PATH);
        let id = ResourceId::parse(text).map_err(|_| wrong())?;
        let same = id.subscription().zip(vm.subscription()).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b));
        let kind = super::Kind::Interface.resource_type();
        if !same || id.group().is_none() || !id.resource_type().eq_ignore_ascii_case(kind) {
            return Err(wrong());
        }
        if !seen.insert(id.key()) {
            return Err(invalid_format(&format!("'{PATH}' names {id} twice.")));
        }
        let own = |member: &str| entry.get("properties").and_then(|p| p.get(member));
        let delete = own("deleteOption").and_then(Value::as_str);
        named.push(Named {
            id,
            primary: own("primary").and_then(Value::as_bool).unwrap_or_default(),
            goes_with_machine: delete.is_some_and(|d| d.eq_ignore_ascii_case("Delete")),
        });
    }
    match named.iter().filter(|n| n.primary).count() {
        0 => named.iter_mut().take(1).for_each(|first| first.primary = true),
        1 => {}
        _ => {
            let text = format!("Virtual machine {vm} has more than one primary network interface.");
            return Err(super::invalid("VirtualMachineMustHaveOneNetworkInterfaceAsPrimary", text));
        }
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn interfaces_of_a_machine() {
        let group = "/subscriptions/s/resourceGroups/rg/providers";
        let vm = ResourceId::parse(&format!("{group}/Microsoft.Compute/virtualMachines/vm")).unwrap();
        let nic = |name: &str| format!("{group}/microsoft.network/networkinterfaces/{name}");
        let read = |list: &Value| {
            interfaces(&vm, &json!({"properties": {"networkProfile": {"networkInterfaces": list}}}))
                .map_err(|e| e.code.into_owned())
        };
        let found =
            read(&json!([{"id": nic("a")}, {"id": nic("b"), "properties": {"deleteOption": "delete"}}]));
        let found = found.unwrap();
        assert!(found[0].primary && !found[1].primary && found[1].goes_with_machine);
        assert_eq!(read(&Value::Null), Ok(Vec::new()));
        assert_eq!(read(&json!([{"id": nic("a")}, {"id": nic("A")}])).unwrap_err(), "InvalidRequestFormat");
        let primary = json!({"primary": true});
        let two = json!([{"id": nic("a"), "properties": primary}, {"id": nic("b"), "properties": primary}]);
        assert_eq!(read(&two).unwrap_err(), "VirtualMachineMustHaveOneNetworkInterfaceAsPrimary");
        for wrong in
            [json!([{}]), json!([{"id": vm.to_string()}]), json!([{"id": nic("a").replace("/s/", "/t/")}])]
        {
            assert_eq!(read(&wrong).unwrap_err(), "LinkedInvalidPropertyId");
        }
        assert_eq!(read(&json!("x")).unwrap_err(), "InvalidRequestFormat");
    }
}
