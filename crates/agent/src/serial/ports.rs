//! All serial ports of this host.

use super::port::blocking;
use super::rpc::{self, ConsoleStream, ReadStream, SegmentStream};
use super::tasks::{Shared, remove_files};
use super::{Port, PortConfig, SerialError, lock};
use crate::clock::Clock;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _, stream};
use hardline_agent_api::v1;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tonic::Status;

/// When printed bytes are forced to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SyncPolicy {
    /// At most this many milliseconds of log are at risk when the power fails (50 is the promise).
    Every(u64),
    /// Left to the kernel: for tests and throw-away hosts.
    Kernel,
}

/// What all ports have in common.
#[derive(Clone)]
pub struct PortsConfig {
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// When bytes reach the disk.
    pub sync: SyncPolicy,
    /// Most bytes of one port that wait for the server; older ones expire as a counted gap. 1 GiB by default.
    pub budget: u64,
    /// In place of asking the file system how many bytes it has left (for tests).
    pub room: Option<fn(&Path) -> Option<u64>>,
}

impl PortsConfig {
    /// The defaults of a host.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, sync: SyncPolicy::Every(50), budget: 1 << 30, room: None }
    }
}

/// The registry: one per agent.
pub struct Ports {
    shared: Arc<Shared>,
}

impl Ports {
    /// Starts the shared tasks (inotify, sync, sealing). Must be called inside a tokio runtime.
    pub fn start(config: PortsConfig) -> Result<Arc<Self>, SerialError> {
        let shared =
            Shared::start(config).map_err(|source| SerialError::Io { path: "inotify".into(), source })?;
        Ok(Arc::new(Self { shared }))
    }

    /// Opens a port, or recovers it from its directory. Tailing of its last spool begins at once. Opening an open port gives the same.
    pub async fn open(self: &Arc<Self>, config: PortConfig) -> Result<Arc<Port>, SerialError> {
        if let Some(port) = self.get(&config.vm_id, config.port) {
            return Ok(port);
        }
        let shared = self.shared.clone();
        blocking(move || {
            let key = (config.vm_id.clone(), config.port);
            // Under the lock: two openings at once give one port.
            let mut ports = lock(&shared.ports);
            if let Some(port) = ports.get(&key) {
                return Ok(port.clone());
            }
            let id = shared.next_id.fetch_add(1, Ordering::Relaxed);
            let port = Arc::new(Port::recover(config, id, shared.clone())?);
            shared.watch(&port, &mut lock(&port.inner));
            port.begin();
            lock(&shared.by_id).insert(id, port.clone());
            ports.insert(key, port.clone());
            drop(ports);
            shared.announce(id);
            Ok(port)
        })
        .await
    }

    /// An open port.
    pub fn get(&self, vm_id: &str, port: u32) -> Option<Arc<Port>> {
        lock(&self.shared.ports).get(&(vm_id.to_owned(), port)).cloned()
    }

    /// Ends a port (viewers are told `reason`), deletes its directory and its spool files.
    pub async fn remove(&self, vm_id: &str, port: u32, reason: &str) -> Result<(), SerialError> {
        let Some(port) = lock(&self.shared.ports).remove(&(vm_id.to_owned(), port)) else { return Ok(()) };
        lock(&self.shared.by_id).remove(&port.id);
        let reason = reason.to_owned();
        blocking(move || {
            let spools = port.end(&reason);
            // Nobody writes a checkpoint after this: it asks under the same lock.
            let _viewed = lock(&port.viewed);
            remove_files(&port.dir, &spools)
                .map_err(|source| SerialError::Io { path: port.dir.clone(), source })
        })
        .await
    }

    /// Brings everything to the disk and ends the shared tasks. Ports' files stay.
    pub async fn shutdown(&self) {
        self.shared.stop.cancel();
        self.shared.tracker.close();
        self.shared.tracker.wait().await;
        let shared = self.shared.clone();
        let _ = tokio::task::spawn_blocking(move || shared.flush()).await;
    }

    /// `HostAgent.Segments`.
    pub fn segments(
        self: &Arc<Self>,
        request: v1::SegmentsRequest,
    ) -> BoxStream<'static, Result<v1::SegmentsReply, Status>> {
        let stream = SegmentStream::new(self.shared.clone(), request);
        stream::unfold(stream, |mut s| async move { s.next().await.map(|reply| (reply, s)) }).boxed()
    }

    /// `HostAgent.Acknowledge`. Ports that are not here are passed over: their VM was removed.
    pub async fn acknowledge(&self, request: v1::AcknowledgeRequest) -> Result<v1::AcknowledgeReply, Status> {
        let stored: Vec<_> =
            request.stored.iter().filter_map(|c| Some((self.get(&c.vm_id, c.port)?, c.offset))).collect();
        blocking(move || {
            stored.iter().for_each(|(port, offset)| port.acknowledge(*offset));
            Ok(v1::AcknowledgeReply {})
        })
        .await
        .map_err(Into::into)
    }

    /// `HostAgent.Seal`.
    pub async fn seal(&self, request: v1::PortRef) -> Result<v1::SealReply, Status> {
        let end = self.find(&request.vm_id, request.port)?.seal().await?;
        Ok(v1::SealReply { end })
    }

    /// `HostAgent.Read`.
    #[allow(clippy::needless_pass_by_value)] // as the generated trait hands it over
    pub fn read(
        self: &Arc<Self>,
        request: v1::ReadRequest,
    ) -> Result<BoxStream<'static, Result<v1::ReadReply, Status>>, Status> {
        let port = self.find(&request.vm_id, request.port)?;
        let stream = ReadStream::new(port, request.offset, request.follow);
        Ok(stream::unfold(stream, |mut s| async move { s.next().await.map(|reply| (reply, s)) }).boxed())
    }

    /// `HostAgent.Fence`.
    pub async fn fence(&self, request: v1::FenceRequest) -> Result<v1::FenceReply, Status> {
        let port = self.find(&request.vm_id, request.port)?;
        let epoch = blocking(move || port.input.fence(request.epoch)).await?;
        Ok(v1::FenceReply { epoch })
    }

    /// `HostAgent.Console`: pass the request stream as it is.
    pub fn console<S>(self: &Arc<Self>, requests: S) -> BoxStream<'static, Result<v1::ConsoleReply, Status>>
    where
        S: Stream<Item = Result<v1::ConsoleRequest, Status>> + Send + 'static,
    {
        let ports = self.clone();
        let begin = async move {
            match ConsoleStream::begin(&ports, requests.boxed()).await {
                Ok(console) => {
                    stream::unfold(console, |mut c| async move { c.next().await.map(|reply| (reply, c)) })
                        .boxed()
                }
                Err(status) => stream::iter([Err(status)]).boxed(),
            }
        };
        stream::once(begin).flatten().boxed()
    }

    pub(super) fn find(&self, vm_id: &str, port: u32) -> Result<Arc<Port>, Status> {
        self.get(vm_id, port).ok_or_else(|| rpc::not_found(vm_id, port))
    }
}
