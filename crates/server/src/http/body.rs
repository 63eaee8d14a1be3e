//! Reading a request's body: bounded in length and in time, and of the type that ARM reads.

use bytes::Bytes;
use hardline_arm::error::ArmError;
use http::{StatusCode, header, request::Parts};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use std::time::Duration;

/// The whole body; 413 when it is longer than `limit` bytes, 408 when it has not come within `time`.
pub(super) async fn read(
    parts: &Parts,
    body: Incoming,
    limit: usize,
    time: Duration,
) -> Result<Bytes, ArmError> {
    let announced =
        parts.headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(ArmError::request_too_large(limit));
    }
    let collected = tokio::time::timeout(time, Limited::new(body, limit).collect()).await;
    match collected {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ArmError::request_too_large(limit)),
        Ok(Err(error)) => {
            Err(ArmError::invalid_content(&"the body ended before its announced length").with_source(error))
        }
        Err(_) => {
            let text = "The request's body did not come in time.";
            Err(ArmError::new(StatusCode::REQUEST_TIMEOUT, "RequestTimeout", text))
        }
    }
}

/// 415 for a body that does not say that it is JSON. What has no body needs no type: clients differ there (contract 4.1).
pub(super) fn check_json(parts: &Parts, body: &Bytes) -> Result<(), ArmError> {
    let given = parts.headers.get(header::CONTENT_TYPE);
    let given = given.map(|value| String::from_utf8_lossy(value.as_bytes()));
    let media = given.as_deref().map(|text| text.split(';').next().unwrap_or("").trim());
    let json = media.is_some_and(|media| {
        ["application/json", "text/json"].iter().any(|known| media.eq_ignore_ascii_case(known))
    });
    if body.is_empty() || json { Ok(()) } else { Err(ArmError::unsupported_media_type(media)) }
}
