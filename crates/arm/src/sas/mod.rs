//! Shared access signatures for blobs: signing, parsing, verifying (contract section 8).
//!
//! A SAS is a query that carries its own permission. What is signed is text: each field as it came, one a line, with the
//! path that the request names. So a token for one blob never fits another, and any changed character breaks it. Checks
//! go: shape, signature (in constant time), time, protocol, address, resource, permission.

mod error;
mod token;

pub use error::SasError;
pub use token::{SasToken, SignedResource};

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

    fn sign(&self, text: &str) -> String {
        self.mac(text).map(|mac| STANDARD.encode(mac.finalize().into_bytes())).unwrap_or_default()
    }

    /// Compares in constant time.
    fn verifies(&self, text: &str, signature: &str) -> bool {
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
    /// The container.
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
}

/// Checks a token against a request. Any of `keys` (an account has two) may have signed it.
pub fn verify(
    token: &SasToken,
    request: &SasRequest<'_>,
    keys: &[AccountKey],
    now: Timestamp,
) -> Result<Verified, SasError> {
    let text = token.string_to_sign(request.account, request.container, request.blob);
    // Every key is tried, so that the time taken does not tell which one fits.
    let good = keys.iter().fold(false, |good, key| key.verifies(&text, &token.signature) | good);
    if !good {
        return Err(SasError::Signature);
    }
    let (start, expiry) = token.window()?;
    if start.is_some_and(|s| now < s) || now >= expiry {
        return Err(SasError::Time { start, expiry, now });
    }
    if token.protocol == "https" && !request.https {
        return Err(SasError::Protocol);
    }
    if !token.address_fits(request.address)? {
        return Err(SasError::Address);
    }
    if !token.resource_fits(request.blob.is_some()) {
        return Err(SasError::Resource);
    }
    if !token.permissions.contains(request.permission.letter()) {
        return Err(SasError::Permission);
    }
    Ok(Verified { expiry })
}

/// RFC 3339 in whole seconds, as the storage service's own tools write it.
fn seconds(time: Timestamp) -> String {
    let whole = Timestamp::from_second(time.as_second()).unwrap_or(time);
    whole.to_string()
}

#[cfg(test)]
mod tests;
