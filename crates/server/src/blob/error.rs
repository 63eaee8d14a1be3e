//! The storage service's errors: XML with a code, and the code again in the header `x-ms-error-code`.

use http::StatusCode;
use jiff::Timestamp;

/// An error of the blob endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct StorageError {
    /// The HTTP status.
    pub status: StatusCode,
    /// The service's code, which clients match.
    pub code: &'static str,
    /// For people.
    pub message: &'static str,
    /// Further elements of the body: name and text.
    pub details: Vec<(&'static str, String)>,
    /// The blob's length, for `Content-Range: bytes */length` of a 416.
    pub length: Option<u64>,
}

impl StorageError {
    fn new(status: StatusCode, code: &'static str, message: &'static str) -> Self {
        Self { status, code, message, details: Vec::new(), length: None }
    }

    /// No such blob.
    pub fn blob_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "BlobNotFound", "The specified blob does not exist.")
    }

    /// The range lies behind the blob's end. `length` is the blob's, bytes.
    pub fn invalid_range(length: u64) -> Self {
        let mut error = Self::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "InvalidRange",
            "The range specified is invalid for the current size of the resource.",
        );
        error.length = Some(length);
        error
    }

    /// A method that this endpoint does not have.
    pub fn unsupported_verb() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "UnsupportedHttpVerb",
            "The resource doesn't support specified Http Verb.",
        )
    }

    /// A path that is not `/{account}/{container}/{blob}`.
    pub fn invalid_uri() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "InvalidUri",
            "The requested URI does not represent any resource on the server.",
        )
    }

    /// `If-Match` or `If-Unmodified-Since` does not hold.
    pub fn condition_not_met() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "ConditionNotMet",
            "The condition specified using HTTP conditional header(s) is not met.",
        )
    }

    /// No such container.
    pub fn container_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "ContainerNotFound", "The specified container does not exist.")
    }

    /// A `comp` or `restype` that this endpoint does not have.
    pub fn unsupported_query() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "InvalidQueryParameterValue",
            "Value for one of the query parameters specified in the request URI is invalid.",
        )
    }

    /// `maxresults` is not from 1 to 5000.
    pub fn out_of_range() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "OutOfRangeQueryParameterValue",
            "One of the query parameters specified in the request URI is outside the permissible range.",
        )
    }

    /// The account's firewall does not let the client's address through.
    pub fn authorization_failure() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "AuthorizationFailure",
            "This request is not authorized to perform this operation.",
        )
    }

    /// The account's keys open nothing (`allowSharedKeyAccess`).
    pub fn keys_not_permitted() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "KeyBasedAuthenticationNotPermitted",
            "Key based authentication is not permitted on this storage account.",
        )
    }

    /// The account is reached over TLS only.
    pub fn requires_https() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "AccountRequiresHttps",
            "The account being accessed does not support http.",
        )
    }

    /// An `Authorization` header of another scheme, or none that can be read.
    pub fn invalid_authentication() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "InvalidAuthenticationInfo",
            "Authentication information is not given in the correct format. Check the value of Authorization header.",
        )
    }

    /// Something of ours failed; the cause is in the log.
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalError",
            "The server encountered an internal error. Please retry the request.",
        )
    }

    /// The body, as the storage service writes it (byte order mark included).
    pub fn xml(&self, request_id: &str, now: Timestamp) -> String {
        let time = now.strftime("%Y-%m-%dT%H:%M:%S.%6f0Z");
        let mut body = format!(
            "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{}</Code><Message>{}\nRequestId:{}\nTime:{time}</Message>",
            self.code,
            escape(self.message),
            escape(request_id),
        );
        for (name, text) in &self.details {
            body.push_str(&format!("<{name}>{}</{name}>", escape(text)));
        }
        body.push_str("</Error>");
        body
    }
}

/// Text as XML text. Characters that XML 1.0 cannot hold become U+FFFD.
pub(super) fn escape(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { '\u{FFFD}' } else { c })
        .collect();
    quick_xml::escape::escape(clean.as_str()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_the_storage_services() {
        let mut error = StorageError::from(hardline_arm::sas::SasError::Signature);
        error.details =
            vec![("AuthenticationErrorDetail", "Signature did not match <here> & there\u{0}".into())];
        let now = "2026-11-21T10:00:00.5Z".parse().unwrap();
        assert_eq!(
            error.xml("r-1", now),
            "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>AuthenticationFailed</Code><Message>Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature.\nRequestId:r-1\nTime:2026-11-21T10:00:00.5000000Z</Message><AuthenticationErrorDetail>Signature did not match &lt;here&gt; &amp; there\u{FFFD}</AuthenticationErrorDetail></Error>"
        );
    }
}
