//! Why a SAS is refused, in the storage service's words.

use http::StatusCode;
use jiff::Timestamp;

/// Why a SAS is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SasError {
    /// There is no `sig` at all: the request is anonymous.
    #[error("the request carries no shared access signature")]
    Missing,
    /// A field is missing, double or cannot be read.
    #[error("the value of '{0}' in the shared access signature is missing or invalid")]
    Malformed(&'static str),
    /// The signature does not fit the request: wrong key, changed field, another blob.
    #[error("Signature did not match.")]
    Signature,
    /// Too early or too late.
    #[error("Signature not valid in the specified time frame: Start [{}] - Expiry [{expiry}] - Current [{now}]", start.map(|s| s.to_string()).unwrap_or_default())]
    Time {
        /// From when it counts; none for "at once".
        start: Option<Timestamp>,
        /// Until when it counts.
        expiry: Timestamp,
        /// When it was used.
        now: Timestamp,
    },
    /// The token does not allow this.
    #[error("the shared access signature does not allow this operation")]
    Permission,
    /// The token is for another kind of resource.
    #[error("the shared access signature is for another kind of resource")]
    Resource,
    /// It refers to a stored access policy; there are none.
    #[error(
        "the shared access signature refers to a stored access policy ('si'), which this server does not have"
    )]
    Policy,
    /// The token is for other services than blobs.
    #[error("the shared access signature is for another service")]
    Service,
    /// The token is for https only.
    #[error("the shared access signature is for https only")]
    Protocol,
    /// The token is for other addresses.
    #[error("the shared access signature is not for the client's address")]
    Address,
}

impl SasError {
    /// The status of the storage service's answer.
    pub fn status(&self) -> StatusCode {
        match self {
            // Azure hides whether a private container exists.
            Self::Missing => StatusCode::NOT_FOUND,
            _ => StatusCode::FORBIDDEN,
        }
    }

    /// The storage service's error code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "ResourceNotFound",
            Self::Malformed(_) | Self::Signature | Self::Policy | Self::Time { .. } => "AuthenticationFailed",
            Self::Service => "AuthorizationServiceMismatch",
            Self::Permission => "AuthorizationPermissionMismatch",
            Self::Resource => "AuthorizationResourceTypeMismatch",
            Self::Protocol => "AuthorizationProtocolMismatch",
            Self::Address => "AuthorizationSourceIPMismatch",
        }
    }

    /// The storage service's sentence.
    pub fn message(&self) -> &'static str {
        match self {
            Self::Missing => "The specified resource does not exist.",
            Self::Service => "This request is not authorized to perform this operation using this service.",
            Self::Malformed(_) | Self::Signature | Self::Policy | Self::Time { .. } => {
                "Server failed to authenticate the request. Make sure the value of Authorization header is formed correctly including the signature."
            }
            Self::Permission => {
                "This request is not authorized to perform this operation using this permission."
            }
            Self::Resource => {
                "This request is not authorized to perform this operation using this resource type."
            }
            Self::Protocol => "This request is not authorized to perform this operation using this protocol.",
            Self::Address => "This request is not authorized to perform this operation using this source IP.",
        }
    }

    /// `AuthenticationErrorDetail`: says what to mend, never what was signed.
    pub fn detail(&self) -> Option<String> {
        (self.code() == "AuthenticationFailed").then(|| self.to_string())
    }
}
