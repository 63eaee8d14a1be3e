//! `GET …/locations/{location}/operations/{id}`: how a long-running operation stands.

use crate::auth::Allowed;
use crate::jobs;
use crate::pipeline::{Cx, Recorded};
use bytes::Bytes;
use hardline_arm::error::ArmError;

/// The state of a long-running operation; with `monitor=true` its result.
pub async fn operation_get(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let id = &allowed.path.id;
    let response = jobs::status(cx, id.subscription().unwrap_or(""), id.name()).await?;
    Ok(cx.read(response))
}
