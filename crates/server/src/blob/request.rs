//! A request of the blob endpoint: which account, what in it, and what it was signed with.

use super::address;
use super::error::StorageError;
use crate::pipeline::Cx;
use hardline_arm::query::Query;
use hardline_arm::shared_key::SignedRequest;
use http::request::Parts;
use http::{Method, header};
use percent_encoding::percent_decode_str;

/// A request as it came; it holds secrets and is not shown by `Debug`.
pub struct BlobRequest {
    /// The account that host or path names.
    pub account: String,
    /// The container; empty for the account's blob service itself.
    pub container: String,
    /// The blob; empty for the container itself.
    pub blob: String,
    method: Method,
    /// Percent-encoded, as it was signed.
    path: String,
    query: String,
    /// Names in lower case.
    headers: Vec<(String, String)>,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The containers of the account.
    Containers,
    /// A container's properties.
    Container,
    /// The blobs of a container.
    Blobs,
    /// A blob, or its properties.
    Blob,
}

impl BlobRequest {
    /// A request to an account that the host names, or else the first segment of the path.
    pub fn new(host_account: Option<&str>, parts: &Parts) -> Self {
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let path = parts.uri.path();
        let below = path.trim_start_matches('/');
        let (account, below) = match host_account {
            Some(account) => (account, below),
            None => below.split_once('/').unwrap_or((below, "")),
        };
        let (container, blob) = below.split_once('/').unwrap_or((below, ""));
        let headers = parts.headers.iter().map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        Self {
            account: account.to_owned(),
            container: decode(container),
            blob: decode(blob),
            method: parts.method.clone(),
            path: path.to_owned(),
            query: parts.uri.query().unwrap_or("").to_owned(),
            headers: headers.collect(),
        }
    }

    /// Whether a request is meant for an account whatever its name: it is signed as only the storage service's are.
    pub fn is_signed(parts: &Parts, query: &Query) -> bool {
        let scheme = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let shared = scheme.is_some_and(|s| s.get(..9).is_some_and(|s| s.eq_ignore_ascii_case("SharedKey")));
        shared || query.get("sig").is_some()
    }

    /// The account's name where the path's first segment may be one.
    pub fn candidate(path: &str) -> Option<&str> {
        let first = path.trim_start_matches('/').split('/').next()?;
        address::may_be_account(first).then_some(first)
    }

    /// `Authorization`, as it came.
    pub fn authorization(&self) -> Option<&str> {
        self.headers.iter().find(|(name, _)| name == header::AUTHORIZATION.as_str()).map(|(_, v)| v.as_str())
    }

    /// What is asked for.
    ///
    /// # Errors
    /// 405 for what would change something, 400 for what there is not.
    pub fn wanted(&self, cx: &Cx) -> Result<Wanted, StorageError> {
        if ![Method::GET, Method::HEAD].contains(&self.method) {
            return Err(StorageError::unsupported_verb());
        }
        let parameter = |name: &str| cx.query.get(name).unwrap_or("").to_ascii_lowercase();
        let (restype, comp) = (parameter("restype"), parameter("comp"));
        match (self.container.as_str(), self.blob.as_str(), restype.as_str(), comp.as_str()) {
            ("", "", "", "list") => Ok(Wanted::Containers),
            (_, "", "container", "") if !self.container.is_empty() => Ok(Wanted::Container),
            (_, "", "container", "list") if !self.container.is_empty() => Ok(Wanted::Blobs),
            (_, "", "", "") => Err(StorageError::invalid_uri()),
            (_, _, "", "") if !self.container.is_empty() => Ok(Wanted::Blob),
            _ => Err(StorageError::unsupported_query()),
        }
    }

    /// The headers in the form in which they are signed.
    pub fn header_pairs(&self) -> Vec<(&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// The request as it is signed with an account's key.
    pub fn signed<'a>(&'a self, headers: &'a [(&'a str, &'a str)]) -> SignedRequest<'a> {
        SignedRequest {
            method: self.method.as_str(),
            account: &self.account,
            path: &self.path,
            query: &self.query,
            headers,
        }
    }
}
