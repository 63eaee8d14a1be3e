//! A WebSocket as the serial hub sees it: messages in, messages out, no framework.
//!
//! Limits live here: the length of a message, how long a send may take, and how long a silent client is believed in. The
//! receiving half pings; a client that answers nothing within `Limits::silence` is gone, however its socket looks. The
//! session must therefore go on receiving as long as it lives.

use crate::config::Limits;
use crate::reply::Upgrade;
use crate::state::State;
use axum::extract::FromRequestParts as _;
use axum::extract::ws::{self, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use hardline_arm::error::ArmError;
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, Interval, MissedTickBehavior};

/// Read from a socket at once, bytes: clients type, and the buffer is cleared before every read.
const READ: usize = 4 << 10;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// UTF-8 text.
    Text(String),
    /// Bytes.
    Binary(Bytes),
    /// The end, with a code and a reason (at most 123 bytes of it are sent).
    Close(u16, String),
}

/// The other end is gone (or too slow, or broke a limit); the socket is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the WebSocket is closed")]
pub struct Closed;

/// An open WebSocket.
#[derive(Debug)]
pub struct Socket {
    receiver: Receiver,
    sender: Sender,
}

/// The half that receives.
#[derive(Debug)]
pub struct Receiver {
    stream: SplitStream<WebSocket>,
    sender: Sender,
    ping: Interval,
    silence: Duration,
    heard: Instant,
    ended: bool,
}

/// The half that sends. Clones share the socket; each message goes out whole.
#[derive(Clone, Debug)]
pub struct Sender {
    sink: Arc<Mutex<SplitSink<WebSocket, ws::Message>>>,
    limit: Duration,
}

impl Socket {
    fn new(socket: WebSocket, limits: &Limits) -> Self {
        let (sink, stream) = socket.split();
        let sender = Sender { sink: Arc::new(Mutex::new(sink)), limit: limits.send };
        let heard = Instant::now();
        let mut ping = tokio::time::interval_at(heard + limits.ping, limits.ping);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let receiver =
            Receiver { stream, sender: sender.clone(), ping, silence: limits.silence, heard, ended: false };
        Self { receiver, sender }
    }

    /// The two halves, for two tasks.
    pub fn split(self) -> (Sender, Receiver) {
        (self.sender, self.receiver)
    }

    /// The next message; [`Message::Close`] is the last. Cancel-safe.
    pub async fn receive(&mut self) -> Result<Message, Closed> {
        self.receiver.receive().await
    }

    /// Sends a message; waits while the other end does not take it, at most `Limits::send`.
    pub async fn send(&mut self, message: Message) -> Result<(), Closed> {
        self.sender.send(message).await
    }
}

impl Receiver {
    /// The next message; [`Message::Close`] is the last. Cancel-safe.
    pub async fn receive(&mut self) -> Result<Message, Closed> {
        while !self.ended {
            // One timer a socket, and none is touched while messages come.
            let next = tokio::select! {
                biased;
                next = self.stream.next() => next,
                _ = self.ping.tick() => {
                    if self.heard.elapsed() >= self.silence {
                        tracing::debug!("a WebSocket has been silent for too long");
                        break;
                    }
                    self.sender.ping().await;
                    continue;
                }
            };
            self.heard = Instant::now();
            match next {
                Some(Ok(ws::Message::Text(text))) => return Ok(Message::Text(text.to_string())),
                Some(Ok(ws::Message::Binary(bytes))) => return Ok(Message::Binary(bytes)),
                Some(Ok(ws::Message::Ping(_) | ws::Message::Pong(_))) => {}
                Some(Ok(ws::Message::Close(frame))) => {
                    self.ended = true;
                    let (code, reason) =
                        frame.map_or((1005, String::new()), |f| (f.code, f.reason.to_string()));
                    return Ok(Message::Close(code, reason));
                }
                Some(Err(error)) => {
                    let (code, reason) = complaint(&error);
                    let _ = self.sender.send(Message::Close(code, reason.into())).await;
                    break;
                }
                None => break,
            }
        }
        self.ended = true;
        Err(Closed)
    }
}

/// What a client is told that broke the protocol.
fn complaint(error: &axum::Error) -> (u16, &'static str) {
    let text = error.to_string();
    if text.contains("too long") || text.contains("too big") || text.contains("limit") {
        (1009, "message too long")
    } else if text.contains("UTF-8") || text.contains("Utf8") {
        (1007, "text is not UTF-8")
    } else {
        (1002, "protocol error")
    }
}

impl Sender {
    /// Sends a message; waits while the other end does not take it, at most `Limits::send`.
    pub async fn send(&self, message: Message) -> Result<(), Closed> {
        let message = match message {
            Message::Text(text) => ws::Message::Text(text.into()),
            Message::Binary(bytes) => ws::Message::Binary(bytes),
            Message::Close(code, reason) => {
                let reason = cut(&reason, 123).into();
                ws::Message::Close(Some(ws::CloseFrame { code, reason }))
            }
        };
        let sent = tokio::time::timeout(self.limit, async { self.sink.lock().await.send(message).await });
        match sent.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Closed),
        }
    }

    /// Pings, unless a message is just being sent (then the client has something to answer TCP with).
    async fn ping(&self) {
        if let Ok(mut sink) = self.sink.try_lock() {
            let _ = tokio::time::timeout(Duration::from_secs(1), sink.send(ws::Message::Ping(Bytes::new())))
                .await;
        }
    }
}

/// The longest start of `text` that has at most `limit` bytes.
fn cut(text: &str, limit: usize) -> &str {
    let end = (0..=limit.min(text.len())).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
    text.get(..end).unwrap_or("")
}

/// Answers the handshake and runs the session on the socket.
pub(super) async fn upgrade(state: &State, mut parts: Parts, upgrade: Upgrade) -> Result<Response, ArmError> {
    let limits = state.config.limits.clone();
    let accepted = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(accepted) => accepted,
        Err(refused) => {
            tracing::debug!(%refused, "no WebSocket");
            let text = "This is a WebSocket: connect to it over HTTP/1.1 with an Upgrade header.";
            let status = StatusCode::UPGRADE_REQUIRED;
            return Err(
                ArmError::new(status, "UpgradeRequired", text).with_header(header::UPGRADE, "websocket")
            );
        }
    };
    let mut accepted = accepted
        .max_message_size(limits.message)
        .max_frame_size(limits.message)
        .read_buffer_size(READ)
        // Every message is flushed as it is sent.
        .write_buffer_size(0);
    if let Some(protocol) = upgrade.protocol {
        accepted.set_selected_protocol(HeaderValue::from_static(protocol));
    }
    let state = state.clone();
    let session = upgrade.session;
    Ok(accepted.on_upgrade(move |socket| {
        let socket = Socket::new(socket, &limits);
        let sender = socket.sender.clone();
        let shutdown = state.shutdown.clone();
        state.tasks.clone().track_future(async move {
            let grace = limits.drain / 2;
            tokio::select! {
                () = session(socket) => {}
                // The session sees the shutdown itself and says goodbye in its own words; this is for one that does not.
                () = async { shutdown.cancelled().await; tokio::time::sleep(grace).await } => {}
            }
            let _ = tokio::time::timeout(
                Duration::from_secs(1),
                sender.send(Message::Close(1000, String::new())),
            )
            .await;
        })
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_cut_at_a_character() {
        assert_eq!(cut("abc", 2), "ab");
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("aé", 9), "aé");
    }
}
