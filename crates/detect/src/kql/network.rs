//! Addresses and networks, of both families on one line: an IPv4 address is its IPv6 form `::ffff:a.b.c.d`, as in
//! Elasticsearch.

use std::net::IpAddr;

/// All addresses with the same first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    first: u128,
    last: u128,
}

impl Network {
    /// Reads an address, or an address and the length of its prefix. Bits behind the prefix do not count.
    pub fn parse(text: &str) -> Option<Self> {
        let Some((address, prefix)) = text.split_once('/') else {
            let address = number(text)?;
            return Some(Self { first: address, last: address });
        };
        let is_v4 = !address.contains(':');
        if prefix.is_empty() || !prefix.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let length: u32 = prefix.parse().ok().filter(|n| *n <= if is_v4 { 32 } else { 128 })?;
        let hosts = u128::MAX.checked_shr(if is_v4 { length + 96 } else { length }).unwrap_or(0);
        let address = number(address)?;
        Some(Self { first: address & !hosts, last: address | hosts })
    }

    /// Whether it is a single address.
    pub fn is_one(self) -> bool {
        self.first == self.last
    }

    /// Its first address, on the line of all.
    pub fn first(self) -> u128 {
        self.first
    }

    /// Whether an address lies in it.
    pub fn holds(self, address: u128) -> bool {
        (self.first..=self.last).contains(&address)
    }
}

/// An address on the line of all.
pub fn number(text: &str) -> Option<u128> {
    match text.parse().ok()? {
        IpAddr::V4(address) => Some(u128::from(address.to_ipv6_mapped())),
        IpAddr::V6(address) => Some(u128::from(address)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lie_in_networks() {
        let table = [
            ("203.0.113.7", "203.0.113.7", true),
            ("203.0.113.7", "203.0.113.8", false),
            ("203.0.113.7", "::ffff:203.0.113.7", true),
            ("10.0.0.0/8", "10.255.255.255", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.1.2.3/8", "10.0.0.0", true),
            ("10.0.0.1/32", "10.0.0.1", true),
            ("10.0.0.1/32", "10.0.0.2", false),
            ("0.0.0.0/0", "255.255.255.255", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "10.0.0.1", true),
            ("2001:db8::1/128", "2001:db8::1", true),
        ];
        for (network, address, expected) in table {
            assert_eq!(
                Network::parse(network).unwrap().holds(number(address).unwrap()),
                expected,
                "{network} {address}"
            );
        }
    }

    #[test]
    fn what_is_no_network() {
        for text in [
            "",
            "10.0.0",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0.0/a",
            "x/8",
            "10.0.0.*",
        ] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }
}
