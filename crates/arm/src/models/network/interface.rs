//! Network interfaces with their address configurations.

use super::address::{Prefix, list};
use super::{
    Facts, Link, Target, address_in_use, address_outside, address_reserved, children, default, invalid,
    invalid_format, object, objects, subnet_full, text, virtual_network,
};
use crate::error::ArmError;
use crate::resource_id::ResourceId;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::net::IpAddr;
use uuid::Uuid;

/// Most configurations of one interface.
const CONFIGURATION_LIMIT: usize = 256;
/// The list in `properties`.
const CONFIGURATIONS: &str = "ipConfigurations";
/// What only the server writes in `properties`.
const READ_ONLY: &[&str] =
    &["macAddress", "virtualMachine", "primary", "hostedWorkloads", "tapConfigurations"];

pub(super) fn prepare(
    id: &ResourceId,
    properties: &mut Map<String, Value>,
    before: Option<&Map<String, Value>>,
    guid: Uuid,
) -> Result<(), ArmError> {
    children::normalise(properties, CONFIGURATIONS)?;
    READ_ONLY.iter().for_each(|name| {
        properties.shift_remove(*name);
    });
    for kept in ["macAddress", "virtualMachine", "primary"] {
        if let Some(value) = before.and_then(|b| b.get(kept)) {
            properties.insert(kept.into(), value.clone());
        }
    }
    default(properties, "macAddress", json!(mac_address(guid)));
    default(properties, "enableAcceleratedNetworking", json!(false));
    default(properties, "enableIPForwarding", json!(false));
    let Some(list) = properties.get_mut(CONFIGURATIONS).and_then(Value::as_array_mut) else { return Ok(()) };
    if list.is_empty() || list.len() > CONFIGURATION_LIMIT {
        let detail =
            format!("A network interface has 1 to {CONFIGURATION_LIMIT} entries in '{CONFIGURATIONS}'.");
        return Err(invalid_format(&detail));
    }
    let is_primary =
        |c: &Value| c.pointer("/properties/primary").and_then(Value::as_bool).unwrap_or_default();
    let marked = list.iter().filter(|c| is_primary(c)).count();
    if marked > 1 {
        let text =
            format!("Network interface {id} has {marked} primary IP configurations; it must have one.");
        return Err(invalid("MultiplePrimaryIpConfigurationsOnNic", text));
    }
    for (index, configuration) in list.iter_mut().enumerate() {
        let primary = is_primary(configuration) || (marked == 0 && index == 0);
        let Some(own) = configuration.get_mut("properties").and_then(Value::as_object_mut) else { continue };
        if object(own, "subnet").is_none() {
            return Err(invalid_format(&format!(
                "'{CONFIGURATIONS}[{index}].properties.subnet' is missing."
            )));
        }
        let method = match text(own, "privateIPAllocationMethod")?.unwrap_or("Dynamic") {
            m if m.eq_ignore_ascii_case("Dynamic") => "Dynamic",
            m if m.eq_ignore_ascii_case("Static") => "Static",
            _ => return Err(invalid_format("'privateIPAllocationMethod' must be Dynamic or Static.")),
        };
        let version = match text(own, "privateIPAddressVersion")?.unwrap_or("IPv4") {
            v if v.eq_ignore_ascii_case("IPv4") => "IPv4",
            v if v.eq_ignore_ascii_case("IPv6") => "IPv6",
            _ => return Err(invalid_format("'privateIPAddressVersion' must be IPv4 or IPv6.")),
        };
        own.insert("privateIPAllocationMethod".into(), json!(method));
        own.insert("privateIPAddressVersion".into(), json!(version));
        own.insert("primary".into(), json!(primary));
    }
    Ok(())
}

/// An address of the range that everybody may give out, made of the interface's id.
fn mac_address(guid: Uuid) -> String {
    let tail: Vec<_> = guid.as_bytes().iter().take(5).map(|b| format!("{b:02X}")).collect();
    format!("02-{}", tail.join("-"))
}

pub(super) fn links(id: &ResourceId, properties: &Map<String, Value>) -> Result<Vec<Link>, ArmError> {
    let mut found = Vec::new();
    found.extend(Link::read(properties, "networkSecurityGroup", Target::SecurityGroup, id)?);
    for configuration in objects(properties, CONFIGURATIONS) {
        let (Some(name), Some(own)) = (text(configuration, "name")?, object(configuration, "properties"))
        else {
            continue;
        };
        let user = id.child(CONFIGURATIONS, name);
        found.extend(Link::read(own, "subnet", Target::Subnet, &user)?);
        found.extend(Link::read(own, "publicIPAddress", Target::PublicIp, &user)?);
        for other in [
            "applicationSecurityGroups",
            "applicationGatewayBackendAddressPools",
            "loadBalancerBackendAddressPools",
            "loadBalancerInboundNatRules",
            "virtualNetworkTaps",
        ] {
            found.extend(Link::read_all(own, other, Target::Unknown, &user)?);
        }
    }
    let networks: Vec<_> =
        found.iter().filter(|l| l.target == Target::Subnet).filter_map(|l| l.id.parent()).collect();
    if let Some(other) = networks.iter().find(|n| networks.first() != Some(n)) {
        let first = networks.first().map(ToString::to_string).unwrap_or_default();
        let text = format!(
            "All the subnets of network interface {id} must be in the same virtual network. They are in {first} and {other}."
        );
        return Err(invalid("SubnetsNotInSameVnet", text));
    }
    Ok(found)
}

/// A subnet as addresses are given out of it.
#[derive(Clone, Debug, Default)]
pub struct Subnet {
    name: String,
    prefixes: Vec<Prefix>,
    taken: BTreeMap<IpAddr, String>,
}

impl Subnet {
    /// Reads a subnet out of its network's stored document.
    pub fn read(id: &ResourceId, stored: &Value) -> Result<Self, ArmError> {
        let none = Map::new();
        let prefixes = virtual_network::prefixes(&id.to_string(), stored.as_object().unwrap_or(&none))?;
        Ok(Self { name: id.name().to_owned(), prefixes, taken: BTreeMap::new() })
    }

    fn family(&self, v6: bool) -> Vec<Prefix> {
        self.prefixes.iter().filter(|p| p.is_v6() == v6).copied().collect()
    }

    /// Whether an address lies in it.
    pub fn holds(&self, address: IpAddr) -> bool {
        self.prefixes.iter().any(|p| p.holds(address))
    }

    /// Whether an address lies in it and is never given out.
    pub fn reserves(&self, address: IpAddr) -> bool {
        self.prefixes.iter().any(|p| p.holds(address) && p.reserves(address))
    }

    /// Whether an interface may ask for an address.
    pub fn is_free(&self, address: IpAddr) -> bool {
        self.holds(address) && !self.reserves(address) && !self.taken.contains_key(&address)
    }

    /// Up to `count` addresses that are free, the first ones.
    pub fn free(&self, v6: bool, count: usize) -> Vec<IpAddr> {
        let mut found: Vec<IpAddr> = Vec::new();
        for prefix in self.family(v6) {
            while found.len() < count {
                let used = |a: IpAddr| self.taken.contains_key(&a) || found.contains(&a);
                let Some(next) = prefix.next_free(used) else { break };
                found.push(next);
            }
        }
        found
    }

    /// Takes `asked`, or the next free address.
    fn take(&mut self, user: &ResourceId, asked: Option<&str>, v6: bool) -> Result<IpAddr, ArmError> {
        let prefixes = self.family(v6);
        let shown = || list(&prefixes);
        let address = match asked {
            None => {
                let free = |p: &Prefix| p.next_free(|address| self.taken.contains_key(&address));
                prefixes.iter().find_map(free).ok_or_else(|| subnet_full(&self.name, &shown()))?
            }
            Some(text) => {
                let address = text.trim().parse::<IpAddr>().ok().filter(|a| a.is_ipv6() == v6);
                let address = address.ok_or_else(|| {
                    let shown: String = text.chars().take(100).collect();
                    invalid(
                        "InvalidIPAddressFormat",
                        format!("The IP address '{shown}' of resource {user} is not formatted correctly."),
                    )
                })?;
                let prefix = prefixes.iter().find(|p| p.holds(address));
                let prefix = prefix.ok_or_else(|| address_outside(text, &shown()))?;
                if prefix.reserves(address) {
                    return Err(address_reserved(text, &shown()));
                }
                if let Some(holder) = self.taken.get(&address) {
                    return Err(address_in_use(text, user, holder));
                }
                address
            }
        };
        self.taken.insert(address, user.to_string());
        Ok(address)
    }
}

/// The subnets of an interface, by the key of their ids.
pub type Subnets = BTreeMap<String, Subnet>;

/// Marks the addresses that another interface's stored document has.
pub fn occupy(subnets: &mut Subnets, id: &ResourceId, body: &Map<String, Value>) {
    let Some(properties) = object(body, "properties") else { return };
    for configuration in objects(properties, CONFIGURATIONS) {
        let Some(own) = object(configuration, "properties") else { continue };
        let subnet = own.get("subnet").and_then(|s| s.get("id")).and_then(Value::as_str).unwrap_or("");
        let address = own.get("privateIPAddress").and_then(Value::as_str).and_then(|a| a.parse().ok());
        let name = configuration.get("name").and_then(Value::as_str).unwrap_or("");
        if let (Some(subnet), Some(address)) = (subnets.get_mut(&subnet.to_ascii_lowercase()), address) {
            subnet.taken.insert(address, format!("{id}/{CONFIGURATIONS}/{name}"));
        }
    }
}

/// Gives every configuration of a prepared document its address. A dynamic one keeps what it had in that subnet.
pub fn give_addresses(
    subnets: &mut Subnets,
    id: &ResourceId,
    body: &mut Map<String, Value>,
    before: Option<&Map<String, Value>>,
) -> Result<(), ArmError> {
    let old = before.map(|b| Value::Object(b.clone())).unwrap_or_default();
    let list = body.get_mut("properties").and_then(|p| p.get_mut(CONFIGURATIONS));
    let Some(list) = list.and_then(Value::as_array_mut) else { return Ok(()) };
    // Addresses that are asked for come first, so that none of them is given to somebody else.
    let mut order: Vec<_> = list.iter_mut().filter_map(Value::as_object_mut).collect();
    let rank = |c: &Map<String, Value>| wanted(c, &old).is_none();
    order.sort_by_key(|c| rank(c));
    for configuration in order {
        let asked = wanted(configuration, &old);
        let name = configuration.get("name").and_then(Value::as_str).unwrap_or("").to_owned();
        let Some(own) = configuration.get_mut("properties").and_then(Value::as_object_mut) else { continue };
        let subnet = own.get("subnet").and_then(|s| s.get("id")).and_then(Value::as_str).unwrap_or("");
        let Some(subnet) = subnets.get_mut(&subnet.to_ascii_lowercase()) else { continue };
        let v6 = own.get("privateIPAddressVersion").is_some_and(|v| v == "IPv6");
        let user = id.child(CONFIGURATIONS, &name);
        let address = subnet.take(&user, asked.as_deref(), v6)?;
        own.insert("privateIPAddress".into(), json!(address.to_string()));
    }
    Ok(())
}

/// The address that a configuration must get: what is written in a static one (or what it had), what a dynamic one had.
fn wanted(configuration: &Map<String, Value>, before: &Value) -> Option<String> {
    let own = object(configuration, "properties")?;
    let address = |of: &Map<String, Value>| {
        of.get("privateIPAddress").and_then(Value::as_str).filter(|a| !a.is_empty()).map(str::to_owned)
    };
    let subnet = |of: &Map<String, Value>| {
        of.get("subnet").and_then(|s| s.get("id")).and_then(Value::as_str).map(str::to_ascii_lowercase)
    };
    let name = configuration.get("name").and_then(Value::as_str)?;
    let old = children::find(before, CONFIGURATIONS, name).and_then(|c| c.get("properties")?.as_object());
    let same = |of: &&Map<String, Value>| {
        subnet(of) == subnet(own) && of.get("privateIPAddressVersion") == own.get("privateIPAddressVersion")
    };
    let had = old.filter(same).and_then(address);
    match own.get("privateIPAllocationMethod").and_then(Value::as_str) {
        Some("Static") => address(own).or(had),
        _ => had,
    }
}

/// The virtual machine that has a stored interface.
pub fn machine(body: &Map<String, Value>) -> Option<&str> {
    object(body, "properties")?.get("virtualMachine")?.get("id")?.as_str()
}

/// Gives a stored interface to a virtual machine, or takes it away.
pub fn set_machine(body: &mut Map<String, Value>, machine: Option<(&ResourceId, bool)>) {
    let Some(properties) = body.get_mut("properties").and_then(Value::as_object_mut) else { return };
    match machine {
        Some((vm, primary)) => {
            properties.insert("virtualMachine".into(), json!({"id": vm.to_string()}));
            properties.insert("primary".into(), json!(primary));
        }
        None => {
            properties.shift_remove("virtualMachine");
            properties.shift_remove("primary");
        }
    }
}

pub(super) fn document(facts: &Facts<'_>, properties: &mut Map<String, Value>) {
    for configuration in
        properties.get_mut(CONFIGURATIONS).and_then(Value::as_array_mut).into_iter().flatten()
    {
        let Some(stored) = configuration.as_object_mut() else { continue };
        let name = stored.get("name").and_then(Value::as_str).unwrap_or("").to_owned();
        stored.insert("id".into(), json!(format!("{}/{CONFIGURATIONS}/{name}", facts.id)));
        stored.insert("etag".into(), facts.etag.into());
        stored.insert("type".into(), json!("Microsoft.Network/networkInterfaces/ipConfigurations"));
        if let Some(own) = stored.get_mut("properties").and_then(Value::as_object_mut) {
            own.insert("provisioningState".into(), json!("Succeeded"));
        }
    }
    let dns = properties.entry("dnsSettings").or_insert_with(|| json!({}));
    if let Some(dns) = dns.as_object_mut() {
        default(dns, "dnsServers", json!([]));
        default(dns, "appliedDnsServers", json!([]));
    }
    default(properties, "hostedWorkloads", json!([]));
    default(properties, "tapConfigurations", json!([]));
    default(properties, "nicType", json!("Standard"));
}
