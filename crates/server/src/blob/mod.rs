//! The blob endpoint: boot-diagnostics logs and screenshots behind a SAS, with the storage service's own errors.

use crate::pipeline::Cx;
use crate::reply::StreamResponse;

/// The first path segment that leads here.
pub const ACCOUNT: &str = "hardlinemanaged";

/// `GET` or `HEAD /{account}/{container}/{blob}`; other methods come here too. Errors are the storage service's XML.
pub async fn serve(_cx: &Cx, _account: &str, _container: &str, _blob: &str) -> StreamResponse {
    StreamResponse::bytes(http::StatusCode::NOT_IMPLEMENTED, "application/xml", "")
}
