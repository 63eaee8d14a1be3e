//! The account SAS: one token for services, containers and blobs of an account (contract section 8).

use super::token::{self, time};
use super::{SasError, SasRequest};
use crate::query::Query;
use jiff::Timestamp;
use std::fmt;

/// From this storage version on the encryption scope (`ses`) is a line of the text.
const WITH_ENCRYPTION_SCOPE: &str = "2020-12-06";
/// The first storage version that has account SAS.
const OLDEST: &str = "2015-04-05";

/// The fields of an account SAS, as they came; an absent one is empty.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AccountSas {
    /// `ss`: `b` for blobs among the services.
    pub services: String,
    /// `srt`: `s` for the service, `c` for containers, `o` for blobs.
    pub resource_types: String,
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
    /// `ses`
    pub encryption_scope: String,
    /// `sig`
    pub(super) signature: String,
}

impl AccountSas {
    /// Whether a query is meant as an account SAS: it names services or resource types.
    pub fn is_meant(query: &Query) -> bool {
        query.get("ss").is_some() || query.get("srt").is_some()
    }

    /// Reads the fields of a query. [`SasError::Missing`] when it has no `sig`.
    ///
    /// # Errors
    /// The first field that is missing, double or cannot be read.
    pub fn parse(query: &Query) -> Result<Self, SasError> {
        const FIELDS: [&str; 10] = ["sig", "ss", "srt", "sp", "st", "se", "sip", "spr", "sv", "ses"];
        token::each_once(query, &FIELDS)?;
        let field = |name: &str| query.get(name).unwrap_or("").to_string();
        let signature = query.get("sig").ok_or(SasError::Missing)?.to_string();
        let sas = Self {
            services: field("ss"),
            resource_types: field("srt"),
            permissions: field("sp"),
            start: field("st"),
            expiry: field("se"),
            address: field("sip"),
            protocol: field("spr"),
            version: field("sv"),
            encryption_scope: field("ses"),
            signature,
        };
        token::check_version(&sas.version, OLDEST)?;
        let letters = |text: &str, of: &str| !text.is_empty() && text.chars().all(|c| of.contains(c));
        if !letters(&sas.services, "bqtf") {
            return Err(SasError::Malformed("ss"));
        }
        if !letters(&sas.resource_types, "sco") {
            return Err(SasError::Malformed("srt"));
        }
        token::check_permissions(&sas.permissions)?;
        token::check_protocol(&sas.protocol)?;
        sas.window()?;
        Ok(sas)
    }

    /// From when (none: at once) until when it counts.
    ///
    /// # Errors
    /// When one of the times cannot be read.
    pub fn window(&self) -> Result<(Option<Timestamp>, Timestamp), SasError> {
        let start = match self.start.as_str() {
            "" => None,
            text => Some(time(text).ok_or(SasError::Malformed("st"))?),
        };
        Ok((start, time(&self.expiry).ok_or(SasError::Malformed("se"))?))
    }

    /// The text whose HMAC is `sig`: each field and a line feed, the last one too.
    pub(super) fn string_to_sign(&self, account: &str) -> String {
        let mut lines = vec![
            account,
            &self.permissions,
            &self.services,
            &self.resource_types,
            &self.start,
            &self.expiry,
            &self.address,
            &self.protocol,
            &self.version,
        ];
        if self.version.as_str() >= WITH_ENCRYPTION_SCOPE {
            lines.push(&self.encryption_scope);
        }
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// Whether it is for what the request names.
    pub(super) fn check_target(&self, request: &SasRequest<'_>) -> Result<(), SasError> {
        if !self.services.contains('b') {
            return Err(SasError::Service);
        }
        let kind = match (request.container, request.blob) {
            ("", _) => 's',
            (_, None) => 'c',
            (_, Some(_)) => 'o',
        };
        if self.resource_types.contains(kind) { Ok(()) } else { Err(SasError::Resource) }
    }
}

/// A token is a secret: whoever reads it in a log could use it.
impl fmt::Debug for AccountSas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountSas")
            .field("services", &self.services)
            .field("resource_types", &self.resource_types)
            .field("permissions", &self.permissions)
            .field("expiry", &self.expiry)
            .finish_non_exhaustive()
    }
}
