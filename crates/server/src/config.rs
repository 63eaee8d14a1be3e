//! What the operator decides: addresses, paths, limits. Read once, at the start.

use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::SecretString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use uuid::Uuid;

/// The server's configuration.
#[derive(Debug)]
pub struct Config {
    /// Where the HTTPS listener binds; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// A listener without TLS, for benchmarks; refused on anything but a loopback address.
    pub plain_listen: Option<SocketAddr>,
    /// Where agents dial in, with mutual TLS; none when the only agent is in this process.
    pub agent_listen: Option<AgentListener>,
    /// The name under which clients reach the server: `localhost`. The port is the listener's.
    pub public_host: String,
    /// The certificate of the HTTPS listener.
    pub tls: TlsMaterial,
    /// Where the records are.
    pub database: Database,
    /// Where the objects (managed boot-diagnostics storage) are.
    pub objects: PathBuf,
    /// The one tenant.
    pub tenant: Uuid,
    /// The name of the one location: `local`.
    pub location: String,
    /// From where templates may be fetched that a deployment links to: beginnings of addresses, `https://host/folder/`. None:
    /// from nowhere.
    pub template_sources: Vec<String>,
    /// What is known of the addresses that people come from.
    pub places: PlaceDatabases,
    /// Who is told of alerts.
    pub alert_webhooks: Vec<AlertWebhook>,
    /// Where events may be sent; nowhere by default.
    pub export: Export,
    /// Bounds on what a client may do.
    pub limits: Limits,
    /// Who else may say who somebody is; nobody by default.
    pub federation: Option<Federation>,
}

/// Databases of addresses, files in MaxMind's format (MMDB); without them nothing is known.
#[derive(Clone, Debug, Default)]
pub struct PlaceDatabases {
    /// Of autonomous systems: GeoLite2-ASN and the like.
    pub networks: Option<PathBuf>,
    /// Of cities: GeoLite2-City and the like.
    pub cities: Option<PathBuf>,
}

/// Somebody who is told of alerts by a POST.
#[derive(Clone, Debug)]
pub struct AlertWebhook {
    /// Its name, unique.
    pub name: String,
    /// Where to: `https://host/path`, or `http://` to a loopback address. It may hold a key of the receiver's.
    pub address: SecretString,
    /// What the messages are signed with.
    pub secret: Option<SecretString>,
    /// The least severity that it is told of: `low`, `medium`, `high`, `critical`.
    pub severity: String,
}

/// Where events may be sent. Who may write a diagnostic setting chooses among these.
#[derive(Clone, Debug, Default)]
pub struct Export {
    /// Beginnings of addresses: `https://elastic.example.org:9200/`, `syslog+tls://siem.example.org:6514`.
    pub destinations: Vec<String>,
    /// The folder for files of events; none: no files are written.
    pub folder: Option<PathBuf>,
    /// The only authority whose certificates count for the destinations; none for those of the system. Syslog needs one.
    pub authority: Option<CertificateDer<'static>>,
}

/// An outside identity provider (OpenID Connect). Whoever runs it can sign in as any user whom it may name.
#[derive(Clone, Debug)]
pub struct Federation {
    /// Its name for people: what the button says.
    pub name: String,
    /// Its issuer, exactly as its tokens write it: `https://id.example.org`.
    pub issuer: String,
    /// Our client id there.
    pub client_id: String,
    /// Our secret there.
    pub client_secret: SecretString,
    /// The only authority whose certificates count for it; none for those of the system.
    pub authority: Option<CertificateDer<'static>>,
    /// The claim that holds the user principal name: `preferred_username`.
    pub user_claim: String,
    /// Makes a user, without any role, of whoever has none here.
    pub create_users: bool,
}

/// A certificate chain and its key.
pub struct TlsMaterial {
    /// The server's certificate first, then its issuers.
    pub chain: Vec<CertificateDer<'static>>,
    /// The key of the first.
    pub key: PrivateKeyDer<'static>,
}

impl std::fmt::Debug for TlsMaterial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsMaterial").field("certificates", &self.chain.len()).finish_non_exhaustive()
    }
}

impl Clone for TlsMaterial {
    fn clone(&self) -> Self {
        Self { chain: self.chain.clone(), key: self.key.clone_key() }
    }
}

/// The listener that agents dial.
#[derive(Debug)]
pub struct AgentListener {
    /// Where it binds.
    pub listen: SocketAddr,
    /// Its own certificate.
    pub tls: TlsMaterial,
    /// The authority that signs agents' certificates.
    pub client_authority: CertificateDer<'static>,
}

/// Which database.
#[derive(Clone, Debug)]
pub enum Database {
    /// A SQLite file.
    Sqlite(PathBuf),
    /// A PostgreSQL server: `postgres://user:password@host/name`.
    Postgres(SecretString),
}

/// Bounds on what a client may do, and on how long it may take.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Longest request body, bytes.
    pub body: usize,
    /// A TLS handshake must be over by then.
    pub handshake: Duration,
    /// A request's head must have come by then.
    pub header: Duration,
    /// A request's body must have come by then.
    pub body_read: Duration,
    /// Most connections at a time.
    pub connections: usize,
    /// Longest WebSocket message, bytes.
    pub message: usize,
    /// A console's client must have said who it is by then.
    pub authentication: Duration,
    /// A WebSocket is pinged this often…
    pub ping: Duration,
    /// … and given up when nothing at all has come for so long.
    pub silence: Duration,
    /// A WebSocket message must be written by then, or the viewer is gone.
    pub send: Duration,
    /// A poll of a long-running operation is answered at its end, at the latest after so long.
    pub poll: Duration,
    /// How often rules that are due are looked for.
    pub detection: Duration,
    /// Requests that are running get this long at shutdown.
    pub drain: Duration,
    /// A sink must have answered by then.
    pub sink_answer: Duration,
    /// New events are looked for this often.
    pub sink_look: Duration,
    /// After a first failure a sink is left alone for so long; then for twice as long, up to 256 times that.
    pub sink_pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 4 << 20,
            handshake: Duration::from_secs(10),
            header: Duration::from_secs(15),
            body_read: Duration::from_secs(60),
            connections: 16_384,
            message: 1 << 20,
            authentication: Duration::from_secs(10),
            ping: Duration::from_secs(20),
            // A viewer that was stopped (a sleeping laptop, a debugger) comes back to a gap mark and the present screen.
            // Keeping it costs little: it holds up nobody, and whoever wants the seat takes it.
            silence: Duration::from_secs(150),
            send: Duration::from_secs(150),
            poll: Duration::from_secs(5),
            detection: Duration::from_secs(5),
            drain: Duration::from_secs(5),
            sink_answer: Duration::from_secs(30),
            sink_look: Duration::from_secs(1),
            sink_pause: Duration::from_secs(1),
        }
    }
}
