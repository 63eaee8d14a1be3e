//! Reading a request's body: bounded in length and in time, and of the type that ARM reads.

use bytes::Bytes;
use hardline_arm::error::ArmError;
use http::{StatusCode, header, request::Parts};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use std::time::Duration;

/// A request's body that nobody has read yet.
#[derive(Debug)]
pub(super) struct Unread(Option<Incoming>);

/// So much of a body that is not wanted is read, bytes, and waited for so long.
const UNWANTED: (usize, Duration) = (1 << 20, Duration::from_secs(2));

impl Unread {
    pub(super) fn new(body: Incoming) -> Self {
        Self(Some(body))
    }

    /// Reads what was not wanted before a refusal is sent: a connection that is closed while its client still sends shows
    /// the client a broken connection in place of the refusal. Who asks before sending (`Expect`), or announces more than
    /// that, gets the refusal at once.
    pub(super) async fn drain(self, parts: &Parts) {
        let Some(mut body) = self.0.filter(|body| !body.is_end_stream()) else { return };
        if parts.headers.contains_key(header::EXPECT)
            || announced(parts).is_some_and(|n| n > UNWANTED.0 as u64)
        {
            return;
        }
        let read = async {
            let mut left = UNWANTED.0;
            while let Some(Ok(frame)) = body.frame().await {
                left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
                if left == 0 {
                    break;
                }
            }
        };
        // Late or not: the answer comes next.
        let _ = tokio::time::timeout(UNWANTED.1, read).await;
    }
}

fn announced(parts: &Parts) -> Option<u64> {
    parts.headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse().ok())
}

/// The whole body, once; 413 when it is longer than `limit` bytes, 408 when it has not come within `time`.
pub(super) async fn read(
    parts: &Parts,
    unread: &mut Unread,
    limit: usize,
    time: Duration,
) -> Result<Bytes, ArmError> {
    if announced(parts).is_some_and(|length| length > limit as u64) {
        return Err(ArmError::request_too_large(limit));
    }
    let Some(body) = unread.0.take() else { return Ok(Bytes::new()) };
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
