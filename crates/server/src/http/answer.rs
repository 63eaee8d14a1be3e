//! Answers onto the wire: the headers that every answer has, ARM's error body, streams.

use crate::pipeline::Cx;
use crate::reply::{ArmResponse, ByteStream, Payload, StreamResponse};
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use hardline_arm::error::ArmError;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use std::io;
use tokio_util::sync::CancellationToken;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-ms-correlation-request-id");
const ROUTING_ID: HeaderName = HeaderName::from_static("x-ms-routing-request-id");
const FAILURE_CAUSE: HeaderName = HeaderName::from_static("x-ms-failure-cause");
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// An ARM answer.
pub(super) fn arm(response: ArmResponse) -> Response {
    let ArmResponse { status, headers, body } = response;
    let mut answer = match body {
        Some(body) => {
            let mut answer = Response::new(Body::from(body.to_string()));
            answer.headers_mut().insert(header::CONTENT_TYPE, JSON);
            answer
        }
        None => Response::new(Body::empty()),
    };
    *answer.status_mut() = status;
    extend(answer.headers_mut(), headers);
    no_cache(answer.headers_mut());
    answer
}

/// A stream, or bytes with a type of their own. A server that stops breaks streams off with an error: a client must not
/// take what it has for everything.
pub(super) fn stream(cx: &Cx, response: StreamResponse) -> Response {
    let StreamResponse { status, headers, body } = response;
    let body = match body {
        Payload::Bytes(bytes) => Body::from(bytes),
        Payload::Stream(stream) => Body::from_stream(until_shutdown(stream, cx.state.shutdown.clone())),
    };
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    extend(answer.headers_mut(), headers);
    if !answer.headers().contains_key(header::CACHE_CONTROL) {
        no_cache(answer.headers_mut());
    }
    answer
}

fn until_shutdown(stream: ByteStream, shutdown: CancellationToken) -> impl Stream<Item = io::Result<Bytes>> {
    futures_util::stream::unfold(Some((stream, shutdown)), |going| async {
        let (mut stream, shutdown) = going?;
        tokio::select! {
            biased;
            next = stream.next() => next.map(|piece| (piece, Some((stream, shutdown)))),
            () = shutdown.cancelled() => Some((Err(io::Error::other("the server is stopping")), None)),
        }
    })
}

/// An error in ARM's envelope; logged here, once.
pub(super) fn error(cx: &Cx, error: &ArmError) -> Response {
    log(cx, error);
    let mut response = ArmResponse::json(error.status, error.envelope());
    for (name, value) in error.headers() {
        response = response.with_header(name.clone(), value);
    }
    response = response.with_header(FAILURE_CAUSE, "gateway");
    let mut answer = arm(response);
    if error.status == StatusCode::PAYLOAD_TOO_LARGE || error.status == StatusCode::REQUEST_TIMEOUT {
        // What is left of the body will not be read: this connection cannot carry another request.
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

fn log(cx: &Cx, error: &ArmError) {
    let (method, path, correlation) = (&cx.facts.method, &cx.facts.path, cx.correlation);
    let code = &*error.code;
    if error.status.is_server_error() {
        let cause = error.cause().map(causes).unwrap_or_default();
        tracing::error!(%method, path, %correlation, status = error.status.as_u16(), code, cause, "request failed");
    } else {
        tracing::debug!(%method, path, %correlation, status = error.status.as_u16(), code, "request refused");
    }
}

/// The whole chain of causes in one line.
fn causes(error: &(dyn std::error::Error + Send + Sync + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// Adds what every answer of the API has. Set last, over what a handler may have set.
pub(super) fn finish(cx: &Cx, secure: bool, mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    let mut id = |name: HeaderName, id: uuid::Uuid| {
        if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
            headers.insert(name, value);
        }
    };
    id(REQUEST_ID, cx.request);
    id(CORRELATION_ID, cx.correlation);
    if let Ok(value) =
        HeaderValue::from_str(&format!("{}:{}", cx.state.config.location.to_uppercase(), cx.request))
    {
        headers.insert(ROUTING_ID, value);
    }
    protect(headers, secure);
    answer
}

/// What every answer has, the portal's files too.
pub(super) fn protect(headers: &mut HeaderMap, secure: bool) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if secure {
        let year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
}

fn no_cache(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(header::EXPIRES, HeaderValue::from_static("-1"));
}

fn extend(to: &mut HeaderMap, from: HeaderMap) {
    for (name, value) in from {
        if let Some(name) = name {
            to.insert(name, value);
        }
    }
}
