//! `properties.hardlineProfile` of a diagnostic setting: where events go and in which form. Azure's own destinations are
//! services of Azure's; this member names sinks that there are here.

use crate::config::Export;
use crate::outward::{named, plain};
use hardline_arm::activity::ecs;
use hardline_arm::error::ArmError;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Where the member stands.
const PLACE: &str = "properties.hardlineProfile";
/// The least that a file may hold, bytes.
const SHORTEST: u64 = 64 << 10;
/// Longest address, secret and the like, bytes.
const LONGEST: usize = 2048;

/// A sink, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Profile {
    /// What kind of sink.
    pub kind: Kind,
    /// Whether anything is sent; what is not sent meanwhile is sent later.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Where it is: `https://elastic.example.org:9200`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// In which form it gets events.
    #[serde(default)]
    pub mode: Mode,
    /// Elasticsearch's data stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_stream: Option<String>,
    /// How the server says who it is.
    #[serde(default)]
    pub authentication: Authentication,
    /// The user of [`Authentication::Basic`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// A file is closed before it is longer than this, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// A file is closed when it is older than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age_minutes: Option<u32>,
}

/// Kinds of sinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Elasticsearch or OpenSearch, by its bulk interface.
    Elasticsearch,
    /// Files in the operator's folder.
    File,
    /// An HTTP endpoint that takes a POST.
    Webhook,
    /// Syslog over TLS.
    Syslog,
}

/// Forms of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Mode {
    /// An Elastic Common Schema document.
    #[default]
    Ecs,
    /// An Event Hub record, which Elastic's own integration takes apart.
    Raw,
}

/// How the server says who it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Authentication {
    /// Not at all.
    #[default]
    None,
    /// `Authorization: ApiKey …`: the secret is the encoded key.
    ApiKey,
    /// User and secret.
    Basic,
    /// `Authorization: Bearer …`.
    Bearer,
}

fn yes() -> bool {
    true
}

impl Profile {
    /// Reads the member of a request's body; the secret, if one stands there. What a GET adds is left out.
    ///
    /// # Errors
    /// 400, naming the member.
    pub fn parse(member: &Map<String, Value>) -> Result<(Self, Option<String>), ArmError> {
        let mut member = member.clone();
        member.retain(|name, _| !matches!(name.as_str(), "status" | "secretSet"));
        let secret = match member.shift_remove("secret") {
            None | Some(Value::Null) => None,
            Some(Value::String(secret)) if secret.len() <= LONGEST && visible(&secret) => Some(secret),
            Some(_) => return Err(wrong("secret", "it must be a text of visible ASCII characters.")),
        };
        // serde's words name the member and never quote a secret: it is out by now.
        let profile = serde_json::from_value(Value::Object(member));
        let profile: Self = profile.map_err(|e| ArmError::invalid_parameter(PLACE, &format!("{e}.")))?;
        Ok((profile, secret))
    }

    /// Checks it against what the operator allows.
    ///
    /// # Errors
    /// 400, naming the member and what to do.
    pub fn check(&self, export: &Export, secret: Option<&str>) -> Result<(), ArmError> {
        for (member, there, kinds) in [
            ("address", self.address.is_some(), &[Kind::Elasticsearch, Kind::Webhook, Kind::Syslog][..]),
            ("dataStream", self.data_stream.is_some(), &[Kind::Elasticsearch]),
            (
                "authentication",
                self.authentication != Authentication::None,
                &[Kind::Elasticsearch, Kind::Webhook],
            ),
            ("maxBytes", self.max_bytes.is_some(), &[Kind::File]),
            ("maxAgeMinutes", self.max_age_minutes.is_some(), &[Kind::File]),
        ] {
            if there && !kinds.contains(&self.kind) {
                return Err(wrong(member, "a sink of this kind has none."));
            }
        }
        match self.kind {
            Kind::File if export.folder.is_none() => {
                return Err(wrong(
                    "kind",
                    "this server's operator named no folder for files ('export.folder').",
                ));
            }
            Kind::Syslog if export.authority.is_none() => {
                let reason =
                    "this server's operator named no authority for certificates ('export.authority').";
                return Err(wrong("kind", reason));
            }
            Kind::File => {}
            Kind::Elasticsearch | Kind::Webhook | Kind::Syslog => drop(self.url(export)?),
        }
        if self.max_bytes.is_some_and(|bytes| bytes < SHORTEST) || self.max_age_minutes == Some(0) {
            return Err(wrong("maxBytes", "a file holds at least 64 KiB, and is open for a minute."));
        }
        if let Some(name) = &self.data_stream
            && !is_data_stream(name)
        {
            return Err(wrong(
                "dataStream",
                "it must be small letters, digits, '-', '_' and '.', as in 'logs-x-y'.",
            ));
        }
        match (self.authentication, secret) {
            (Authentication::None, Some(_)) => {
                Err(wrong("secret", "there is one, but 'authentication' is 'none'."))
            }
            (Authentication::None, None) => Ok(()),
            (_, None) => Err(wrong("secret", "'authentication' needs one.")),
            (Authentication::Basic, _) if self.user.as_deref().is_none_or(|user| !is_user(user)) => {
                Err(wrong("user", "'basic' needs one, without ':'."))
            }
            _ => Ok(()),
        }
    }

    /// The address, if it is one that may be reached.
    ///
    /// # Errors
    /// 400, naming the member and what to do.
    pub fn url(&self, export: &Export) -> Result<Url, ArmError> {
        let address = self.address.as_deref().filter(|address| address.len() <= LONGEST);
        let address = address.ok_or_else(|| wrong("address", "it is missing, or too long."))?;
        let url = Url::parse(address).ok().filter(|url| named(&export.destinations, url));
        let url = url.ok_or_else(|| {
            let text = format!(
                "'{}' lies below none of the addresses that this server's operator named ('export.destinations').",
                plain(address)
            );
            wrong("address", &text)
        })?;
        let good = match self.kind {
            Kind::Syslog => url.scheme() == "syslog+tls" && matches!(url.path(), "" | "/"),
            _ => matches!(url.scheme(), "https" | "http"),
        };
        if !good {
            let reason =
                "it must begin with 'https://' or 'http://'; that of a syslog is 'syslog+tls://host:6514'.";
            return Err(wrong("address", reason));
        }
        // It is shown to whoever may read the setting.
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong(
                "address",
                "it must have no '?' and no '#'. Use 'secret' for what must not be shown.",
            ));
        }
        Ok(url)
    }

    /// The data stream, or the one that rules look at.
    pub fn data_stream(&self) -> &str {
        self.data_stream.as_deref().unwrap_or(ecs::DATA_STREAM)
    }
}

fn wrong(member: &str, reason: &str) -> ArmError {
    ArmError::invalid_parameter(&format!("{PLACE}.{member}"), reason)
}

fn visible(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| (b' '..=b'~').contains(&b))
}

fn is_user(text: &str) -> bool {
    visible(text) && !text.contains(':') && text.len() <= LONGEST
}

fn is_data_stream(name: &str) -> bool {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
    (1..=255).contains(&name.len()) && name.bytes().all(good) && !name.starts_with(['-', '_', '.'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(member: &Value) -> Result<(Profile, Option<String>), String> {
        let export = Export {
            destinations: vec!["https://e.test/".into(), "syslog+tls://s.test".into()],
            ..Export::default()
        };
        let parsed = Profile::parse(member.as_object().unwrap()).map_err(|e| e.message.clone());
        let (profile, secret) = parsed?;
        profile.check(&export, secret.as_deref()).map_err(|e| e.message.clone())?;
        Ok((profile, secret))
    }

    #[test]
    fn what_is_taken() {
        let (profile, secret) = read(&json!({
            "kind": "elasticsearch", "address": "https://e.test", "authentication": "apiKey", "secret": "k",
            "secretSet": true, "status": { "cursor": 1 },
        }))
        .unwrap();
        assert_eq!(
            (profile.mode, profile.data_stream(), secret.as_deref()),
            (Mode::Ecs, ecs::DATA_STREAM, Some("k"))
        );
        assert!(profile.enabled && !json!(profile).to_string().contains("secret"));
    }

    #[test]
    fn what_is_refused_and_why() {
        let check = |change: &Value, why: &str| {
            let mut member = json!({ "kind": "elasticsearch", "address": "https://e.test/x" });
            member.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let told = read(&member).unwrap_err();
            assert!(told.contains(why), "{change}: {told}");
        };
        check(&json!({ "kind": "carrierPigeon" }), "unknown variant `carrierPigeon`");
        check(&json!({ "adress": "x" }), "unknown field `adress`");
        check(&json!({ "address": null }), "missing");
        check(&json!({ "address": "https://other.test/" }), "export.destinations");
        check(&json!({ "address": "https://u:p@e.test/" }), "export.destinations");
        check(&json!({ "address": "https://e.test/?key=1" }), "no '?'");
        check(&json!({ "dataStream": "../x" }), "dataStream");
        check(&json!({ "kind": "webhook", "dataStream": "x" }), "dataStream");
        check(&json!({ "kind": "webhook", "address": "syslog+tls://s.test" }), "https://");
        check(&json!({ "kind": "file", "address": null }), "export.folder");
        check(&json!({ "kind": "file" }), "address");
        check(&json!({ "kind": "syslog", "address": "syslog+tls://s.test" }), "export.authority");
        check(&json!({ "maxBytes": 1 }), "maxBytes");
        check(&json!({ "secret": "k" }), "'none'");
        check(&json!({ "authentication": "apiKey" }), "needs one");
        check(&json!({ "authentication": "basic", "secret": "k" }), "user");
        check(&json!({ "authentication": "apiKey", "secret": "a\nb" }), "visible");
        check(&json!({ "authentication": "apiKey", "secret": 1 }), "visible");
    }
}
