//! `hardline server`: the control plane alone; agents dial in.

use crate::dev::{certificate, chain, private_key};
use crate::{logging, stop};
use anyhow::Context as _;
use hardline_server::auth::PrincipalKind;
use hardline_server::auth::provision::NewPrincipal;
use hardline_server::config::{
    AgentListener, AlertWebhook, Config, Database, Export, Federation, Limits, PlaceDatabases, TlsMaterial,
};
use hardline_server::seed::{Seed, plant};
use hardline_server::{Running, Server};
use secrecy::SecretString;
use serde::Deserialize;
use std::collections::BTreeSet;
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
    #[serde(default)]
    export: ExportTo,
    #[serde(default)]
    alert_webhooks: Vec<Webhook>,
    #[serde(default)]
    places: PlaceFiles,
}

/// Databases of addresses.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaceFiles {
    /// Of autonomous systems (MMDB).
    networks: Option<PathBuf>,
    /// Of cities (MMDB).
    cities: Option<PathBuf>,
}

/// Who is told of alerts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Webhook {
    /// Unique.
    name: String,
    address: String,
    /// Holds what its messages are signed with, on one line; without it they are not.
    secret_file: Option<PathBuf>,
    /// The least that it is told of.
    #[serde(default = "medium")]
    severity: String,
}

fn medium() -> String {
    "medium".to_owned()
}

/// Where events may be sent.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExportTo {
    /// Beginnings of addresses.
    #[serde(default)]
    destinations: Vec<String>,
    /// For files of events.
    folder: Option<PathBuf>,
    /// The only authority whose certificates count for the destinations; without it those of the system.
    authority: Option<PathBuf>,
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

/// Who else may say who somebody is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct IdentityProvider {
    /// For people: what the button in the portal says.
    name: String,
    /// As its tokens write it.
    issuer: String,
    client_id: String,
    /// Holds our secret there, on one line; without it the secret is in `HARDLINE_IDENTITY_PROVIDER_SECRET`.
    client_secret_file: Option<PathBuf>,
    /// The only authority whose certificates count for it; without it those of the system.
    authority: Option<PathBuf>,
    /// The claim that holds a user principal name.
    #[serde(default = "user_claim")]
    user_claim: String,
    /// Makes a user, without any role, of whoever has none.
    #[serde(default)]
    create_users: bool,
}

/// Where the secret is when no file holds it.
const SECRET: &str = "HARDLINE_IDENTITY_PROVIDER_SECRET";

fn user_claim() -> String {
    "preferred_username".to_owned()
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
    let config = Config {
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
        export: Export {
            destinations: export.destinations,
            folder: export.folder,
            authority: export.authority.as_deref().map(certificate).transpose()?,
        },
        alert_webhooks: webhooks(alert_webhooks)?,
        places: PlaceDatabases { networks: places.networks, cities: places.cities },
        limits: Limits::default(),
        federation: identity_provider.map(federation).transpose()?,
    };
    Ok((config, owner))
}

fn webhooks(all: Vec<Webhook>) -> anyhow::Result<Vec<AlertWebhook>> {
    let mut names = BTreeSet::new();
    let read = |webhook: Webhook| {
        let Webhook { name, address, secret_file, severity } = webhook;
        anyhow::ensure!(
            !name.is_empty() && names.insert(name.clone()),
            "each webhook needs a name of its own"
        );
        let known = ["low", "medium", "high", "critical"].contains(&severity.as_str());
        anyhow::ensure!(known, "the severity of the webhook '{name}' is none of low, medium, high, critical");
        let secure = address.starts_with("https://");
        let loopback =
            ["http://127.", "http://localhost:", "http://[::1]"].iter().any(|a| address.starts_with(a));
        anyhow::ensure!(
            secure || loopback,
            "the address of the webhook '{name}' does not begin with https://"
        );
        let secret = secret_file.as_deref().map(first_line).transpose()?;
        Ok(AlertWebhook { name, address, secret, severity })
    };
    all.into_iter().map(read).collect()
}

fn federation(provider: IdentityProvider) -> anyhow::Result<Federation> {
    let secret = match &provider.client_secret_file {
        Some(file) => first_line(file)?,
        None => std::env::var(SECRET)
            .with_context(|| format!("the identity provider needs client_secret_file, or {SECRET}"))?
            .into(),
    };
    Ok(Federation {
        name: provider.name,
        issuer: provider.issuer,
        client_id: provider.client_id,
        client_secret: secret,
        authority: provider.authority.as_deref().map(certificate).transpose()?,
        user_claim: provider.user_claim,
        create_users: provider.create_users,
    })
}

/// A secret that a file holds on one line.
fn first_line(file: &Path) -> anyhow::Result<SecretString> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned().into())
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
    use secrecy::ExposeSecret as _;

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
    fn an_identity_provider_is_read_with_its_secret() {
        let dir = tempfile::tempdir().unwrap();
        let secret = dir.path().join("secret");
        std::fs::write(&secret, "s3cret\n").unwrap();
        let provider = format!(
            "{GOOD}\n[identity_provider]\nname = \"Example ID\"\nissuer = \"https://id.example.org\"\n\
             client_id = \"hardline\"\nclient_secret_file = {secret:?}"
        );
        let file = toml::from_str::<File>(&provider).unwrap();
        let read = federation(file.identity_provider.unwrap()).unwrap();
        assert_eq!((read.user_claim.as_str(), read.create_users), ("preferred_username", false));
        assert_eq!(read.client_secret.expose_secret(), "s3cret");
        assert!(!format!("{read:?}").contains("s3cret"));
    }

    #[test]
    fn destinations_of_events_are_read() {
        let text =
            format!("{GOOD}\n[export]\ndestinations = [\"https://e.test/\"]\nfolder = \"/var/log/hardline\"");
        let file = toml::from_str::<File>(&text).unwrap();
        assert_eq!(file.export.destinations, ["https://e.test/"]);
        assert!(toml::from_str::<File>(&format!("{GOOD}\n[export]\nsink = 1")).is_err());
    }

    #[test]
    fn databases() {
        assert!(matches!(database("postgres://a@b/c"), Database::Postgres(_)));
        assert!(matches!(database("/var/x.db"), Database::Sqlite(_)));
    }
}
