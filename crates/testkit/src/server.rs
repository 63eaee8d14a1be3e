//! A server under test: real HTTPS on a port that the system chose, a data directory of its own, principals of each kind.
//!
//! ```no_run
//! # use hardline_testkit::TestServer;
//! # async fn example() {
//! let server = TestServer::start().await;
//! let answer = server.owner().get(&server.group_path()).await;
//! assert_eq!(answer.status, 200);
//! server.stop().await;
//! # }
//! ```

use crate::authority::Authority as HostAuthority;
use crate::postgres::Postgres;
use crate::request::As;
use hardline_arm::rbac;
use hardline_arm::resource_id::ResourceId;
use hardline_server::auth::PrincipalKind;
use hardline_server::auth::provision::{self, NewPrincipal};
use hardline_server::clock::Clock;
use hardline_server::config::{
    AgentListener, AlertWebhook, Config, Database, Export, Federation, Limits, PlaceDatabases, TlsMaterial,
};
use hardline_server::detection::installed;
use hardline_server::{Running, Server, State};
use hardline_store::db::{detection_runs, resource_groups, subscriptions};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls_pki_types::PrivateKeyDer;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use uuid::Uuid;

/// The tenant of every server under test.
pub const TENANT: &str = "11111111-1111-4111-8111-111111111111";
/// Its subscription.
pub const SUBSCRIPTION: &str = "22222222-2222-4222-8222-222222222222";
/// Its resource group.
pub const GROUP: &str = "test-rg";
/// Its location.
pub const LOCATION: &str = "local";
/// The password of every principal.
pub const PASSWORD: &str = "correct horse battery staple";
/// Nothing comes by itself in so long a time.
const A_WHILE: Duration = Duration::from_secs(3600);
/// A test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody who can sign in to a server under test.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Object id.
    pub oid: Uuid,
    /// UPN, or application id.
    pub name: String,
    /// Person or program.
    pub kind: PrincipalKind,
}

/// What a server under test is made of, before it starts.
pub struct Builder {
    limits: Limits,
    clock: Option<Arc<dyn Clock>>,
    plain: bool,
    template_sources: Vec<String>,
    alert_webhooks: Vec<AlertWebhook>,
    places: PlaceDatabases,
    export: Export,
    agents: Option<AgentListener>,
    postgres: bool,
    kept: Option<Kept>,
    federation: Option<Federation>,
}

/// What a stopped server leaves: its directory and its database.
pub struct Kept {
    directory: TempDir,
    database: Database,
    postgres: Option<Postgres>,
}

/// A server under test.
pub struct TestServer {
    running: Option<Running>,
    data: Option<Kept>,
    client: reqwest::Client,
    ca_pem: String,
    owner: Identity,
    program: Identity,
    contributor: Identity,
    reader: Identity,
    stranger: Identity,
}

impl Builder {
    /// Other limits.
    #[must_use]
    pub fn limits(mut self, change: impl FnOnce(&mut Limits)) -> Self {
        change(&mut self.limits);
        self
    }

    /// Another clock.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// A plain-HTTP listener too.
    #[must_use]
    pub fn plain(mut self) -> Self {
        self.plain = true;
        self
    }

    /// Linked templates may be fetched from below this address.
    #[must_use]
    pub fn template_source(mut self, source: &str) -> Self {
        self.template_sources.push(source.into());
        self
    }

    /// Databases of addresses.
    #[must_use]
    pub fn places(mut self, places: PlaceDatabases) -> Self {
        self.places = places;
        self
    }

    /// Somebody who is told of alerts.
    #[must_use]
    pub fn alert_webhook(mut self, webhook: AlertWebhook) -> Self {
        self.alert_webhooks.push(webhook);
        self
    }

    /// Events may be sent there.
    #[must_use]
    pub fn export(mut self, export: Export) -> Self {
        self.export = export;
        self
    }

    /// A listener that fake hosts can dial, with certificates of `authority`; its address is
    /// `state().hosts.agent_address()`.
    #[must_use]
    pub fn agents(mut self, authority: &HostAuthority) -> Self {
        let identity = authority.listener(&["localhost"]);
        self.agents = Some(AgentListener {
            listen: "127.0.0.1:0".parse().unwrap(),
            tls: TlsMaterial { chain: identity.chain, key: identity.key },
            client_authority: authority.certificate(),
        });
        self
    }

    /// With an outside identity provider.
    #[must_use]
    pub fn federation(mut self, provider: Federation) -> Self {
        self.federation = Some(provider);
        self
    }

    /// On PostgreSQL. (The environment variable `HARDLINE_TEST_DATABASE=postgres` does so for every server under test.)
    #[must_use]
    pub fn postgres(mut self) -> Self {
        self.postgres = true;
        self
    }

    /// On SQLite, whatever the environment says: for tests of what only a file can do (a full disk).
    #[must_use]
    pub fn sqlite(mut self) -> Self {
        self.postgres = false;
        self
    }

    /// On the data of a server that was stopped ([`TestServer::stop_keeping_data`]).
    #[must_use]
    pub fn directory(mut self, kept: Kept) -> Self {
        self.kept = Some(kept);
        self
    }

    /// Starts it.
    pub async fn start(self) -> TestServer {
        let data = self.kept.unwrap_or_else(|| {
            let directory = TempDir::with_prefix("hl-server").unwrap();
            let postgres = self.postgres.then(Postgres::start);
            let database = match &postgres {
                Some(postgres) => Database::Postgres(postgres.database().into()),
                None => Database::Sqlite(directory.path().join("hardline.db")),
            };
            Kept { directory, database, postgres }
        });
        let authority = Authority::new();
        let plain = config(&data, &authority);
        let config = Config {
            plain_listen: self.plain.then_some(plain.listen),
            template_sources: self.template_sources,
            alert_webhooks: self.alert_webhooks,
            places: self.places,
            export: self.export,
            agent_listen: self.agents,
            limits: self.limits,
            federation: self.federation,
            ..plain
        };
        let mut server = Server::new(config);
        if let Some(clock) = self.clock {
            server = server.with_clock(clock);
        }
        let running = server.run().await.expect("the server starts");
        let identity = |number: u128, name: &str, kind| Identity {
            oid: Uuid::from_u128(0x3333_0000_0000_4000_8000_0000_0000_0000 + number),
            name: name.into(),
            kind,
        };
        let certificate = reqwest::Certificate::from_pem(authority.pem.as_bytes()).unwrap();
        let test = TestServer {
            client: reqwest::Client::builder()
                .tls_certs_only([certificate])
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap(),
            running: Some(running),
            data: Some(data),
            ca_pem: authority.pem,
            owner: identity(1, "owner@hardline.test", PrincipalKind::User),
            program: identity(2, "44444444-4444-4444-8444-444444444444", PrincipalKind::ServicePrincipal),
            contributor: identity(3, "contributor@hardline.test", PrincipalKind::User),
            reader: identity(4, "reader@hardline.test", PrincipalKind::User),
            stranger: identity(5, "stranger@hardline.test", PrincipalKind::User),
        };
        test.seed().await;
        test
    }
}

/// Tests ask what is so now.
fn limits() -> Limits {
    Limits { poll: Duration::ZERO, detection: A_WHILE, ..Limits::default() }
}

/// A server on this data.
fn config(data: &Kept, authority: &Authority) -> Config {
    Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        plain_listen: None,
        template_sources: Vec::new(),
        alert_webhooks: Vec::new(),
        places: PlaceDatabases::default(),
        export: Export::default(),
        agent_listen: None,
        public_host: "localhost".into(),
        tls: authority.server(),
        database: data.database.clone(),
        objects: data.directory.path().join("objects"),
        tenant: TENANT.parse().unwrap(),
        location: LOCATION.into(),
        limits: limits(),
        federation: None,
    }
}

impl TestServer {
    /// A server on SQLite with the default limits.
    pub async fn start() -> Self {
        Self::builder().start().await
    }

    /// A server with changes.
    pub fn builder() -> Builder {
        let postgres = std::env::var("HARDLINE_TEST_DATABASE").is_ok_and(|name| name == "postgres");
        Builder {
            limits: limits(),
            clock: None,
            plain: false,
            template_sources: Vec::new(),
            alert_webhooks: Vec::new(),
            places: PlaceDatabases::default(),
            export: Export::default(),
            agents: None,
            postgres,
            kept: None,
            federation: None,
        }
    }

    /// A second server on the same data; PostgreSQL only, as a file of SQLite's has one server.
    pub async fn second(&self, clock: Arc<dyn Clock>) -> Running {
        let data = self.data.as_ref().expect("the server was stopped");
        assert!(data.postgres.is_some(), "ask for PostgreSQL");
        let server = Server::new(config(data, &Authority::new())).with_clock(clock);
        server.run().await.expect("the second server starts")
    }

    /// Runs the detection rules that are due, whoever does it: this, or the server's own task.
    pub async fn run_rules(&self) {
        let state = self.state();
        let all = async {
            loop {
                hardline_server::detection::run_due(state).await.unwrap();
                let rules = installed::all(state, SUBSCRIPTION).await.unwrap();
                let runs = detection_runs::list(&state.store, SUBSCRIPTION, 10_000).await.unwrap();
                let now = state.clock.now().as_microsecond();
                let ran = |rule: &installed::Installed| {
                    let run = runs.iter().find(|run| run.rule.eq_ignore_ascii_case(&rule.rule_id));
                    rule.running().is_none() || run.is_some_and(|run| run.due > now)
                };
                if rules.iter().all(ran) {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, all).await.expect("the rules run");
    }

    /// The principals with their roles, the subscription, the group. Written again on a kept data directory.
    async fn seed(&self) {
        let state = self.state();
        let now = state.clock.now();
        let mut tx = state.store.begin().await.unwrap();
        let roles = [
            (&self.owner, Some(rbac::OWNER)),
            (&self.program, Some(rbac::OWNER)),
            (&self.contributor, Some(rbac::VIRTUAL_MACHINE_CONTRIBUTOR)),
            (&self.reader, Some(rbac::READER)),
            (&self.stranger, None),
        ];
        let scope = ResourceId::of_subscription(SUBSCRIPTION);
        for (who, role) in roles {
            let new = NewPrincipal {
                oid: who.oid,
                kind: who.kind,
                name: who.name.clone(),
                display_name: who.name.clone(),
                secret: PASSWORD.into(),
            };
            provision::principal(&mut tx, &new, now, state.random.clone()).await.unwrap();
            if let Some(role) = role {
                provision::assign(&mut tx, &scope, role, (who.oid, who.kind), now, &*state.random)
                    .await
                    .unwrap();
            }
        }
        let subscription = subscriptions::Subscription {
            id: SUBSCRIPTION.into(),
            display_name: "Test".into(),
            state: "Enabled".into(),
            body: "{}".into(),
            created: now.as_microsecond(),
            updated: now.as_microsecond(),
        };
        subscriptions::put(&mut tx, &subscription).await.unwrap();
        let group = resource_groups::ResourceGroup {
            id: ResourceId::of_group(SUBSCRIPTION, GROUP).to_string(),
            subscription: SUBSCRIPTION.into(),
            name: GROUP.into(),
            location: LOCATION.into(),
            state: "Succeeded".into(),
            body: "{}".into(),
            etag: "1".into(),
            created: now.as_microsecond(),
            updated: now.as_microsecond(),
        };
        resource_groups::put(&mut tx, &group).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// The running server.
    pub fn running(&self) -> &Running {
        self.running.as_ref().expect("the server was stopped")
    }

    /// The shared state.
    pub fn state(&self) -> &State {
        self.running().state()
    }

    /// `https://localhost:PORT`.
    pub fn url(&self) -> &str {
        self.running().url()
    }

    /// `http://127.0.0.1:PORT` of the plain listener.
    pub fn plain_url(&self) -> String {
        format!("http://{}", self.running().plain_address().expect("no plain listener was asked for"))
    }

    /// An HTTP client that trusts the server and follows no redirects.
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// The certificate authority, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The data directory.
    pub fn directory(&self) -> &Path {
        self.data.as_ref().expect("the server was stopped").directory.path()
    }

    /// The private PostgreSQL under the server, if it has one.
    pub fn postgres(&mut self) -> Option<&mut Postgres> {
        self.data.as_mut()?.postgres.as_mut()
    }

    /// `/subscriptions/{SUBSCRIPTION}`.
    pub fn subscription_path(&self) -> String {
        format!("/subscriptions/{SUBSCRIPTION}")
    }

    /// `/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}`.
    pub fn group_path(&self) -> String {
        format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}")
    }

    /// The path of a VM in the group.
    pub fn vm_path(&self, name: &str) -> String {
        format!("{}/providers/Microsoft.Compute/virtualMachines/{name}", self.group_path())
    }

    /// A user who is Owner of the subscription.
    pub fn owner(&self) -> As<'_> {
        As::identity(self, &self.owner)
    }

    /// A service principal that is Owner.
    pub fn program(&self) -> As<'_> {
        As::identity(self, &self.program)
    }

    /// A user who is Virtual Machine Contributor.
    pub fn contributor(&self) -> As<'_> {
        As::identity(self, &self.contributor)
    }

    /// A user who is Reader.
    pub fn reader(&self) -> As<'_> {
        As::identity(self, &self.reader)
    }

    /// A user without any role.
    pub fn stranger(&self) -> As<'_> {
        As::identity(self, &self.stranger)
    }

    /// Nobody: requests without a token.
    pub fn anonymous(&self) -> As<'_> {
        As::nobody(self)
    }

    /// Requests with this text as their token.
    pub fn with_token(&self, token: &str) -> As<'_> {
        As::token(self, token)
    }

    /// Stops the server; all its tasks have ended when this returns.
    pub async fn stop(mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    /// Stops the server and keeps its data for another one.
    pub async fn stop_keeping_data(mut self) -> Kept {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
        self.data.take().expect("the server was stopped")
    }
}

/// A certificate authority for one test.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// Its certificate, PEM.
    pub pem: String,
}

impl Authority {
    /// A new authority.
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// A certificate for `localhost` and `127.0.0.1`, and for storage accounts below `hardline.test`, with its key.
    pub fn server(&self) -> TlsMaterial {
        let key = KeyPair::generate().unwrap();
        let names = ["localhost", "127.0.0.1", "*.blob.core.hardline.test"].map(String::from);
        let params = CertificateParams::new(names).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        TlsMaterial {
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        }
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}
