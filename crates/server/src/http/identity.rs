//! The identity endpoints: the openid-configuration, and the forms of those who ask for tokens and codes.

use super::answer;
use super::body::{self, Unread};
use crate::auth;
use crate::auth::authority::{self, Endpoint};
use crate::pipeline::Cx;
use crate::reply::ArmResponse;
use axum::response::Response;
use hardline_arm::error::ArmError;
use hardline_arm::query::Query;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, header};
use secrecy::SecretString;
use serde_json::json;
use std::collections::BTreeMap;

/// Longest form, bytes.
const FORM_LIMIT: usize = 16 << 10;

/// The identity endpoint at `/{first}/{rest}`, if there is one.
pub(super) fn endpoint(cx: &Cx, first: &str, rest: &str) -> Option<Endpoint> {
    let config = &cx.state.config;
    authority::endpoint(first, rest, config.tenant, &config.public_host)
}

/// Answers an identity endpoint.
pub(super) async fn answer(
    cx: &Cx,
    endpoint: Endpoint,
    parts: &Parts,
    incoming: &mut Unread,
) -> Result<Response, ArmError> {
    match endpoint {
        Endpoint::Configuration(authority) => {
            only(cx, &[Method::GET, Method::HEAD])?;
            let document = auth::openid_configuration(&cx.state, authority, &cx.facts.base_url);
            Ok(answer::arm(ArmResponse::ok(document)))
        }
        Endpoint::Keys => {
            only(cx, &[Method::GET, Method::HEAD])?;
            Ok(answer::arm(ArmResponse::ok(auth::json_web_keys(&cx.state))))
        }
        Endpoint::Token => {
            only(cx, &[Method::POST])?;
            let form = form(cx, parts, incoming).await;
            Ok(oauth(match form {
                Ok(form) => auth::token(cx, &form).await,
                Err(reason) => invalid_request(&reason),
            }))
        }
        Endpoint::DeviceCode => {
            only(cx, &[Method::POST])?;
            let form = form(cx, parts, incoming).await;
            Ok(oauth(match form {
                Ok(form) => auth::device::device_authorization(cx, &form).await,
                Err(reason) => invalid_request(&reason),
            }))
        }
        Endpoint::Authorize => {
            only(cx, &[Method::GET, Method::POST])?;
            if cx.facts.method == Method::GET {
                return Ok(oauth(match fields(&cx.query) {
                    Ok(form) => auth::authorization_page(cx, &form),
                    Err(reason) => invalid_request(&reason),
                }));
            }
            if !of_our_page(cx, parts) {
                return Ok(oauth(auth::foreign_form()));
            }
            let form = form(cx, parts, incoming).await;
            Ok(oauth(match form {
                Ok(form) => auth::authorize(cx, &form).await,
                Err(reason) => invalid_request(&reason),
            }))
        }
        Endpoint::Federation | Endpoint::FederationCallback => {
            only(cx, &[Method::GET])?;
            let cookies = parts.headers.get(header::COOKIE).and_then(|value| value.to_str().ok());
            Ok(oauth(match fields(&cx.query) {
                Ok(form) if endpoint == Endpoint::Federation => auth::federation::begin(cx, &form).await,
                Ok(form) => auth::federation::callback_from_provider(cx, &form, cookies).await,
                Err(reason) => invalid_request(&reason),
            }))
        }
        Endpoint::OtherTenant => Ok(answer::arm(auth::other_tenant())),
    }
}

fn only(cx: &Cx, allowed: &[Method]) -> Result<(), ArmError> {
    if allowed.contains(&cx.facts.method) {
        return Ok(());
    }
    Err(ArmError::method_not_allowed(&cx.facts.method, allowed))
}

/// Whether a browser says that a page of ours sent the request: other sites must not sign anybody in here, not even as
/// somebody whose password they know.
fn of_our_page(cx: &Cx, parts: &Parts) -> bool {
    let header = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap_or(""));
    header("origin").is_some_and(|origin| origin.eq_ignore_ascii_case(&cx.facts.base_url))
        && header("sec-fetch-site").is_none_or(|site| site == "same-origin")
}

fn invalid_request(reason: &str) -> ArmResponse {
    let document = json!({ "error": "invalid_request", "error_description": reason, "error_codes": [] });
    ArmResponse::json(StatusCode::BAD_REQUEST, document)
}

/// An answer with secrets in it: nobody keeps it.
fn oauth(response: ArmResponse) -> Response {
    let mut answer = answer::arm(response);
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

async fn form(
    cx: &Cx,
    parts: &Parts,
    incoming: &mut Unread,
) -> Result<BTreeMap<String, SecretString>, String> {
    let bytes = body::read(parts, incoming, FORM_LIMIT, cx.state.config.limits.body_read)
        .await
        .map_err(|error| error.message)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| "The form is not UTF-8.".to_owned())?;
    // A form is written as a query is.
    fields(&Query::parse(text).map_err(|_| "The form is too long.".to_owned())?)
}

fn fields(pairs: &Query) -> Result<BTreeMap<String, SecretString>, String> {
    let mut form = BTreeMap::new();
    for (name, value) in pairs.pairs() {
        if form.insert(name.to_owned(), SecretString::from(value)).is_some() {
            return Err(format!("The field '{}' stands there twice.", name.escape_default()));
        }
    }
    Ok(form)
}
