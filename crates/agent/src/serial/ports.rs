//! All serial ports of this host, and the tasks that they share.

use super::{Port, PortConfig, SerialError};
use crate::clock::Clock;
use futures_util::Stream;
use futures_util::stream::BoxStream;
use hardline_agent_api::v1;
use std::sync::Arc;
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
}

impl PortsConfig {
    /// The defaults of a host.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, sync: SyncPolicy::Every(50), budget: 1 << 30 }
    }
}

/// The registry: one per agent.
pub struct Ports {}

impl Ports {
    /// Starts the shared tasks (inotify, sync, sealing). Must be called inside a tokio runtime.
    pub fn start(_config: PortsConfig) -> Result<Arc<Self>, SerialError> {
        todo!()
    }
    /// Opens a port, or recovers it from its directory. Tailing of its last spool begins at once. Opening an open port gives the same.
    pub async fn open(self: &Arc<Self>, _config: PortConfig) -> Result<Arc<Port>, SerialError> {
        todo!()
    }
    /// An open port.
    pub fn get(&self, _vm_id: &str, _port: u32) -> Option<Arc<Port>> {
        todo!()
    }
    /// Ends a port (viewers are told `reason`), deletes its directory and its spool files.
    pub async fn remove(&self, _vm_id: &str, _port: u32, _reason: &str) -> Result<(), SerialError> {
        todo!()
    }
    /// Brings everything to the disk and ends the shared tasks. Ports' files stay.
    pub async fn shutdown(&self) {
        todo!()
    }

    /// `HostAgent.Segments`.
    pub fn segments(
        self: &Arc<Self>,
        _request: v1::SegmentsRequest,
    ) -> BoxStream<'static, Result<v1::SegmentsReply, Status>> {
        todo!()
    }
    /// `HostAgent.Acknowledge`.
    pub async fn acknowledge(&self, _request: v1::AcknowledgeRequest) -> Result<v1::AcknowledgeReply, Status> {
        todo!()
    }
    /// `HostAgent.Seal`.
    pub async fn seal(&self, _request: v1::PortRef) -> Result<v1::SealReply, Status> {
        todo!()
    }
    /// `HostAgent.Read`.
    pub fn read(
        self: &Arc<Self>,
        _request: v1::ReadRequest,
    ) -> Result<BoxStream<'static, Result<v1::ReadReply, Status>>, Status> {
        todo!()
    }
    /// `HostAgent.Fence`.
    pub async fn fence(&self, _request: v1::FenceRequest) -> Result<v1::FenceReply, Status> {
        todo!()
    }
    /// `HostAgent.Console`: pass the request stream as it is.
    pub fn console<S>(self: &Arc<Self>, _requests: S) -> BoxStream<'static, Result<v1::ConsoleReply, Status>>
    where
        S: Stream<Item = Result<v1::ConsoleRequest, Status>> + Send + 'static,
    {
        todo!()
    }
}
