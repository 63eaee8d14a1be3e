//! Route tables with their routes.

use super::address::Prefix;
use super::{Facts, default, invalid, invalid_format, text};
use crate::error::ArmError;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::net::IpAddr;

const HOPS: &[&str] = &["VirtualNetworkGateway", "VnetLocal", "Internet", "VirtualAppliance", "None"];

pub(super) fn prepare(properties: &mut Map<String, Value>) -> Result<(), ArmError> {
    properties.shift_remove("subnets");
    default(properties, "disableBgpRoutePropagation", json!(false));
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    let Some(routes) = properties.get_mut("routes").and_then(Value::as_array_mut) else { return Ok(()) };
    for route in routes.iter_mut().filter_map(Value::as_object_mut) {
        let name = text(route, "name")?.unwrap_or("").to_owned();
        let Some(own) = route.get_mut("properties").and_then(Value::as_object_mut) else { continue };
        own.shift_remove("hasBgpOverride");
        let prefix = text(own, "addressPrefix")?;
        let prefix = prefix
            .ok_or_else(|| invalid_format(&format!("'addressPrefix' of route '{name}' is missing.")))?;
        // A service's tag stands for its prefixes.
        let tag = prefix.starts_with(|c: char| c.is_ascii_alphabetic()) && !prefix.contains([':', '/']);
        if !tag {
            Prefix::parse(prefix, &format!("route {name}"))?;
        }
        if let Some(other) = seen.insert(prefix.to_ascii_lowercase(), name.clone()) {
            let text = format!("Route {name} conflicts with route {other}: both have the prefix {prefix}.");
            return Err(invalid("RouteConflict", text));
        }
        let hop = text(own, "nextHopType")?.unwrap_or("");
        let hop = HOPS.iter().find(|h| h.eq_ignore_ascii_case(hop)).copied().ok_or_else(|| {
            invalid_format(&format!("'nextHopType' of route '{name}' must be one of: {}.", HOPS.join(", ")))
        })?;
        let address = text(own, "nextHopIpAddress")?.filter(|a| !a.is_empty());
        match (hop, address) {
            ("VirtualAppliance", Some(address)) if address.parse::<IpAddr>().is_ok() => {}
            ("VirtualAppliance", _) => {
                let text = format!(
                    "Route {name} has the next hop VirtualAppliance: 'nextHopIpAddress' must be an address."
                );
                return Err(invalid("InvalidNextHopIpAddress", text));
            }
            (_, None) => {}
            (_, Some(_)) => {
                let text =
                    format!("Route {name}: only the next hop VirtualAppliance has a 'nextHopIpAddress'.");
                return Err(invalid("InvalidNextHopIpAddress", text));
            }
        }
        own.insert("nextHopType".into(), json!(hop));
    }
    Ok(())
}

pub(super) fn document(facts: &Facts<'_>, properties: &mut Map<String, Value>) {
    let users: Vec<_> = facts.users.iter().map(|link| json!({"id": link.user.to_string()})).collect();
    if !users.is_empty() {
        properties.insert("subnets".into(), users.into());
    }
}
