//! What lies outside of a server, and the operator alone may name: where events may be sent, who is told of alerts, databases of
//! addresses, who else may say who somebody is. Tables of the server's file, and the whole of `hardline dev --config`.

use crate::dev::certificate;
use anyhow::Context as _;
use hardline_server::config::{AlertWebhook, Config, Export, Federation, PlaceDatabases};
use secrecy::SecretString;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The tables; unknown keys are refused.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outside {
    /// Who else may say who somebody is.
    pub identity_provider: Option<IdentityProvider>,
    /// Where events may be sent.
    pub export: Option<ExportTo>,
    /// Who is told of alerts.
    #[serde(default)]
    pub alert_webhooks: Vec<Webhook>,
    /// Databases of addresses.
    #[serde(default)]
    pub places: PlaceFiles,
}

impl Outside {
    /// Reads a file that has nothing else.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let text =
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        toml::from_str(&text).with_context(|| format!("{} is not a configuration", file.display()))
    }

    /// Enters it into a server's configuration, with the files that it names; what it does not mention stays.
    pub fn apply(self, config: &mut Config) -> anyhow::Result<()> {
        if let Some(export) = self.export {
            config.export = Export {
                destinations: export.destinations,
                folder: export.folder,
                authority: export.authority.as_deref().map(certificate).transpose()?,
            };
        }
        config.alert_webhooks = webhooks(self.alert_webhooks)?;
        config.places = PlaceDatabases { networks: self.places.networks, cities: self.places.cities };
        config.federation = self.identity_provider.map(federation).transpose()?;
        Ok(())
    }
}

/// Databases of addresses.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlaceFiles {
    /// Of autonomous systems (MMDB).
    networks: Option<PathBuf>,
    /// Of cities (MMDB).
    cities: Option<PathBuf>,
}

/// Who is told of alerts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Unique.
    name: String,
    address: String,
    /// Holds what its messages are signed with, on one line; without it they are not.
    secret_file: Option<PathBuf>,
    /// The least that it is told of.
    #[serde(default = "medium")]
    severity: String,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The address may hold a key of the receiver's.
        f.debug_struct("Webhook").field("name", &self.name).finish_non_exhaustive()
    }
}

fn medium() -> String {
    "medium".to_owned()
}

/// Where events may be sent.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportTo {
    /// Beginnings of addresses.
    #[serde(default)]
    destinations: Vec<String>,
    /// For files of events.
    folder: Option<PathBuf>,
    /// The only authority whose certificates count for the destinations; without it those of the system.
    authority: Option<PathBuf>,
}

/// Who else may say who somebody is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityProvider {
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
        Ok(AlertWebhook { name, address: address.into(), secret, severity })
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
pub fn first_line(file: &Path) -> anyhow::Result<SecretString> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret as _;

    #[test]
    fn an_identity_provider_is_read_with_its_secret() {
        let dir = tempfile::tempdir().unwrap();
        let secret = dir.path().join("secret");
        std::fs::write(&secret, "s3cret\n").unwrap();
        let provider = format!(
            "[identity_provider]\nname = \"Example ID\"\nissuer = \"https://id.example.org\"\n\
             client_id = \"hardline\"\nclient_secret_file = {secret:?}"
        );
        let file = toml::from_str::<Outside>(&provider).unwrap();
        let read = federation(file.identity_provider.unwrap()).unwrap();
        assert_eq!((read.user_claim.as_str(), read.create_users), ("preferred_username", false));
        assert_eq!(read.client_secret.expose_secret(), "s3cret");
        assert!(!format!("{read:?}").contains("s3cret"));
    }

    #[test]
    fn destinations_and_webhooks_are_read() {
        let text = "[export]\ndestinations = [\"https://e.test/\"]\nfolder = \"/var/log/hardline\"\n\
                    [[alert_webhooks]]\nname = \"pager\"\naddress = \"http://127.0.0.1:9/hook?key=k3y\"";
        let file = toml::from_str::<Outside>(text).unwrap();
        assert_eq!(file.export.unwrap().destinations, ["https://e.test/"]);
        let before = format!("{:?}", file.alert_webhooks);
        let read = webhooks(file.alert_webhooks).unwrap();
        assert!(!before.contains("k3y") && !format!("{read:?}").contains("k3y"), "{before}");
        assert!(read[0].address.expose_secret().ends_with("k3y"));
        assert_eq!((read[0].name.as_str(), read[0].severity.as_str()), ("pager", "medium"));
        assert!(toml::from_str::<Outside>("[export]\nsink = 1").is_err());
    }

    #[test]
    fn webhooks_that_are_refused() {
        for (text, why) in [
            ("name = \"a\"\naddress = \"http://pager.test/\"", "https://"),
            ("name = \"\"\naddress = \"https://pager.test/\"", "a name of its own"),
            ("name = \"a\"\naddress = \"https://pager.test/\"\nseverity = \"huge\"", "none of low"),
        ] {
            let file = toml::from_str::<Outside>(&format!("[[alert_webhooks]]\n{text}")).unwrap();
            let said = webhooks(file.alert_webhooks).unwrap_err().to_string();
            assert!(said.contains(why), "{said}");
        }
    }
}
