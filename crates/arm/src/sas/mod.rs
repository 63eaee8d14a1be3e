//! Shared access signatures for blobs: signing, parsing, verifying (contract section 8).
//!
//! Two kinds: the service SAS ([`SasToken`]) is for one blob, or for one container and its blobs; the account SAS ([`AccountSas`])
//! for kinds of things in a whole account.
//!
//! A SAS is a query that carries its own permission. What is signed is text: each field as it came, one a line, with the
//! path that the request names. So a token for one blob never fits another, and any changed character breaks it. Checks
//! go: shape, signature (in constant time), time, protocol, address, resource, permission.

mod account;
mod error;
mod token;

pub use account::AccountSas;
pub use error::SasError;
pub use token::{SasToken, SignedResource};

use crate::query::Query;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;
use std::fmt;
use std::net::IpAddr;

/// The storage version that our own tokens carry.
pub const SERVICE_VERSION: &str = "2022-11-02";

/// The key of a storage account: 64 random bytes. Never printed.
#[derive(Clone)]
pub struct AccountKey(Vec<u8>);

impl AccountKey {
    /// Takes the raw bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Reads the Base64 text in which Azure hands keys out.
    pub fn from_base64(text: &str) -> Option<Self> {
        STANDARD.decode(text).ok().filter(|k| !k.is_empty()).map(Self)
    }

    fn mac(&self, text: &str) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(text.as_bytes());
        Some(mac)
    }

    pub(crate) fn sign(&self, text: &str) -> String {
        self.mac(text).map(|mac| STANDARD.encode(mac.finalize().into_bytes())).unwrap_or_default()
    }

    /// Compares in constant time.
    pub(crate) fn verifies(&self, text: &str, signature: &str) -> bool {
        let Ok(given) = STANDARD.decode(signature) else { return false };
        self.mac(text).is_some_and(|mac| mac.verify_slice(&given).is_ok())
    }
}

impl fmt::Debug for AccountKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountKey(…)")
    }
}

/// What a token may do with a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the storage service's own words")]
pub enum SasPermission {
    Read,
    Add,
    Create,
    Write,
    Delete,
    List,
}

impl SasPermission {
    fn letter(self) -> char {
        match self {
            Self::Read => 'r',
            Self::Add => 'a',
            Self::Create => 'c',
            Self::Write => 'w',
            Self::Delete => 'd',
            Self::List => 'l',
        }
    }
}

/// What a request wants, against which a token is checked.
#[derive(Clone, Copy, Debug)]
pub struct SasRequest<'a> {
    /// The storage account's name.
    pub account: &'a str,
    /// The container; empty for the account's blob service itself.
    pub container: &'a str,
    /// The blob; none for the container itself.
    pub blob: Option<&'a str>,
    /// What is to be done.
    pub permission: SasPermission,
    /// The client's address.
    pub address: Option<IpAddr>,
    /// Whether it came over TLS.
    pub https: bool,
}

/// The right to read one blob for a while, and who is given it.
#[derive(Clone, Copy, Debug)]
pub struct ReadGrant<'a> {
    /// The storage account's name.
    pub account: &'a str,
    /// The container.
    pub container: &'a str,
    /// The blob.
    pub blob: &'a str,
    /// From when it counts.
    pub start: Timestamp,
    /// Until when it counts.
    pub expiry: Timestamp,
    /// The object id of the caller who asked for it; empty for nobody.
    pub issued_to: &'a str,
    /// The correlation id of the request that asked for it; empty for none.
    pub correlation: &'a str,
}

/// Signs a read-only token for one blob. The query, without `?`; every value is percent-encoded.
pub fn sign_blob_read(
    key: &AccountKey,
    account: &str,
    container: &str,
    blob: &str,
    start: Timestamp,
    expiry: Timestamp,
) -> String {
    let grant = ReadGrant { account, container, blob, start, expiry, issued_to: "", correlation: "" };
    sign_read(key, &grant)
}

/// Signs a read-only token that names its holder. The query, without `?`; every value is percent-encoded.
pub fn sign_read(key: &AccountKey, grant: &ReadGrant<'_>) -> String {
    let mut token = SasToken {
        permissions: "r".into(),
        start: seconds(grant.start),
        expiry: seconds(grant.expiry),
        protocol: "https".into(),
        version: SERVICE_VERSION.into(),
        resource: SignedResource::Blob,
        issued_to: grant.issued_to.into(),
        correlation: grant.correlation.into(),
        ..SasToken::default()
    };
    token.signature = key.sign(&token.string_to_sign(grant.account, grant.container, Some(grant.blob)));
    token.to_query()
}

/// Proof that a SAS allows what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// When the token ends.
    pub expiry: Timestamp,
    /// Which of the account's keys signed it, counted from 0.
    pub key: usize,
}

/// A SAS of either kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sas {
    /// For one blob, or a container.
    Service(SasToken),
    /// For an account.
    Account(AccountSas),
}

impl Sas {
    /// Reads a query. [`SasError::Missing`] when it has no `sig`.
    ///
    /// # Errors
    /// The first field that is missing, double or cannot be read.
    pub fn parse(query: &Query) -> Result<Self, SasError> {
        if AccountSas::is_meant(query) && query.get("sr").is_none() {
            return AccountSas::parse(query).map(Self::Account);
        }
        SasToken::parse(query).map(Self::Service)
    }

    /// Checks it against a request. Any of `keys` may have signed it.
    ///
    /// # Errors
    /// The first check that fails, in the order of the module's description.
    pub fn verify(
        &self,
        request: &SasRequest<'_>,
        keys: &[AccountKey],
        now: Timestamp,
    ) -> Result<Verified, SasError> {
        match self {
            Self::Service(token) => verify(token, request, keys, now),
            Self::Account(token) => verify_account(token, request, keys, now),
        }
    }
}

/// Checks a service SAS against a request. Any of `keys` (an account has two) may have signed it.
///
/// # Errors
/// The first check that fails, in the order of the module's description.
pub fn verify(
    token: &SasToken,
    request: &SasRequest<'_>,
    keys: &[AccountKey],
    now: Timestamp,
) -> Result<Verified, SasError> {
    let text = token.string_to_sign(request.account, request.container, request.blob);
    let key = which_key(keys, &text, &token.signature)?;
    let expiry = check_time(token.window()?, now)?;
    check_way(&token.protocol, &token.address, request)?;
    if !token.resource_fits(request.blob.is_some()) {
        return Err(SasError::Resource);
    }
    check_permission(&token.permissions, request)?;
    // Of a container itself, a container's token lists the blobs and nothing else.
    if request.blob.is_none() && request.permission != SasPermission::List {
        return Err(SasError::Permission);
    }
    Ok(Verified { expiry, key })
}

fn verify_account(
    token: &AccountSas,
    request: &SasRequest<'_>,
    keys: &[AccountKey],
    now: Timestamp,
) -> Result<Verified, SasError> {
    let key = which_key(keys, &token.string_to_sign(request.account), &token.signature)?;
    let expiry = check_time(token.window()?, now)?;
    check_way(&token.protocol, &token.address, request)?;
    token.check_target(request)?;
    check_permission(&token.permissions, request)?;
    Ok(Verified { expiry, key })
}

/// Which key makes this signature of `text`. Every key is tried, so that the time taken does not tell which one fits.
fn which_key(keys: &[AccountKey], text: &str, signature: &str) -> Result<usize, SasError> {
    let mut fits = None;
    for (index, key) in keys.iter().enumerate() {
        if key.verifies(text, signature) {
            fits = Some(index);
        }
    }
    fits.ok_or(SasError::Signature)
}

fn check_time(
    (start, expiry): (Option<Timestamp>, Timestamp),
    now: Timestamp,
) -> Result<Timestamp, SasError> {
    if start.is_some_and(|s| now < s) || now >= expiry {
        return Err(SasError::Time { start, expiry, now });
    }
    Ok(expiry)
}

/// The protocol, and the client's address.
fn check_way(protocol: &str, address: &str, request: &SasRequest<'_>) -> Result<(), SasError> {
    if protocol == "https" && !request.https {
        return Err(SasError::Protocol);
    }
    if token::address_fits(address, request.address)? { Ok(()) } else { Err(SasError::Address) }
}

fn check_permission(permissions: &str, request: &SasRequest<'_>) -> Result<(), SasError> {
    if permissions.contains(request.permission.letter()) { Ok(()) } else { Err(SasError::Permission) }
}

/// RFC 3339 in whole seconds, as the storage service's own tools write it.
fn seconds(time: Timestamp) -> String {
    let whole = Timestamp::from_second(time.as_second()).unwrap_or(time);
    whole.to_string()
}

#[cfg(test)]
mod tests;
