//! Network security groups with their rules.

use super::{Facts, Link, Target, default, invalid, invalid_format, object, objects, text, texts};
use crate::error::ArmError;
use crate::resource_id::ResourceId;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Priorities that a rule may have.
const PRIORITIES: std::ops::RangeInclusive<u64> = 100..=4096;
const PROTOCOLS: &[&str] = &["*", "Tcp", "Udp", "Icmp", "Esp", "Ah"];
const DEFAULT_TYPE: &str = "Microsoft.Network/networkSecurityGroups/defaultSecurityRules";

/// Name, what it is for, access, priority, direction, source, destination: Azure's own.
const DEFAULT_RULES: [(&str, &str, &str, u64, &str, &str, &str); 6] = [
    (
        "AllowVnetInBound",
        "Allow inbound traffic from all VMs in VNET",
        "Allow",
        65000,
        "Inbound",
        "VirtualNetwork",
        "VirtualNetwork",
    ),
    (
        "AllowAzureLoadBalancerInBound",
        "Allow inbound traffic from azure load balancer",
        "Allow",
        65001,
        "Inbound",
        "AzureLoadBalancer",
        "*",
    ),
    ("DenyAllInBound", "Deny all inbound traffic", "Deny", 65500, "Inbound", "*", "*"),
    (
        "AllowVnetOutBound",
        "Allow outbound traffic from all VMs to all VMs in VNET",
        "Allow",
        65000,
        "Outbound",
        "VirtualNetwork",
        "VirtualNetwork",
    ),
    (
        "AllowInternetOutBound",
        "Allow outbound traffic from all VMs to Internet",
        "Allow",
        65001,
        "Outbound",
        "*",
        "Internet",
    ),
    ("DenyAllOutBound", "Deny all outbound traffic", "Deny", 65500, "Outbound", "*", "*"),
];

pub(super) fn prepare(id: &ResourceId, properties: &mut Map<String, Value>) -> Result<(), ArmError> {
    for told in ["defaultSecurityRules", "networkInterfaces", "subnets"] {
        properties.shift_remove(told);
    }
    let mut seen: BTreeMap<(u64, bool), String> = BTreeMap::new();
    let Some(rules) = properties.get_mut("securityRules").and_then(Value::as_array_mut) else {
        return Ok(());
    };
    for rule in rules.iter_mut().filter_map(Value::as_object_mut) {
        let name = text(rule, "name")?.unwrap_or("").to_owned();
        let Some(own) = rule.get_mut("properties").and_then(Value::as_object_mut) else { continue };
        let (priority, inbound) = check_rule(&name, own)?;
        if let Some(other) = seen.insert((priority, inbound), name.clone()) {
            let text = format!(
                "Security rule {name} conflicts with rule {other}. Rules cannot have the same Priority and Direction. To learn more, see aka.ms/nsgrules. (Network security group {})",
                id.name()
            );
            return Err(invalid("SecurityRuleConflict", text));
        }
    }
    Ok(())
}

/// Checks a rule and writes its words in Azure's case; its priority, and whether it is inbound.
fn check_rule(name: &str, own: &mut Map<String, Value>) -> Result<(u64, bool), ArmError> {
    let mut word = |member: &str, words: &[&'static str]| -> Result<&'static str, ArmError> {
        let given = text(own, member)?.unwrap_or("");
        let known = words.iter().copied().find(|w| w.eq_ignore_ascii_case(given));
        let known = known.ok_or_else(|| {
            invalid_format(&format!(
                "'{member}' of security rule '{name}' must be one of: {}.",
                words.join(", ")
            ))
        })?;
        own.insert(member.to_owned(), json!(known));
        Ok(known)
    };
    word("protocol", PROTOCOLS)?;
    word("access", &["Allow", "Deny"])?;
    let inbound = word("direction", &["Inbound", "Outbound"])? == "Inbound";
    let priority = own.get("priority").cloned().unwrap_or_default();
    let priority = priority.as_u64().filter(|p| PRIORITIES.contains(p)).ok_or_else(|| {
        let text = format!(
            "Security rule has invalid Priority. Value provided: {priority} Allowed range {}-{}.",
            PRIORITIES.start(),
            PRIORITIES.end()
        );
        invalid("SecurityRuleInvalidPriority", text)
    })?;
    for side in ["source", "destination"] {
        check_ports(own, side)?;
        check_prefixes(own, side)?;
    }
    Ok((priority, inbound))
}

/// `{side}PortRange` or `{side}PortRanges`: `*`, a port, or two with a dash.
fn check_ports(own: &Map<String, Value>, side: &str) -> Result<(), ArmError> {
    let (one, many) = (format!("{side}PortRange"), format!("{side}PortRanges"));
    let ranges: Vec<_> = text(own, &one)?.into_iter().chain(texts(own, &many)?).collect();
    if ranges.is_empty() {
        let detail = format!("A security rule must have '{one}' or '{many}'.");
        return Err(invalid_format(&detail));
    }
    let port = |text: &str| text.trim().parse::<u16>().ok();
    let good = |range: &str| match range.split_once('-') {
        Some((first, last)) => port(first).zip(port(last)).is_some_and(|(a, b)| a <= b),
        None => range == "*" || port(range).is_some(),
    };
    match ranges.into_iter().find(|range| !good(range)) {
        None => Ok(()),
        Some(bad) => {
            let shown: String = bad.chars().take(100).collect();
            let text = format!(
                "Security rule has invalid Port range. Value provided: {shown}. Value should be an integer OR integer range with '-' delimiter. Valid range 0-65535."
            );
            Err(invalid("SecurityRuleInvalidPortRange", text))
        }
    }
}

/// `{side}AddressPrefix` or `{side}AddressPrefixes`: `*`, an address, a prefix, or a service's tag (a word).
fn check_prefixes(own: &Map<String, Value>, side: &str) -> Result<(), ArmError> {
    let (one, many) = (format!("{side}AddressPrefix"), format!("{side}AddressPrefixes"));
    let groups = format!("{side}ApplicationSecurityGroups");
    let prefixes: Vec<_> = text(own, &one)?.into_iter().chain(texts(own, &many)?).collect();
    let has_groups = own.get(&groups).and_then(Value::as_array).is_some_and(|g| !g.is_empty());
    if prefixes.is_empty() && !has_groups {
        let detail = format!("A security rule must have '{one}' or '{many}'.");
        return Err(invalid_format(&detail));
    }
    let tag = |p: &str| {
        p.starts_with(|c: char| c.is_ascii_alphabetic())
            && p.len() <= 100
            && p.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
    };
    let address = |p: &str| match p.split_once('/') {
        Some((address, length)) => {
            let widest = address.parse::<std::net::IpAddr>().map(|a| if a.is_ipv6() { 128 } else { 32 });
            widest.is_ok_and(|w| length.parse::<u8>().is_ok_and(|l| l <= w))
        }
        None => p.parse::<std::net::IpAddr>().is_ok(),
    };
    match prefixes.into_iter().find(|p| !(*p == "*" || tag(p) || address(p))) {
        None => Ok(()),
        Some(bad) => {
            let shown: String = bad.chars().take(100).collect();
            let text = format!("Security rule has invalid Address prefix. Value provided: {shown}");
            Err(invalid("SecurityRuleInvalidAddressPrefix", text))
        }
    }
}

pub(super) fn links(id: &ResourceId, properties: &Map<String, Value>) -> Result<Vec<Link>, ArmError> {
    let mut found = Vec::new();
    for rule in objects(properties, "securityRules") {
        let (Some(name), Some(own)) = (text(rule, "name")?, object(rule, "properties")) else { continue };
        let user = id.child("securityRules", name);
        for side in ["sourceApplicationSecurityGroups", "destinationApplicationSecurityGroups"] {
            found.extend(Link::read_all(own, side, Target::Unknown, &user)?);
        }
    }
    Ok(found)
}

pub(super) fn document(facts: &Facts<'_>, properties: &mut Map<String, Value>) {
    for rule in properties.get_mut("securityRules").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(own) = rule.get_mut("properties").and_then(Value::as_object_mut) else { continue };
        add_lists(own);
    }
    let rules = DEFAULT_RULES.map(|(name, description, access, priority, direction, source, destination)| {
        let mut own = Map::from_iter([
            ("provisioningState".to_owned(), json!("Succeeded")),
            ("description".to_owned(), json!(description)),
            ("protocol".to_owned(), json!("*")),
            ("sourcePortRange".to_owned(), json!("*")),
            ("destinationPortRange".to_owned(), json!("*")),
            ("sourceAddressPrefix".to_owned(), json!(source)),
            ("destinationAddressPrefix".to_owned(), json!(destination)),
            ("access".to_owned(), json!(access)),
            ("priority".to_owned(), json!(priority)),
            ("direction".to_owned(), json!(direction)),
        ]);
        add_lists(&mut own);
        json!({
            "name": name,
            "id": format!("{}/defaultSecurityRules/{name}", facts.id),
            "etag": facts.etag,
            "type": DEFAULT_TYPE,
            "properties": own,
        })
    });
    properties.insert("defaultSecurityRules".into(), json!(rules));
    for (member, is_subnet) in [("networkInterfaces", false), ("subnets", true)] {
        let of = |link: &&Link| {
            link.user.resource_type().eq_ignore_ascii_case(Target::Subnet.resource_type()) == is_subnet
        };
        let users: Vec<_> =
            facts.users.iter().filter(of).map(|link| json!({"id": link.user.to_string()})).collect();
        if !users.is_empty() {
            properties.insert(member.into(), users.into());
        }
    }
}

fn add_lists(own: &mut Map<String, Value>) {
    for list in
        ["sourcePortRanges", "destinationPortRanges", "sourceAddressPrefixes", "destinationAddressPrefixes"]
    {
        default(own, list, json!([]));
    }
}
