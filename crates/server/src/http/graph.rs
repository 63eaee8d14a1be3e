//! `/graph/…`: the directory, read through Graph's URLs.

use super::answer;
use super::body::{self, Unread};
use crate::graph;
use crate::pipeline::Cx;
use axum::response::Response;
use hardline_arm::error::ArmError;
use http::request::Parts;
use percent_encoding::percent_decode_str;

/// Longest body, bytes: a thousand ids.
const BODY_LIMIT: usize = 64 << 10;

/// Answers what is below `/graph/`; `rest` is the path behind it. A body is read before the token: it is short, and
/// bounded in time.
pub(super) async fn answer(
    cx: &Cx,
    rest: &str,
    parts: &Parts,
    incoming: &mut Unread,
) -> Result<Response, ArmError> {
    let bytes = body::read(parts, incoming, BODY_LIMIT, cx.state.config.limits.body_read).await?;
    let path = percent_decode_str(rest).decode_utf8_lossy();
    graph::answer(cx, &path, &bytes).await.map(answer::arm)
}
