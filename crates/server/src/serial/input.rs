//! The input half of a session: the client's messages on their way to the guest.
//!
//! It waits for the client and for the host, never for the output half: what it has to say goes into a small queue, and is
//! dropped when that is full.

use super::line::Keys;
use super::protocol::{Protocol, Said};
use crate::http::websocket::{self, Receiver};
use bytes::Bytes;
use hardline_console::frame::{FrameError, Message, RefusedReason, ServerNotice};
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Notes of the input half that may wait for the output half.
pub(super) const NOTES: usize = 32;

/// What the input half has to say to the output half.
#[derive(Debug)]
pub(super) enum Note {
    Say(ServerNotice),
    Take,
    /// A fresh token, before the old one expires.
    Renew(SecretString),
    Broken(FrameError),
}

/// What both halves share.
#[derive(Debug)]
pub(super) struct Shared {
    /// None while no line to the host stands.
    pub(super) keys: Mutex<Option<Keys>>,
    pub(super) bytes_in: AtomicU64,
    /// The client is gone.
    pub(super) gone: CancellationToken,
    /// The session is over.
    pub(super) over: CancellationToken,
}

impl Shared {
    /// For a session whose line is not open yet.
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            keys: Mutex::new(None),
            bytes_in: AtomicU64::new(0),
            gone: CancellationToken::new(),
            over: CancellationToken::new(),
        })
    }

    fn keys(&self) -> Option<Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_keys(&self, keys: Option<Keys>) {
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = keys;
    }
}

/// The input half: takes the client's messages until it leaves, breaks its protocol, or the session is over.
pub(super) async fn run(
    mut receiver: Receiver,
    protocol: Protocol,
    token: Option<SecretString>,
    notes: mpsc::Sender<Note>,
    shared: Arc<Shared>,
) {
    let _gone = shared.gone.clone().drop_guard();
    let mut sequence = 0;
    loop {
        let message = tokio::select! {
            biased;
            () = shared.over.cancelled() => return,
            message = receiver.receive() => match message {
                Ok(websocket::Message::Text(text)) => Message::Text(text),
                Ok(websocket::Message::Binary(bytes)) => Message::Binary(bytes),
                Ok(websocket::Message::Close(..)) | Err(websocket::Closed) => return,
            },
        };
        if repeats(&message, token.as_ref()) {
            continue;
        }
        let note = match protocol.said(&message) {
            Ok(Said::Keys(keys)) if keys.is_empty() => continue,
            Ok(Said::Keys(keys)) => {
                sequence += 1;
                match type_in(&shared, keys, sequence).await {
                    Ok(()) => continue,
                    Err(refused) => Note::Say(refused),
                }
            }
            Ok(Said::Size(cols, rows)) => {
                if let Some(keys) = shared.keys() {
                    keys.resize(cols, rows).await;
                }
                continue;
            }
            Ok(Said::Token(token)) => Note::Renew(token),
            Ok(Said::Take) => Note::Take,
            Ok(Said::Ping) => Note::Say(ServerNotice::Pong),
            Err(error) => {
                // The last note: the output half must get it, and then ends the session.
                tokio::select! {
                    () = shared.over.cancelled() => {}
                    _ = notes.send(Note::Broken(error)) => shared.over.cancelled().await,
                }
                return;
            }
        };
        // Never waits for the output: a client that asks faster than it reads gets fewer answers.
        let _ = notes.try_send(note);
    }
}

async fn type_in(shared: &Shared, keys: Bytes, sequence: u64) -> Result<(), ServerNotice> {
    let bytes = keys.len() as u64;
    let refused = |reason| ServerNotice::InputRefused { reason, bytes };
    let Some(way) = shared.keys() else { return Err(refused(RefusedReason::NotRunning)) };
    if !way.may_type() {
        return Err(refused(RefusedReason::NotWriter));
    }
    let sent = tokio::select! {
        () = shared.over.cancelled() => false,
        sent = way.send(keys, sequence) => sent,
    };
    if !sent {
        return Err(refused(RefusedReason::NotRunning));
    }
    shared.bytes_in.fetch_add(bytes, Ordering::Relaxed);
    Ok(())
}

/// Whether the client sent its token once more, as some versions do.
fn repeats(message: &Message, token: Option<&SecretString>) -> bool {
    use subtle::ConstantTimeEq as _;
    let Some(token) = token else { return false };
    let sent = match message {
        Message::Text(text) => text.trim().as_bytes(),
        Message::Binary(bytes) => bytes.as_ref(),
    };
    let token = token.expose_secret().as_bytes();
    sent.len() == token.len() && bool::from(sent.ct_eq(token))
}
