//! Public addresses. No address is made up: one that nobody wrote is not there, since none would be reachable.

use super::{Facts, Link, Target, default, invalid, invalid_format, object, text};
use crate::error::ArmError;
use crate::resource_id::ResourceId;
use serde_json::{Map, Value, json};
use std::net::IpAddr;

/// Longest label of a name, characters.
const LABEL_LIMIT: usize = 63;

pub(super) fn prepare(
    body: &mut Map<String, Value>,
    properties: &mut Map<String, Value>,
    before: Option<&Map<String, Value>>,
) -> Result<(), ArmError> {
    properties.shift_remove("ipConfiguration");
    if let Some(kept) = before.and_then(|b| b.get("ipConfiguration")) {
        properties.insert("ipConfiguration".into(), kept.clone());
    }
    let sku = object(body, "sku").map(|sku| text(sku, "name")).transpose()?.flatten().unwrap_or("Basic");
    let sku = ["Basic", "Standard", "StandardV2"].into_iter().find(|s| s.eq_ignore_ascii_case(sku));
    let sku = sku.ok_or_else(|| invalid_format("'sku.name' must be Basic, Standard or StandardV2."))?;
    let mut kept = object(body, "sku").cloned().unwrap_or_default();
    kept.insert("name".into(), json!(sku));
    default(&mut kept, "tier", json!("Regional"));
    body.insert("sku".into(), Value::Object(kept));
    let method = text(properties, "publicIPAllocationMethod")?;
    let method = match method.unwrap_or(if sku == "Basic" { "Dynamic" } else { "Static" }) {
        m if m.eq_ignore_ascii_case("Dynamic") => "Dynamic",
        m if m.eq_ignore_ascii_case("Static") => "Static",
        _ => return Err(invalid_format("'publicIPAllocationMethod' must be Dynamic or Static.")),
    };
    if sku != "Basic" && method == "Dynamic" {
        let text = "Standard sku publicIp must have AllocationMethod set to Static.";
        return Err(invalid("StandardSkuPublicIPAddressesMustBeStatic", text));
    }
    properties.insert("publicIPAllocationMethod".into(), json!(method));
    let version = match text(properties, "publicIPAddressVersion")?.unwrap_or("IPv4") {
        v if v.eq_ignore_ascii_case("IPv4") => "IPv4",
        v if v.eq_ignore_ascii_case("IPv6") => "IPv6",
        _ => return Err(invalid_format("'publicIPAddressVersion' must be IPv4 or IPv6.")),
    };
    properties.insert("publicIPAddressVersion".into(), json!(version));
    if let Some(address) = text(properties, "ipAddress")? {
        let read = address.parse::<IpAddr>().ok().filter(|a| a.is_ipv6() == (version == "IPv6"));
        let read =
            read.ok_or_else(|| invalid_format(&format!("'ipAddress' must be an {version} address.")))?;
        properties.insert("ipAddress".into(), json!(read.to_string()));
    }
    match properties.get("idleTimeoutInMinutes") {
        None => default(properties, "idleTimeoutInMinutes", json!(4)),
        Some(minutes) if minutes.as_u64().is_some_and(|m| (4..=30).contains(&m)) => {}
        Some(_) => return Err(invalid_format("'idleTimeoutInMinutes' must be a number from 4 to 30.")),
    }
    check_name_settings(properties)
}

fn check_name_settings(properties: &mut Map<String, Value>) -> Result<(), ArmError> {
    let Some(dns) = object(properties, "dnsSettings") else {
        properties.shift_remove("dnsSettings");
        return Ok(());
    };
    let fqdn = text(dns, "fqdn")?.is_some_and(|f| !f.is_empty());
    match text(dns, "domainNameLabel")?.filter(|l| !l.is_empty()) {
        Some(label) => {
            let good = (3..=LABEL_LIMIT).contains(&label.len())
                && label.starts_with(|c: char| c.is_ascii_lowercase())
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
            if !good {
                let shown: String = label.chars().take(100).collect();
                let text = format!(
                    "The domain name label {shown} is invalid. It must conform to the following regular expression: ^[a-z][a-z0-9-]{{1,61}}[a-z0-9]$."
                );
                return Err(invalid("InvalidDomainNameLabel", text));
            }
        }
        // Clients read the name as soon as there are settings.
        None if !fqdn => {
            properties.shift_remove("dnsSettings");
        }
        None => {}
    }
    Ok(())
}

pub(super) fn links(id: &ResourceId, properties: &Map<String, Value>) -> Result<Vec<Link>, ArmError> {
    let mut found = Vec::new();
    for other in ["publicIPPrefix", "natGateway", "servicePublicIPAddress", "linkedPublicIPAddress"] {
        found.extend(Link::read(properties, other, Target::Unknown, id)?);
    }
    Ok(found)
}

/// The configuration that has a stored address.
pub fn holder(body: &Map<String, Value>) -> Option<&str> {
    object(body, "properties")?.get("ipConfiguration")?.get("id")?.as_str()
}

/// Gives a stored address to a configuration, or takes it away.
pub fn set_holder(body: &mut Map<String, Value>, holder: Option<&ResourceId>) {
    let Some(properties) = body.get_mut("properties").and_then(Value::as_object_mut) else { return };
    match holder {
        Some(id) => properties.insert("ipConfiguration".into(), json!({"id": id.to_string()})),
        None => properties.shift_remove("ipConfiguration"),
    };
}

pub(super) fn document(facts: &Facts<'_>, properties: &mut Map<String, Value>) {
    default(properties, "ipTags", json!([]));
    if let Some(dns) = properties.get_mut("dnsSettings").and_then(Value::as_object_mut)
        && dns.get("fqdn").and_then(Value::as_str).is_none_or(str::is_empty)
    {
        let label = dns.get("domainNameLabel").and_then(Value::as_str).unwrap_or("").to_owned();
        // A name under "invalid" is one that nobody can look up (RFC 6761).
        dns.insert("fqdn".into(), json!(format!("{label}.{}.invalid", facts.location)));
    }
}
