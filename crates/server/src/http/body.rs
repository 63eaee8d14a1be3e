//! Reading a request's body: bounded in length and in time.

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
