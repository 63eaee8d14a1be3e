//! A PostgreSQL of one's own: a private cluster in a temporary directory, on a unix socket, gone when it is dropped.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

const MISSING: &str = "PostgreSQL's binaries are not in /usr/lib/postgresql/*/bin: install them with `apt-get install postgresql`";

/// A private PostgreSQL.
#[derive(Debug)]
pub struct Postgres {
    directory: TempDir,
    binaries: PathBuf,
    server: Child,
    databases: AtomicU32,
}

impl Postgres {
    /// Makes a cluster and starts it; ready when this returns. Panics with what to install when PostgreSQL is not there.
    pub fn start() -> Self {
        let binaries = binaries().expect(MISSING);
        let directory = tempfile::Builder::new().prefix("hl-pg").tempdir().unwrap();
        if is_root() {
            // PostgreSQL refuses to run as root.
            let (uid, gid) = account("postgres");
            std::os::unix::fs::chown(directory.path(), Some(uid), Some(gid)).unwrap();
        }
        let data = directory.path().join("data");
        // An ICU locale that does not sort by bytes: what relies on byte order must say so in the schema.
        let made = as_postgres(&binaries.join("initdb"))
            .args(["--username=hardline", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"])
            .args(["--locale-provider=icu", "--icu-locale=en-US", "--pgdata"])
            .arg(&data)
            .output()
            .expect("initdb runs");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let mut server = as_postgres(&binaries.join("postgres"))
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200", "-D"])
            .arg(&data)
            .arg("-k")
            .arg(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("postgres runs");
        let mut log = BufReader::new(server.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains("ready to accept connections") {
            let before = said.len();
            log.read_line(&mut said).unwrap();
            assert!(said.len() > before, "postgres ended: {said}");
        }
        // Nobody reads on: a full pipe must not stop the server.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { directory, binaries, server, databases: AtomicU32::new(0) }
    }

    /// Makes an empty database; its URL.
    pub fn database(&self) -> String {
        let name = format!("test{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let made = as_postgres(&self.binaries.join("createdb"))
            .args(["--username=hardline", "--host"])
            .arg(self.directory.path())
            .arg(&name)
            .output()
            .expect("createdb runs");
        assert!(made.status.success(), "createdb: {}", String::from_utf8_lossy(&made.stderr));
        let socket = self.directory.path().to_str().unwrap().replace('/', "%2F");
        format!("postgres://hardline@localhost/{name}?host={socket}")
    }

    /// Stops the server at once, as a crash would.
    pub fn crash(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.crash();
    }
}

/// The newest version's binaries.
fn binaries() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version = entry.file_name().to_str()?.parse().ok()?;
            let bin = entry.path().join("bin");
            bin.join("postgres").is_file().then_some((version, bin))
        })
        .collect();
    found.sort();
    found.pop().map(|(_, bin)| bin)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A command that runs as `postgres` when we are root, and ends with the thread that started it.
fn as_postgres(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    if is_root() {
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
    }
    command.args(["--pdeathsig", "KILL", "--"]).arg(program).current_dir("/");
    command
}

/// The ids of a system account.
fn account(name: &str) -> (u32, u32) {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    let line = passwd.lines().find(|line| line.split(':').next() == Some(name)).expect(MISSING);
    let fields: Vec<&str> = line.split(':').collect();
    (fields[2].parse().unwrap(), fields[3].parse().unwrap())
}
