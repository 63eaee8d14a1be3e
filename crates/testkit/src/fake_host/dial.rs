//! The fake host's side of the agent listener: it dials with mutual TLS and serves on that very connection.

use super::FakeHost;
use hardline_agent_api::v1::host_agent_server::HostAgentServer;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

/// How a fake host reaches a server.
#[derive(Clone, Debug)]
pub struct Dialling {
    /// The agent listener.
    pub address: SocketAddr,
    /// The name that the listener's certificate must bear.
    pub server_name: String,
    /// Trust and the host's own certificate.
    pub tls: Arc<rustls::ClientConfig>,
}

/// An open connection of a fake host.
pub struct Dialled {
    task: JoinHandle<()>,
}

impl Dialled {
    /// Breaks the connection, as a pulled cable does.
    pub fn hang_up(self) {
        self.task.abort();
    }

    /// Waits until the server has closed the connection.
    pub async fn closed(self) {
        let _ = self.task.await;
    }
}

impl FakeHost {
    /// Dials; from then on the server is the client of this host on that connection.
    pub async fn dial(&self, to: &Dialling) -> std::io::Result<Dialled> {
        let stream = TcpStream::connect(to.address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from(to.server_name.clone()).map_err(std::io::Error::other)?;
        let tls = TlsConnector::from(Arc::clone(&to.tls)).connect(name, stream).await?;
        let service = HostAgentServer::new(self.clone());
        let task = tokio::spawn(async move {
            let http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            let _ = http.serve_connection(TokioIo::new(tls), TowerToHyperService::new(service)).await;
        });
        Ok(Dialled { task })
    }
}
