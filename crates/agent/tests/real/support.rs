//! A real agent with real guests for the tests in this folder.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use futures_util::StreamExt;
use hardline_agent::{Agent, AgentConfig, serial::SyncPolicy};
use hardline_agent_api::{HostAgentClient, connect_in_process, v1};
use tokio::sync::mpsc;
use v1::{RunState, VmObservation, VmSpec, console_reply, console_request, observation, vm_spec};

/// Who logs in at the guests.
pub const USER: &str = "azureuser";
/// With what.
pub const PASSWORD: &str = "rescue-me";
/// `openssl passwd -6 -salt hardline rescue-me`
const HASH: &str =
    "$6$hardline$2TacfgB/kUso2jL6GePpVPWPMPX25LAGAQVMJ98ic4GH4BxEGwxveZjvgQOtmgBmzeM1yAdj9l2pPZ7vzFoyq1";
/// The longest that any one thing may take before a test says that it does not happen. A guest on a busy machine without KVM is slow.
const PATIENCE: Duration = Duration::from_secs(120);

/// Waits for what must happen.
pub async fn soon<T>(what: &str, happening: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, happening).await {
        Ok(value) => value,
        Err(_) => panic!("waited {PATIENCE:?} in vain for: {what}"),
    }
}

/// Where `cargo xtask guest` puts images.
pub fn image_dir() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"), PathBuf::from);
    let dir = target.join("guest");
    assert!(
        dir.join("hardline-demo/image.json").is_file(),
        "there is no guest image in {}: run `cargo xtask guest`",
        dir.display()
    );
    dir
}

/// How the tests' agents are set up. No KVM: the timing of tests must not depend on the machine's.
pub fn config(dir: &Path) -> AgentConfig {
    AgentConfig {
        image_dirs: vec![image_dir()],
        kvm: false,
        sync: SyncPolicy::Kernel,
        ..AgentConfig::new(dir, "test-host")
    }
}

/// An agent in a directory of its own. Whatever QEMU is left over dies with it.
pub struct Rig {
    pub dir: tempfile::TempDir,
    agent: Option<Agent>,
}

impl Rig {
    pub async fn start() -> Self {
        Self::with(config).await
    }

    pub async fn with(config: impl FnOnce(&Path) -> AgentConfig) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let agent = Agent::start(config(dir.path())).await.unwrap();
        Self { dir, agent: Some(agent) }
    }

    pub async fn start_agent(&mut self) {
        self.agent = Some(Agent::start(config(self.dir.path())).await.unwrap());
    }

    pub async fn stop_agent(&mut self) {
        self.agent.take().unwrap().shutdown().await;
    }

    pub fn agent(&self) -> &Agent {
        self.agent.as_ref().unwrap()
    }

    pub fn client(&self) -> HostAgentClient {
        connect_in_process(self.agent().clone())
    }

    pub async fn apply(&self, spec: &VmSpec) {
        let reply = self.client().apply(spec.clone()).await.unwrap().into_inner();
        assert!(reply.accepted, "{}", reply.refusal);
    }

    pub async fn watch(&self, vm_id: &str) -> Watch {
        let stream = self.client().observe(v1::ObserveRequest {}).await.unwrap().into_inner();
        Watch { vm_id: vm_id.to_owned(), stream, last: None }
    }

    pub async fn act(&self, vm_id: &str, action: v1::Action, keys: &str) -> Result<(), tonic::Status> {
        let request =
            v1::ActRequest { vm_id: vm_id.to_owned(), action: action.into(), keys: keys.to_owned() };
        self.client().act(request).await.map(drop)
    }

    /// The process id of the machine's present QEMU.
    pub fn qemu(&self, vm_id: &str) -> i32 {
        qemus(self.dir.path())
            .into_iter()
            .find(|(_, dir)| dir.to_string_lossy().contains(vm_id))
            .expect("no QEMU runs")
            .0
    }

    /// Everything on the port so far.
    pub async fn log(&self, vm_id: &str) -> Vec<u8> {
        let request = v1::ReadRequest { vm_id: vm_id.to_owned(), port: 0, offset: 0, follow: false };
        let mut stream = self.client().read(request).await.unwrap().into_inner();
        let mut log = Vec::new();
        while let Some(reply) = soon("the log", stream.next()).await {
            match reply.unwrap().what.unwrap() {
                v1::read_reply::What::Output(output) => {
                    assert_eq!(output.offset, log.len() as u64, "the log has a hole");
                    log.extend_from_slice(&output.data);
                }
                v1::read_reply::What::Gap(gap) => panic!("a gap in the log: {gap:?}"),
            }
        }
        log
    }

    /// The boots that the log is marked with, as far as they are told now: cause and offset.
    pub async fn boots(&self, vm_id: &str, count: usize) -> Vec<(String, u64)> {
        let mut stream =
            self.client().segments(v1::SegmentsRequest { after: Vec::new() }).await.unwrap().into_inner();
        let mut boots = Vec::new();
        while boots.len() < count {
            let reply = soon("boot marks", stream.next()).await.unwrap().unwrap();
            if let Some(v1::segments_reply::What::Boot(boot)) = reply.what
                && boot.vm_id == vm_id
            {
                boots.push((boot.cause, boot.start));
            }
        }
        boots
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        kill_qemus(self.dir.path());
    }
}

/// Ends every QEMU below `dir`.
pub fn kill_qemus(dir: &Path) {
    for (pid, _) in qemus(dir) {
        kill(pid);
    }
}

/// The QEMU processes whose working directory is below `dir`.
fn qemus(dir: &Path) -> Vec<(i32, PathBuf)> {
    let dir = dir.canonicalize().unwrap();
    let pids = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|e| e.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(|pid| Some((pid, std::fs::read_link(format!("/proc/{pid}/cwd")).ok()?)))
        .filter(|(_, cwd)| cwd.starts_with(&dir) && cwd != &dir)
        .collect()
}

pub fn kill(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
}

/// A specification of the demo guest, running.
pub fn demo(vm_id: &str) -> VmSpec {
    VmSpec {
        vm_id: vm_id.to_owned(),
        generation: 1,
        name: "demo".into(),
        power: v1::Power::Running.into(),
        power_generation: 1,
        reset_generation: 0,
        stop_grace_seconds: 60,
        capture: true,
        driver: Some(vm_spec::Driver::Qemu(v1::QemuMachine {
            image: "hardline-demo".into(),
            memory_mib: 128,
            vcpus: 1,
            hostname: "demo".into(),
            admin_user: USER.into(),
            admin_password_hash: HASH.into(),
            append: String::new(),
        })),
    }
}

/// The next demand: `change`d, its generation raised.
pub fn next(spec: &VmSpec, change: impl FnOnce(&mut VmSpec)) -> VmSpec {
    let mut new = spec.clone();
    new.generation += 1;
    change(&mut new);
    new
}

/// Observations of one machine.
pub struct Watch {
    vm_id: String,
    stream: tonic::Streaming<v1::Observation>,
    last: Option<VmObservation>,
}

impl Watch {
    /// The first observation from now on (the last one told counts) that is as wanted.
    pub async fn until(&mut self, what: &str, wanted: impl Fn(&VmObservation) -> bool) -> VmObservation {
        loop {
            if let Some(seen) = self.last.take().filter(|seen| wanted(seen)) {
                self.last = Some(seen.clone());
                return seen;
            }
            let told = soon(what, self.stream.next()).await.expect("observations ended").unwrap();
            if let Some(observation::What::Vm(seen)) = told.what
                && seen.vm_id == self.vm_id
            {
                self.last = Some(seen);
            }
        }
    }

    pub async fn state(&mut self, state: RunState) -> VmObservation {
        self.until(state.as_str_name(), |seen| seen.state() == state).await
    }
}

/// The writer's seat at a port.
pub struct Console {
    vm_id: String,
    epoch: u64,
    requests: mpsc::Sender<v1::ConsoleRequest>,
    replies: tonic::Streaming<v1::ConsoleReply>,
    /// What was printed since the last match.
    pub seen: Vec<u8>,
    next: u64,
}

impl Console {
    /// Takes the seat, and everything printed from `offset` on.
    pub async fn open(rig: &Rig, vm_id: &str, epoch: u64, offset: u64) -> Self {
        let fence = v1::FenceRequest { vm_id: vm_id.to_owned(), port: 0, epoch };
        rig.client().fence(fence).await.unwrap();
        let (requests, outgoing) = mpsc::channel(16);
        let open = v1::ConsoleOpen { vm_id: vm_id.to_owned(), port: 0, epoch, resume: true, offset };
        let open = v1::ConsoleRequest { what: Some(console_request::What::Open(open)) };
        requests.send(open).await.unwrap();
        let outgoing = tokio_stream::wrappers::ReceiverStream::new(outgoing);
        let replies = rig.client().console(outgoing).await.unwrap().into_inner();
        Self { vm_id: vm_id.to_owned(), epoch, requests, replies, seen: Vec::new(), next: offset }
    }

    /// Waits until the guest has printed `text`; forgets everything up to its end.
    pub async fn expect(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.seen.windows(text.len()).position(|window| window == text.as_bytes()) {
                let rest = self.seen.split_off(at + text.len());
                let before = std::mem::replace(&mut self.seen, rest);
                return String::from_utf8_lossy(&before).into_owned();
            }
            let what = format!("'{text}' from {}; so far: …{}", self.vm_id, tail(&self.seen));
            let reply = soon(&what, self.replies.next()).await.expect("the console ended").unwrap();
            match reply.what.unwrap() {
                console_reply::What::Output(output) => {
                    assert_eq!(output.offset, self.next, "output is not contiguous");
                    self.next += output.data.len() as u64;
                    self.seen.extend_from_slice(&output.data);
                    let consumed =
                        v1::ConsoleRequest { what: Some(console_request::What::Consumed(self.next)) };
                    self.requests.send(consumed).await.unwrap();
                }
                console_reply::What::Snapshot(snapshot) => self.next = snapshot.offset,
                other => panic!("unexpected: {other:?}"),
            }
        }
    }

    pub async fn line(&mut self, text: &str) {
        let data = format!("{text}\r").into_bytes().into();
        let input = v1::ConsoleInput { epoch: self.epoch, data, sequence: 0 };
        self.requests
            .send(v1::ConsoleRequest { what: Some(console_request::What::Input(input)) })
            .await
            .unwrap();
    }

    pub async fn log_in(&mut self, user: &str) {
        self.expect("demo login: ").await;
        self.line(user).await;
        self.expect("Password: ").await;
        self.line(PASSWORD).await;
        self.expect(if user == "root" { "# " } else { "$ " }).await;
    }
}

fn tail(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(300)..]).into_owned()
}
