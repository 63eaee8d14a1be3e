//! `Hardline.Diagnostics`: a serial log by offset, with its live end, and the display.

use crate::auth::Allowed;
use crate::clock::from_micros;
use crate::hosts::vm_line;
use crate::pipeline::{Cx, Recorded, store_error};
use crate::reply::{ArmResponse, StreamResponse};
use crate::serial::log::{self, Reading};
use crate::serial::target::Target;
use bytes::Bytes;
use hardline_agent_api::v1::ImageFormat;
use hardline_arm::error::ArmError;
use hardline_store::db::serial_logs;
use http::{HeaderName, StatusCode};
use serde_json::json;
use std::time::Duration;

/// The offset of the first byte of an answer.
const OFFSET: HeaderName = HeaderName::from_static("x-hardline-offset");
/// How long the host gets to say where its log ends.
const PATIENCE: Duration = Duration::from_secs(2);

/// `GET {vm}/providers/Hardline.Diagnostics/serialLogs/0`
pub async fn serial_log_get(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let (target, port) = find(cx, allowed).await?;
    let end = log::end(&cx.state, &target.vm_id, port, PATIENCE).await.map_err(store_error)?;
    let store = &cx.state.store;
    let (start, _) =
        serial_logs::stored_extent(store, &target.vm_id, port.into()).await.map_err(store_error)?;
    let gaps = serial_logs::gaps(store, &target.vm_id, port.into()).await.map_err(store_error)?;
    let boots = serial_logs::boots(store, &target.vm_id, port.into()).await.map_err(store_error)?;
    let gaps: Vec<_> = gaps
        .into_iter()
        .map(|gap| {
            json!({
                "start": gap.start, "length": gap.length, "reason": gap.reason,
                "time": from_micros(gap.time).to_string(),
            })
        })
        .collect();
    let boots: Vec<_> = boots
        .into_iter()
        .map(|boot| {
            json!({
                "bootId": boot.boot_id, "offset": boot.start, "time": from_micros(boot.time).to_string(),
                "cause": boot.cause,
            })
        })
        .collect();
    let body = json!({
        "id": allowed.path.id.to_string(), "name": port.to_string(), "type": "Hardline.Diagnostics/serialLogs",
        "properties": { "start": start, "end": end, "boots": boots, "gaps": gaps },
    });
    cx.begin(allowed).await?.commit(ArmResponse::ok(body)).await
}

/// `GET …/serialLogs/0/content`: `offset=N` or `tail=N`, `length=N`, `follow=true`.
pub async fn serial_log_content(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let (offset, tail) = (cx.query.number("offset")?, cx.query.number("tail")?);
    let (length, follow) = (cx.query.number("length")?, cx.query.flag("follow")?);
    let (target, port) = find(cx, allowed).await?;
    let from = match (offset, tail) {
        (Some(_), Some(_)) => {
            return Err(ArmError::invalid_parameter("tail", "it cannot stand beside 'offset'."));
        }
        (Some(offset), None) => offset,
        (None, None) => 0,
        (None, Some(tail)) => {
            let end = log::end(&cx.state, &target.vm_id, port, PATIENCE).await.map_err(store_error)?;
            end.saturating_sub(tail)
        }
    };
    let reading = Reading { vm_id: target.vm_id, port, from, length, follow };
    let change = cx.begin(allowed).await?;
    let bytes = log::read(&cx.state, allowed, reading);
    let answer = StreamResponse::stream("application/octet-stream", bytes);
    change.commit(answer.with_header(OFFSET, &from.to_string())).await
}

/// `GET …/screenshots/0/content?format=png|bmp`
pub async fn screenshot_content(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let (format, content_type) = match cx.query.get("format") {
        None | Some("png") => (ImageFormat::Png, "image/png"),
        Some("bmp") => (ImageFormat::Bmp, "image/bmp"),
        Some(_) => return Err(ArmError::invalid_parameter("format", "it must be 'png' or 'bmp'.")),
    };
    let (target, _) = find(cx, allowed).await?;
    let picture = vm_line(&cx.state, &target.vm_id).await?.screenshot(format).await?;
    let answer = StreamResponse::bytes(StatusCode::OK, content_type, picture.image);
    cx.begin(allowed).await?.commit(answer).await
}

async fn find(cx: &Cx, allowed: &Allowed) -> Result<(Target, u32), ArmError> {
    let target = Target::find(cx, &allowed.path.id).await?;
    let port = Target::port(&allowed.path.id)?;
    target.check_diagnostics()?;
    Ok((target, port))
}
