//! What went wrong, in ARM's words: one envelope, constructors for the known texts (contract section 10).
//!
//! An [`ArmError`] has an outward half (status, code, message, target, details), which the caller sees, and an inward half
//! (`source`), which only the log sees. A 5xx never carries detail outward.

use http::{HeaderName, Method, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::fmt;

/// The boxed cause of an error, for the log.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// An error as ARM tells it.
#[derive(Debug)]
pub struct ArmError {
    /// The HTTP status.
    pub status: StatusCode,
    /// The machine-readable code: `ResourceNotFound`.
    pub code: Cow<'static, str>,
    /// One sentence for people.
    pub message: String,
    /// What the error is about: a property's path or a resource id.
    pub target: Option<String>,
    /// The single causes of a compound error.
    pub details: Vec<ErrorDetail>,
    extra: Option<Box<Extra>>,
}

#[derive(Debug, Default)]
struct Extra {
    innererror: Option<Value>,
    headers: Vec<(HeaderName, String)>,
    source: Option<Cause>,
}

/// One entry of `details`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// The code of this cause.
    pub code: String,
    /// The sentence of this cause.
    pub message: String,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<String>,
}

impl ArmError {
    /// An error with any code; prefer a constructor below when the text is a known one.
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.into(),
            message: message.into(),
            target: None,
            details: Vec::new(),
            extra: None,
        }
    }

    /// Names what the error is about.
    #[must_use]
    pub fn with_target(mut self, target: impl Into<String>) -> Self {
        self.target = Some(target.into());
        self
    }

    /// Adds a cause to `details`.
    #[must_use]
    pub fn with_detail(mut self, code: impl Into<String>, message: impl Into<String>) -> Self {
        self.details.push(ErrorDetail { code: code.into(), message: message.into(), target: None });
        self
    }

    /// Sets `innererror`.
    #[must_use]
    pub fn with_inner(mut self, inner: Value) -> Self {
        self.extra.get_or_insert_default().innererror = Some(inner);
        self
    }

    /// Adds a response header (`WWW-Authenticate`, `Allow`, `Retry-After`).
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.extra.get_or_insert_default().headers.push((name, value.into()));
        self
    }

    /// Keeps the cause for the log; the caller never sees it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Cause>) -> Self {
        self.extra.get_or_insert_default().source = Some(source.into());
        self
    }

    /// The response headers that belong to the error.
    pub fn headers(&self) -> &[(HeaderName, String)] {
        self.extra.as_ref().map_or(&[], |e| &e.headers)
    }

    /// The inward cause, for the log.
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.extra.as_ref()?.source.as_deref()
    }

    /// The `error` member: code, message, target, details, innererror.
    pub fn body(&self) -> Value {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let Some(map) = error.as_object_mut() {
            if let Some(target) = &self.target {
                map.insert("target".into(), target.as_str().into());
            }
            if !self.details.is_empty() {
                map.insert("details".into(), json!(self.details));
            }
            if let Some(inner) = self.extra.as_ref().and_then(|e| e.innererror.as_ref()) {
                map.insert("innererror".into(), inner.clone());
            }
        }
        error
    }

    /// The whole body: `{"error": …}`.
    pub fn envelope(&self) -> Value {
        json!({ "error": self.body() })
    }
}

/// The known errors.
impl ArmError {
    /// 404: the resource is not there. Works for ids of resources, groups and subscriptions.
    pub fn resource_not_found(id: &crate::resource_id::ResourceId) -> Self {
        if id.namespace().is_none() {
            return match (id.group(), id.subscription()) {
                (Some(group), _) => Self::group_not_found(group),
                (None, Some(subscription)) => Self::subscription_not_found(subscription),
                (None, None) => Self::not_found("The resource was not found."),
            };
        }
        let path: Vec<_> = std::iter::once(id.resource_type()).chain(id.names()).collect();
        let message = match id.group() {
            Some(group) => format!(
                "The Resource '{}' under resource group '{group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
                path.join("/"),
            ),
            None => format!("The Resource '{}' was not found.", path.join("/")),
        };
        Self::new(StatusCode::NOT_FOUND, "ResourceNotFound", message)
    }

    /// 404 with a text of its own.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", message)
    }

    /// 404: the parent of what was asked for is not there.
    pub fn parent_not_found(parent: &str) -> Self {
        let text = format!(
            "Can not perform requested operation on nested resource. Parent resource '{parent}' not found."
        );
        Self::new(StatusCode::NOT_FOUND, "ParentResourceNotFound", text)
    }

    /// 404: no such resource group.
    pub fn group_not_found(group: &str) -> Self {
        let text = format!("Resource group '{group}' could not be found.");
        Self::new(StatusCode::NOT_FOUND, "ResourceGroupNotFound", text)
    }

    /// 404: no such subscription.
    pub fn subscription_not_found(subscription: &str) -> Self {
        let text = format!("The subscription '{subscription}' could not be found.");
        Self::new(StatusCode::NOT_FOUND, "SubscriptionNotFound", text)
    }

    /// 404: the path names a type or a verb that no row of the table has.
    pub fn invalid_resource_type(resource_type: &str, namespace: &str) -> Self {
        let text = format!(
            "The resource type '{resource_type}' could not be found in the namespace '{namespace}'. Check the spelling of the path."
        );
        Self::new(StatusCode::NOT_FOUND, "InvalidResourceType", text)
    }

    /// 404: the path is no ARM path at all; `reason` says why.
    pub fn invalid_path(reason: &dyn fmt::Display) -> Self {
        let text = format!("The request's path is invalid: {reason}.");
        Self::new(StatusCode::NOT_FOUND, "InvalidResourceId", text)
    }

    /// 405: the path is known, the method is not one of `allowed`.
    pub fn method_not_allowed(method: &Method, allowed: &[Method]) -> Self {
        let list: Vec<_> = allowed.iter().map(Method::as_str).collect();
        let text = format!("The requested resource does not support http method '{method}'.");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "HttpMethodNotAllowed", text)
            .with_header(header::ALLOW, list.join(", "))
    }

    /// 403: the caller has no role that allows `action` at `scope`. Says the same whether or not the scope exists.
    pub fn authorization_failed(client: &str, object_id: &str, action: &str, scope: &str) -> Self {
        let text = format!(
            "The client '{client}' with object id '{object_id}' does not have authorization to perform action '{action}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials."
        );
        Self::new(StatusCode::FORBIDDEN, "AuthorizationFailed", text)
    }

    /// 403: the caller may do `action` at `scope`, and not what naming `linked_scope` there takes. Says the same whether or not
    /// that exists.
    pub fn linked_authorization_failed(
        (client, object_id): (&str, &str),
        (action, scope): (&str, &str),
        (linked_action, linked_scope): (&str, &str),
    ) -> Self {
        let text = format!(
            "The client '{client}' with object id '{object_id}' has permission to perform action '{action}' on scope '{scope}'; however, it does not have permission to perform action(s) '{linked_action}' on the linked scope(s) '{linked_scope}' (respectively) or the linked scope(s) are invalid."
        );
        Self::new(StatusCode::FORBIDDEN, "LinkedAuthorizationFailed", text)
    }

    /// 401: no `Authorization` header.
    pub fn authentication_missing() -> Self {
        Self::authentication_failed("Authentication failed. The 'Authorization' header is missing.")
    }

    /// 401: an `Authorization` header that holds no bearer token.
    pub fn authentication_malformed() -> Self {
        let text = "Authentication failed. The 'Authorization' header is provided in an invalid format.";
        Self::new(StatusCode::UNAUTHORIZED, "AuthenticationFailedInvalidHeader", text)
    }

    /// 401: the credential is there and not good.
    pub fn authentication_failed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "AuthenticationFailed", message)
    }

    /// 401: the token was good once. Both times in RFC 3339.
    pub fn expired_token(expired: jiff::Timestamp, now: jiff::Timestamp) -> Self {
        let text = format!(
            "The access token expired at UTC time '{expired}'; the current UTC time is '{now}'. Get a new token."
        );
        Self::new(StatusCode::UNAUTHORIZED, "ExpiredAuthenticationToken", text)
    }

    /// 400: no `api-version`.
    pub fn missing_api_version() -> Self {
        let text = "The api-version query parameter (?api-version=) is required for all requests.";
        Self::new(StatusCode::BAD_REQUEST, "MissingApiVersionParameter", text)
    }

    /// 400: an `api-version` that is no date.
    pub fn invalid_api_version(version: &str) -> Self {
        let text = format!(
            "The api-version '{version}' is invalid. It must be a date: 'YYYY-MM-DD' or 'YYYY-MM-DD-preview'."
        );
        Self::new(StatusCode::BAD_REQUEST, "InvalidApiVersionParameter", text)
    }

    /// 400: a date that ARM itself has no version of; `supported` are some that it has (contract 10).
    pub fn unsupported_api_version(version: &str, supported: &[&str]) -> Self {
        let list = supported.join(",");
        let text = format!("The api-version '{version}' is invalid. The supported versions are '{list}'.");
        Self::new(StatusCode::BAD_REQUEST, "InvalidApiVersionParameter", text)
    }

    /// 400: a date that the provider of a type has no version of; `supported` are some that it has (contract 10).
    pub fn no_registered_provider(location: &str, version: &str, kind: &str, supported: &[&str]) -> Self {
        let list = supported.join(", ");
        let text = format!(
            "No registered resource provider found for location '{location}' and API version '{version}' for type '{kind}'. The supported api-versions are '{list}'. The supported locations are '{location}'."
        );
        Self::new(StatusCode::BAD_REQUEST, "NoRegisteredProviderFound", text)
    }

    /// 415: a body of another type than JSON; `given` as the client named it, in ARM's words where it named none.
    pub fn unsupported_media_type(given: Option<&str>) -> Self {
        let given: String = given.unwrap_or("<null>").chars().take(80).collect();
        let text = format!(
            "The content media type '{given}' is not supported. Only 'application/json' is supported."
        );
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", text)
    }

    /// 400: a property or a query parameter has a value that cannot be.
    pub fn invalid_parameter(name: &str, reason: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "InvalidParameter",
            format!("The value of parameter '{name}' is invalid: {reason}"),
        )
        .with_target(name)
    }

    /// 400: `$filter` cannot be read.
    pub fn invalid_filter(reason: &str) -> Self {
        let text = format!("The '$filter' query parameter is invalid: {reason}.");
        Self::new(StatusCode::BAD_REQUEST, "InvalidFilterInQueryString", text)
    }

    /// 400: the body is not what the operation takes.
    pub fn invalid_content(reason: &dyn fmt::Display) -> Self {
        let text = format!("The request content was invalid and could not be deserialized: '{reason}'.");
        Self::new(StatusCode::BAD_REQUEST, "InvalidRequestContent", text)
    }

    /// 400: a required member of the body is missing.
    pub fn missing_property(path: &str) -> Self {
        let text = format!("The required property '{path}' is missing.");
        Self::new(StatusCode::BAD_REQUEST, "InvalidRequestContent", text).with_target(path)
    }

    /// 400: `location` is missing in a body that needs it.
    pub fn location_required() -> Self {
        let text = "The location property is required for this definition.";
        Self::new(StatusCode::BAD_REQUEST, "LocationRequired", text)
    }

    /// 413: the body is longer than `limit` bytes.
    pub fn request_too_large(limit: usize) -> Self {
        let text = format!("The size of the request content exceeds the maximum size of '{limit}' bytes.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestContentTooLarge", text)
    }

    /// 409: the state of the resource does not allow it.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "Conflict", message)
    }

    /// 409 `OperationNotAllowed`: the operation makes no sense now.
    pub fn operation_not_allowed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "OperationNotAllowed", message)
    }

    /// 409: boot diagnostics are off; clients look for these words.
    pub fn boot_diagnostics_disabled(vm: &str) -> Self {
        Self::operation_not_allowed(format!("Boot diagnostics is not enabled on virtual machine '{vm}'."))
            .with_target(vm)
    }

    /// 409: the same role was given to the same principal at the same scope before.
    pub fn role_assignment_exists() -> Self {
        Self::new(StatusCode::CONFLICT, "RoleAssignmentExists", "The role assignment already exists.")
    }

    /// 412: an `If-Match` or `If-None-Match` that does not hold.
    pub fn precondition_failed() -> Self {
        let text = "The condition specified using HTTP conditional header(s) is not met.";
        Self::new(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", text)
    }

    /// 429, with the seconds to wait.
    pub fn too_many_requests(retry_after: u64) -> Self {
        let text = format!("Too many requests. Try again in {retry_after} seconds.");
        Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", text)
            .with_header(header::RETRY_AFTER, retry_after.to_string())
    }

    /// 500. The cause goes to the log, never to the caller.
    pub fn internal(source: impl Into<Cause>) -> Self {
        let text = "The server could not complete the request because of an internal error. Its operator finds the cause in the log under this request's correlation id.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", text).with_source(source)
    }

    /// 503: something that the operation needs is away; the cause goes to the log.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message)
            .with_header(header::RETRY_AFTER, "5")
    }
}

impl fmt::Display for ArmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "({}) {}", self.code, self.message)
    }
}

impl std::error::Error for ArmError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.extra.as_ref()?.source.as_deref().map(|e| e as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource_id::ResourceId;

    #[test]
    fn not_found_texts_are_azures() {
        let vm = "/subscriptions/s/resourceGroups/RG/providers/Microsoft.Compute/virtualMachines/web";
        let check = |id: &str, code: &str, text: &str| {
            let error = ArmError::resource_not_found(&ResourceId::parse(id).unwrap());
            assert_eq!((error.status.as_u16(), &*error.code, error.message.as_str()), (404, code, text));
        };
        check(
            vm,
            "ResourceNotFound",
            "The Resource 'Microsoft.Compute/virtualMachines/web' under resource group 'RG' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
        );
        check(
            "/subscriptions/s/resourceGroups/RG",
            "ResourceGroupNotFound",
            "Resource group 'RG' could not be found.",
        );
        check("/subscriptions/s", "SubscriptionNotFound", "The subscription 's' could not be found.");
    }

    #[test]
    fn the_envelope_has_only_what_is_set() {
        let plain = ArmError::missing_api_version();
        insta::assert_snapshot!(plain.envelope(), @r#"{"error":{"code":"MissingApiVersionParameter","message":"The api-version query parameter (?api-version=) is required for all requests."}}"#);
        let full =
            ArmError::conflict("no").with_target("t").with_detail("A", "b").with_inner(json!({"x": 1}));
        insta::assert_snapshot!(full.envelope(), @r#"{"error":{"code":"Conflict","message":"no","target":"t","details":[{"code":"A","message":"b"}],"innererror":{"x":1}}}"#);
    }

    #[test]
    fn an_internal_error_tells_the_caller_nothing() {
        let error = ArmError::internal("password=hunter2 at db.internal:5432");
        assert!(!error.envelope().to_string().contains("hunter2"));
        assert!(!error.to_string().contains("hunter2"));
        assert!(error.cause().unwrap().to_string().contains("hunter2"));
    }

    #[test]
    fn the_refusal_is_azures_sentence() {
        let error = ArmError::authorization_failed(
            "u@x",
            "oid",
            "Microsoft.Compute/virtualMachines/read",
            "/subscriptions/s",
        );
        insta::assert_snapshot!(error, @"(AuthorizationFailed) The client 'u@x' with object id 'oid' does not have authorization to perform action 'Microsoft.Compute/virtualMachines/read' over scope '/subscriptions/s' or the scope is invalid. If access was recently granted, please refresh your credentials.");
    }

    #[test]
    fn a_wrong_method_names_the_right_ones() {
        let error = ArmError::method_not_allowed(&Method::PATCH, &[Method::GET, Method::PUT]);
        assert_eq!(error.headers(), [(header::ALLOW, "GET, PUT".to_string())]);
    }
}
