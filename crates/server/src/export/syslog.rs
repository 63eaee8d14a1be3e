//! Syslog over TLS: RFC 5424 messages in RFC 5425 frames (`{octets} {message}`, the octet counting of RFC 6587).
//!
//! The protocol has no answers. A batch has a connection of its own, which we end; it counts when the receiver has ended it too,
//! which it does after it has read everything. A connection that breaks before that has the batch sent again.

use super::item::Item;
use super::profile::{Mode, Profile};
use super::sink::{SinkError, Verdict};
use crate::state::State;
use hardline_arm::activity::Level;
use jiff::Timestamp;
use reqwest::Url;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// The port of syslog over TLS.
const PORT: u16 = 6514;
/// The facility "log audit".
const FACILITY: u8 = 13;
/// Longest host name in a message (RFC 5424).
const HOST: usize = 255;

/// The sink.
pub(super) struct Syslog {
    connector: TlsConnector,
    host: String,
    port: u16,
    /// Our own name in the messages.
    origin: String,
    mode: Mode,
    patience: Duration,
}

impl std::fmt::Debug for Syslog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Syslog").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

impl Syslog {
    /// The receiver at `url`.
    pub(super) fn new(state: &State, url: &Url, profile: &Profile) -> Result<Self, SinkError> {
        let broken = |e: rustls::Error| SinkError::away(e.to_string());
        let authority = state.config.export.authority.clone();
        let authority = authority.ok_or_else(|| {
            SinkError::away("syslog needs an authority for the receiver's certificate ('export.authority')")
        })?;
        let mut roots = RootCertStore::empty();
        roots.add(authority).map_err(broken)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(broken)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            host: url.host_str().unwrap_or("").trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(PORT),
            origin: word(&state.config.public_host, HOST),
            mode: profile.mode,
            patience: state.config.limits.sink_answer,
        })
    }

    /// Sends events over a connection of their own.
    pub(super) async fn send(&self, items: &[&Item], now: Timestamp) -> Result<Vec<Verdict>, SinkError> {
        let frames: String = items.iter().map(|item| self.frame(item, now)).collect();
        match tokio::time::timeout(self.patience, self.deliver(frames.as_bytes())).await {
            Ok(Ok(())) => Ok(vec![Verdict::Taken; items.len()]),
            Ok(Err(error)) => Err(SinkError::away(error.to_string())),
            Err(_) => Err(SinkError::away("it has not read everything in time")),
        }
    }

    async fn deliver(&self, frames: &[u8]) -> io::Result<()> {
        let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        let mut stream = self.connector.connect(name, stream).await?;
        stream.write_all(frames).await?;
        stream.shutdown().await?;
        // Its own end: an orderly one, or else this is an error.
        let mut rest = [0; 64];
        while stream.read(&mut rest).await? > 0 {}
        Ok(())
    }

    fn frame(&self, item: &Item, now: Timestamp) -> String {
        let severity = match item.event.level {
            Level::Critical => 2,
            Level::Error => 3,
            Level::Warning => 4,
            Level::Informational => 6,
            Level::Verbose => 7,
        };
        let message = format!(
            "<{}>1 {:.6} {} hardline - {} - {}",
            FACILITY * 8 + severity,
            item.event.event_timestamp,
            self.origin,
            word(&item.event.category.value, 32),
            item.render(self.mode, now)
        );
        format!("{} {message}", message.len())
    }
}

/// A word of a header: visible ASCII, not long, `-` for none.
fn word(text: &str, longest: usize) -> String {
    let word: String = text.chars().filter(char::is_ascii_graphic).take(longest).collect();
    if word.is_empty() { "-".to_owned() } else { word }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_header() {
        assert_eq!(word("a b\nc", 255), "abc");
        assert_eq!(word("", 255), "-");
        assert_eq!(word("Administrative", 5), "Admin");
    }
}
