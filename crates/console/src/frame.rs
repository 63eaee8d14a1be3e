//! WebSocket messages between our own clients and the server: the subprotocol `hardline.console.v1`.
//!
//! A binary message is one byte of kind and a payload:
//!
//! ```text
//!   server -> client   0x01 output    u64 offset, bytes
//!                      0x02 snapshot  u64 offset, u16 columns, u16 rows, bytes (replay into an empty terminal)
//!   client -> server   0x01 input     bytes
//! ```
//!
//! Numbers are big-endian. A text message is a JSON object with `kind`: [`ServerNotice`], [`ClientNotice`]. An offset
//! counts the bytes that the port has printed over its whole life; output goes on exactly where a snapshot stands.
//! Decoding is total: every message gives a frame or a [`FrameError`], never more memory than the message itself.

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The name of this protocol in the WebSocket handshake.
pub const SUBPROTOCOL: &str = "hardline.console.v1";
/// Console bytes alone, in binary messages both ways.
pub const RAW_SUBPROTOCOL: &str = "hardline.raw.v1";
/// Largest message that a client may send, bytes.
pub const CLIENT_MESSAGE_LIMIT: usize = 64 << 10;
/// Widest and highest terminal that a client may ask for.
pub const SIZE_LIMIT: u16 = 1000;

const OUTPUT: u8 = 0x01;
const SNAPSHOT: u8 = 0x02;
const INPUT: u8 = 0x01;

/// Why a WebSocket was closed by the server.
pub mod close {
    /// The server is going away.
    pub const GOING_AWAY: u16 = 1001;
    /// The client does not speak its protocol.
    pub const PROTOCOL: u16 = 1002;
    /// No valid token came ("Connection not trusted").
    pub const NOT_TRUSTED: u16 = 1011;
    /// A message larger than [`super::CLIENT_MESSAGE_LIMIT`].
    pub const TOO_LARGE: u16 = 1009;
    /// The session ended for another reason, which the `ended` notice names.
    pub const ENDED: u16 = 4000;
    /// Somebody else took the seat.
    pub const SEAT_TAKEN: u16 = 4001;
    /// The virtual machine stopped or was removed.
    pub const MACHINE_GONE: u16 = 4002;
    /// The token expired, or the right to connect was withdrawn.
    pub const RIGHT_LOST: u16 = 4003;
}

/// The body of one WebSocket message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A binary message.
    Binary(Bytes),
    /// A text message.
    Text(String),
}

/// What the server sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerFrame {
    /// What the guest printed, from `offset`.
    Output {
        /// Of the first byte.
        offset: u64,
        /// The bytes.
        data: Bytes,
    },
    /// The screen exactly at `offset`.
    Snapshot {
        /// Where output goes on.
        offset: u64,
        /// Columns of the server's screen.
        cols: u16,
        /// Rows of the server's screen.
        rows: u16,
        /// To be replayed into an empty terminal.
        data: Bytes,
    },
    /// Everything that is not guest output.
    Notice(ServerNotice),
}

/// What a client sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientFrame {
    /// Keystrokes.
    Input(Bytes),
    /// Everything else.
    Notice(ClientNotice),
}

/// A session's part in the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Holds the seat: what it sends reaches the guest.
    Writer,
    /// Only watches.
    Viewer,
}

/// Why bytes are missing from the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum GapReason {
    /// This client was too slow; the log has the bytes.
    ViewerSlow,
    /// The host's disk had no room.
    SpoolFull,
    /// The port printed more than its budget.
    RateLimit,
    /// Nobody was reading an attached port.
    Detached,
    /// No longer kept.
    Expired,
    /// The host's spool vanished or was truncated.
    SpoolLost,
    /// Boot diagnostics were disabled.
    CaptureOff,
    /// The host did not say.
    Unknown,
}

impl GapReason {
    /// The reason in words, for the line that stands for the missing bytes in a log.
    pub fn words(self) -> &'static str {
        match self {
            Self::ViewerSlow => "viewer too slow",
            Self::SpoolFull => "host disk full",
            Self::RateLimit => "rate limit",
            Self::Detached => "port was not attached",
            Self::Expired => "no longer kept",
            Self::SpoolLost => "spool lost",
            Self::CaptureOff => "boot diagnostics were disabled",
            Self::Unknown => "unknown reason",
        }
    }

    /// The reason as it stands in JSON and in records: `spoolFull`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ViewerSlow => "viewerSlow",
            Self::SpoolFull => "spoolFull",
            Self::RateLimit => "rateLimit",
            Self::Detached => "detached",
            Self::Expired => "expired",
            Self::SpoolLost => "spoolLost",
            Self::CaptureOff => "captureOff",
            Self::Unknown => "unknown",
        }
    }

    /// The reason of a name; [`Self::Unknown`] for one that is not known.
    pub fn parse(name: &str) -> Self {
        [
            Self::ViewerSlow,
            Self::SpoolFull,
            Self::RateLimit,
            Self::Detached,
            Self::Expired,
            Self::SpoolLost,
            Self::CaptureOff,
        ]
        .into_iter()
        .find(|reason| reason.name() == name)
        .unwrap_or(Self::Unknown)
    }
}

/// The line that stands in a log for missing bytes. `length` none: nobody knows how many.
pub fn gap_line(length: Option<u64>, reason: GapReason) -> String {
    match length {
        Some(length) => format!("\r\n[hardline: {length} bytes missing: {}]\r\n", reason.words()),
        None => format!("\r\n[hardline: an unknown number of bytes missing: {}]\r\n", reason.words()),
    }
}

/// Why keystrokes did not reach the guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RefusedReason {
    /// Somebody else has the seat by now.
    StaleEpoch,
    /// The guest does not take its input; its buffer is full.
    GuestNotReading,
    /// The virtual machine is not running.
    NotRunning,
    /// This session only watches.
    NotWriter,
}

/// A text message of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ServerNotice {
    /// The session has begun, or its role has changed.
    Welcome {
        /// What this session may do.
        role: Role,
        /// The virtual machine's name.
        vm: String,
        /// The serial port.
        port: u32,
        /// Of the seat.
        epoch: u64,
        /// Who has the seat; none when it is empty.
        holder: Option<String>,
    },
    /// Bytes are missing; a snapshot follows.
    Gap {
        /// Offset of the first missing byte.
        start: u64,
        /// How many; none when nobody knows.
        length: Option<u64>,
        /// Why.
        reason: GapReason,
    },
    /// Somebody else has taken the seat; the socket closes.
    Taken {
        /// Who.
        by: String,
        /// From where.
        address: String,
    },
    /// Input was not given to the guest.
    InputRefused {
        /// Why.
        reason: RefusedReason,
        /// How many bytes.
        bytes: u64,
    },
    /// The virtual machine's state has changed.
    State {
        /// `running`, `stopped`, …
        state: String,
    },
    /// The session is over; the socket closes.
    Ended {
        /// Why, in words.
        reason: String,
    },
    /// The answer to `ping`.
    Pong,
}

/// A text message of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum ClientNotice {
    /// The access token; the first message where the handshake carried none.
    Auth {
        /// The token.
        token: Token,
    },
    /// The size of the client's terminal.
    Resize {
        /// Columns.
        cols: u16,
        /// Rows.
        rows: u16,
    },
    /// A viewer asks for the seat.
    Take,
    /// Asks for a `pong`.
    Ping,
}

/// An access token; never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(
    /// The text, which must reach no log.
    pub String,
);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Why a message is no frame. The text never repeats what the message held: it may have been a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// A binary message without a byte.
    #[error("an empty message")]
    Empty,
    /// A kind of binary message that this protocol does not have.
    #[error("the message kind {0:#04x} is not known")]
    UnknownKind(u8),
    /// A message shorter than its header.
    #[error("the message ends after {have} of {need} bytes of its header")]
    Truncated {
        /// Bytes that the header has.
        need: usize,
        /// Bytes that came.
        have: usize,
    },
    /// A text message that is not a JSON object with a known `kind` and its fields.
    #[error("the text message is not a JSON object with a known kind")]
    NotJson,
    /// A terminal without columns or rows, or beyond [`SIZE_LIMIT`].
    #[error("a terminal has 1 to {SIZE_LIMIT} columns and rows")]
    Size,
    /// A client's message over [`CLIENT_MESSAGE_LIMIT`].
    #[error("the message is larger than {CLIENT_MESSAGE_LIMIT} bytes")]
    TooLarge,
}

impl ServerFrame {
    /// The message that carries this frame.
    pub fn encode(&self) -> Message {
        match self {
            Self::Output { offset, data } => {
                let mut out = BytesMut::with_capacity(9 + data.len());
                out.put_u8(OUTPUT);
                out.put_u64(*offset);
                out.put_slice(data);
                Message::Binary(out.freeze())
            }
            Self::Snapshot { offset, cols, rows, data } => {
                let mut out = BytesMut::with_capacity(13 + data.len());
                out.put_u8(SNAPSHOT);
                out.put_u64(*offset);
                out.put_u16(*cols);
                out.put_u16(*rows);
                out.put_slice(data);
                Message::Binary(out.freeze())
            }
            Self::Notice(notice) => Message::Text(json(notice)),
        }
    }

    /// The frame that `message` carries.
    ///
    /// # Errors
    /// [`FrameError`] when it carries none.
    pub fn decode(message: &Message) -> Result<Self, FrameError> {
        match message {
            Message::Text(text) => {
                serde_json::from_str(text).map(Self::Notice).map_err(|_| FrameError::NotJson)
            }
            Message::Binary(bytes) => match bytes.first() {
                None => Err(FrameError::Empty),
                Some(&OUTPUT) => {
                    let (head, data) = header::<9>(bytes)?;
                    Ok(Self::Output { offset: number(&head[1..]), data })
                }
                Some(&SNAPSHOT) => {
                    let (head, data) = header::<13>(bytes)?;
                    let size = |bytes: &[u8]| u16::try_from(number(bytes)).unwrap_or(u16::MAX);
                    let (cols, rows) = (size(&head[9..11]), size(&head[11..]));
                    Ok(Self::Snapshot { offset: number(&head[1..9]), cols, rows, data })
                }
                Some(&kind) => Err(FrameError::UnknownKind(kind)),
            },
        }
    }
}

impl ClientFrame {
    /// The message that carries this frame.
    pub fn encode(&self) -> Message {
        match self {
            Self::Input(data) => {
                let mut out = BytesMut::with_capacity(1 + data.len());
                out.put_u8(INPUT);
                out.put_slice(data);
                Message::Binary(out.freeze())
            }
            Self::Notice(notice) => Message::Text(json(notice)),
        }
    }

    /// The frame that `message` carries.
    ///
    /// # Errors
    /// [`FrameError`] when it carries none.
    pub fn decode(message: &Message) -> Result<Self, FrameError> {
        match message {
            Message::Text(text) if text.len() > CLIENT_MESSAGE_LIMIT => Err(FrameError::TooLarge),
            Message::Text(text) => match serde_json::from_str(text) {
                Ok(ClientNotice::Resize { cols, rows })
                    if !(1..=SIZE_LIMIT).contains(&cols) || !(1..=SIZE_LIMIT).contains(&rows) =>
                {
                    Err(FrameError::Size)
                }
                Ok(notice) => Ok(Self::Notice(notice)),
                Err(_) => Err(FrameError::NotJson),
            },
            Message::Binary(bytes) if bytes.len() > CLIENT_MESSAGE_LIMIT => Err(FrameError::TooLarge),
            Message::Binary(bytes) => match bytes.first() {
                None => Err(FrameError::Empty),
                Some(&INPUT) => Ok(Self::Input(bytes.slice(1..))),
                Some(&kind) => Err(FrameError::UnknownKind(kind)),
            },
        }
    }
}

/// The first `N` bytes and the rest.
fn header<const N: usize>(bytes: &Bytes) -> Result<([u8; N], Bytes), FrameError> {
    match bytes.split_first_chunk::<N>() {
        Some((head, _)) => Ok((*head, bytes.slice(N..))),
        None => Err(FrameError::Truncated { need: N, have: bytes.len() }),
    }
}

/// A big-endian number of at most eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Notices are maps of strings and numbers: their serialisation cannot fail.
fn json(notice: &impl Serialize) -> String {
    serde_json::to_string(notice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(notice: ServerNotice, text: &str) {
        let message = ServerFrame::Notice(notice.clone()).encode();
        assert_eq!(message, Message::Text(text.into()));
        assert_eq!(ServerFrame::decode(&message), Ok(ServerFrame::Notice(notice)));
    }

    #[test]
    fn notices_of_the_server() {
        use ServerNotice::*;
        let welcome =
            Welcome { role: Role::Writer, vm: "demo".into(), port: 0, epoch: 3, holder: Some("a@b".into()) };
        check(welcome, r#"{"kind":"welcome","role":"writer","vm":"demo","port":0,"epoch":3,"holder":"a@b"}"#);
        check(
            Gap { start: 7, length: None, reason: GapReason::ViewerSlow },
            r#"{"kind":"gap","start":7,"length":null,"reason":"viewerSlow"}"#,
        );
        check(
            Taken { by: "x".into(), address: "10.0.0.1".into() },
            r#"{"kind":"taken","by":"x","address":"10.0.0.1"}"#,
        );
        check(
            InputRefused { reason: RefusedReason::StaleEpoch, bytes: 2 },
            r#"{"kind":"inputRefused","reason":"staleEpoch","bytes":2}"#,
        );
        check(State { state: "running".into() }, r#"{"kind":"state","state":"running"}"#);
        check(Ended { reason: "x".into() }, r#"{"kind":"ended","reason":"x"}"#);
        check(Pong, r#"{"kind":"pong"}"#);
    }

    #[test]
    fn messages_of_a_client() {
        let text = |text: &str| ClientFrame::decode(&Message::Text(text.into()));
        assert_eq!(text(r#"{"kind":"take"}"#), Ok(ClientFrame::Notice(ClientNotice::Take)));
        assert_eq!(
            text(r#"{"kind":"resize","cols":120,"rows":40}"#),
            Ok(ClientFrame::Notice(ClientNotice::Resize { cols: 120, rows: 40 }))
        );
        assert_eq!(text(r#"{"kind":"resize","cols":0,"rows":40}"#), Err(FrameError::Size));
        assert_eq!(text(r#"{"kind":"resize","cols":70000,"rows":4}"#), Err(FrameError::NotJson));
        assert_eq!(text("ls\n"), Err(FrameError::NotJson));
        assert_eq!(text(r#"{"kind":"fly"}"#), Err(FrameError::NotJson));
        let binary = |bytes: &'static [u8]| ClientFrame::decode(&Message::Binary(bytes.into()));
        assert_eq!(binary(b"\x01ls\n"), Ok(ClientFrame::Input("ls\n".into())));
        assert_eq!(binary(b"\x07ls\n"), Err(FrameError::UnknownKind(7)));
        assert_eq!(binary(b""), Err(FrameError::Empty));
        let large = Message::Binary(vec![1; CLIENT_MESSAGE_LIMIT + 1].into());
        assert_eq!(ClientFrame::decode(&large), Err(FrameError::TooLarge));
    }

    #[test]
    fn a_token_is_not_shown() {
        let notice = ClientNotice::Auth { token: Token("s3cret".into()) };
        assert_eq!(format!("{notice:?}"), "Auth { token: Token(…) }");
        assert_eq!(
            ClientFrame::decode(&ClientFrame::Notice(notice.clone()).encode()),
            Ok(ClientFrame::Notice(notice))
        );
    }

    #[test]
    fn reasons_have_the_names_of_their_json() {
        for reason in [GapReason::ViewerSlow, GapReason::SpoolFull, GapReason::RateLimit, GapReason::Detached]
        {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.name());
            assert_eq!(GapReason::parse(reason.name()), reason);
        }
        assert_eq!(GapReason::parse("?"), GapReason::Unknown);
        assert_eq!(
            gap_line(Some(7), GapReason::RateLimit),
            "\r\n[hardline: 7 bytes missing: rate limit]\r\n"
        );
    }

    proptest! {
        #[test]
        fn output_round_trip(offset: u64, data in proptest::collection::vec(any::<u8>(), 0..64)) {
            let frame = ServerFrame::Output { offset, data: data.into() };
            prop_assert_eq!(ServerFrame::decode(&frame.encode()), Ok(frame));
        }

        #[test]
        fn snapshot_round_trip(offset: u64, cols: u16, rows: u16, data in proptest::collection::vec(any::<u8>(), 0..64)) {
            let frame = ServerFrame::Snapshot { offset, cols, rows, data: data.into() };
            prop_assert_eq!(ServerFrame::decode(&frame.encode()), Ok(frame));
        }

        #[test]
        fn input_round_trip(data in proptest::collection::vec(any::<u8>(), 0..64)) {
            let frame = ClientFrame::Input(data.into());
            prop_assert_eq!(ClientFrame::decode(&frame.encode()), Ok(frame));
        }

        #[test]
        fn decoding_is_total(data in proptest::collection::vec(any::<u8>(), 0..40), text in ".{0,60}") {
            let _ = ServerFrame::decode(&Message::Binary(data.clone().into()));
            let _ = ClientFrame::decode(&Message::Binary(data.into()));
            let _ = ServerFrame::decode(&Message::Text(text.clone()));
            let _ = ClientFrame::decode(&Message::Text(text));
        }
    }
}
