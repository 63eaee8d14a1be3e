//! Listening, TLS, and the life of a connection.
//!
//! Every connection is a task of its own from the moment it is accepted, so that a slow handshake holds up nobody. Every
//! wait for a client is bounded: the handshake, each request's head, its body.

use super::route::route;
use crate::config::{Limits, TlsMaterial};
use crate::server::StartError;
use crate::state::State;
use http::Version;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

/// `https` or `http`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Https,
    Http,
}

/// A listener that is bound and takes nothing yet.
pub(crate) struct Bound {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    pub(crate) address: SocketAddr,
}

impl Bound {
    /// Binds for HTTPS.
    pub(crate) async fn tls(address: SocketAddr, material: &TlsMaterial) -> Result<Self, StartError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(material.chain.clone(), material.key.clone_key())?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let bound = Self::plain(address).await?;
        Ok(Self { tls: Some(TlsAcceptor::from(Arc::new(config))), ..bound })
    }

    /// Binds for HTTP without TLS; the caller has checked that the address is a loopback.
    pub(crate) async fn plain(address: SocketAddr) -> Result<Self, StartError> {
        let failed = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, tls: None, address })
    }
}

/// Takes connections until the server stops.
pub(crate) fn serve(state: &State, bound: Bound) {
    let state = state.clone();
    let tasks = state.tasks.clone();
    tasks.spawn(async move {
        let Bound { listener, tls, .. } = bound;
        let room = Arc::new(Semaphore::new(state.config.limits.connections));
        loop {
            let accepted = tokio::select! {
                () = state.shutdown.cancelled() => break,
                accepted = accept(&listener, &room) => accepted,
            };
            let Some((stream, peer, permit)) = accepted else { continue };
            let state = state.clone();
            let tls = tls.clone();
            state.tasks.clone().spawn(async move {
                connection(&state, stream, peer.ip().to_canonical(), tls).await;
                drop(permit);
            });
        }
    });
}

async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let permit = room.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Keystrokes are small: they must not wait for more.
            let _ = stream.set_nodelay(true);
            Some((stream, peer, permit))
        }
        Err(error) => {
            // Out of file descriptors, most likely: a pause lets some connections end.
            tracing::warn!(error = &error as &dyn std::error::Error, "a connection could not be accepted");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

async fn connection(state: &State, stream: TcpStream, client: IpAddr, tls: Option<TlsAcceptor>) {
    let Some(tls) = tls else {
        return converse(state, stream, client, Version::HTTP_11, Scheme::Http).await;
    };
    let handshake = tokio::time::timeout(state.config.limits.handshake, tls.accept(stream));
    let stream = tokio::select! {
        () = state.shutdown.cancelled() => return,
        done = handshake => match done {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                tracing::debug!(%client, %error, "TLS handshake failed");
                return;
            }
            Err(_) => {
                tracing::debug!(%client, "TLS handshake took too long");
                return;
            }
        },
    };
    let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let version = if h2 { Version::HTTP_2 } else { Version::HTTP_11 };
    converse(state, stream, client, version, Scheme::Https).await;
}

async fn converse<S>(state: &State, stream: S, client: IpAddr, version: Version, scheme: Scheme)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits: &Limits = &state.config.limits;
    let shared = state.clone();
    let service = service_fn(move |request| {
        let state = shared.clone();
        async move { Ok::<_, Infallible>(route(&state, client, scheme, request).await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.header).max_buf_size(64 << 10);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(limits.ping)
        .keep_alive_timeout(limits.silence.saturating_sub(limits.ping))
        .max_concurrent_streams(256)
        .max_header_list_size(64 << 10);
    // The version is known: guessing it from the first bytes would wait for them without a bound.
    let builder = if version == Version::HTTP_2 { builder.http2_only() } else { builder.http1_only() };
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = state.shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            let Ok(ended) = tokio::time::timeout(limits.drain, connection.as_mut()).await else { return };
            ended
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%client, error = &*error, "connection ended");
    }
}
