//! A receiver of syslog over TLS that takes octet-counted frames only, and may break off.

use crate::authority::Authority;
use rustls::ServerConfig;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The receiver; it ends when it is dropped.
pub struct SyslogReceiver {
    url: String,
    inner: Arc<Inner>,
    _stop: DropGuard,
}

struct Inner {
    state: Mutex<State>,
    changed: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    breaks: usize,
    messages: Vec<String>,
    violations: Vec<String>,
}

impl SyslogReceiver {
    /// Starts one with a certificate of `authority`.
    pub async fn start(authority: &Authority) -> Self {
        let identity = authority.listener(&["localhost"]);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(identity.chain, identity.key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("syslog+tls://localhost:{}", listener.local_addr().unwrap().port());
        let inner = Arc::new(Inner { state: Mutex::default(), changed: watch::Sender::new(0) });
        let stop = CancellationToken::new();
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        tokio::spawn(accept(listener, acceptor, inner.clone(), stop.clone()));
        Self { url, inner, _stop: stop.drop_guard() }
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The next so many connections are broken off after a few bytes.
    pub fn break_off(&self, connections: usize) {
        self.inner.state.lock().unwrap().breaks = connections;
    }

    /// The messages that came.
    pub fn messages(&self) -> Vec<String> {
        self.inner.state.lock().unwrap().messages.clone()
    }

    /// What came that is no frame.
    pub fn violations(&self) -> Vec<String> {
        self.inner.state.lock().unwrap().violations.clone()
    }

    /// Waits until so many messages have come.
    pub async fn wait(&self, messages: usize) {
        let mut changed = self.inner.changed.subscribe();
        let waiting = async {
            while self.messages().len() < messages {
                changed.changed().await.unwrap();
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(30), waiting).await;
        assert!(waited.is_ok(), "{} of {messages} messages, {:?}", self.messages().len(), self.violations());
    }
}

async fn accept(listener: TcpListener, tls: TlsAcceptor, inner: Arc<Inner>, stop: CancellationToken) {
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted.unwrap().0,
            () = stop.cancelled() => return,
        };
        let (tls, inner) = (tls.clone(), inner.clone());
        tokio::spawn(async move {
            let Ok(mut stream) = tls.accept(stream).await else { return };
            let broken = {
                let mut state = inner.state.lock().unwrap();
                let broken = state.breaks > 0;
                state.breaks = state.breaks.saturating_sub(1);
                broken
            };
            if broken {
                // Without a close_notify: the sender cannot take it for an orderly end.
                let _ = stream.read(&mut [0; 8]).await;
                return;
            }
            let mut bytes = Vec::new();
            if stream.read_to_end(&mut bytes).await.is_ok() {
                inner.take(&bytes);
                let _ = stream.shutdown().await;
            }
        });
    }
}

impl Inner {
    fn take(&self, bytes: &[u8]) {
        let mut state = self.state.lock().unwrap();
        let mut rest = bytes;
        while !rest.is_empty() {
            let Some((frame, after)) = frame(rest) else {
                state.violations.push(String::from_utf8_lossy(rest).into_owned());
                break;
            };
            state.messages.push(frame);
            rest = after;
        }
        drop(state);
        self.changed.send_modify(|count| *count += 1);
    }
}

/// The first frame, and what follows it.
fn frame(bytes: &[u8]) -> Option<(String, &[u8])> {
    let space = bytes.iter().position(|b| *b == b' ')?;
    let length: usize = std::str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
    let rest = &bytes[space + 1..];
    (rest.len() >= length).then(|| (String::from_utf8(rest[..length].to_vec()).unwrap(), &rest[length..]))
}
