//! `networkAcls`: from where an account's data may be reached.
//!
//! Enforced are `defaultAction` and `ipRules`. Rules of virtual networks are kept and echoed: who comes from which network of
//! a cloud is not to be seen from here.

use super::invalid;
use crate::error::ArmError;
use crate::resource_id::ResourceId;
use serde_json::{Map, Value, json};
use std::net::IpAddr;

/// Most rules of a kind.
const RULES: usize = 400;
/// The words of `bypass`.
const BYPASS: [&str; 4] = ["None", "Logging", "Metrics", "AzureServices"];

/// From where an account's data may be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkRules {
    open: bool,
    ranges: Vec<Range>,
}

/// Addresses with the same first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    address: IpAddr,
    bits: u32,
}

impl NetworkRules {
    /// The rules of a stored document.
    pub fn of(stored: &Map<String, Value>) -> Self {
        let properties = stored.get("properties");
        let rules = properties.and_then(|p| p.get("networkAcls"));
        let word = |name: &str| rules.and_then(|r| r.get(name)).and_then(Value::as_str);
        let disabled = properties.and_then(|p| p.get("publicNetworkAccess")).and_then(Value::as_str);
        let closed = disabled.is_some_and(|word| word.eq_ignore_ascii_case("Disabled"));
        let listed = rules.and_then(|r| r.get("ipRules")).and_then(Value::as_array);
        let ranges =
            listed.into_iter().flatten().filter_map(|rule| Range::parse(rule.get("value")?.as_str()?));
        Self {
            open: !closed && word("defaultAction").is_none_or(|word| word != "Deny"),
            ranges: if closed { Vec::new() } else { ranges.collect() },
        }
    }

    /// Whether somebody at `client` reaches the data.
    pub fn allow(&self, client: IpAddr) -> bool {
        self.open || self.ranges.iter().any(|range| range.holds(client))
    }
}

impl Range {
    /// `192.0.2.7`, `192.0.2.0/24`, and the same in IPv6.
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) if bits.bytes().all(|b| b.is_ascii_digit()) => {
                (address, Some(bits.parse().ok()?))
            }
            Some(_) => return None,
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        (bits <= most).then_some(Self { address, bits })
    }

    fn holds(&self, client: IpAddr) -> bool {
        let same = |a: u128, b: u128, of: u32| self.bits == 0 || (a ^ b) >> (of - self.bits) == 0;
        match (self.address, client.to_canonical()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => same(a.to_bits().into(), b.to_bits().into(), 32),
            (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128),
            _ => false,
        }
    }
}

/// `networkAcls` of a body over those that were there: what is absent stays. In the form in which clients read it: every
/// list is there.
pub(super) fn merge(before: Option<&Value>, asked: &Value) -> Result<Value, ArmError> {
    let given = asked.as_object().ok_or_else(|| invalid("networkAcls"))?;
    let mut rules = match before.and_then(Value::as_object) {
        Some(before) => before.clone(),
        None => default(),
    };
    for (name, value) in given.iter().filter(|(_, value)| !value.is_null()) {
        let checked = match name.as_str() {
            "defaultAction" => default_action(value)?,
            "bypass" => bypass(value)?,
            "ipRules" | "ipv6Rules" => ip_rules(name, value)?,
            "virtualNetworkRules" => network_rules(value)?,
            _ => value.clone(),
        };
        rules.insert(name.clone(), checked);
    }
    Ok(Value::Object(rules))
}

/// The rules of an account for which none were given.
pub(super) fn default() -> Map<String, Value> {
    let rules = json!({
        "resourceAccessRules": [],
        "bypass": "AzureServices",
        "virtualNetworkRules": [],
        "ipRules": [],
        "defaultAction": "Allow",
    });
    match rules {
        Value::Object(rules) => rules,
        _ => Map::new(),
    }
}

fn default_action(value: &Value) -> Result<Value, ArmError> {
    let word = value.as_str().unwrap_or("");
    let known = ["Allow", "Deny"].into_iter().find(|known| known.eq_ignore_ascii_case(word));
    known.map(Value::from).ok_or_else(|| invalid("networkAcls.defaultAction"))
}

fn bypass(value: &Value) -> Result<Value, ArmError> {
    let words = value.as_str().ok_or_else(|| invalid("networkAcls.bypass"))?.split(',').map(str::trim);
    let known = words.map(|word| BYPASS.into_iter().find(|known| known.eq_ignore_ascii_case(word)));
    let known: Option<Vec<_>> = known.collect();
    let known = known.ok_or_else(|| invalid("networkAcls.bypass"))?;
    Ok(known.join(", ").into())
}

fn list<'v>(value: &'v Value, member: &str) -> Result<&'v [Value], ArmError> {
    let list = value.as_array().filter(|list| list.len() <= RULES);
    list.map(Vec::as_slice).ok_or_else(|| invalid(&format!("networkAcls.{member}")))
}

fn ip_rules(member: &str, value: &Value) -> Result<Value, ArmError> {
    let refused = || invalid(&format!("networkAcls.{member}[*].value"));
    let rules = list(value, member)?.iter().map(|rule| {
        let text = rule.get("value").and_then(Value::as_str).map(str::trim).ok_or_else(refused)?;
        Range::parse(text).ok_or_else(refused)?;
        allows(rule, member)?;
        Ok(json!({ "value": text, "action": "Allow" }))
    });
    rules.collect::<Result<_, ArmError>>().map(Value::Array)
}

fn network_rules(value: &Value) -> Result<Value, ArmError> {
    const MEMBER: &str = "virtualNetworkRules";
    let rules = list(value, MEMBER)?.iter().map(|rule| {
        let id = rule.get("id").and_then(Value::as_str).and_then(|id| ResourceId::parse(id).ok());
        let subnet = "Microsoft.Network/virtualNetworks/subnets";
        let id = id.filter(|id| id.resource_type().eq_ignore_ascii_case(subnet));
        let id = id.ok_or_else(|| invalid(&format!("networkAcls.{MEMBER}[*].id")))?;
        allows(rule, MEMBER)?;
        Ok(json!({ "id": id.to_string(), "action": "Allow", "state": "Succeeded" }))
    });
    rules.collect::<Result<_, ArmError>>().map(Value::Array)
}

/// A rule allows; there are no others.
fn allows(rule: &Value, member: &str) -> Result<(), ArmError> {
    match rule.get("action") {
        None | Some(Value::Null) => Ok(()),
        Some(Value::String(word)) if word.eq_ignore_ascii_case("Allow") => Ok(()),
        Some(_) => Err(invalid(&format!("networkAcls.{member}[*].action"))),
    }
}
