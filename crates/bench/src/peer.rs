//! The servers under measurement: how each is started, attached to, and where its log is.

use crate::child::Child;
use crate::http;
use crate::viewer::Address;
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A raw relay of one console between its socket and a TCP client; keeps no log.
    Socat,
    /// A console server with logs.
    Conserver,
    /// Ours, `attach` driver, capture on.
    Hardline,
}

impl Kind {
    /// Name in the tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Socat => "socat",
            Self::Conserver => "conserver",
            Self::Hardline => "hardline",
        }
    }
}

/// A running server.
pub struct Peer {
    /// Which.
    pub kind: Kind,
    /// Its process tree.
    pub child: Child,
    /// From its start until it answered.
    pub ready: Duration,
    at: String,
    work: PathBuf,
    token: String,
    vm_prefix: String,
    again: (PathBuf, PathBuf, usize),
}

const API: &str = "api-version=2026-11-01";

impl Peer {
    /// Starts `kind` for `count` consoles whose sockets are in `guests`. `hardline` is our binary.
    pub fn start(kind: Kind, hardline: &Path, guests: &Path, work: &Path, count: usize) -> Result<Self> {
        fs::create_dir_all(work)?;
        let started = Instant::now();
        let log = work.join("server.log");
        // Of a server that ran here before: it would pass for the sign that this one is ready.
        let _ = fs::remove_file(work.join("data/dev.env"));
        let port = free_port()?;
        let mut peer = match kind {
            Kind::Socat => {
                let mut command = Command::new("socat");
                command.arg(format!("TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,nodelay,fork"));
                command.arg(format!("UNIX-CONNECT:{}", guests.join("c0.sock").display()));
                Self::new(kind, Child::start(&mut command, &log)?, port, work)
            }
            Kind::Conserver => {
                let configuration = work.join("conserver.cf");
                fs::create_dir_all(work.join("logs"))?;
                let mut text = format!(
                    "config * {{ sslrequired no; daemonmode no; }}\ndefault full {{ rw *; }}\n\
                     default * {{ logfile {}/logs/&.log; timestamp \"\"; include full; master localhost; }}\n",
                    work.display()
                );
                for n in 0..count {
                    let socket = guests.join(format!("c{n}.sock"));
                    text.push_str(&format!("console c{n} {{ type uds; uds {}; }}\n", socket.display()));
                }
                text.push_str("access * { trusted 127.0.0.1; allowed 127.0.0.1; }\n");
                fs::write(&configuration, text)?;
                let mut command = Command::new("conserver");
                command.arg("-C").arg(&configuration).args(["-M", "127.0.0.1", "-p", &port.to_string()]);
                command.args(["-b", &(port + 1).to_string(), "-m", "400", "-n"]);
                Self::new(kind, Child::start(&mut command, &log)?, port, work)
            }
            Kind::Hardline => {
                let list = work.join("attach");
                let lines: String = (0..count)
                    .map(|n| format!("c{n} unix:{}\n", guests.join(format!("c{n}.sock")).display()))
                    .collect();
                fs::write(&list, lines)?;
                let mut command = Command::new(hardline);
                command.arg("dev").arg("--data-dir").arg(work.join("data")).arg("--no-guest");
                command.args(["--listen", "127.0.0.1:0", "--plain-listen", &format!("127.0.0.1:{port}")]);
                command.arg("--attach-file").arg(&list);
                Self::new(kind, Child::start(&mut command, &log)?, port, work)
            }
        };
        peer.wait(started)?;
        peer.ready = started.elapsed();
        peer.again = (hardline.into(), guests.into(), count);
        Ok(peer)
    }

    /// Stops it, does something with its database, and starts it again on the same data.
    pub fn while_stopped<T>(&mut self, work: impl FnOnce(&Path, &str) -> Result<T>) -> Result<T> {
        self.child.stop();
        let done = work(&self.database(), self.subscription()?)?;
        let (hardline, guests, count) = self.again.clone();
        *self = Self::start(self.kind, &hardline, &guests, &self.work, count)?;
        Ok(done)
    }

    fn new(kind: Kind, child: Child, port: u16, work: &Path) -> Self {
        Self {
            kind,
            child,
            ready: Duration::ZERO,
            at: format!("127.0.0.1:{port}"),
            work: work.into(),
            token: String::new(),
            vm_prefix: String::new(),
            again: Default::default(),
        }
    }

    fn wait(&mut self, started: Instant) -> Result<()> {
        let env = self.work.join("data/dev.env");
        loop {
            let ready = match self.kind {
                Kind::Hardline => env.exists(),
                // Asking socat would take its one connection to the console; a listening socket shows in /proc.
                Kind::Socat | Kind::Conserver => listening(&self.at),
            };
            if ready {
                break;
            }
            if self.child.ended() || started.elapsed() > Duration::from_secs(180) {
                bail!("{} did not start: see {}", self.kind.name(), self.work.join("server.log").display());
            }
            std::thread::park_timeout(Duration::from_millis(1));
        }
        if self.kind == Kind::Hardline {
            let text = fs::read_to_string(&env)?;
            let value = |name: &str| -> Result<String> {
                let prefix = format!("export {name}=");
                let line = text.lines().find_map(|l| l.strip_prefix(&prefix));
                Ok(line.with_context(|| format!("dev.env has no {name}"))?.trim_matches('\'').to_owned())
            };
            let form = format!(
                "grant_type=client_credentials&client_id={}&client_secret={}&scope={}%2F.default",
                value("HARDLINE_CLIENT_ID")?,
                value("HARDLINE_CLIENT_SECRET")?,
                value("HARDLINE_URL")?.replace(':', "%3A").replace('/', "%2F")
            );
            let form_type = ["Content-Type: application/x-www-form-urlencoded".to_owned()];
            let answer = http::request(&self.at, "POST", "/adfs/oauth2/token", &form_type, form.as_bytes())?;
            let json: serde_json::Value = serde_json::from_slice(&answer.body)?;
            let token = json.get("access_token").and_then(|t| t.as_str()).context("no access token")?;
            token.clone_into(&mut self.token);
            self.vm_prefix = format!(
                "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Compute/virtualMachines",
                value("HARDLINE_SUBSCRIPTION")?,
                value("HARDLINE_RESOURCE_GROUP")?
            );
        }
        Ok(())
    }

    /// Asks Hardline's API; `path` begins at the subscription.
    pub fn call(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let mut headers = self.bearer().to_vec();
        headers.push("Content-Type: application/json".to_owned());
        let path = format!("/subscriptions/{}/{path}?{API}", self.subscription()?);
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let answer = http::request(&self.at, method, &path, &headers, text.as_bytes())?;
        if !(200..300).contains(&answer.status) {
            bail!("{method} {path}: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        Ok(serde_json::from_slice(&answer.body).unwrap_or_default())
    }

    /// The subscription's id.
    pub fn subscription(&self) -> Result<&str> {
        self.vm_prefix.split('/').nth(2).context("no subscription")
    }

    /// The database of a Hardline.
    pub fn database(&self) -> PathBuf {
        self.work.join("data/hardline.db")
    }

    /// `host:port`, and the header that shows who asks.
    pub fn door(&self) -> (&str, String) {
        let [bearer] = self.bearer();
        (&self.at, bearer)
    }

    /// Where boot diagnostics of console `n`'s machine are asked for: a `POST` that is in the activity log twice.
    pub fn diagnostics_path(&self, n: usize) -> String {
        format!("{}/c{n}/retrieveBootDiagnosticsData?api-version=2024-07-01", self.vm_prefix)
    }

    /// How a client attaches to console `n`; `write` takes the right to type with it.
    pub fn address(&self, n: usize, write: bool) -> Address {
        match self.kind {
            Kind::Socat => Address::Tcp(self.at.clone()),
            Kind::Conserver => Address::Conserver(self.at.clone(), format!("c{n}")),
            Kind::Hardline => {
                let mode = if write { "write" } else { "view" };
                let path = format!("{}/c{n}/providers/Hardline.Console/serialPorts/0/stream", self.vm_prefix);
                Address::WebSocket(format!("ws://{}{path}?{API}&mode={mode}", self.at), self.token.clone())
            }
        }
    }

    /// The log of console `n`.
    pub fn log(&self, n: usize) -> Result<http::Answer> {
        match self.kind {
            Kind::Hardline => {
                let answer = http::request(&self.at, "GET", &self.log_path(n, None), &self.bearer(), b"")?;
                if answer.status != 200 {
                    bail!("log of c{n}: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
                }
                Ok(answer)
            }
            Kind::Conserver => {
                let body = fs::read(self.work.join(format!("logs/c{n}.log"))).unwrap_or_default();
                Ok(http::Answer { status: 200, body })
            }
            Kind::Socat => bail!("socat keeps no log"),
        }
    }

    /// Reads the log of console `n`, or its last `tail` bytes, and throws it away.
    pub fn log_measured(&self, n: usize, tail: Option<u64>) -> Result<http::Measured> {
        let measured = http::measure(&self.at, &self.log_path(n, tail), &self.bearer())?;
        if measured.status != 200 {
            bail!("log of c{n}: {}", measured.status);
        }
        Ok(measured)
    }

    fn log_path(&self, n: usize, tail: Option<u64>) -> String {
        let tail = tail.map(|tail| format!("&tail={tail}")).unwrap_or_default();
        let prefix = &self.vm_prefix;
        format!("{prefix}/c{n}/providers/Hardline.Diagnostics/serialLogs/0/content?{API}{tail}")
    }

    fn bearer(&self) -> [String; 1] {
        [format!("Authorization: Bearer {}", self.token)]
    }

    /// Bytes that stand in the log of console `n` by now.
    pub fn log_end(&self, n: usize) -> Result<u64> {
        match self.kind {
            Kind::Conserver => {
                Ok(fs::metadata(self.work.join(format!("logs/c{n}.log"))).map_or(0, |m| m.len()))
            }
            Kind::Hardline => {
                let path =
                    format!("{}/c{n}/providers/Hardline.Diagnostics/serialLogs/0?{API}", self.vm_prefix);
                let answer = http::request(&self.at, "GET", &path, &self.bearer(), b"")?;
                let json: serde_json::Value = serde_json::from_slice(&answer.body)?;
                json.pointer("/properties/end").and_then(serde_json::Value::as_u64).context("no end")
            }
            Kind::Socat => Ok(0),
        }
    }
}

fn free_port() -> Result<u16> {
    // conserver needs two ports in a row.
    for _ in 0..64 {
        let one = std::net::TcpListener::bind("127.0.0.1:0")?;
        let port = one.local_addr()?.port();
        if port < u16::MAX && std::net::TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no two free ports in a row")
}

fn listening(at: &str) -> bool {
    let Some(port) = at.rsplit_once(':').and_then(|(_, p)| p.parse::<u16>().ok()) else { return false };
    let needle = format!(":{port:04X} ");
    fs::read_to_string("/proc/net/tcp")
        .unwrap_or_default()
        .lines()
        .any(|l| l.contains(&needle) && l.split_whitespace().nth(3) == Some("0A"))
}
