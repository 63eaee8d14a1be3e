//! Addresses and prefixes of both families, as numbers.

use super::{invalid_cidr, invalid_prefix};
use crate::error::ArmError;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The first addresses of a subnet are its own (network, gateway, two for names); so is the last one in IPv4.
const RESERVED: u128 = 4;

/// A prefix: `10.0.0.0/24`, `fd00::/64`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    v6: bool,
    network: u128,
    length: u8,
}

impl Prefix {
    /// Reads a prefix of `owner`; refused in Azure's words when it is none, or has bits behind its length.
    pub fn parse(text: &str, owner: &str) -> Result<Self, ArmError> {
        let (address, length) = text.split_once('/').ok_or_else(|| invalid_prefix(text, owner))?;
        let address: IpAddr = address.trim().parse().map_err(|_| invalid_prefix(text, owner))?;
        let bits = width(address.is_ipv6());
        let digits = !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
        let length = length.parse::<u8>().ok().filter(|n| digits && *n <= bits);
        let length = length.ok_or_else(|| invalid_prefix(text, owner))?;
        let prefix = Self { v6: address.is_ipv6(), network: 0, length };
        let network = number(address) & !prefix.hosts();
        let prefix = Self { network, ..prefix };
        if network != number(address) {
            return Err(invalid_cidr(text, owner, &prefix.to_string()));
        }
        Ok(prefix)
    }

    /// Bits of the prefix.
    pub fn length(self) -> u8 {
        self.length
    }

    /// Whether it is IPv6.
    pub fn is_v6(self) -> bool {
        self.v6
    }

    /// A mask of the bits behind the prefix.
    fn hosts(self) -> u128 {
        let free = u32::from(width(self.v6) - self.length);
        if free == 128 { u128::MAX } else { (1 << free) - 1 }
    }

    fn last(self) -> u128 {
        self.network | self.hosts()
    }

    /// Whether an address lies in it.
    pub fn holds(self, address: IpAddr) -> bool {
        address.is_ipv6() == self.v6 && (self.network..=self.last()).contains(&number(address))
    }

    /// Whether all of `other` lies in it.
    pub fn contains(self, other: Self) -> bool {
        self.v6 == other.v6 && self.network <= other.network && other.last() <= self.last()
    }

    /// Whether they have an address in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.v6 == other.v6 && self.network <= other.last() && other.network <= self.last()
    }

    /// Whether a subnet of this prefix keeps an address for itself.
    pub fn reserves(self, address: IpAddr) -> bool {
        let at = number(address);
        at < self.network.saturating_add(RESERVED) || (!self.v6 && at == self.last())
    }

    /// The first address that is neither reserved nor `taken`.
    pub fn next_free(self, taken: impl Fn(IpAddr) -> bool) -> Option<IpAddr> {
        let mut at = self.network.checked_add(RESERVED)?;
        let last = if self.v6 { self.last() } else { self.last().checked_sub(1)? };
        while at <= last {
            let address = address(at, self.v6);
            if !taken(address) {
                return Some(address);
            }
            at = at.checked_add(1)?;
        }
        None
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", address(self.network, self.v6), self.length)
    }
}

/// Prefixes as refusals name them.
pub fn list(prefixes: &[Prefix]) -> String {
    let texts: Vec<_> = prefixes.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

fn width(v6: bool) -> u8 {
    if v6 { 128 } else { 32 }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

fn address(number: u128, v6: bool) -> IpAddr {
    match u32::try_from(number) {
        Ok(number) if !v6 => Ipv4Addr::from(number).into(),
        _ => Ipv6Addr::from(number).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn prefix(text: &str) -> Prefix {
        Prefix::parse(text, "x").unwrap()
    }

    #[test]
    fn what_is_a_prefix() {
        for good in ["10.0.0.0/24", "0.0.0.0/0", "fd00::/64", "::/0", "10.1.2.3/32"] {
            assert_eq!(prefix(good).to_string(), good);
        }
        let code = |text: &str| Prefix::parse(text, "x").unwrap_err().code.into_owned();
        for bad in ["", "10.0.0.0", "10.0.0.0/33", "10.0.0/24", "fd00::/129", "a/8", "10.0.0.0/+8", "/"] {
            assert_eq!(code(bad), "InvalidAddressPrefixFormat", "{bad}");
        }
        assert_eq!(code("10.0.0.5/24"), "InvalidCIDRNotation");
        assert!(
            Prefix::parse("10.0.0.5/24", "x")
                .unwrap_err()
                .message
                .ends_with("the address prefix should be 10.0.0.0/24.")
        );
    }

    #[test]
    fn inside_and_over() {
        assert!(prefix("10.0.0.0/8").contains(prefix("10.255.0.0/16")));
        assert!(!prefix("10.0.0.0/16").contains(prefix("10.0.0.0/8")));
        assert!(prefix("10.0.0.0/16").overlaps(prefix("10.0.0.0/8")));
        assert!(!prefix("10.0.0.0/24").overlaps(prefix("10.0.1.0/24")));
        assert!(!prefix("::/0").contains(prefix("10.0.0.0/8")));
    }

    #[test]
    fn the_first_four_and_the_last_address_are_not_given_out() {
        let small = prefix("10.0.0.0/29");
        let mut given = Vec::new();
        while let Some(next) = small.next_free(|a| given.contains(&a)) {
            given.push(next);
        }
        let texts: Vec<_> = given.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["10.0.0.4", "10.0.0.5", "10.0.0.6"]);
        assert!(small.reserves("10.0.0.3".parse().unwrap()) && small.reserves("10.0.0.7".parse().unwrap()));
        assert_eq!(prefix("fd00::/64").next_free(|_| false).unwrap().to_string(), "fd00::4");
        assert_eq!(prefix("10.0.0.0/32").next_free(|_| false), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "[0-9a-f.:/]{0,24}") {
            if let Ok(read) = Prefix::parse(&text, "x") {
                prop_assert_eq!(Prefix::parse(&read.to_string(), "x").unwrap(), read);
                let _ = read.next_free(|_| false);
            }
        }
    }
}
