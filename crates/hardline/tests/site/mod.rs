//! Server and agent as an operator runs them: two processes, each with its configuration, mutual TLS between them.
#![allow(dead_code, reason = "each test file uses its part")]

use crate::dev_process::{images, spool};
use crate::program::{Home, Output, PATIENCE, pid_of, processes_in, wait_for_end};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustix::process::{Signal, kill_process};
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Stdio};

const SUBSCRIPTION: &str = "22222222-2222-4222-8222-222222222222";
const PASSWORD: &str = "correct-horse-battery-7";

/// One operator's files: everything is below one home.
pub struct Site {
    pub home: Home,
    port: u16,
}

/// `hardline server` or `hardline agent`.
pub struct Role {
    name: &'static str,
    child: Child,
    pub log: Output,
}

impl Site {
    /// Certificates, configurations, one enrolled host.
    pub async fn new() -> Self {
        let home = Home::new();
        let (port, agents) = (free_port(), free_port());
        let issuer = authority(&home);
        let key = KeyPair::generate().unwrap();
        let names = ["localhost", "127.0.0.1"].map(String::from);
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        write(&home, "server.pem", &certificate.pem());
        write(&home, "server.key", &key.serialize_pem());
        write(&home, "owner.password", &format!("{PASSWORD}\n"));
        let enroll = ["server", "enroll", "--authority", "agents-ca.pem", "--authority-key", "agents-ca.key"];
        home.run(&[&enroll[..], &["--out", "host1"]].concat()).await.expect(0);

        let at = |name: &str| home.path(name).display().to_string();
        let tls = format!("{{ certificate = '{}', key = '{}' }}", at("server.pem"), at("server.key"));
        let server = format!(
            "listen = '127.0.0.1:{port}'\npublic_host = 'localhost'\ntls = {tls}\ndatabase = '{}'\nobjects = '{}'\n\
             tenant = '11111111-1111-4111-8111-111111111111'\nlocation = 'local'\n\
             [agents]\nlisten = '127.0.0.1:{agents}'\ntls = {tls}\nauthority = '{}'\n\
             [owner]\noid = '33333333-3333-4333-8333-333333333333'\nname = 'owner@site.test'\npassword_file = '{}'\n\
             subscription = '{SUBSCRIPTION}'\n",
            at("hardline.db"),
            at("objects"),
            at("agents-ca.pem"),
            at("owner.password"),
        );
        write(&home, "server.toml", &server);
        let agent = format!(
            "server = 'localhost:{agents}'\nauthority = '{}'\ncertificate = '{}'\nkey = '{}'\ndir = '{}'\n\
             name = 'host1'\nimage_dirs = ['{}']\nkvm = false\n",
            at("ca.pem"),
            at("host1/agent.pem"),
            at("host1/agent.key"),
            at("host1"),
            images(),
        );
        write(&home, "agent.toml", &agent);
        Self { home, port }
    }

    /// Starts the server; returns when it takes requests.
    pub fn server(&self) -> Role {
        let role = self.role("server");
        role.log.wait_for("ready url=", PATIENCE);
        role
    }

    /// Starts the agent. It may not have done anything yet.
    pub fn agent(&self) -> Role {
        self.role("agent")
    }

    fn role(&self, name: &'static str) -> Role {
        let mut command = self.home.command(&[name, "--config", &format!("{name}.toml")]);
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = Output::read(child.stderr.take().unwrap());
        Role { name, child, log }
    }

    /// The environment of the owner.
    pub fn env(&self) -> BTreeMap<String, String> {
        let pairs = [
            ("HARDLINE_URL", format!("https://localhost:{}", self.port)),
            ("HARDLINE_SUBSCRIPTION", SUBSCRIPTION.into()),
            ("HARDLINE_RESOURCE_GROUP", "guests".into()),
            ("HARDLINE_USER", "owner@site.test".into()),
            ("HARDLINE_PASSWORD", PASSWORD.into()),
            ("SSL_CERT_FILE", self.home.path("ca.pem").display().to_string()),
        ];
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The home of the owner.
    pub fn client(&self) -> Home {
        self.env().iter().fold(Home::new(), |home, (name, value)| home.env(name, value))
    }

    /// The host's QEMU processes.
    pub fn guests(&self) -> Vec<u32> {
        processes_in(&self.home.path("host1/vms"))
    }

    /// Where the QEMU of a machine writes.
    pub fn spool(&self, vm_id: &str) -> PathBuf {
        spool(&self.home.path("host1"), vm_id)
    }
}

impl Role {
    /// SIGKILL; returns when it is gone.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM and the clean end that follows.
    pub fn stop(mut self) {
        kill_process(pid_of(self.child.id()), Signal::TERM).unwrap();
        let status = wait_for_end(&mut self.child, PATIENCE);
        assert!(status.is_some_and(|s| s.success()), "{}: {status:?}", self.name);
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log.text();
            let last = log.lines().count().saturating_sub(30);
            eprintln!("hardline {} said last:", self.name);
            log.lines().skip(last).for_each(|line| eprintln!("{line}"));
        }
    }
}

/// The authority of the operator's own servers.
fn authority(home: &Home) -> Issuer<'static, KeyPair> {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    write(home, "ca.pem", &params.self_signed(&key).unwrap().pem());
    Issuer::new(params, key)
}

fn write(home: &Home, name: &str, content: &str) {
    std::fs::write(home.path(name), content).unwrap();
}

/// A port that nobody uses, below those that the system gives to outgoing connections: a server that was killed gets it again.
fn free_port() -> u16 {
    let random = KeyPair::generate().unwrap().serialize_der();
    let numbers = random.windows(2).rev().map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let mut ports = numbers.map(|number| 20_000 + number % 10_000);
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a free port")
}
