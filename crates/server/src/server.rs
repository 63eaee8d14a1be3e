//! Starting and stopping the server.

use crate::auth::Auth;
use crate::auth::federation::Provider;
use crate::blob::Refusals;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, Database};
use crate::detection::{self, Detection};
use crate::export;
use crate::hosts::{self, Hosts};
use crate::http::{Bound, serve};
use crate::jobs;
use crate::places::Places;
use crate::providers;
use crate::random::{Random, SystemRandom};
use crate::serial::{self, Serial};
use crate::state::{AppState, State};
use hardline_agent_api::HostAgentClient;
use hardline_store::{Db, Objects, StoreError};
use secrecy::ExposeSecret as _;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Why the server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's word.
        source: std::io::Error,
    },
    /// Plain HTTP was asked for on an address that others can reach.
    #[error("plain HTTP is allowed on loopback addresses only, not on {0}")]
    PlainNotLoopback(SocketAddr),
    /// The store cannot be opened.
    #[error("cannot open the store")]
    Store(#[from] StoreError),
    /// The certificate and the key are no pair, or not readable.
    #[error("the TLS certificate cannot be used")]
    Tls(#[from] rustls::Error),
    /// Anything else, in words.
    #[error("{0}")]
    Other(String),
}

/// Makes a [`Running`] server.
#[derive(Debug)]
pub struct Server {
    config: Config,
    clock: ClockBox,
    random: RandomBox,
}

struct ClockBox(Arc<dyn Clock>);
struct RandomBox(Arc<dyn Random>);

impl std::fmt::Debug for ClockBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

impl std::fmt::Debug for RandomBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Random")
    }
}

/// A server that takes requests.
#[derive(Debug)]
pub struct Running {
    state: State,
    address: SocketAddr,
    plain_address: Option<SocketAddr>,
}

impl Server {
    /// A server with the machine's clock and generator.
    pub fn new(config: Config) -> Self {
        Self { config, clock: ClockBox(Arc::new(SystemClock)), random: RandomBox(Arc::new(SystemRandom)) }
    }

    /// Another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = ClockBox(clock);
        self
    }

    /// Another source of randomness.
    #[must_use]
    pub fn with_random(mut self, random: Arc<dyn Random>) -> Self {
        self.random = RandomBox(random);
        self
    }

    /// Starts with the defaults: `Server::new(config).run()`.
    pub async fn start(config: Config) -> Result<Running, StartError> {
        Self::new(config).run().await
    }

    /// Opens the store, binds the listeners, starts the background tasks. Requests are taken when this returns.
    pub async fn run(self) -> Result<Running, StartError> {
        let Self { config, clock: ClockBox(clock), random: RandomBox(random) } = self;
        if let Some(address) = config.plain_listen.filter(|a| !a.ip().is_loopback()) {
            return Err(StartError::PlainNotLoopback(address));
        }
        let provider = Provider::of(&config).map_err(StartError::Other)?;
        let places = Places::open(&config.places).map_err(StartError::Other)?;
        // The addresses first: a server that cannot listen must not have touched the store.
        let bound = Bound::tls(config.listen, &config.tls).await?;
        let plain = match config.plain_listen {
            Some(address) => Some(Bound::plain(address).await?),
            None => None,
        };
        let (address, plain_address) = (bound.address, plain.as_ref().map(|p| p.address));
        let store = match &config.database {
            Database::Sqlite(file) => Db::open_sqlite(file).await?,
            Database::Postgres(url) => Db::open(url.expose_secret()).await?,
        };
        let objects = Objects::open_local(&config.objects)?;
        let auth = Auth::open(&store, provider).await?;
        let state: State = Arc::new(AppState {
            public_url: format!("https://{}:{}", config.public_host, address.port()),
            config,
            store,
            objects,
            clock,
            random,
            auth,
            hosts: Hosts::new(),
            serial: Serial::new(),
            detection: Detection::default(),
            places,
            refusals: Refusals::default(),
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
        });
        jobs::start(&state);
        providers::deployments::start(&state);
        hosts::start(&state).await?;
        serial::start(&state).await?;
        detection::start(&state);
        export::start(&state);
        serve(&state, bound);
        if let Some(plain) = plain {
            serve(&state, plain);
        }
        Ok(Running { state, address, plain_address })
    }
}

impl Running {
    /// Where the HTTPS listener is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the plain listener is, if there is one.
    pub fn plain_address(&self) -> Option<SocketAddr> {
        self.plain_address
    }

    /// `https://localhost:8443`.
    pub fn url(&self) -> &str {
        &self.state.public_url
    }

    /// The shared state, for code in the same process (`hardline dev`, tests).
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Takes a host that lives in this process.
    pub async fn adopt_host(&self, client: HostAgentClient) -> Result<(), StartError> {
        hosts::adopt(&self.state, client)
            .await
            .map(|_| ())
            .map_err(|error| StartError::Other(error.to_string()))
    }

    /// Stops taking requests, ends what runs (at most `Limits::drain`), closes the store.
    pub async fn stop(self) {
        self.state.shutdown.cancel();
        self.state.tasks.close();
        let drain = self.state.config.limits.drain;
        if tokio::time::timeout(drain, self.state.tasks.wait()).await.is_err() {
            tracing::warn!(tasks = self.state.tasks.len(), "tasks are still running at shutdown");
        }
        self.state.store.close().await;
    }
}
