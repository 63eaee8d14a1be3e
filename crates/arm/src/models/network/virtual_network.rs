//! Virtual networks with their subnets.

use super::address::{Prefix, list};
use super::{
    Facts, Link, Target, default, invalid, invalid_format, invalid_subnet, object, objects, text, texts,
};
use crate::error::ArmError;
use crate::resource_id::ResourceId;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Bits of the smallest IPv4 subnet: eight addresses, of which three can be given out.
const SMALLEST: u8 = 29;

pub(super) fn prepare(id: &ResourceId, properties: &mut Map<String, Value>) -> Result<(), ArmError> {
    let none = Map::new();
    let space = texts(object(properties, "addressSpace").unwrap_or(&none), "addressPrefixes")?;
    if space.is_empty() {
        return Err(invalid_format("'addressSpace.addressPrefixes' is missing."));
    }
    let owner = id.to_string();
    let space: Vec<_> = space.into_iter().map(|p| Prefix::parse(p, &owner)).collect::<Result<_, _>>()?;
    if let Some((a, b)) = overlap(&space) {
        let text = format!("Address prefixes {a} and {b} of resource {owner} overlap.");
        return Err(invalid("NetcfgInvalidAddressPrefix", text));
    }
    let mut seen: Vec<(String, Prefix)> = Vec::new();
    for subnet in objects(properties, "subnets") {
        let name = text(subnet, "name")?.unwrap_or("");
        let prefixes = prefixes(&format!("{owner}/subnets/{name}"), subnet)?;
        if prefixes.is_empty() {
            return Err(invalid_subnet(name, "it has no address prefix"));
        }
        for prefix in prefixes {
            if !space.iter().any(|s| s.contains(prefix)) {
                let reason = format!(
                    "its IP address range {prefix} is outside the IP address range {} of virtual network '{}'",
                    list(&space),
                    id.name()
                );
                return Err(invalid_subnet(name, &reason));
            }
            if !prefix.is_v6() && prefix.length() > SMALLEST {
                return Err(invalid_subnet(name, &format!("{prefix} is smaller than a /{SMALLEST}")));
            }
            if prefix.is_v6() && prefix.length() != 64 {
                return Err(invalid_subnet(name, &format!("{prefix} is no /64, as IPv6 subnets are")));
            }
            if seen.iter().any(|(_, other)| other.overlaps(prefix)) {
                let text = format!(
                    "Subnet '{name}' is not valid because its IP address range overlaps with that of an existing subnet in virtual network '{}'.",
                    id.name()
                );
                return Err(invalid("NetcfgSubnetRangesOverlap", text));
            }
            seen.push((name.to_owned(), prefix));
        }
    }
    if properties.get("virtualNetworkPeerings").and_then(Value::as_array).is_some_and(|p| !p.is_empty()) {
        let text = "There are no peerings: virtual networks are recorded, and carry no traffic.";
        return Err(invalid("OperationNotSupported", text));
    }
    // What the server tells of the subnets and does not keep.
    for subnet in properties.get_mut("subnets").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(own) = subnet.get_mut("properties").and_then(Value::as_object_mut) {
            own.shift_remove("ipConfigurations");
        }
    }
    default(properties, "enableDdosProtection", json!(false));
    Ok(())
}

fn overlap(prefixes: &[Prefix]) -> Option<(Prefix, Prefix)> {
    let mut rest = prefixes.iter();
    while let Some(a) = rest.next() {
        if let Some(b) = rest.clone().find(|b| a.overlaps(**b)) {
            return Some((*a, *b));
        }
    }
    None
}

/// The prefixes of a subnet (`{name, properties}`), one or several.
pub(super) fn prefixes(owner: &str, subnet: &Map<String, Value>) -> Result<Vec<Prefix>, ArmError> {
    let Some(own) = object(subnet, "properties") else { return Ok(Vec::new()) };
    let many = texts(own, "addressPrefixes")?;
    let one = text(own, "addressPrefix")?;
    let written = if many.is_empty() { one.into_iter().collect() } else { many };
    written.into_iter().map(|p| Prefix::parse(p, owner)).collect()
}

pub(super) fn links(id: &ResourceId, properties: &Map<String, Value>) -> Result<Vec<Link>, ArmError> {
    let mut found = Vec::new();
    for subnet in objects(properties, "subnets") {
        let (Some(name), Some(own)) = (text(subnet, "name")?, object(subnet, "properties")) else { continue };
        let user = id.child("subnets", name);
        found.extend(Link::read(own, "networkSecurityGroup", Target::SecurityGroup, &user)?);
        found.extend(Link::read(own, "routeTable", Target::RouteTable, &user)?);
        found.extend(Link::read(own, "natGateway", Target::Unknown, &user)?);
        found.extend(Link::read_all(own, "serviceEndpointPolicies", Target::Unknown, &user)?);
    }
    found.extend(Link::read(properties, "ddosProtectionPlan", Target::Unknown, id)?);
    Ok(found)
}

pub(super) fn document(facts: &Facts<'_>, properties: &mut Map<String, Value>) {
    default(properties, "dhcpOptions", json!({"dnsServers": []}));
    default(properties, "virtualNetworkPeerings", json!([]));
    let mut users: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for link in facts.users.iter().filter(|link| link.target == Target::Subnet) {
        users.entry(link.id.key()).or_default().push(json!({"id": link.user.to_string()}));
    }
    for subnet in properties.get_mut("subnets").and_then(Value::as_array_mut).into_iter().flatten() {
        let key = subnet.get("id").and_then(Value::as_str).unwrap_or("").to_ascii_lowercase();
        let users = users.remove(&key).unwrap_or_default();
        let Some(own) = subnet.get_mut("properties").and_then(Value::as_object_mut) else { continue };
        if !users.is_empty() {
            own.insert("ipConfigurations".into(), users.into());
        }
        default(own, "delegations", json!([]));
        default(own, "privateEndpointNetworkPolicies", json!("Disabled"));
        default(own, "privateLinkServiceNetworkPolicies", json!("Enabled"));
    }
}
