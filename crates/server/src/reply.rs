//! What a handler answers: a JSON document, a stream of bytes, or a WebSocket.

use crate::http::websocket::Socket;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

/// The answer to a request, before it is written to the wire.
#[derive(Debug)]
pub enum Reply {
    /// ARM's usual: a status, perhaps a JSON document.
    Arm(ArmResponse),
    /// Bytes, sent as they come.
    Stream(StreamResponse),
    /// The connection becomes a WebSocket.
    Upgrade(Upgrade),
}

impl Reply {
    /// The status with which the reply begins; a WebSocket's is 101.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Arm(r) => r.status,
            Self::Stream(r) => r.status,
            Self::Upgrade(_) => StatusCode::SWITCHING_PROTOCOLS,
        }
    }
}

impl From<ArmResponse> for Reply {
    fn from(response: ArmResponse) -> Self {
        Self::Arm(response)
    }
}

impl From<StreamResponse> for Reply {
    fn from(response: StreamResponse) -> Self {
        Self::Stream(response)
    }
}

impl From<Upgrade> for Reply {
    fn from(upgrade: Upgrade) -> Self {
        Self::Upgrade(upgrade)
    }
}

/// A status, headers, and a JSON document or nothing.
#[derive(Clone, Debug)]
pub struct ArmResponse {
    /// The status.
    pub status: StatusCode,
    /// Headers of this answer, beside those that every answer has.
    pub headers: HeaderMap,
    /// The document.
    pub body: Option<Value>,
}

impl ArmResponse {
    /// A status without a document.
    pub fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: None }
    }

    /// A status with a document.
    pub fn json(status: StatusCode, body: Value) -> Self {
        Self { status, headers: HeaderMap::new(), body: Some(body) }
    }

    /// 200 with a document.
    pub fn ok(body: Value) -> Self {
        Self::json(StatusCode::OK, body)
    }

    /// 201 with a document.
    pub fn created(body: Value) -> Self {
        Self::json(StatusCode::CREATED, body)
    }

    /// 204.
    pub fn no_content() -> Self {
        Self::empty(StatusCode::NO_CONTENT)
    }

    /// Adds a header. A value that cannot stand in a header is left out.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }
}

/// Bytes as they are produced. An error ends the body early, which the client sees as a broken connection.
pub type ByteStream = BoxStream<'static, std::io::Result<Bytes>>;

/// A status, headers, and bytes.
pub struct StreamResponse {
    /// The status.
    pub status: StatusCode,
    /// Headers, `content-type` and (if it is known) `content-length` among them.
    pub headers: HeaderMap,
    /// The bytes.
    pub body: Payload,
}

/// The body of a [`StreamResponse`].
pub enum Payload {
    /// All of it, there already.
    Bytes(Bytes),
    /// A stream, sent as it comes; dropped when the client leaves.
    Stream(ByteStream),
}

impl StreamResponse {
    /// Bytes that are there already.
    pub fn bytes(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self::new(status, content_type, Payload::Bytes(body.into()))
    }

    /// A stream.
    pub fn stream(content_type: &'static str, body: ByteStream) -> Self {
        Self::new(StatusCode::OK, content_type, Payload::Stream(body))
    }

    fn new(status: StatusCode, content_type: &'static str, body: Payload) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self { status, headers, body }
    }

    /// Adds a header. A value that cannot stand in a header is left out.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }
}

impl std::fmt::Debug for StreamResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamResponse")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}

/// What runs on a WebSocket once it is open; the socket closes when it ends.
pub type Session = Box<dyn FnOnce(Socket) -> BoxFuture<'static, ()> + Send>;

/// The connection becomes a WebSocket.
pub struct Upgrade {
    /// The subprotocol that was chosen among those offered.
    pub protocol: Option<&'static str>,
    /// What runs on it.
    pub session: Session,
}

impl Upgrade {
    /// `session` runs on the socket, in `protocol` when one was negotiated.
    pub fn new<F, R>(protocol: Option<&'static str>, session: F) -> Self
    where
        F: FnOnce(Socket) -> R + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        Self { protocol, session: Box::new(move |socket| Box::pin(session(socket))) }
    }
}

impl std::fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upgrade").field("protocol", &self.protocol).finish_non_exhaustive()
    }
}
