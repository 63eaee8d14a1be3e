//! What goes over a console's WebSocket, in each of the three languages that clients speak.
//!
//! | protocol | client | output | everything else |
//! |---|---|---|---|
//! | none | `az serial-console` (contract 4.3) | text, cut on the borders of characters | lines of text in brackets |
//! | `hardline.console.v1` | portal, CLI | [`ServerFrame`]s | [`ServerNotice`]s |
//! | `hardline.raw.v1` | relays, benchmarks | console bytes in binary messages, nothing replayed | notices in text messages |

use super::session::HOST_AWAY;
use bytes::Bytes;
use hardline_console::frame::{
    CLIENT_MESSAGE_LIMIT, ClientFrame, ClientNotice, FrameError, Message, RAW_SUBPROTOCOL, RefusedReason,
    SUBPROTOCOL, ServerFrame, ServerNotice, gap_line,
};
use hardline_console::utf8::Utf8Decoder;
use secrecy::SecretString;

/// The first message to a client without subprotocol, before it has said who it is. It waits for it, and does not show it.
pub const GREETING: &str = "Connecting...\r\n";
/// Clears a terminal that is not empty, so that a snapshot can be replayed into it.
const CLEAR: &str = "\x1b[0m\x1b[H\x1b[2J\x1b[3J";

/// The language of one socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// No subprotocol: text for people.
    Text,
    /// `hardline.console.v1`.
    Hardline,
    /// `hardline.raw.v1`.
    Raw,
}

/// What a client said.
#[derive(Clone, Debug)]
pub enum Said {
    /// Keystrokes.
    Keys(Bytes),
    /// Its token.
    Token(SecretString),
    /// The size of its terminal: columns, rows.
    Size(u16, u16),
    /// It wants the seat.
    Take,
    /// It wants a `pong`.
    Ping,
}

impl Protocol {
    /// The language that a subprotocol's name stands for.
    pub fn named(name: Option<&str>) -> Self {
        match name {
            Some(SUBPROTOCOL) => Self::Hardline,
            Some(RAW_SUBPROTOCOL) => Self::Raw,
            _ => Self::Text,
        }
    }

    /// The subprotocol to answer with: the first of those offered that is known.
    pub fn negotiate<'a>(offered: impl IntoIterator<Item = &'a str>) -> Option<&'static str> {
        offered
            .into_iter()
            .find_map(|name| [SUBPROTOCOL, RAW_SUBPROTOCOL].into_iter().find(|known| *known == name))
    }

    /// What `message` of an authenticated client means.
    ///
    /// # Errors
    /// [`FrameError`] when it means nothing in this language, or is too large.
    pub fn said(self, message: &Message) -> Result<Said, FrameError> {
        if self == Self::Hardline {
            return Ok(match ClientFrame::decode(message)? {
                ClientFrame::Input(keys) => Said::Keys(keys),
                ClientFrame::Notice(ClientNotice::Auth { token }) => Said::Token(token.0.into()),
                ClientFrame::Notice(ClientNotice::Resize { cols, rows }) => Said::Size(cols, rows),
                ClientFrame::Notice(ClientNotice::Take) => Said::Take,
                ClientFrame::Notice(ClientNotice::Ping) => Said::Ping,
            });
        }
        let keys = match message {
            Message::Binary(bytes) => bytes.clone(),
            Message::Text(text) => Bytes::copy_from_slice(text.as_bytes()),
        };
        if keys.len() > CLIENT_MESSAGE_LIMIT { Err(FrameError::TooLarge) } else { Ok(Said::Keys(keys)) }
    }

    /// The token in a client's first message, when the handshake carried none.
    pub fn token(self, message: &Message) -> Option<SecretString> {
        if self == Self::Hardline
            && let Ok(Said::Token(token)) = self.said(message)
        {
            return Some(token);
        }
        match message {
            Message::Text(text) if text.len() <= CLIENT_MESSAGE_LIMIT => Some(text.trim().to_owned().into()),
            // Some websocket libraries send text that they were given as bytes in a binary message.
            Message::Binary(bytes) if bytes.len() <= CLIENT_MESSAGE_LIMIT => {
                std::str::from_utf8(bytes).ok().map(|text| text.trim().to_owned().into())
            }
            _ => None,
        }
    }
}

/// Turns what the server has to say into the messages of one socket.
#[derive(Debug)]
pub struct Encoder {
    protocol: Protocol,
    utf8: Utf8Decoder,
}

impl Encoder {
    /// For a socket of this language.
    pub fn new(protocol: Protocol) -> Self {
        Self { protocol, utf8: Utf8Decoder::new() }
    }

    /// The message for `frame`; none when this language has nothing to say about it.
    pub fn encode(&mut self, frame: ServerFrame) -> Option<Message> {
        match (self.protocol, frame) {
            (Protocol::Hardline, frame) => Some(frame.encode()),
            (Protocol::Raw, ServerFrame::Output { data, .. }) => Some(Message::Binary(data)),
            (Protocol::Raw, ServerFrame::Snapshot { .. }) => None,
            (Protocol::Raw, frame @ ServerFrame::Notice(_)) => Some(frame.encode()),
            (Protocol::Text, ServerFrame::Output { data, .. }) => text(self.utf8.push(&data)),
            (Protocol::Text, ServerFrame::Snapshot { data, .. }) => {
                self.utf8.finish();
                let mut out = CLEAR.to_owned();
                out.push_str(&self.utf8.push(&data));
                text(out)
            }
            (Protocol::Text, ServerFrame::Notice(notice)) => words(&notice).and_then(text),
        }
    }
}

fn text(text: String) -> Option<Message> {
    (!text.is_empty()).then_some(Message::Text(text))
}

/// A notice as a line for people. Names come from tokens: what a terminal would obey is left out.
fn words(notice: &ServerNotice) -> Option<String> {
    let line = |text: String| Some(format!("\r\n[hardline: {text}]\r\n"));
    match notice {
        ServerNotice::Gap { length, reason, .. } => Some(gap_line(*length, *reason)),
        ServerNotice::Taken { by, address } => line(format!(
            "{} has taken over this console from {}; this session is over",
            printable(by),
            printable(address)
        )),
        ServerNotice::InputRefused { reason, bytes } => line(match reason {
            RefusedReason::StaleEpoch => return None,
            RefusedReason::GuestNotReading => {
                format!("the guest does not take its input; {bytes} bytes were not sent")
            }
            RefusedReason::NotRunning => {
                format!("the virtual machine is not running; {bytes} bytes were not sent")
            }
            RefusedReason::NotWriter => format!("this session only watches; {bytes} bytes were not sent"),
        }),
        ServerNotice::State { state } if state == HOST_AWAY => {
            line("the host of the virtual machine is not connected; waiting for it".into())
        }
        ServerNotice::State { state } => line(format!("the virtual machine is {}", printable(state))),
        ServerNotice::Ended { reason } => line(printable(reason)),
        ServerNotice::Welcome { .. } | ServerNotice::Pong => None,
    }
}

fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hardline_console::frame::{GapReason, Token};
    use secrecy::ExposeSecret as _;

    fn output(data: &'static [u8]) -> ServerFrame {
        ServerFrame::Output { offset: 0, data: Bytes::from_static(data) }
    }

    #[test]
    fn text_is_cut_on_the_borders_of_characters() {
        let mut encoder = Encoder::new(Protocol::Text);
        assert_eq!(encoder.encode(output(b"a\xe2\x82")), Some(Message::Text("a".into())));
        assert_eq!(encoder.encode(output(b"\xac")), Some(Message::Text("€".into())));
        assert_eq!(encoder.encode(output(b"\xe2")), None);
        assert_eq!(encoder.encode(output(b"x\xff")), Some(Message::Text("\u{FFFD}x\u{FFFD}".into())));
    }

    #[test]
    fn raw_is_the_bytes_alone() {
        let mut encoder = Encoder::new(Protocol::Raw);
        assert_eq!(
            encoder.encode(output(b"\xff\x00")),
            Some(Message::Binary(Bytes::from_static(b"\xff\x00")))
        );
        let snapshot =
            ServerFrame::Snapshot { offset: 1, cols: 80, rows: 24, data: Bytes::from_static(b"x") };
        assert_eq!(encoder.encode(snapshot), None);
        let gap = ServerNotice::Gap { start: 1, length: Some(2), reason: GapReason::ViewerSlow };
        assert!(matches!(encoder.encode(ServerFrame::Notice(gap)), Some(Message::Text(_))));
    }

    #[test]
    fn notices_in_words() {
        let taken = ServerNotice::Taken { by: "ann\x1b[2J".into(), address: "192.0.2.1".into() };
        assert_eq!(
            words(&taken).unwrap(),
            "\r\n[hardline: ann[2J has taken over this console from 192.0.2.1; this session is over]\r\n"
        );
    }

    #[test]
    fn the_first_message_is_the_token() {
        let token = |p: Protocol, m| p.token(&m).map(|t| t.expose_secret().to_owned());
        assert_eq!(token(Protocol::Text, Message::Text("tok\n".into())).as_deref(), Some("tok"));
        let auth = ClientFrame::Notice(ClientNotice::Auth { token: Token("tok".into()) }).encode();
        assert_eq!(token(Protocol::Hardline, auth).as_deref(), Some("tok"));
        assert_eq!(token(Protocol::Text, Message::Binary(Bytes::from_static(b"\xff"))), None);
    }

    #[test]
    fn keys_are_any_message_of_a_client_without_subprotocol() {
        let keys = |message: &Message| match Protocol::Text.said(message) {
            Ok(Said::Keys(keys)) => keys,
            other => panic!("{other:?}"),
        };
        assert_eq!(keys(&Message::Text("ä".into())), "ä");
        assert_eq!(keys(&Message::Binary(Bytes::from_static(b"\x03"))), "\x03");
        let large = Message::Text("x".repeat(CLIENT_MESSAGE_LIMIT + 1));
        assert_eq!(Protocol::Text.said(&large).err(), Some(FrameError::TooLarge));
    }

    #[test]
    fn negotiation() {
        assert_eq!(Protocol::negotiate(["x", RAW_SUBPROTOCOL, SUBPROTOCOL]), Some(RAW_SUBPROTOCOL));
        assert_eq!(Protocol::negotiate(["x"]), None);
        assert_eq!(Protocol::named(Some(SUBPROTOCOL)), Protocol::Hardline);
    }
}
