//! A WebSocket as the serial hub sees it: messages in, messages out, no framework.

use bytes::Bytes;

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

/// An open WebSocket. Pings, pongs, size limits and the silence limit are handled inside: a half-open connection ends as
/// [`Closed`].
#[derive(Debug)]
pub struct Socket {
    receiver: Receiver,
    sender: Sender,
}

/// The half that receives.
#[derive(Debug)]
pub struct Receiver {}

/// The half that sends.
#[derive(Debug)]
pub struct Sender {}

impl Socket {
    /// The two halves, for two tasks.
    pub fn split(self) -> (Sender, Receiver) {
        (self.sender, self.receiver)
    }

    /// The next message; [`Message::Close`] is the last.
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
        Err(Closed)
    }
}

impl Sender {
    /// Sends a message; waits while the other end does not take it, at most `Limits::send`.
    pub async fn send(&mut self, _message: Message) -> Result<(), Closed> {
        Err(Closed)
    }
}
