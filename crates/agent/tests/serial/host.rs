//! A host's ports in a temporary directory, a fake QEMU, and a server that stores what it is told.

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use hardline_agent::clock::SystemClock;
use hardline_agent::serial::{Launch, Port, PortConfig, Ports, PortsConfig};
use hardline_agent_api::v1;
use hardline_agent_api::v1::console_reply::What as Reply;
use hardline_agent_api::v1::console_request::What as Request;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tonic::Status;

pub const VM: &str = "00000000-0000-0000-0000-000000000001";

/// Nothing here may take this long: a test that would hang fails instead.
pub const LIMIT: Duration = Duration::from_secs(60);

pub async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, what).await.expect("in time")
}

/// An agent's ports on a directory.
pub struct Host {
    pub dir: PathBuf,
    pub ports: Arc<Ports>,
    pub port: Arc<Port>,
}

impl Host {
    pub async fn open(dir: &Path) -> Self {
        Self::with(dir, PortsConfig::new(Arc::new(SystemClock))).await
    }

    pub async fn with(dir: &Path, config: PortsConfig) -> Self {
        let ports = Ports::start(config).unwrap();
        let port = ports.open(config_of(dir, VM)).await.unwrap();
        Self { dir: dir.to_owned(), ports, port }
    }

    /// Ends the tasks and begins anew, as an agent that was stopped.
    pub async fn restart(self) -> Self {
        self.ports.shutdown().await;
        let dir = self.dir.clone();
        drop(self);
        Self::open(&dir).await
    }

    pub async fn launch(&self, name: &str) -> (u64, File) {
        let spool = self.dir.join(format!("{name}.out"));
        let launch = Launch { boot_id: name.into(), cause: "start".into(), spool: spool.clone() };
        let base = self.port.launch(launch).await.unwrap();
        (base, File::options().write(true).open(spool).unwrap())
    }

    pub fn segments(&self, stored: Option<u64>) -> BoxStream<'static, Result<v1::SegmentsReply, Status>> {
        let after =
            stored.map(|offset| v1::Cursor { vm_id: VM.into(), port: 0, offset }).into_iter().collect();
        self.ports.segments(v1::SegmentsRequest { after })
    }

    /// As a server: is told everything up to `end`, then acknowledges it.
    pub async fn store(&self, end: u64) {
        let mut stream = self.segments(None);
        let mut at = 0;
        while at < end {
            at = match soon(stream.next()).await.unwrap().unwrap().what.unwrap() {
                v1::segments_reply::What::Segment(s) => s.start + s.data.len() as u64,
                v1::segments_reply::What::Gap(gap) => gap.start + gap.length,
                v1::segments_reply::What::Boot(_) => at,
            };
        }
        self.acknowledge(end).await;
    }

    pub async fn acknowledge(&self, offset: u64) {
        let stored = vec![v1::Cursor { vm_id: VM.into(), port: 0, offset }];
        self.ports.acknowledge(v1::AcknowledgeRequest { stored }).await.unwrap();
    }

    /// Everything from `offset` to the end, gaps as (start, length, reason).
    pub async fn read(&self, offset: u64) -> (Vec<u8>, Vec<(u64, Option<u64>, v1::GapReason)>) {
        let request = v1::ReadRequest { vm_id: VM.into(), port: 0, offset, follow: false };
        let mut stream = self.ports.read(request).unwrap();
        let (mut bytes, mut gaps) = (Vec::new(), Vec::new());
        while let Some(reply) = soon(stream.next()).await {
            match reply.unwrap().what.unwrap() {
                v1::read_reply::What::Output(output) => bytes.extend_from_slice(&output.data),
                v1::read_reply::What::Gap(gap) => gaps.push(told(&gap)),
            }
        }
        (bytes, gaps)
    }

    pub fn console(&self, epoch: u64, resume: Option<u64>) -> Console {
        let (requests, receiver) = mpsc::unbounded_channel();
        let open = v1::ConsoleOpen {
            vm_id: VM.into(),
            port: 0,
            epoch,
            resume: resume.is_some(),
            offset: resume.unwrap_or(0),
        };
        requests.send(Ok(v1::ConsoleRequest { what: Some(Request::Open(open)) })).unwrap();
        let receiver = tokio_stream::wrappers::UnboundedReceiverStream::new(receiver);
        Console { replies: self.ports.console(receiver), requests, epoch, sequence: 0 }
    }

    pub async fn fence(&self, epoch: u64) -> Result<u64, Status> {
        self.ports.fence(v1::FenceRequest { vm_id: VM.into(), port: 0, epoch }).await.map(|r| r.epoch)
    }
}

pub fn config_of(dir: &Path, vm: &str) -> PortConfig {
    PortConfig { vm_id: vm.into(), port: 0, dir: dir.join(format!("serial-{vm}")) }
}

pub fn told(gap: &v1::Gap) -> (u64, Option<u64>, v1::GapReason) {
    (gap.start, (!gap.length_unknown).then_some(gap.length), gap.reason())
}

/// As QEMU: at the file's own position, whatever else happens to the file.
pub fn print(spool: &mut File, bytes: &[u8]) {
    spool.write_all(bytes).unwrap();
}

pub struct Console {
    pub replies: BoxStream<'static, Result<v1::ConsoleReply, Status>>,
    pub requests: mpsc::UnboundedSender<Result<v1::ConsoleRequest, Status>>,
    pub epoch: u64,
    sequence: u64,
}

impl Console {
    pub async fn next(&mut self) -> Reply {
        soon(self.replies.next()).await.expect("a reply").unwrap().what.unwrap()
    }

    pub fn send(&mut self, data: &[u8]) {
        self.sequence += 1;
        let input =
            v1::ConsoleInput { epoch: self.epoch, data: data.to_vec().into(), sequence: self.sequence };
        self.requests.send(Ok(v1::ConsoleRequest { what: Some(Request::Input(input)) })).unwrap();
    }

    /// Reads output until it was given everything before `end`; checks that it is contiguous from `at`.
    pub async fn output(&mut self, mut at: u64, end: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        while at < end {
            match self.next().await {
                Reply::Output(output) => {
                    assert_eq!(output.offset, at, "contiguous");
                    at += output.data.len() as u64;
                    bytes.extend_from_slice(&output.data);
                }
                other => panic!("{other:?}"),
            }
        }
        bytes
    }

    pub async fn snapshot(&mut self) -> v1::Snapshot {
        match self.next().await {
            Reply::Snapshot(snapshot) => snapshot,
            other => panic!("{other:?}"),
        }
    }
}
