//! `Hardline.Console/serialPorts`: the port as a WebSocket, and what reaches the guest beside keystrokes.

use crate::auth::{self, Allowed};
use crate::hosts::vm_line;
use crate::pipeline::{Cx, Recorded};
use crate::providers::serial_console::mode;
use crate::reply::{ArmResponse, Upgrade};
use crate::serial::protocol::Protocol;
use crate::serial::session::{self, Begin};
use crate::serial::target::Target;
use bytes::Bytes;
use hardline_agent_api::v1::Action;
use hardline_arm::error::ArmError;
use hardline_arm::operation::OperationId;
use hardline_arm::resource_id::ArmPath;
use http::StatusCode;
use serde_json::{Value, json};

/// Most SysRq keys in one request.
const SYSRQ_KEYS: usize = 8;

/// `GET {vm}/providers/Hardline.Console/serialPorts/0/stream`, as a WebSocket. `mode=write|view`, `offset=N`.
pub async fn console_stream(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let Some(offered) = &cx.facts.websocket else {
        let text = "This is a WebSocket: connect to it over HTTP/1.1 with an Upgrade header.";
        return Err(ArmError::new(StatusCode::UPGRADE_REQUIRED, "UpgradeRequired", text));
    };
    let mode = mode(cx)?;
    let from = cx.query.number("offset")?;
    let target = Target::find(cx, &allowed.path.id).await?;
    let port = Target::port(&allowed.path.id)?;
    target.check_console(cx).await?;
    // The session has events of its own, from its first byte to its end.
    let row = hardline_arm::operations::get(OperationId::ConsoleSession);
    let path = ArmPath { id: allowed.path.id.clone(), tail: None };
    let right = auth::authorise(cx, &allowed.caller, row, &path).await?;
    let protocol = Protocol::negotiate(offered.iter().map(String::as_str));
    let begin = Begin {
        cx: cx.clone(),
        allowed: right,
        target,
        port,
        mode,
        protocol: Protocol::named(protocol),
        from,
        token: cx.facts.bearer.clone(),
    };
    let upgrade = Upgrade::new(protocol, move |socket| session::run(begin, socket));
    cx.begin(allowed).await?.commit(upgrade).await
}

/// `POST …/serialPorts/0/nmi`
pub async fn console_nmi(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    act(cx, allowed, Action::Nmi, "").await
}

/// `POST …/serialPorts/0/reset`
pub async fn console_reset(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    act(cx, allowed, Action::Reset, "").await
}

/// `POST …/serialPorts/0/break`
pub async fn console_break(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    act(cx, allowed, Action::Break, "").await
}

/// `POST …/serialPorts/0/sysrq`. The keys stand where Azure's clients put them (contract 4.4), or at the top.
pub async fn console_sysrq(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let keys = sysrq_keys(body)?;
    act(cx, allowed, Action::Sysrq, &keys).await
}

fn sysrq_keys(body: &[u8]) -> Result<String, ArmError> {
    let body: Value = serde_json::from_slice(body).map_err(|e| ArmError::invalid_content(&e))?;
    let places = ["/commandParameters/SysRqCommand", "/SysRqCommand"];
    let keys = places.iter().find_map(|place| body.pointer(place)).and_then(Value::as_str).unwrap_or("");
    let good = (1..=SYSRQ_KEYS).contains(&keys.len()) && keys.bytes().all(|b| b.is_ascii_alphanumeric());
    if good {
        return Ok(keys.into());
    }
    Err(ArmError::invalid_parameter("SysRqCommand", "it must be one to eight letters or digits."))
}

async fn act(cx: &Cx, allowed: &Allowed, action: Action, keys: &str) -> Result<Recorded, ArmError> {
    let target = Target::find(cx, &allowed.path.id).await?;
    Target::port(&allowed.path.id)?;
    target.check_console(cx).await?;
    let line = vm_line(&cx.state, &target.vm_id).await?;
    let act = async { Ok(line.act(action, keys).await.map(|()| ArmResponse::ok(json!({})))?) };
    cx.begin(allowed).await?.around(act).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_both_shapes() {
        let keys = |body: &str| sysrq_keys(body.as_bytes()).ok();
        let azure = r#"{"command":"sysrq","requestId":"r","commandParameters":{"SysRqCommand":"c"}}"#;
        assert_eq!(keys(azure).as_deref(), Some("c"));
        assert_eq!(keys(r#"{"SysRqCommand":"reisub"}"#).as_deref(), Some("reisub"));
        for bad in [
            "",
            "{}",
            r#"{"SysRqCommand":""}"#,
            r#"{"SysRqCommand":"\n"}"#,
            r#"{"SysRqCommand":"abcdefghi"}"#,
        ] {
            assert_eq!(keys(bad), None, "{bad}");
        }
    }
}
