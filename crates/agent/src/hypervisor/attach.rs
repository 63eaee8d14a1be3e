//! Serial ports that something else runs: connecting to a unix socket, a pty or TCP, and again when it comes back.
//!
//! ```text
//!             not there: back off 1 ms .. 1 s, or until the socket's name appears
//!               ┌───────┐
//!               v       │
//!   start ──> connect ──┴──> [attached: read, write] ── end of file ──┐
//!               ^                                                     │ what is printed meanwhile is lost: a gap
//!               └─────────────────────────────────────────────────────┘
//! ```
//!
//! No power actions, no screenshot. The endpoint is somebody's word: only what the host's configuration allows is opened,
//! by its resolved path.

use crate::serial::{Port, Sink};
use rustix::fs::{Mode, OFlags};
use rustix::termios::OptionalActions;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Between two attempts, at first and at most.
const SOONEST: Duration = Duration::from_millis(1);
const LATEST: Duration = Duration::from_secs(1);
/// A TCP connect that takes longer has failed.
const CONNECT: Duration = Duration::from_secs(5);

/// Where the bytes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A unix stream socket.
    Unix(PathBuf),
    /// A pty or serial device.
    Pty(PathBuf),
    /// `host:port`.
    Tcp(String),
}

/// Which endpoints this host may attach: everything is refused that no prefix allows.
#[derive(Clone, Debug, Default)]
pub struct AttachPolicy {
    /// `unix:DIR` and `pty:DIR` allow what is, symlinks resolved, below DIR (or DIR itself); `tcp:HOST:` allows every
    /// port of HOST, `tcp:HOST:PORT` one, `tcp:` all.
    pub prefixes: Arc<[String]>,
}

/// Why an endpoint is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointRefused {
    /// Not `unix:/path`, `pty:/path` or `tcp:host:port`.
    #[error("an endpoint is unix:/path, pty:/path or tcp:host:port")]
    Malformed,
    /// No prefix of the host's configuration allows it.
    #[error("this host's configuration does not allow that endpoint")]
    NotAllowed,
}

impl AttachPolicy {
    /// Parses an endpoint and checks it against the prefixes.
    ///
    /// # Errors
    /// It is malformed or not allowed.
    pub fn check(&self, endpoint: &str) -> Result<Endpoint, EndpointRefused> {
        let (scheme, rest) = endpoint.split_once(':').ok_or(EndpointRefused::Malformed)?;
        let endpoint = match scheme {
            "unix" | "pty" => {
                let path = PathBuf::from(rest);
                let plain = path.components().all(|c| matches!(c, Component::RootDir | Component::Normal(_)));
                if !path.is_absolute() || !plain || path.file_name().is_none() || rest.contains('\0') {
                    return Err(EndpointRefused::Malformed);
                }
                if scheme == "unix" { Endpoint::Unix(path) } else { Endpoint::Pty(path) }
            }
            "tcp" => {
                let (host, port) = rest.rsplit_once(':').ok_or(EndpointRefused::Malformed)?;
                if host.is_empty() || port.parse::<u16>().map_or(true, |port| port == 0) {
                    return Err(EndpointRefused::Malformed);
                }
                Endpoint::Tcp(rest.to_owned())
            }
            _ => return Err(EndpointRefused::Malformed),
        };
        self.resolve(&endpoint).map(|_| endpoint)
    }

    /// The path to open, symlinks resolved as they are now.
    fn resolve(&self, endpoint: &Endpoint) -> Result<PathBuf, EndpointRefused> {
        let allowed = |scheme: &str, path: &Path| {
            let dirs = || self.prefixes.iter().filter_map(|p| p.strip_prefix(scheme));
            // First those that look like it: a thousand prefixes need not all be resolved.
            let (alike, others) = (|dir: &&str| path.starts_with(dir), |dir: &&str| !path.starts_with(dir));
            dirs().filter(alike).chain(dirs().filter(others)).any(|dir| {
                // A directory that is not there allows nothing.
                Path::new(dir).canonicalize().is_ok_and(|dir| path.starts_with(dir))
            })
        };
        let (scheme, path) = match endpoint {
            Endpoint::Unix(path) => ("unix:", resolved(path)),
            Endpoint::Pty(path) => ("pty:", resolved(path)),
            Endpoint::Tcp(address) => {
                let allowed = self.prefixes.iter().filter_map(|p| p.strip_prefix("tcp:")).any(|prefix| {
                    prefix.is_empty()
                        || prefix == address
                        || prefix.ends_with(':') && address.starts_with(prefix)
                });
                return if allowed { Ok(PathBuf::new()) } else { Err(EndpointRefused::NotAllowed) };
            }
        };
        path.filter(|path| allowed(scheme, path)).ok_or(EndpointRefused::NotAllowed)
    }
}

/// A path without symlinks; the last component need not exist yet.
fn resolved(path: &Path) -> Option<PathBuf> {
    match path.canonicalize() {
        Ok(path) => Some(path),
        // A dangling symlink would be followed once its target appears: not taken for a missing file.
        Err(_) if path.symlink_metadata().is_ok() => None,
        Err(_) => Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?)),
    }
}

/// Is somebody there?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attached {
    /// Bytes flow.
    Yes,
    /// The endpoint is not there at present: why.
    No(String),
}

/// A running attachment: connects, reads, reconnects, until stopped or dropped.
pub struct Attachment {
    state: watch::Receiver<Attached>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Attachment {
    /// Starts to attach `port` to `endpoint`. The policy is checked again at every connect (symlinks may change).
    pub fn start(port: Arc<Port>, endpoint: Endpoint, policy: AttachPolicy) -> Self {
        let (told, state) = watch::channel(Attached::No("not attached yet".into()));
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let attaching = Attaching { port, endpoint, policy, told };
            tokio::select! {
                () = stopped.cancelled() => {}
                () = attaching.run() => {}
            }
            attaching.port.input_close();
            attaching.told.send_replace(Attached::No("detached".into()));
        });
        Self { state, stop, task }
    }

    /// Changes of the state, beginning with the present one.
    pub fn state(&self) -> watch::Receiver<Attached> {
        self.state.clone()
    }

    /// Ends it; returns when the endpoint is closed.
    pub async fn stop(mut self) {
        self.stop.cancel();
        let _ = (&mut self.task).await;
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

struct Attaching {
    port: Arc<Port>,
    endpoint: Endpoint,
    policy: AttachPolicy,
    told: watch::Sender<Attached>,
}

impl Attaching {
    async fn run(&self) {
        let port = self.port.clone();
        match tokio::task::spawn_blocking(move || port.begin_reading()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return self.tell(&error.to_string()),
            Err(_) => return,
        }
        let mut pause = SOONEST;
        let mut again = false;
        let mut appears = None;
        loop {
            // In a box of its own: what is needed to connect takes no memory while bytes flow.
            match Box::pin(self.connect()).await {
                Ok(sink) => {
                    appears = None;
                    self.told.send_replace(Attached::Yes);
                    let since = Instant::now();
                    let from = self.port.end_offset();
                    let whole = !matches!(self.endpoint, Endpoint::Pty(_));
                    let end = self.port.read_from(sink, again, whole).await;
                    again = true;
                    if self.port.end_offset() > from || since.elapsed() > LATEST {
                        pause = SOONEST;
                    }
                    self.tell(&format!("the other end closed: {end}"));
                }
                Err(error) => self.tell(&error.to_string()),
            }
            if appears.is_none()
                && let Endpoint::Unix(path) | Endpoint::Pty(path) = &self.endpoint
            {
                // A socket that appeared before it was watched is found by the next attempt, a moment later.
                appears = self.port.await_name(path);
            }
            if Box::pin(wait(appears.as_deref(), &mut pause)).await {
                appears = None;
            }
        }
    }

    fn tell(&self, why: &str) {
        self.told.send_if_modified(|state| {
            let now = Attached::No(why.to_owned());
            let changed = *state != now;
            *state = now;
            changed
        });
    }

    async fn connect(&self) -> std::io::Result<Arc<Sink>> {
        let path = self.policy.resolve(&self.endpoint).map_err(std::io::Error::other)?;
        let fd: OwnedFd = match &self.endpoint {
            Endpoint::Unix(_) => tokio::net::UnixStream::connect(&path).await?.into_std()?.into(),
            Endpoint::Pty(_) => open_terminal(&path)?,
            Endpoint::Tcp(address) => {
                let stream = tokio::time::timeout(CONNECT, tokio::net::TcpStream::connect(address)).await??;
                stream.set_nodelay(true)?;
                stream.into_std()?.into()
            }
        };
        Ok(Arc::new(Sink { fd: Arc::new(fd), fifo: false }))
    }
}

/// Until the name appears (true), or for `pause`, which grows.
async fn wait(appears: Option<&Notify>, pause: &mut Duration) -> bool {
    let appeared = async {
        match appears {
            Some(appears) => appears.notified().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = appeared => {
            *pause = SOONEST;
            true
        }
        () = tokio::time::sleep(*pause) => {
            *pause = (*pause * 2).min(LATEST);
            false
        }
    }
}

/// Opens a terminal device, and nothing else, as a raw line that never becomes ours to be controlled by.
fn open_terminal(path: &Path) -> std::io::Result<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let fd = rustix::fs::open(path, flags, Mode::empty())?;
    let mut line = rustix::termios::tcgetattr(&fd)?;
    line.make_raw();
    rustix::termios::tcsetattr(&fd, OptionalActions::Now, &line)?;
    Ok(fd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_allowed_is_attached() {
        let dir = tempfile::tempdir().unwrap();
        let inside = dir.path().join("guests");
        std::fs::create_dir(&inside).unwrap();
        std::fs::write(dir.path().join("secret"), b"").unwrap();
        std::os::unix::fs::symlink(dir.path().join("secret"), inside.join("link")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("later"), inside.join("dangling")).unwrap();
        std::os::unix::fs::symlink(dir.path(), inside.join("up")).unwrap();
        let policy = AttachPolicy {
            prefixes: [format!("unix:{}/", inside.display()), "tcp:127.0.0.1:".into(), "tcp:h:5".into()]
                .into(),
        };
        let at = |name: &str| format!("unix:{}/{name}", inside.display());
        use EndpointRefused::{Malformed, NotAllowed};
        for (endpoint, expected) in [
            (at("a.sock"), Ok(())),
            (at("link"), Err(NotAllowed)),
            (at("dangling"), Err(NotAllowed)),
            (at("up/secret"), Err(NotAllowed)),
            (at("../secret"), Err(Malformed)),
            (at("no/such/dir"), Err(NotAllowed)),
            (format!("unix:{}/secret", dir.path().display()), Err(NotAllowed)),
            (format!("unix:{}-not/a", inside.display()), Err(NotAllowed)),
            (format!("pty:{}/a", inside.display()), Err(NotAllowed)),
            ("unix:relative".into(), Err(Malformed)),
            ("unix:/".into(), Err(Malformed)),
            ("file:/etc/passwd".into(), Err(Malformed)),
            ("nonsense".into(), Err(Malformed)),
            ("tcp:127.0.0.1:9".into(), Ok(())),
            ("tcp:127.0.0.100:9".into(), Err(NotAllowed)),
            ("tcp:127.0.0.1:".into(), Err(Malformed)),
            ("tcp:127.0.0.1:99999".into(), Err(Malformed)),
            ("tcp:h:5".into(), Ok(())),
            ("tcp:h:55".into(), Err(NotAllowed)),
        ] {
            assert_eq!(policy.check(&endpoint).map(|_| ()), expected, "{endpoint}");
        }
        assert_eq!(AttachPolicy::default().check("tcp:127.0.0.1:9"), Err(NotAllowed), "deny by default");
    }
}
