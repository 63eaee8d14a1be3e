//! Device codes that wait for a person (RFC 8628), in memory: they live for a quarter of an hour, and a restart asks the
//! person to begin again. With several servers behind one address a client must stay with one of them until it is signed in.
//!
//! ```text
//! begin ──► waiting ──answer──► approved ──poll──► (gone: the tokens are given out once)
//!             │        └──────► refused ──poll──► (gone)
//!             └─ a quarter of an hour ──► expired ── another ──► (gone)
//! ```
//!
//! Both codes are kept as SHA-256 only. One mutex, never held over an await.

use crate::random::Random;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How long a code waits, seconds.
pub const LIFETIME: i64 = 900;
/// How long a client waits between two polls, seconds.
pub const INTERVAL: i64 = 5;

/// Most requests at a time; whoever comes then is told to come later.
const MOST: usize = 1000;
/// Letters of a user code: consonants, so that no words come out, and none that is taken for another (RFC 8628, 6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// Letters in a user code: 20^8 of them, against ten tries a minute.
const LENGTH: usize = 8;

type Hash = [u8; 32];

/// What a client asked for: what the person sees before saying yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceRequest {
    /// The client's id.
    pub client: String,
    /// Whom the access token will be for.
    pub audience: String,
    /// From where the client asked.
    pub address: String,
    /// When.
    pub asked: Timestamp,
    /// Until when.
    pub expires: Timestamp,
}

/// The codes of a new request; each is handed out once and not kept.
pub struct Codes {
    /// What the client polls with.
    pub device: String,
    /// What the person types: `BCDF-GHJK`.
    pub user: String,
}

/// What a client's poll meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Poll {
    /// Nobody has answered yet.
    Waiting,
    /// The same, and the client asks too often.
    TooOften,
    /// This person said yes.
    Approved(String, DeviceRequest),
    /// A person said no.
    Refused,
    /// Nobody answered in time.
    Expired,
    /// No such code, another client's, or one that was used.
    Unknown,
}

#[derive(Debug)]
enum Answer {
    None,
    Approved(String),
    Refused,
}

#[derive(Debug)]
struct Entry {
    user: Hash,
    request: DeviceRequest,
    answer: Answer,
    polled: Option<Timestamp>,
}

/// The requests that wait.
#[derive(Debug, Default)]
pub struct DeviceCodes {
    /// By the hash of the device code.
    entries: Mutex<HashMap<Hash, Entry>>,
}

impl DeviceCodes {
    /// A new request's codes; none when too many wait already.
    pub fn begin(&self, random: &dyn Random, request: DeviceRequest) -> Option<Codes> {
        let mut entries = self.entries();
        let now = request.asked;
        // For as long again as it lived, an expired code is known for what it is.
        let forgotten =
            |entry: &Entry| now.duration_since(entry.request.expires) > SignedDuration::from_secs(LIFETIME);
        entries.retain(|_, entry| !forgotten(entry));
        if entries.len() >= MOST {
            return None;
        }
        let device = random.hex(32);
        let user = user_code(random);
        let user_hash = hash(&normal(&user)?);
        if entries.values().any(|entry| entry.user == user_hash) {
            return None;
        }
        let entry = Entry { user: user_hash, request, answer: Answer::None, polled: None };
        entries.insert(hash(&device), entry);
        Some(Codes { device, user })
    }

    /// A client asks whether somebody has answered. An answer is given out once.
    pub fn poll(&self, device: &str, client: &str, now: Timestamp) -> Poll {
        let mut entries = self.entries();
        let key = hash(device);
        let Some(entry) = entries.get_mut(&key).filter(|entry| entry.request.client == client) else {
            return Poll::Unknown;
        };
        if now >= entry.request.expires {
            return Poll::Expired;
        }
        match std::mem::replace(&mut entry.answer, Answer::None) {
            Answer::Approved(oid) => {
                let gone = entries.remove(&key);
                gone.map_or(Poll::Unknown, |entry| Poll::Approved(oid, entry.request))
            }
            Answer::Refused => {
                entries.remove(&key);
                Poll::Refused
            }
            Answer::None => {
                let before = entry.polled.replace(now);
                let pause = before.map(|before| now.duration_since(before));
                match pause.is_some_and(|pause| pause < SignedDuration::from_secs(INTERVAL)) {
                    true => Poll::TooOften,
                    false => Poll::Waiting,
                }
            }
        }
    }

    /// The request that waits under a code, as a person typed it.
    pub fn find(&self, user: &str, now: Timestamp) -> Option<DeviceRequest> {
        let mut entries = self.entries();
        waiting(&mut entries, user, now).map(|entry| entry.request.clone())
    }

    /// A person's answer: their object id for yes, none for no. Whether the code was still waiting.
    pub fn answer(&self, user: &str, approver: Option<&str>, now: Timestamp) -> bool {
        let mut entries = self.entries();
        let Some(entry) = waiting(&mut entries, user, now) else { return false };
        entry.answer = approver.map_or(Answer::Refused, |oid| Answer::Approved(oid.to_owned()));
        true
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<Hash, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn waiting<'e>(entries: &'e mut HashMap<Hash, Entry>, user: &str, now: Timestamp) -> Option<&'e mut Entry> {
    let user = hash(&normal(user)?);
    entries
        .values_mut()
        .find(|e| e.user == user && now < e.request.expires && matches!(e.answer, Answer::None))
}

fn hash(code: &str) -> Hash {
    Sha256::digest(code.as_bytes()).into()
}

fn user_code(random: &dyn Random) -> String {
    let mut code = String::with_capacity(LENGTH + 1);
    while code.len() <= LENGTH {
        let mut byte = [0];
        random.fill(&mut byte);
        let [byte] = byte;
        // Every letter is as likely as any other.
        if usize::from(byte) >= 256 - 256 % LETTERS.len() {
            continue;
        }
        if let Some(letter) = LETTERS.get(usize::from(byte) % LETTERS.len()) {
            code.push(char::from(*letter));
        }
        if code.len() == LENGTH / 2 {
            code.push('-');
        }
    }
    code
}

/// A code as it was given out, from what a person typed: any case, blanks and dashes anywhere.
fn normal(typed: &str) -> Option<String> {
    if typed.len() > 64 {
        return None;
    }
    let letters = typed.chars().filter(|c| !c.is_whitespace() && *c != '-');
    let code: String = letters.map(|c| c.to_ascii_uppercase()).collect();
    (code.len() == LENGTH && code.bytes().all(|b| LETTERS.contains(&b))).then_some(code)
}

impl std::fmt::Debug for Codes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Codes").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn begin(codes: &DeviceCodes, second: i64) -> Option<Codes> {
        let request = DeviceRequest {
            client: "az".into(),
            audience: "https://localhost".into(),
            address: "192.0.2.1".into(),
            asked: at(second),
            expires: at(second + LIFETIME),
        };
        codes.begin(&SystemRandom, request)
    }

    #[test]
    fn an_answer_is_given_out_once_and_to_its_client_only() {
        let all = DeviceCodes::default();
        let codes = begin(&all, 0).unwrap();
        assert_eq!(all.poll(&codes.device, "az", at(1)), Poll::Waiting);
        assert_eq!(all.poll(&codes.device, "az", at(5)), Poll::TooOften);
        assert_eq!(all.poll(&codes.device, "az", at(10)), Poll::Waiting);
        assert_eq!(all.poll(&codes.device, "other", at(20)), Poll::Unknown);
        assert_eq!(all.poll(&codes.user, "az", at(20)), Poll::Unknown);
        let typed = format!(" {} ", codes.user.to_lowercase().replace('-', " - "));
        assert_eq!(all.find(&typed, at(20)).unwrap().address, "192.0.2.1");
        assert!(all.answer(&typed, Some("ann"), at(20)));
        assert!(!all.answer(&typed, None, at(20)), "the first answer counts");
        assert!(all.find(&typed, at(20)).is_none());
        let answered = all.poll(&codes.device, "az", at(21));
        assert!(matches!(answered, Poll::Approved(oid, _) if oid == "ann"), "an answer is not held back");
        assert_eq!(all.poll(&codes.device, "az", at(30)), Poll::Unknown);
    }

    #[test]
    fn a_code_expires_and_is_known_as_expired_for_a_while() {
        let all = DeviceCodes::default();
        let codes = begin(&all, 0).unwrap();
        assert!(all.answer(&codes.user, Some("ann"), at(10)));
        assert_eq!(all.poll(&codes.device, "az", at(LIFETIME)), Poll::Expired, "an approved one too");
        assert!(!all.answer(&codes.user, Some("ann"), at(LIFETIME)));
        begin(&all, LIFETIME).unwrap();
        assert_eq!(all.poll(&codes.device, "az", at(LIFETIME + 1)), Poll::Expired);
        begin(&all, 2 * LIFETIME + 1).unwrap();
        assert_eq!(all.poll(&codes.device, "az", at(2 * LIFETIME + 1)), Poll::Unknown);
    }

    #[test]
    fn a_refusal_is_told_once() {
        let all = DeviceCodes::default();
        let codes = begin(&all, 0).unwrap();
        assert!(all.answer(&codes.user, None, at(1)));
        assert_eq!(all.poll(&codes.device, "az", at(2)), Poll::Refused);
        assert_eq!(all.poll(&codes.device, "az", at(9)), Poll::Unknown);
    }

    #[test]
    fn memory_is_bounded_and_codes_are_readable() {
        let all = DeviceCodes::default();
        let code = begin(&all, 0).unwrap().user;
        assert_eq!((code.len(), code.as_bytes()[4]), (9, b'-'), "{code}");
        assert_eq!((1..MOST).filter_map(|_| begin(&all, 0)).count(), MOST - 1);
        assert!(begin(&all, 0).is_none());
        assert!(begin(&all, 2 * LIFETIME + 1).is_some());
        for typed in ["", "BCDF", "BCDF-GHJA", "BCDF-GHJKL", &"B".repeat(100)] {
            assert_eq!(normal(typed), None, "{typed}");
        }
    }
}
