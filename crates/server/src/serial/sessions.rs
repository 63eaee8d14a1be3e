//! Console sessions that begin with a ticket: a connection string that works once, for one caller, for a minute.
//!
//! ```text
//!   connect ──> issued ──(60 s)──> expired
//!                  │ GET …/client (once)
//!                  v
//!               opened ──> says who it is (header, query, first message; 10 s) ──> right checked ──> session::run ──> closed
//! ```
//!
//! The id in the URL is a secret of 128 bits; the store has its SHA-256. It opens the socket, and no more: what the socket
//! may do hangs on the caller's own token. Admin commands work while the session lives, each with a token of its own.

use super::protocol::{Encoder, GREETING, Protocol};
use super::session::{self, Begin, Mode};
use super::target::Target;
use crate::auth;
use crate::clock::micros;
use crate::http::websocket::{Message as Wire, Socket};
use crate::pipeline::{self, Cx, store_error};
use crate::providers::storage;
use crate::reply::{Reply, Upgrade};
use crate::state::State;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::operation::OperationId;
use hardline_arm::resource_id::{ArmPath, ResourceId};
use hardline_console::frame::{Message, ServerFrame, ServerNotice, close};
use hardline_store::db::console_sessions::{self, ConsoleSession};
use hardline_store::{StoreError, Tx};
use http::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use std::time::Duration;

/// How long a connection string works.
pub const LIFETIME: Duration = Duration::from_secs(60);
/// Characters of a session's id.
const ID_LENGTH: usize = 32;
/// The type under which our own operations on a port are recorded.
pub const PORT_TYPE: &str = "Hardline.Console/serialPorts";
/// What a client is told that may not use the console (contract 10).
pub const NO_RIGHT: &str = "You do not have the required permissions to use this VM with the serial console. Ensure you have at least Virtual Machine Contributor role permissions.";
/// What a client is told that does not prove who it is (contract 10).
const NOT_TRUSTED: &str = "Connection not trusted";

/// Makes a session for `caller` (an object id); its id.
///
/// # Errors
/// When the store fails.
pub async fn issue(
    cx: &Cx,
    tx: &mut Tx,
    target: &Target,
    port: u32,
    mode: Mode,
    caller: &str,
) -> Result<SecretString, StoreError> {
    let id = cx.state.random.hex(ID_LENGTH / 2);
    let lifetime = i64::try_from(LIFETIME.as_micros()).unwrap_or(i64::MAX);
    let session = ConsoleSession {
        id_hash: hash(&id),
        resource: target.id.extension(PORT_TYPE, &port.to_string()).to_string(),
        vm_id: target.vm_id.clone(),
        port: port.into(),
        caller: caller.into(),
        mode: mode.word().into(),
        created: micros(cx.now),
        expires: micros(cx.now).saturating_add(lifetime),
        used: None,
        closed: None,
    };
    console_sessions::insert(tx, &session).await?;
    Ok(id.into())
}

/// The connection string of a session, for clients that reached the server at `base_url`. Clients make the URLs of admin
/// commands out of it by replacing "wss", "ws" and "/client", which therefore stand in it once.
pub fn connection_string(base_url: &str, id: &SecretString) -> String {
    let base = match base_url.split_once("://") {
        Some(("http", host)) => format!("ws://{host}"),
        Some((_, host)) => format!("wss://{host}"),
        None => format!("wss://{base_url}"),
    };
    format!("{base}/console/sessions/{}/client", id.expose_secret())
}

fn hash(id: &str) -> String {
    hex::encode(Sha256::digest(id.as_bytes()))
}

fn well_formed(id: &str) -> bool {
    id.len() == ID_LENGTH && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The same for a session that never was, one that expired and one that was used: nothing is learned by trying.
fn no_session() -> ArmError {
    ArmError::not_found(
        "The console session does not exist, has expired or was used already. Ask for a new connection string.",
    )
}

/// Opens the socket of a session. The client says on the socket who it is.
///
/// # Errors
/// 404 when the session cannot be opened (any more).
pub async fn open(cx: &Cx, id: &str) -> Result<Reply, ArmError> {
    let Some(offered) = &cx.facts.websocket else {
        let text = "This is a WebSocket: connect to it over HTTP/1.1 with an Upgrade header.";
        return Err(ArmError::new(StatusCode::UPGRADE_REQUIRED, "UpgradeRequired", text));
    };
    if !well_formed(id) {
        return Err(no_session());
    }
    let id_hash = hash(id);
    let mut tx = cx.state.store.begin().await.map_err(store_error)?;
    let used = console_sessions::use_once(&mut tx, &id_hash, micros(cx.now)).await.map_err(store_error)?;
    let found = console_sessions::get(&mut tx, &id_hash).await.map_err(store_error)?;
    tx.commit().await.map_err(store_error)?;
    let Some(found) = found.filter(|_| used) else { return Err(no_session()) };
    let protocol = Protocol::negotiate(offered.iter().map(String::as_str));
    let mut cx = cx.clone();
    // The path holds the session's id; what is recorded names the port instead.
    cx.facts.path = format!("{}/session", found.resource);
    let upgrade = Upgrade::new(protocol, move |socket| async move {
        let state = cx.state.clone();
        serve(cx, &found, Protocol::named(protocol), socket).await;
        over(&state, &found.id_hash).await;
    });
    Ok(upgrade.into())
}

async fn over(state: &State, id_hash: &str) {
    let closed = async {
        let mut tx = state.store.begin().await?;
        console_sessions::close(&mut tx, id_hash, micros(state.clock.now())).await?;
        tx.commit().await
    };
    if let Err(error) = closed.await {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "the end of a console session could not be stored"
        );
    }
}

/// Why a client is turned away before its session begins.
struct Refused {
    code: u16,
    reason: &'static str,
}

const UNTRUSTED: Refused = Refused { code: close::NOT_TRUSTED, reason: NOT_TRUSTED };

async fn serve(cx: Cx, found: &ConsoleSession, protocol: Protocol, mut socket: Socket) {
    match admit(cx, found, protocol, &mut socket).await {
        Ok(begin) => session::run(begin, socket).await,
        Err(Some(Refused { code, reason })) => {
            let notice = ServerNotice::Ended { reason: reason.into() };
            if let Some(words) = Encoder::new(protocol).encode(ServerFrame::Notice(notice)) {
                let _ = socket.send(wire(words)).await;
            }
            let _ = socket.send(Wire::Close(code, reason.into())).await;
        }
        Err(None) => {}
    }
}

/// Greets, learns who the client is, checks its right. `Err(None)`: it left.
async fn admit(
    mut cx: Cx,
    found: &ConsoleSession,
    protocol: Protocol,
    socket: &mut Socket,
) -> Result<Begin, Option<Refused>> {
    if protocol == Protocol::Text {
        socket.send(Wire::Text(GREETING.into())).await.map_err(|_| None)?;
    }
    let token = token(&cx, protocol, socket).await?;
    cx.now = cx.state.clock.now();
    let caller = auth::authenticate(&cx.state, cx.now, &token).await.map_err(|_| Some(UNTRUSTED))?;
    if caller.oid != found.caller {
        return Err(Some(UNTRUSTED));
    }
    let failed = Refused { code: close::ENDED, reason: "The server could not begin the session; try again." };
    let Ok(id) = ResourceId::parse(&found.resource) else { return Err(Some(failed)) };
    let path = ArmPath { id, tail: None };
    let operation = hardline_arm::operations::get(OperationId::ConsoleSession);
    let allowed = match pipeline::authorise(&cx, &caller, operation, path).await {
        Ok(allowed) => allowed,
        Err(error) if error.status == StatusCode::FORBIDDEN => {
            return Err(Some(Refused { code: close::RIGHT_LOST, reason: NO_RIGHT }));
        }
        Err(_) => return Err(Some(failed)),
    };
    let target = match Target::by_vm_id(&cx.state, &found.vm_id).await {
        Ok(Some(target)) => target,
        Ok(None) => {
            let reason = "The virtual machine was deleted.";
            return Err(Some(Refused { code: close::MACHINE_GONE, reason }));
        }
        Err(_) => return Err(Some(failed)),
    };
    // The connection string may have gone to another address than the one that asked for it.
    if storage::check_firewall(&cx, &target.id, &target.machine.boot_diagnostics).await.is_err() {
        return Err(Some(Refused { code: close::RIGHT_LOST, reason: storage::FORBIDDEN }));
    }
    let from = cx.query.number("offset").ok().flatten();
    Ok(Begin {
        cx,
        allowed,
        target,
        port: u32::try_from(found.port).unwrap_or(0),
        mode: Mode::parse(&found.mode).unwrap_or(Mode::View),
        protocol,
        from,
        token: Some(token),
    })
}

/// The client's token: in the handshake's header or query, else its first message.
async fn token(cx: &Cx, protocol: Protocol, socket: &mut Socket) -> Result<SecretString, Option<Refused>> {
    if let Some(token) = &cx.facts.bearer {
        return Ok(token.clone());
    }
    if let Some(text) = cx.query.get("authorization").map(str::trim).filter(|text| !text.is_empty()) {
        let token = text.strip_prefix("Bearer ").or_else(|| text.strip_prefix("bearer ")).unwrap_or(text);
        return Ok(token.trim().to_owned().into());
    }
    let limit = cx.state.config.limits.authentication;
    match tokio::time::timeout(limit, socket.receive()).await {
        Ok(Ok(Wire::Text(text))) => protocol.token(&Message::Text(text)).ok_or(Some(UNTRUSTED)),
        Ok(Ok(Wire::Binary(bytes))) => protocol.token(&Message::Binary(bytes)).ok_or(Some(UNTRUSTED)),
        Ok(Ok(Wire::Close(..)) | Err(_)) => Err(None),
        Err(_) => Err(Some(UNTRUSTED)),
    }
}

fn wire(message: Message) -> Wire {
    match message {
        Message::Text(text) => Wire::Text(text),
        Message::Binary(bytes) => Wire::Binary(bytes),
    }
}

/// An admin command of a session: one of our own operations on its port, by whoever's token the request carries.
///
/// # Errors
/// 404 when the session does not live or is another caller's; else what the operation says.
pub async fn admin_command(cx: &Cx, id: &str, command: &str, body: Bytes) -> Result<Reply, ArmError> {
    let caller = pipeline::authenticate(cx).await?;
    let (operation, verb) = match command.to_ascii_lowercase().as_str() {
        "nmi" => (OperationId::ConsoleNmi, "nmi"),
        "reset" => (OperationId::ConsoleReset, "reset"),
        "sysrq" => (OperationId::ConsoleSysRq, "sysrq"),
        _ => {
            let text = "There is no such admin command; there are nmi, reset and sysrq.";
            return Err(ArmError::not_found(text));
        }
    };
    if !well_formed(id) {
        return Err(no_session());
    }
    let found = console_sessions::get(&cx.state.store, &hash(id)).await.map_err(store_error)?;
    let lives = |s: &ConsoleSession| s.closed.is_none() && (s.used.is_some() || s.expires > micros(cx.now));
    let Some(found) = found.filter(|s| lives(s) && s.caller == caller.oid) else { return Err(no_session()) };
    let resource = ResourceId::parse(&found.resource).map_err(ArmError::internal)?;
    let mut cx = cx.clone();
    cx.facts.path = format!("{resource}/{verb}");
    pipeline::run(&cx, operation, ArmPath { id: resource, tail: Some(verb.into()) }, body).await
}

/// At the server's start: what a dead server left open is over.
///
/// # Errors
/// When the store fails.
pub async fn tidy(state: &State) -> Result<(), StoreError> {
    let now = micros(state.clock.now());
    let mut tx = state.store.begin().await?;
    console_sessions::close_all(&mut tx, now).await?;
    hardline_store::db::port_leases::vacate_all(&mut tx, now).await?;
    tx.commit().await
}

/// Forgets sessions that were over an hour ago.
///
/// # Errors
/// When the store fails.
pub async fn sweep(state: &State) -> Result<(), StoreError> {
    const KEPT: i64 = 3_600_000_000;
    let mut tx = state.store.begin().await?;
    console_sessions::sweep(&mut tx, micros(state.clock.now()).saturating_sub(KEPT)).await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_string_can_be_turned_into_an_admin_url() {
        let id: SecretString = "00112233445566778899aabbccddeeff".to_owned().into();
        let string = connection_string("https://localhost:8443", &id);
        assert_eq!(string, "wss://localhost:8443/console/sessions/00112233445566778899aabbccddeeff/client");
        // What the client does, in its order.
        let admin =
            string.replace("wss", "https").replace("ws", "http").replace("/client", "/adminCommand/nmi");
        assert_eq!(
            admin,
            "https://localhost:8443/console/sessions/00112233445566778899aabbccddeeff/adminCommand/nmi"
        );
        assert!(connection_string("http://127.0.0.1:1", &id).starts_with("ws://127.0.0.1:1/"));
    }

    #[test]
    fn ids() {
        assert!(well_formed("00112233445566778899aabbccddeeff"));
        for bad in ["", "00112233445566778899AABBCCDDEEFF", "0011", "../112233445566778899aabbccddeeff"] {
            assert!(!well_formed(bad), "{bad}");
        }
    }
}
