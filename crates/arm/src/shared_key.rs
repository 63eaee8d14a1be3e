//! `Authorization: SharedKey …` of the storage service: the text that is signed, and its check (contract section 3.4).
//!
//! What is signed is the request itself, a line for each part: the verb, eleven headers, every `x-ms-*` header, the path with
//! the account's name before it, every value of the query. So a signature fits one request of one account, for a quarter
//! of an hour around its date. These are the rules of service version 2009-09-19 and later (those of "SharedKey", not of
//! "SharedKeyLite").

use crate::sas::AccountKey;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::percent_decode_str;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

/// How far a request's date may be from the server's time.
pub const DATE_WINDOW: SignedDuration = SignedDuration::from_mins(15);

/// The headers that are signed in this order, beside `x-ms-*`.
const HEADERS: [&str; 11] = [
    "content-encoding",
    "content-language",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "if-modified-since",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "range",
];
/// The date that counts where it is there; `date` is then signed as an empty line.
const OWN_DATE: &str = "x-ms-date";
/// The prefix of the headers that are signed whatever their name.
const OWN: &str = "x-ms-";

/// Why a request's signature is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SharedKeyError {
    /// The header is not `SharedKey account:signature`.
    #[error(
        "Authentication information is not given in the correct format. Check the value of Authorization header."
    )]
    Format,
    /// It was signed for another account than the one that the address names.
    #[error("The account name in the Authorization header is not the account of the request's address.")]
    Account,
    /// No key of the account makes this signature for this request.
    #[error("The MAC signature found in the HTTP request is not the same as any computed signature.")]
    Signature,
    /// Neither `x-ms-date` nor `Date`, or one that is no date.
    #[error("The Date header in the request is incorrect.")]
    NoDate,
    /// Signed too long ago, or for the future.
    #[error(
        "Request date header too old or too new: '{date}'. It may differ from the server's time by 15 minutes."
    )]
    Date {
        /// The date as it came.
        date: String,
    },
}

/// The parts of an `Authorization` header. The signature is not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct SharedKey {
    /// The account that is said to have signed.
    pub account: String,
    signature: String,
}

impl SharedKey {
    /// Reads the header's value.
    ///
    /// # Errors
    /// [`SharedKeyError::Format`] for any other scheme or shape.
    pub fn parse(header: &str) -> Result<Self, SharedKeyError> {
        let (scheme, rest) = header.trim().split_once(' ').ok_or(SharedKeyError::Format)?;
        let (account, signature) = rest.trim().split_once(':').ok_or(SharedKeyError::Format)?;
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        if !scheme.eq_ignore_ascii_case("SharedKey") || !plain(account) || !plain(signature) {
            return Err(SharedKeyError::Format);
        }
        Ok(Self { account: account.to_owned(), signature: signature.to_owned() })
    }
}

impl fmt::Debug for SharedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedKey").field("account", &self.account).finish_non_exhaustive()
    }
}

/// A request as it is signed.
#[derive(Clone, Copy, Debug)]
pub struct SignedRequest<'a> {
    /// `GET`
    pub method: &'a str,
    /// The account that the address names.
    pub account: &'a str,
    /// The path as it came: percent-encoded, and with the account's name as its first segment where the address has it there.
    pub path: &'a str,
    /// What stands behind `?`, as it came.
    pub query: &'a str,
    /// Every header: its name in lower case, and its value.
    pub headers: &'a [(&'a str, &'a str)],
}

impl<'a> SignedRequest<'a> {
    fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.iter().find(|(n, _)| *n == name).map(|(_, value)| value.trim())
    }

    /// The text whose HMAC is the signature, with the `x-ms-*` headers in the given order.
    fn string_to_sign(&self, order: fn(&str, &str) -> Ordering) -> String {
        let mut text = format!("{}\n", self.method);
        for name in HEADERS {
            let value = match (name, self.header(name)) {
                (_, None) | ("content-length", Some("0")) => "",
                ("date", Some(_)) if self.header(OWN_DATE).is_some() => "",
                (_, Some(value)) => value,
            };
            text.push_str(value);
            text.push('\n');
        }
        let mut own: Vec<_> = self.headers.iter().filter(|(name, _)| name.starts_with(OWN)).collect();
        own.sort_by(|(a, _), (b, _)| order(a, b));
        for (name, value) in own {
            text.push_str(&format!("{name}:{}\n", value.trim()));
        }
        text.push_str(&format!("/{}{}", self.account, self.path));
        for (name, mut values) in self.parameters() {
            values.sort_unstable();
            text.push_str(&format!("\n{name}:{}", values.join(",")));
        }
        text
    }

    /// The query's values by their names in lower case, both decoded. A plus sign is one: blanks come as `%20`.
    fn parameters(&self) -> BTreeMap<String, Vec<String>> {
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for pair in self.query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            all.entry(decode(name).to_lowercase()).or_default().push(decode(value));
        }
        all
    }
}

/// Proof that a request is signed with a key of its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// Which of the keys made the signature, counted from 0.
    pub key: usize,
}

/// Checks a request's signature against an account's keys, and then its date.
///
/// # Errors
/// Why it is refused; which of the keys came near is not told.
pub fn verify(
    authorization: &SharedKey,
    request: &SignedRequest<'_>,
    keys: &[AccountKey],
    now: Timestamp,
) -> Result<Verified, SharedKeyError> {
    if authorization.account != request.account {
        return Err(SharedKeyError::Account);
    }
    // Clients that sort like the service skip hyphens; others sort bytes. Every header is in the text either way.
    let texts = [request.string_to_sign(words), request.string_to_sign(|a, b| a.cmp(b))];
    let mut fits = None;
    // Every key is tried, so that the time taken does not tell which one fits.
    for (index, key) in keys.iter().enumerate() {
        for text in &texts {
            if key.verifies(text, &authorization.signature) {
                fits = Some(index);
            }
        }
    }
    let key = fits.ok_or(SharedKeyError::Signature)?;
    check_date(request, now)?;
    Ok(Verified { key })
}

fn check_date(request: &SignedRequest<'_>, now: Timestamp) -> Result<(), SharedKeyError> {
    let date = request.header(OWN_DATE).or_else(|| request.header("date")).ok_or(SharedKeyError::NoDate)?;
    let time = jiff::fmt::rfc2822::parse(date).map_err(|_| SharedKeyError::NoDate)?.timestamp();
    if time.duration_since(now).abs() > DATE_WINDOW {
        return Err(SharedKeyError::Date { date: date.chars().take(64).collect() });
    }
    Ok(())
}

/// The service's order of headers: hyphens count only between names that are the same without them, where the one whose
/// first hyphen comes later is first.
fn words(a: &str, b: &str) -> Ordering {
    let plain = |text: &'_ str| text.bytes().filter(|b| *b != b'-').map(weight).collect::<Vec<_>>();
    plain(a).cmp(&plain(b)).then_with(|| {
        let first = a.bytes().zip(b.bytes()).find(|(a, b)| a != b);
        match first {
            Some((b'-', _)) => Ordering::Greater,
            Some((_, b'-')) => Ordering::Less,
            _ => a.cmp(b),
        }
    })
}

/// Signs before digits before letters.
fn weight(byte: u8) -> (u8, u8) {
    match byte {
        b'0'..=b'9' => (1, byte),
        b'a'..=b'z' => (2, byte),
        _ => (0, byte),
    }
}

#[cfg(test)]
mod tests;
