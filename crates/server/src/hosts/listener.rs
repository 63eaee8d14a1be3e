//! Where agents dial in: mutual TLS, then the server is the HTTP/2 client on the connection that the agent opened.

use crate::config::AgentListener;
use crate::server::StartError;
use crate::state::State;
use hardline_agent_api::HostAgentClient;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tonic::transport::Endpoint;

/// A silent line is asked for a sign of life this often, and is dead when none comes for as long again.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Handshakes at a time; the rest wait in the system's queue.
const HANDSHAKES: usize = 64;
/// Window of one stream, bytes: a console or a log read in flight.
const STREAM_WINDOW: u32 = 1 << 20;
/// Window of a whole line, bytes.
const LINE_WINDOW: u32 = 8 << 20;

/// Binds the listener and takes agents until the server stops. Gives the bound address.
pub(super) async fn listen(state: &State, config: &AgentListener) -> Result<SocketAddr, StartError> {
    let refused = |source| StartError::Listen { address: config.listen, source };
    let acceptor = TlsAcceptor::from(Arc::new(tls(config)?));
    let listener = TcpListener::bind(config.listen).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    let shared = state.clone();
    state.spawn(async move { accept(shared, listener, acceptor).await });
    tracing::info!(%address, "agents may dial in");
    Ok(address)
}

fn tls(config: &AgentListener) -> Result<ServerConfig, StartError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut authorities = RootCertStore::empty();
    authorities.add(config.client_authority.clone())?;
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider.clone())
        .build()
        .map_err(|e| StartError::Other(format!("the agents' authority cannot be used: {e}")))?;
    let mut tls = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(clients)
        .with_single_cert(config.tls.chain.clone(), config.tls.key.clone_key())?;
    tls.alpn_protocols = vec![b"h2".to_vec()];
    Ok(tls)
}

async fn accept(state: State, listener: TcpListener, acceptor: TlsAcceptor) {
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES));
    loop {
        let Ok(permit) = handshakes.clone().acquire_owned().await else { return };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, most likely: the next accept would fail at once as well.
                tracing::warn!(%error, "no agent could be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (shared, acceptor) = (state.clone(), acceptor.clone());
        state.spawn(async move {
            let limit = shared.config.limits.handshake;
            let handshake = tokio::time::timeout(limit, shake_hands(&acceptor, stream)).await;
            drop(permit);
            match handshake {
                Ok(Ok((client, certificate))) => {
                    if let Err(error) = super::session::take(&shared, client, Some(&certificate)).await {
                        tracing::warn!(%peer, %error, "an agent was turned away");
                    }
                }
                Ok(Err(error)) => tracing::warn!(%peer, %error, "an agent's handshake failed"),
                Err(_) => tracing::warn!(%peer, "an agent's handshake took too long"),
            }
        });
    }
}

/// The certificate that an agent showed; it has been verified against the authority.
pub(super) struct Certificate(rustls::pki_types::CertificateDer<'static>);

impl Certificate {
    /// Whether it was issued for this host: the host's id stands in it as a DNS name. One host's certificate must not
    /// do for another host.
    pub(super) fn is_for(&self, host_id: &str) -> bool {
        let Ok(name) = ServerName::try_from(host_id) else { return false };
        ParsedCertificate::try_from(&self.0)
            .is_ok_and(|parsed| rustls::client::verify_server_name(&parsed, &name).is_ok())
    }
}

async fn shake_hands(
    acceptor: &TlsAcceptor,
    stream: TcpStream,
) -> std::io::Result<(HostAgentClient, Certificate)> {
    stream.set_nodelay(true)?;
    let tls = acceptor.accept(stream).await?;
    let certificate = tls.get_ref().1.peer_certificates().and_then(|c| c.first()).cloned();
    let certificate = certificate.ok_or_else(|| std::io::Error::other("no client certificate"))?.into_owned();
    Ok((client(tls).await.map_err(std::io::Error::other)?, Certificate(certificate)))
}

/// The client of the service that the agent serves on this connection. It cannot reconnect: the agent dials.
async fn client(stream: TlsStream<TcpStream>) -> Result<HostAgentClient, tonic::transport::Error> {
    let only = Arc::new(Mutex::new(Some(TokioIo::new(stream))));
    let connector = tower::service_fn(move |_: http::Uri| {
        let taken = only.lock().unwrap_or_else(PoisonError::into_inner).take();
        std::future::ready(taken.ok_or_else(|| std::io::Error::other("the agent's connection is closed")))
    });
    let channel = Endpoint::from_static("http://agent.invalid")
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(LINE_WINDOW)
        .connect_with_connector(connector)
        .await?;
    Ok(hardline_agent_api::connect_channel(channel))
}
