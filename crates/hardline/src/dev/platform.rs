//! Server and agent in this process.

use super::certificates::Certificates;
use super::demo::Attached;
use super::files::private_dir;
use super::secrets::Secrets;
use super::{Args, GROUP, LOCATION, Progress};
use crate::outside::Outside;
use crate::server::database;
use anyhow::{Context as _, bail};
use hardline_agent::{Agent, AgentConfig};
use hardline_server::auth::PrincipalKind;
use hardline_server::auth::provision::NewPrincipal;
use hardline_server::config::{Config, Database, Export, Limits, TlsMaterial};
use hardline_server::seed::{Seed, plant};
use hardline_server::serial::settle;
use hardline_server::server::StartError;
use hardline_server::{Running, Server};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The guests' last words get this long to be stored.
const SETTLE: Duration = Duration::from_secs(10);

/// Both halves, running.
pub struct Platform {
    server: Running,
    agent: Agent,
}

impl Platform {
    /// Starts the server, then the agent. When this returns, requests are taken.
    pub async fn start(
        args: &Args,
        dir: &Path,
        image_dirs: &[PathBuf],
        attached: &[Attached],
        certificates: Certificates,
        secrets: &Secrets,
        progress: &Progress,
    ) -> anyhow::Result<Self> {
        let objects = dir.join("objects");
        private_dir(&objects)?;
        let address = args.listen.ip();
        let named = address.is_loopback() || address.is_unspecified();
        let outside = args.config.as_deref().map(Outside::read).transpose()?.unwrap_or_default();
        let events = dir.join("events");
        private_dir(&events)?;
        let mut config = Config {
            listen: args.listen,
            plain_listen: args.plain_listen,
            template_sources: args.template_source.clone(),
            alert_webhooks: Vec::new(),
            places: Default::default(),
            agent_listen: None,
            public_host: if named { "localhost".to_owned() } else { address.to_string() },
            tls: TlsMaterial { chain: certificates.chain, key: certificates.key },
            database: args.database.as_deref().map_or(Database::Sqlite(dir.join("hardline.db")), database),
            objects,
            tenant: secrets.tenant,
            location: LOCATION.to_owned(),
            export: Export { folder: Some(events), ..Export::default() },
            limits: Limits::default(),
            federation: None,
        };
        outside.apply(&mut config)?;
        progress.say("starting the server");
        let server = match Server::start(config).await {
            Ok(server) => server,
            Err(StartError::Listen { address, source }) if source.kind() == std::io::ErrorKind::AddrInUse => {
                bail!(
                    "{address} is in use: stop the program that listens there, or choose another --listen ADDR:PORT"
                )
            }
            Err(error) => return Err(error.into()),
        };
        match Self::host(dir, image_dirs, attached, secrets, progress, &server).await {
            Ok(agent) => Ok(Self { server, agent }),
            Err(error) => {
                server.stop().await;
                Err(error)
            }
        }
    }

    /// The first Owners, and the agent of this machine.
    async fn host(
        dir: &Path,
        image_dirs: &[PathBuf],
        attached: &[Attached],
        secrets: &Secrets,
        progress: &Progress,
        server: &Running,
    ) -> anyhow::Result<Agent> {
        plant(server.state(), &seed(secrets)).await.context("the first Owner cannot be made")?;
        progress.say("starting the agent");
        let mut config =
            AgentConfig::new(dir.join("host"), rustix::system::uname().nodename().to_string_lossy());
        config.image_dirs = image_dirs.to_vec();
        config.attach_prefixes = attached.iter().map(|a| a.endpoint.clone()).collect();
        let agent = Agent::start(config).await.context("the agent does not start")?;
        if let Err(error) = server.adopt_host(agent.in_process()).await {
            agent.shutdown().await;
            return Err(error).context("the server does not take this machine's agent");
        }
        Ok(agent)
    }

    /// `https://localhost:8443`.
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// Where plain HTTP is served.
    pub fn plain_address(&self) -> Option<SocketAddr> {
        self.server.plain_address()
    }

    /// Stops the guests, waits until their logs are stored, stops the rest.
    pub async fn stop(self) {
        self.agent.stop_guests().await;
        settle(self.server.state(), SETTLE).await;
        self.server.stop().await;
        self.agent.shutdown().await;
    }
}

fn seed(secrets: &Secrets) -> Seed {
    let user = NewPrincipal {
        oid: secrets.user_oid,
        kind: PrincipalKind::User,
        name: secrets.user.clone(),
        display_name: "Owner".into(),
        secret: secrets.password.expose().to_owned().into(),
    };
    let service = NewPrincipal {
        oid: secrets.client_oid,
        kind: PrincipalKind::ServicePrincipal,
        name: secrets.client_id.to_string(),
        display_name: "hardline dev".into(),
        secret: secrets.client_secret.expose().to_owned().into(),
    };
    Seed {
        subscription: secrets.subscription,
        subscription_name: "Hardline dev".into(),
        group: Some(GROUP.to_owned()),
        owners: vec![user, service],
    }
}
