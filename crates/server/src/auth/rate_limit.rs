//! Guessing is slow: a token bucket for each (principal, address) and a larger one for each address.
//!
//! A try takes a token before the password is looked at, so that tries side by side count too; a success gives it back.

use jiff::Timestamp;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Most buckets that are kept; when there are more, those that are full again go first, then all.
const KEPT: usize = 20_000;

#[derive(Clone, Copy, Debug)]
struct Rule {
    /// Tries at once.
    burst: f64,
    /// Seconds until one more try is allowed.
    every: f64,
}

const PAIR: Rule = Rule { burst: 10.0, every: 6.0 };
const ADDRESS: Rule = Rule { burst: 100.0, every: 1.0 };

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Timestamp,
}

/// The buckets.
#[derive(Debug, Default)]
pub struct SignInLimit {
    buckets: Mutex<HashMap<(Option<String>, IpAddr), Bucket>>,
}

impl SignInLimit {
    /// Takes a try; when there is none left, the seconds until there is one.
    pub fn take(&self, principal: &str, address: IpAddr, now: Timestamp) -> Result<(), u64> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= KEPT {
            let full = |key: &(Option<String>, IpAddr), b: &Bucket| {
                let rule = rule(key);
                filled(*b, rule, now).tokens >= rule.burst
            };
            buckets.retain(|key, bucket| !full(key, bucket));
            if buckets.len() >= KEPT {
                buckets.clear();
            }
        }
        let mut wait = 0.0_f64;
        for key in keys(principal, address) {
            let rule = rule(&key);
            let bucket = buckets.entry(key).or_insert(Bucket { tokens: rule.burst, at: now });
            *bucket = filled(*bucket, rule, now);
            if bucket.tokens < 1.0 {
                wait = wait.max((1.0 - bucket.tokens) * rule.every);
            }
        }
        if wait > 0.0 {
            // Whole seconds, at least one.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 < wait <= 6")]
            return Err(wait.ceil().max(1.0) as u64);
        }
        for key in keys(principal, address) {
            if let Some(bucket) = buckets.get_mut(&key) {
                bucket.tokens -= 1.0;
            }
        }
        Ok(())
    }

    /// Gives the try back: the password was right.
    pub fn give_back(&self, principal: &str, address: IpAddr) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        for key in keys(principal, address) {
            let burst = rule(&key).burst;
            if let Some(bucket) = buckets.get_mut(&key) {
                bucket.tokens = (bucket.tokens + 1.0).min(burst);
            }
        }
    }
}

fn keys(principal: &str, address: IpAddr) -> [(Option<String>, IpAddr); 2] {
    let address = address.to_canonical();
    let principal = principal.chars().take(320).flat_map(char::to_lowercase).collect();
    [(Some(principal), address), (None, address)]
}

fn rule(key: &(Option<String>, IpAddr)) -> Rule {
    if key.0.is_some() { PAIR } else { ADDRESS }
}

fn filled(bucket: Bucket, rule: Rule, now: Timestamp) -> Bucket {
    let seconds = now.duration_since(bucket.at).as_secs_f64().max(0.0);
    Bucket { tokens: (bucket.tokens + seconds / rule.every).min(rule.burst), at: now.max(bucket.at) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::ToSpan as _;

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn ten_tries_then_one_every_six_seconds() {
        let limit = SignInLimit::default();
        let start = Timestamp::UNIX_EPOCH;
        for _ in 0..10 {
            limit.take("Ann", HOME, start).unwrap();
        }
        assert_eq!(limit.take("ann", HOME, start), Err(6));
        assert!(limit.take("bob", HOME, start).is_ok(), "others are free");
        assert!(limit.take("ann", "192.0.2.7".parse().unwrap(), start).is_ok(), "ann is free elsewhere");
        assert_eq!(limit.take("ann", HOME, start + 4.seconds()), Err(2));
        assert!(limit.take("ann", HOME, start + 6.seconds()).is_ok());
        assert!(limit.take("ann", HOME, start + 7.seconds()).is_err());
        assert!(limit.take("ann", HOME, start).is_err(), "a clock that goes back gives nothing");
    }

    #[test]
    fn a_success_costs_nothing() {
        let limit = SignInLimit::default();
        for _ in 0..500 {
            limit.take("ann", HOME, Timestamp::UNIX_EPOCH).unwrap();
            limit.give_back("ann", HOME);
        }
    }

    #[test]
    fn one_address_cannot_try_many_names_and_memory_is_bounded() {
        let limit = SignInLimit::default();
        let tried =
            (0..1000).filter(|n| limit.take(&n.to_string(), HOME, Timestamp::UNIX_EPOCH).is_ok()).count();
        assert_eq!(tried, 100);
        for n in 0..60_000_u32 {
            let _ = limit.take("x", IpAddr::from(n.to_be_bytes()), Timestamp::UNIX_EPOCH);
        }
        assert!(limit.buckets.lock().unwrap().len() <= KEPT + 2);
    }
}
