//! What a request says about itself: read from its head once, so that nothing further in looks at headers.

use super::listener::Scheme;
use crate::pipeline::RequestFacts;
use crate::state::State;
use http::request::Parts;
use http::{HeaderName, HeaderValue, header};
use secrecy::SecretString;
use std::net::IpAddr;
use uuid::Uuid;

const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-ms-correlation-request-id");
const RANGE: HeaderName = HeaderName::from_static("x-ms-range");

/// Longest text of a header that is kept, characters; it goes into the activity log.
const LONGEST: usize = 256;

pub(super) fn facts(state: &State, client: IpAddr, scheme: Scheme, parts: &Parts) -> RequestFacts {
    let text = |name: HeaderName| parts.headers.get(name).and_then(printable);
    RequestFacts {
        method: parts.method.clone(),
        path: recordable(parts.uri.path()),
        base_url: base_url(state, scheme, parts),
        client,
        client_request_id: text(CLIENT_REQUEST_ID),
        user_agent: text(header::USER_AGENT),
        bearer: bearer(parts),
        if_match: text(header::IF_MATCH),
        if_none_match: text(header::IF_NONE_MATCH),
        range: text(RANGE).or_else(|| text(header::RANGE)),
        websocket: websocket(parts),
    }
}

/// The path without the id of a console session, which is a ticket and must stand in no log.
fn recordable(path: &str) -> String {
    const SESSIONS: &str = "/console/sessions/";
    let Some(rest) = path.strip_prefix(SESSIONS) else { return path.to_owned() };
    let command = rest.split_once('/').map_or("", |(_, command)| command);
    format!("{SESSIONS}…/{command}")
}

/// The client's correlation id, if it sent one that is a GUID.
pub(super) fn correlation(parts: &Parts) -> Option<Uuid> {
    parts.headers.get(CORRELATION_ID)?.to_str().ok()?.parse().ok()
}

fn printable(value: &HeaderValue) -> Option<String> {
    let text = value.to_str().ok()?.trim();
    (!text.is_empty()).then(|| text.chars().take(LONGEST).collect())
}

/// The token; empty when there is an `Authorization` header that holds none, so that it is refused as such.
fn bearer(parts: &Parts) -> Option<SecretString> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().unwrap_or("");
    let token = match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => "",
    };
    Some(SecretString::from(token))
}

/// The base as the client wrote it. A host that cannot stand in a URL falls back to the server's own.
fn base_url(state: &State, scheme: Scheme, parts: &Parts) -> String {
    let host = match parts.uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => parts.headers.get(header::HOST).and_then(|h| h.to_str().ok()),
    };
    let plain = |host: &str| {
        !host.is_empty()
            && host.len() <= 261
            && host
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']'))
    };
    match (host.filter(|h| plain(h)), scheme) {
        (Some(host), Scheme::Https) => format!("https://{host}"),
        (Some(host), Scheme::Http) => format!("http://{host}"),
        (None, _) => state.public_url.clone(),
    }
}

/// The subprotocols offered, when this is a WebSocket handshake.
fn websocket(parts: &Parts) -> Option<Vec<String>> {
    let upgrade = parts.headers.get(header::UPGRADE)?.to_str().ok()?;
    if !upgrade.eq_ignore_ascii_case("websocket") {
        return None;
    }
    let offered = parts.headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    let names = offered.filter_map(|v| v.to_str().ok()).flat_map(|list| list.split(','));
    Some(names.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).take(16).collect())
}
