//! The agent's way to its server: it dials, both sides prove who they are (mutual TLS), and then the agent *serves* its
//! gRPC service on that connection. So a host needs no open port, and the server calls it like any other.
//!
//! ```text
//!   agent ── TCP, TLS with both certificates ──> server's agent listener
//!   agent <══ HTTP/2: the server is the client ══ server
//! ```

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use hardline_agent_api::{MESSAGE_LIMIT, v1::host_agent_server::HostAgentServer};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::agent::Agent;

/// What ALPN calls the protocol on the connection.
pub const ALPN: &[u8] = b"h2";
/// How long a dial, TLS included, may take.
const DIAL: Duration = Duration::from_secs(10);
/// First and longest pause between two dials; it doubles, and each is shortened by up to a half at random, so that the
/// hosts of a restarted server do not come all at once.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(15));
/// A quiet connection is tried this often, and given up when no answer comes in time.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(10));

/// Where the server is and who we are.
#[derive(Clone)]
pub struct LinkConfig {
    /// `host:port` of the server's agent listener.
    pub server: String,
    /// The name that the server's certificate must have.
    pub server_name: String,
    /// From [`client_tls`].
    pub tls: Arc<rustls::ClientConfig>,
}

/// Why there is no link.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// A certificate or key cannot be used.
    #[error("{}: {why}", file.display())]
    Certificate {
        /// Which file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The server's name is not one.
    #[error("'{0}' is not a server's name")]
    Name(String),
    /// Nobody there, or not who was expected.
    #[error("{0}")]
    Dial(String),
    /// The connection broke.
    #[error("{0}")]
    Broken(String),
}

/// TLS for the link out of PEM files: the authority that signed the server's certificate, and our own chain and key.
///
/// # Errors
/// A file is absent or not what it should be.
pub fn client_tls(
    authority: &Path,
    chain: &Path,
    key: &Path,
) -> Result<Arc<rustls::ClientConfig>, LinkError> {
    fn bad<E: std::fmt::Display>(file: &Path) -> impl FnOnce(E) -> LinkError {
        move |error| LinkError::Certificate { file: file.to_owned(), why: error.to_string() }
    }
    let certificates = |file: &Path| {
        CertificateDer::pem_file_iter(file)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(bad(file))
    };
    let mut roots = rustls::RootCertStore::empty();
    for certificate in certificates(authority)? {
        roots.add(certificate).map_err(bad(authority))?;
    }
    let own = certificates(chain)?;
    let secret = PrivateKeyDer::from_pem_file(key).map_err(bad(key))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(bad(chain))?
        .with_root_certificates(roots)
        .with_client_auth_cert(own, secret)
        .map_err(bad(chain))?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    Ok(Arc::new(tls))
}

/// Keeps a link to the server until `cancel`: dials, serves, dials again.
///
/// # Errors
/// Only what no further dial can mend: the server's name is not one.
pub async fn run(agent: Agent, config: LinkConfig, cancel: CancellationToken) -> Result<(), LinkError> {
    let name = ServerName::try_from(config.server_name.clone())
        .map_err(|_| LinkError::Name(config.server_name.clone()))?;
    let mut pause = PAUSES.0;
    loop {
        let begun = tokio::time::Instant::now();
        let ended = tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            ended = once(&agent, &config, name.clone(), &cancel) => ended,
        };
        match ended {
            Ok(()) => tracing::info!(server = config.server, "the server closed the link"),
            Err(error) => tracing::warn!(server = config.server, %error, "no link to the server"),
        }
        if begun.elapsed() > PAUSES.1 {
            pause = PAUSES.0; // it had worked
        }
        tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            () = tokio::time::sleep(jittered(pause)) => {}
        }
        pause = (pause * 2).min(PAUSES.1);
    }
}

async fn once(
    agent: &Agent,
    config: &LinkConfig,
    name: ServerName<'static>,
    cancel: &CancellationToken,
) -> Result<(), LinkError> {
    let dial = async {
        let socket = TcpStream::connect(&config.server).await?;
        socket.set_nodelay(true)?; // keystrokes
        tokio_rustls::TlsConnector::from(config.tls.clone()).connect(name, socket).await
    };
    let stream = tokio::time::timeout(DIAL, dial)
        .await
        .map_err(|_| LinkError::Dial(format!("no answer within {} s", DIAL.as_secs())))?
        .map_err(|error| LinkError::Dial(error.to_string()))?;
    tracing::info!(server = config.server, "linked");
    serve(agent.clone(), stream, cancel).await
}

/// Serves the agent on one connected stream, until the other side closes it or `cancel`.
///
/// # Errors
/// The connection broke.
pub async fn serve<S>(agent: Agent, stream: S, cancel: &CancellationToken) -> Result<(), LinkError>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let service = HostAgentServer::new(agent).max_decoding_message_size(MESSAGE_LIMIT);
    let mut builder = auto::Builder::new(TokioExecutor::new()).http2_only();
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE.0)
        .keep_alive_timeout(KEEP_ALIVE.1)
        .adaptive_window(true);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    tokio::pin!(connection);
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = cancel.cancelled() => {
            connection.as_mut().graceful_shutdown();
            // Streams that only end with the agent must not hold it up.
            tokio::time::timeout(Duration::from_secs(1), connection).await.unwrap_or(Ok(()))
        }
    };
    served.map_err(|error| LinkError::Broken(error.to_string()))
}

/// Between a half and the whole of `pause`.
fn jittered(pause: Duration) -> Duration {
    let random = u32::from(uuid::Uuid::new_v4().into_bytes().first().copied().unwrap_or(0));
    pause / 2 + pause / 2 * random / 255
}
