//! Refused signatures in the activity log: somebody tries an account's door. Written for accounts that are there, and so
//! rarely that nobody can fill the log with them; what is left out is counted and told with the next one.

use jiff::Timestamp;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Most accounts and pairs of account and address that are remembered.
const KEPT: usize = 10_000;

/// How many at once, and how many seconds until one more.
#[derive(Clone, Copy, Debug)]
struct Rule {
    burst: f64,
    every: f64,
}

/// Whoever it is: of one account at most one a minute, in the long run.
const ACCOUNT: Rule = Rule { burst: 20.0, every: 60.0 };
/// From one address.
const ADDRESS: Rule = Rule { burst: 5.0, every: 300.0 };

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Timestamp,
    /// Left out since the last one that was written.
    missed: u64,
}

impl Bucket {
    fn fill(&mut self, rule: Rule, now: Timestamp) {
        let seconds = now.duration_since(self.at).as_secs_f64().max(0.0);
        self.left = (self.left + seconds / rule.every).min(rule.burst);
        self.at = self.at.max(now);
    }
}

/// The buckets.
#[derive(Debug, Default)]
pub struct Refusals {
    buckets: Mutex<HashMap<(String, Option<IpAddr>), Bucket>>,
}

impl Refusals {
    /// Whether a refusal at `account` is to be written: if so, how many were left out since the last one of this account.
    pub fn take(&self, account: &str, client: IpAddr, now: Timestamp) -> Option<u64> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= KEPT {
            buckets.clear();
        }
        let whole = (account.to_owned(), None);
        let pair = (account.to_owned(), Some(network(client)));
        let rules = [(&whole, ACCOUNT), (&pair, ADDRESS)];
        let mut free = true;
        for (key, rule) in rules {
            let fresh = Bucket { left: rule.burst, at: now, missed: 0 };
            let bucket = buckets.entry(key.clone()).or_insert(fresh);
            bucket.fill(rule, now);
            free &= bucket.left >= 1.0;
        }
        for (key, _) in rules.into_iter().filter(|_| free) {
            if let Some(bucket) = buckets.get_mut(key) {
                bucket.left -= 1.0;
            }
        }
        let bucket = buckets.get_mut(&whole)?;
        if free {
            return Some(std::mem::take(&mut bucket.missed));
        }
        bucket.missed = bucket.missed.saturating_add(1);
        None
    }
}

/// Somebody with IPv6 has as many addresses as they like in their network of 64 bits.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan as _;

    #[test]
    fn few_are_written_and_the_others_counted() {
        let refusals = Refusals::default();
        let start = Timestamp::UNIX_EPOCH;
        let home: IpAddr = "192.0.2.7".parse().unwrap();
        let written = (0..100).filter(|_| refusals.take("acct", home, start).is_some()).count();
        assert_eq!(written, 5);
        assert_eq!(refusals.take("acct", "192.0.2.8".parse().unwrap(), start), Some(95));
        assert_eq!(refusals.take("other", home, start), Some(0));
        assert_eq!(refusals.take("acct", home, start + 299.seconds()), None);
        assert_eq!(refusals.take("acct", home, start + 300.seconds()), Some(1));
        // From everywhere at once.
        let many =
            (0..1000_u32).filter(|n| refusals.take("third", IpAddr::from(n.to_be_bytes()), start).is_some());
        assert_eq!(many.count(), 20);
        let near = |n: u32| format!("2001:db8::{n:x}").parse::<IpAddr>().unwrap();
        assert_eq!((0..100).filter(|n| refusals.take("fourth", near(*n), start).is_some()).count(), 5);
        for n in 0..30_000_u32 {
            let _ = refusals.take("x", IpAddr::from(n.to_be_bytes()), start);
        }
        assert!(refusals.buckets.lock().unwrap().len() <= KEPT + 2);
    }
}
