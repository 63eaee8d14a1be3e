//! The fields of a service SAS, and the text that is signed.

use super::SasError;
use crate::query::Query;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt;
use std::net::IpAddr;

const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// From this storage version on the encryption scope (`ses`) is signed too.
const WITH_ENCRYPTION_SCOPE: &str = "2020-12-06";
/// The oldest storage version whose text-to-sign has this order.
const OLDEST: &str = "2018-11-09";

/// What a service SAS is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SignedResource {
    /// `sr=b`: one blob.
    #[default]
    Blob,
    /// `sr=c`: a container and every blob in it.
    Container,
}

/// The fields of a service SAS, as they came; an absent one is empty.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SasToken {
    /// `sp`
    pub permissions: String,
    /// `st`
    pub start: String,
    /// `se`
    pub expiry: String,
    /// `sip`
    pub address: String,
    /// `spr`
    pub protocol: String,
    /// `sv`
    pub version: String,
    /// `sr`
    pub resource: SignedResource,
    /// `ses`
    pub encryption_scope: String,
    /// `rscc`, `rscd`, `rsce`, `rscl`, `rsct`
    pub response_headers: [String; 5],
    /// `saoid`: the object id of the caller to whom the token was issued, so that its use can be recorded. Signed.
    pub issued_to: String,
    /// `scid`: the correlation id of the request that issued it. Signed.
    pub correlation: String,
    /// `sig`
    pub(super) signature: String,
}

const RESPONSE_HEADERS: [&str; 5] = ["rscc", "rscd", "rsce", "rscl", "rsct"];

impl SasToken {
    /// Reads the fields of a query. [`SasError::Missing`] when it has no `sig`.
    pub fn parse(query: &Query) -> Result<Self, SasError> {
        const FIELDS: [&str; 11] =
            ["sig", "sp", "st", "se", "sip", "spr", "sv", "sr", "ses", "saoid", "scid"];
        each_once(query, &FIELDS)?;
        each_once(query, &RESPONSE_HEADERS)?;
        let field = |name: &str| query.get(name).unwrap_or("").to_string();
        let signature = query.get("sig").ok_or(SasError::Missing)?.to_string();
        let resource = match query.get("sr") {
            Some("b") => SignedResource::Blob,
            Some("c") => SignedResource::Container,
            _ => return Err(SasError::Malformed("sr")),
        };
        // A stored access policy (`si`) would hold fields that are not here; there are none.
        if query.get("si").is_some_and(|si| !si.is_empty()) {
            return Err(SasError::Policy);
        }
        // Signed with a key that a user of Entra was given (`skoid`): nobody is given one here.
        if query.get("skoid").is_some() {
            return Err(SasError::Malformed("skoid"));
        }
        let token = Self {
            permissions: field("sp"),
            start: field("st"),
            expiry: field("se"),
            address: field("sip"),
            protocol: field("spr"),
            version: field("sv"),
            resource,
            encryption_scope: field("ses"),
            response_headers: RESPONSE_HEADERS.map(field),
            issued_to: field("saoid"),
            correlation: field("scid"),
            signature,
        };
        token.check_shape()?;
        Ok(token)
    }

    fn check_shape(&self) -> Result<(), SasError> {
        check_version(&self.version, OLDEST)?;
        check_permissions(&self.permissions)?;
        check_protocol(&self.protocol)?;
        self.window().map(|_| ())
    }

    /// From when (none: at once) until when it counts.
    pub fn window(&self) -> Result<(Option<Timestamp>, Timestamp), SasError> {
        let start = match self.start.as_str() {
            "" => None,
            text => Some(time(text).ok_or(SasError::Malformed("st"))?),
        };
        Ok((start, time(&self.expiry).ok_or(SasError::Malformed("se"))?))
    }

    /// The text whose HMAC is `sig`. A container's token names the container only, whatever blob is asked for.
    pub(super) fn string_to_sign(&self, account: &str, container: &str, blob: Option<&str>) -> String {
        let (canonical, kind) = match (self.resource, blob) {
            (SignedResource::Blob, Some(blob)) => (format!("/blob/{account}/{container}/{blob}"), "b"),
            (SignedResource::Blob, None) => (format!("/blob/{account}/{container}"), "b"),
            (SignedResource::Container, _) => (format!("/blob/{account}/{container}"), "c"),
        };
        let mut lines = vec![
            self.permissions.as_str(),
            &self.start,
            &self.expiry,
            &canonical,
            "",
            &self.address,
            &self.protocol,
            &self.version,
            kind,
            "",
        ];
        if self.version.as_str() >= WITH_ENCRYPTION_SCOPE {
            lines.push(&self.encryption_scope);
        }
        lines.extend(self.response_headers.iter().map(String::as_str));
        let mut text = lines.join("\n");
        // Ours; a token that was made by the storage service's own tools has neither and is signed without them.
        for (name, value) in [("saoid", &self.issued_to), ("scid", &self.correlation)] {
            if !value.is_empty() {
                text.push_str(&format!("\n{name}:{value}"));
            }
        }
        text
    }

    pub(super) fn resource_fits(&self, blob: bool) -> bool {
        blob || self.resource == SignedResource::Container
    }

    /// The query, without `?`.
    pub fn to_query(&self) -> String {
        let resource = match self.resource {
            SignedResource::Blob => "b",
            SignedResource::Container => "c",
        };
        let fields = [
            ("sv", self.version.as_str()),
            ("sr", resource),
            ("sp", &self.permissions),
            ("st", &self.start),
            ("se", &self.expiry),
            ("sip", &self.address),
            ("spr", &self.protocol),
            ("ses", &self.encryption_scope),
            ("saoid", &self.issued_to),
            ("scid", &self.correlation),
            ("sig", &self.signature),
        ];
        let headers = RESPONSE_HEADERS.into_iter().zip(self.response_headers.iter().map(String::as_str));
        let set = fields.into_iter().chain(headers).filter(|(_, value)| !value.is_empty());
        set.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, VALUE)))
            .collect::<Vec<_>>()
            .join("&")
    }
}

/// A token is a secret: whoever reads it in a log could use it.
impl fmt::Debug for SasToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SasToken")
            .field("permissions", &self.permissions)
            .field("start", &self.start)
            .field("expiry", &self.expiry)
            .field("resource", &self.resource)
            .finish_non_exhaustive()
    }
}

/// [`SasError::Malformed`] when one of the fields stands more than once.
pub(super) fn each_once(query: &Query, fields: &[&'static str]) -> Result<(), SasError> {
    let double = |field: &&str| query.pairs().filter(|(k, _)| k.eq_ignore_ascii_case(field)).count() > 1;
    fields.iter().copied().find(double).map_or(Ok(()), |field| Err(SasError::Malformed(field)))
}

pub(super) fn check_version(version: &str, oldest: &str) -> Result<(), SasError> {
    let date = version.parse::<jiff::civil::Date>();
    let good = version.len() == 10 && date.is_ok() && version >= oldest;
    if good { Ok(()) } else { Err(SasError::Malformed("sv")) }
}

pub(super) fn check_permissions(permissions: &str) -> Result<(), SasError> {
    let good = !permissions.is_empty() && permissions.bytes().all(|b| b.is_ascii_lowercase());
    if good { Ok(()) } else { Err(SasError::Malformed("sp")) }
}

pub(super) fn check_protocol(protocol: &str) -> Result<(), SasError> {
    let good = matches!(protocol, "" | "https" | "https,http");
    if good { Ok(()) } else { Err(SasError::Malformed("spr")) }
}

/// Whether `sip`, an address or a range of them, holds the client's; an empty one holds all.
pub(super) fn address_fits(range: &str, client: Option<IpAddr>) -> Result<bool, SasError> {
    if range.is_empty() {
        return Ok(true);
    }
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let parse = |text: &str| text.parse::<IpAddr>().map_err(|_| SasError::Malformed("sip"));
    let (first, last) = (parse(first)?, parse(last)?);
    Ok(client.is_some_and(|c| {
        let c = c.to_canonical();
        c.is_ipv4() == first.is_ipv4() && first <= c && c <= last
    }))
}

/// The forms that the storage service takes: a date, or a date and time in UTC to the minute, second or finer.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    let civil = match text.strip_suffix('Z') {
        Some(minutes) => minutes.parse::<jiff::civil::DateTime>().ok()?,
        None => text.parse::<jiff::civil::Date>().ok()?.at(0, 0, 0, 0),
    };
    civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|z| z.timestamp())
}
