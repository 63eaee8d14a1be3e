//! Address ranges.

use super::arguments::{count, integer, text};
use serde_json::{Map, Value};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A range of addresses.
struct Range {
    first: u128,
    prefix: u32,
    bits: u32,
}

impl Range {
    fn of(v: &[Value]) -> Result<Self, String> {
        let wrong = || "its argument 1 is not an address range.".to_owned();
        let (address, prefix) = text(v, 0)?.split_once('/').ok_or_else(wrong)?;
        let (number, bits) = match address.parse::<IpAddr>().map_err(|_| wrong())? {
            IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
            IpAddr::V6(address) => (address.to_bits(), 128),
        };
        let prefix = prefix.parse().ok().filter(|p| *p <= bits).ok_or_else(wrong)?;
        Ok(Self { first: number & !Self::hosts(bits, prefix), prefix, bits })
    }

    /// The bits that are not the prefix.
    fn hosts(bits: u32, prefix: u32) -> u128 {
        1_u128.checked_shl(bits - prefix).map_or(u128::MAX, |n| n - 1)
    }

    fn address(&self, number: u128) -> String {
        match u32::try_from(number) {
            Ok(number) if self.bits == 32 => Ipv4Addr::from_bits(number).to_string(),
            _ => Ipv6Addr::from_bits(number).to_string(),
        }
    }
}

pub(super) fn parse(v: &[Value]) -> Result<Value, String> {
    let range = Range::of(v)?;
    let hosts = Range::hosts(range.bits, range.prefix);
    let last = range.first | hosts;
    // Of IPv4 the first address names the network and the last reaches all of it, where there are more than two.
    let usable = u128::from(range.bits == 32 && hosts > 1);
    let mut parsed = Map::new();
    parsed.insert("network".into(), range.address(range.first).into());
    parsed.insert("netmask".into(), range.address(Range::hosts(range.bits, 0) & !hosts).into());
    if range.bits == 32 {
        parsed.insert("broadcast".into(), range.address(last).into());
    }
    parsed.insert("firstUsable".into(), range.address(range.first + usable).into());
    parsed.insert("lastUsable".into(), range.address(last - usable).into());
    parsed.insert("cidr".into(), range.prefix.into());
    Ok(Value::Object(parsed))
}

pub(super) fn subnet(v: &[Value]) -> Result<Value, String> {
    let range = Range::of(v)?;
    let prefix = u32::try_from(integer(v, 1)?).ok().filter(|p| (range.prefix..=range.bits).contains(p));
    let prefix = prefix.ok_or("its argument 2 does not lie within the range.")?;
    let index = count(v, 2)? as u128;
    let step = Range::hosts(range.bits, prefix);
    let first = step.checked_add(1).and_then(|s| s.checked_mul(index)).unwrap_or(u128::MAX);
    if first > Range::hosts(range.bits, range.prefix) && index > 0 {
        return Err("its argument 3 does not lie within the range.".into());
    }
    let first = if index == 0 { 0 } else { first };
    Ok(format!("{}/{prefix}", range.address(range.first | first)).into())
}

/// The n-th usable address, from 0.
pub(super) fn host(v: &[Value]) -> Result<Value, String> {
    let range = Range::of(v)?;
    let number = count(v, 1)? as u128 + 1;
    let hosts = Range::hosts(range.bits, range.prefix);
    let last = if range.bits == 32 { hosts.saturating_sub(1) } else { hosts };
    if number > last {
        return Err("its argument 2 does not lie within the range.".into());
    }
    Ok(range.address(range.first | number).into())
}
