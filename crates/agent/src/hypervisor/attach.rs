//! The driver for serial ports that something else runs: a unix socket, a pty or TCP. No power actions, no screenshot.

use crate::serial::Port;
use std::sync::Arc;
use tokio::sync::watch;

/// Where the bytes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A unix stream socket.
    Unix(std::path::PathBuf),
    /// A pty or serial device.
    Pty(std::path::PathBuf),
    /// `host:port`.
    Tcp(String),
}

/// Which endpoints this host may attach: everything is refused that no prefix allows.
#[derive(Clone, Debug, Default)]
pub struct AttachPolicy {
    /// "unix:/run/guests/", "pty:/dev/pts/", "tcp:127.0.0.1:" ...
    pub prefixes: Vec<String>,
}

/// Why an endpoint is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointRefused {
    /// Not `unix:/path`, `pty:/path` or `tcp:host:port`.
    #[error("an endpoint is unix:/path, pty:/path or tcp:host:port")]
    Malformed,
    /// No prefix of the host's configuration allows it.
    #[error("this host's configuration does not allow that endpoint")]
    NotAllowed,
}

impl AttachPolicy {
    /// Parses an endpoint and checks it against the prefixes.
    pub fn check(&self, _endpoint: &str) -> Result<Endpoint, EndpointRefused> {
        todo!()
    }
}

/// Is somebody there?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attached {
    /// Bytes flow.
    Yes,
    /// The endpoint is not there at present: why.
    No(String),
}

/// A running attachment: connects, reads, reconnects, until dropped.
pub struct Attachment {}

impl Attachment {
    /// Starts to attach `port` to `endpoint`. The policy is checked again at every connect (symlinks may change).
    pub fn start(_port: Arc<Port>, _endpoint: Endpoint, _policy: AttachPolicy) -> Self {
        todo!()
    }
    /// Changes of the state, beginning with the present one.
    pub fn state(&self) -> watch::Receiver<Attached> {
        todo!()
    }
    /// Ends it; returns when the endpoint is closed.
    pub async fn stop(self) {
        todo!()
    }
}
