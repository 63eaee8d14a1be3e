//! Connect: a connection string for a serial port (contract 4.1).

use crate::auth::Allowed;
use crate::pipeline::{Cx, Recorded, store_error};
use crate::reply::ArmResponse;
use crate::serial::session::Mode;
use crate::serial::sessions::{connection_string, issue};
use crate::serial::target::Target;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use serde_json::json;

/// `POST {vm}/providers/Microsoft.SerialConsole/serialPorts/0/connect`. `?mode=view` is ours: a session that only watches.
pub async fn connect(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let mode = mode(cx)?;
    let target = Target::find(cx, &allowed.path.id).await?;
    let port = Target::port(&allowed.path.id)?;
    target.check_console(cx).await?;
    let mut change = cx.begin(allowed).await?;
    let id = issue(cx, change.tx(), &target, port, mode, &allowed.caller.oid).await.map_err(store_error)?;
    let string = connection_string(&cx.facts.base_url, &id);
    change.commit(ArmResponse::ok(json!({ "connectionString": string }))).await
}

/// `mode=write|view` of a query; write where there is none.
pub(crate) fn mode(cx: &Cx) -> Result<Mode, ArmError> {
    match cx.query.get("mode") {
        None => Ok(Mode::Write),
        Some(word) => Mode::parse(word)
            .ok_or_else(|| ArmError::invalid_parameter("mode", "it must be 'write' or 'view'.")),
    }
}
