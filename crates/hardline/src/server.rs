//! `hardline server`: the control plane alone; agents dial in.

use crate::dev::{certificate, chain, private_key};
use crate::outside::{ExportTo, IdentityProvider, Outside, PlaceFiles, Webhook, first_line};
use crate::{logging, stop};
use anyhow::Context as _;
use hardline_server::auth::PrincipalKind;
use hardline_server::auth::provision::NewPrincipal;
use hardline_server::config::{AgentListener, Config, Database, Export, Limits, PlaceDatabases, TlsMaterial};
use hardline_server::seed::{Seed, plant};
use hardline_server::{Running, Server};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The file; unknown keys are refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Where HTTPS is served.
    listen: SocketAddr,
    /// The name under which clients reach it.
    public_host: String,
    tls: Tls,
    /// A SQLite file, or `postgres://user:password@host/name`.
    database: String,
    /// The folder of the managed storage.
    objects: PathBuf,
    tenant: Uuid,
    location: String,
    agents: Option<Agents>,
    /// From where linked templates may be fetched: beginnings of addresses.
    #[serde(default)]
    template_sources: Vec<String>,
    owner: Option<Owner>,
    identity_provider: Option<IdentityProvider>,
    export: Option<ExportTo>,
    #[serde(default)]
    alert_webhooks: Vec<Webhook>,
    #[serde(default)]
    places: PlaceFiles,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tls {
    certificate: PathBuf,
    key: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Agents {
    listen: SocketAddr,
    tls: Tls,
    /// Signs the agents' certificates.
    authority: PathBuf,
}

/// Who may do everything; made at the first start.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Owner {
    oid: Uuid,
    name: String,
    /// Holds the password, on one line.
    password_file: PathBuf,
    subscription: Uuid,
}

/// Runs until the first Ctrl+C or SIGTERM.
pub async fn run(file: &Path) -> anyhow::Result<()> {
    logging::start("info");
    let stop = stop::on_signal()?;
    let (config, owner) = read(file)?;
    let server: Running = Server::start(config).await?;
    if let Some(owner) = owner {
        seed(&server, &owner).await?;
    }
    tracing::info!(url = server.url(), "ready");
    stop.cancelled().await;
    server.stop().await;
    Ok(())
}

fn read(file: &Path) -> anyhow::Result<(Config, Option<Owner>)> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let File {
        listen,
        public_host,
        tls,
        database,
        objects,
        tenant,
        location,
        agents,
        template_sources,
        owner,
        identity_provider,
        export,
        alert_webhooks,
        places,
    } = toml::from_str(&text).with_context(|| format!("{} is not a configuration", file.display()))?;
    let agent_listen = agents
        .map(|agents| {
            anyhow::Ok(AgentListener {
                listen: agents.listen,
                tls: material(&agents.tls)?,
                client_authority: certificate(&agents.authority)?,
            })
        })
        .transpose()?;
    let mut config = Config {
        listen,
        plain_listen: None,
        template_sources,
        agent_listen,
        public_host,
        tls: material(&tls)?,
        database: self::database(&database),
        objects,
        tenant,
        location,
        export: Export::default(),
        alert_webhooks: Vec::new(),
        places: PlaceDatabases::default(),
        limits: Limits::default(),
        federation: None,
    };
    Outside { identity_provider, export, alert_webhooks, places }.apply(&mut config)?;
    Ok((config, owner))
}

/// The database of a setting: a URL is PostgreSQL's, everything else a file's name.
pub fn database(setting: &str) -> Database {
    if setting.starts_with("postgres://") || setting.starts_with("postgresql://") {
        Database::Postgres(setting.to_owned().into())
    } else {
        Database::Sqlite(PathBuf::from(setting))
    }
}

fn material(tls: &Tls) -> anyhow::Result<TlsMaterial> {
    Ok(TlsMaterial { chain: chain(&tls.certificate)?, key: private_key(&tls.key)? })
}

async fn seed(server: &Running, owner: &Owner) -> anyhow::Result<()> {
    let principal = NewPrincipal {
        oid: owner.oid,
        kind: PrincipalKind::User,
        name: owner.name.clone(),
        display_name: owner.name.clone(),
        secret: first_line(&owner.password_file)?,
    };
    let seed = Seed {
        subscription: owner.subscription,
        subscription_name: "Hardline".into(),
        group: None,
        owners: vec![principal],
    };
    plant(server.state(), &seed).await.context("the first Owner cannot be made")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        listen = "127.0.0.1:8443"
        public_host = "localhost"
        database = "/var/lib/hardline/hardline.db"
        objects = "/var/lib/hardline/objects"
        tenant = "11111111-1111-4111-8111-111111111111"
        location = "local"
        tls = { certificate = "a.pem", key = "a.key" }
    "#;

    #[test]
    fn unknown_keys_are_refused() {
        assert!(toml::from_str::<File>(GOOD).is_ok());
        let error = toml::from_str::<File>(&format!("{GOOD}\nlisten_on = 1")).unwrap_err().to_string();
        assert!(error.contains("unknown field `listen_on`"), "{error}");
    }

    #[test]
    fn databases() {
        assert!(matches!(database("postgres://a@b/c"), Database::Postgres(_)));
        assert!(matches!(database("/var/x.db"), Database::Sqlite(_)));
    }
}
