//! What a sink is to the runner: something that takes events, and says of each whether it did.

use super::elasticsearch::Elasticsearch;
use super::file::File;
use super::item::Item;
use super::profile::{Authentication, Kind, Profile};
use super::syslog::Syslog;
use super::webhook::Webhook;
use crate::state::State;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::StreamExt as _;
use hardline_store::db::diagnostic_settings::Setting;
use http::{HeaderValue, StatusCode, header};
use reqwest::redirect::Policy;
use secrecy::{ExposeSecret as _, SecretString};
use std::time::Duration;

/// Most bytes of an answer that are read.
const ANSWER: usize = 16 << 20;
/// Longest reason that is kept, characters.
const REASON: usize = 500;
/// Longest pause that a sink may ask for.
const PATIENCE: Duration = Duration::from_secs(300);

/// What became of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The sink has it (perhaps since an earlier attempt).
    Taken,
    /// Not now.
    Later(String),
    /// Never.
    Refused(String),
}

/// Why a whole request failed. Nothing is known of its events.
#[derive(Debug, thiserror::Error)]
pub(super) enum SinkError {
    /// Try again later.
    #[error("{reason}")]
    Away {
        /// Why, in words that hold no secret.
        reason: String,
        /// The sink's own wish for a pause.
        pause: Option<Duration>,
    },
    /// Too many events in one request, or one among them that the sink does not understand.
    #[error("{0}")]
    Split(String),
}

impl SinkError {
    /// Away, without a wish.
    pub(super) fn away(reason: impl Into<String>) -> Self {
        Self::Away { reason: short(&reason.into()), pause: None }
    }
}

/// A sink.
#[derive(Debug)]
pub(super) enum Sink {
    /// Elasticsearch or OpenSearch.
    Elasticsearch(Elasticsearch),
    /// Files.
    File(File),
    /// An HTTP endpoint.
    Webhook(Webhook),
    /// Syslog.
    Syslog(Syslog),
}

impl Sink {
    /// The sink of a setting's profile.
    pub(super) fn of(state: &State, profile: &Profile, setting: &Setting) -> Result<Self, SinkError> {
        // What the operator allows may have changed since it was set.
        let allowed = profile.check(&state.config.export, setting.secret.as_deref());
        allowed.map_err(|e| SinkError::away(e.message.clone()))?;
        let url = || profile.url(&state.config.export).map_err(|e| SinkError::away(e.message.clone()));
        let secret = setting.secret.clone().map(SecretString::from);
        let client = || Client::new(state, profile, secret.as_ref());
        Ok(match profile.kind {
            Kind::Elasticsearch => Self::Elasticsearch(Elasticsearch::new(client()?, &url()?, profile)?),
            Kind::Webhook => Self::Webhook(Webhook::new(client()?, url()?, profile)),
            Kind::Syslog => Self::Syslog(Syslog::new(state, &url()?, profile)?),
            Kind::File => {
                let folder = state.config.export.folder.as_deref();
                let folder = folder.ok_or_else(|| SinkError::away("there is no folder for files"))?;
                Self::File(File::new(folder, &setting.subscription, &setting.name, profile))
            }
        })
    }

    /// Whether a request of several events is taken whole or not at all. If not, it holds one event of a resource at most:
    /// else a later one may be taken while an earlier one is not.
    pub(super) fn takes_all_or_none(&self) -> bool {
        match self {
            Self::Elasticsearch(_) => false,
            Self::File(_) | Self::Webhook(_) | Self::Syslog(_) => true,
        }
    }

    /// Sends events; one verdict for each.
    pub(super) async fn send(&mut self, state: &State, items: &[&Item]) -> Result<Vec<Verdict>, SinkError> {
        let now = state.clock.now();
        match self {
            Self::Elasticsearch(sink) => sink.send(items, now).await,
            Self::File(sink) => sink.send(items, now).await,
            Self::Webhook(sink) => sink.send(items, now).await,
            Self::Syslog(sink) => sink.send(items, now).await,
        }
    }
}

/// A client for a sink that speaks HTTP.
pub(super) struct Client {
    client: reqwest::Client,
    authorization: Option<HeaderValue>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Client")
    }
}

impl Client {
    /// A client that follows no redirect and believes only the operator's authority, if there is one.
    pub(super) fn new(
        state: &State,
        profile: &Profile,
        secret: Option<&SecretString>,
    ) -> Result<Self, SinkError> {
        let broken = |e: reqwest::Error| SinkError::away(e.without_url().to_string());
        let mut client = reqwest::Client::builder()
            .redirect(Policy::none())
            .timeout(state.config.limits.sink_answer)
            .no_proxy();
        if let Some(authority) = &state.config.export.authority {
            let certificate = reqwest::Certificate::from_der(authority).map_err(broken)?;
            client = client.tls_certs_only([certificate]);
        }
        let secret = secret.map(SecretString::expose_secret).unwrap_or_default();
        let user = profile.user.as_deref().unwrap_or_default();
        let authorization = match profile.authentication {
            Authentication::None => None,
            Authentication::ApiKey => Some(format!("ApiKey {secret}")),
            Authentication::Bearer => Some(format!("Bearer {secret}")),
            Authentication::Basic => {
                Some(format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{secret}"))))
            }
        };
        let authorization = authorization.map(|text| {
            let mut value =
                HeaderValue::from_str(&text).map_err(|_| SinkError::away("the secret is no header"))?;
            value.set_sensitive(true);
            Ok::<_, SinkError>(value)
        });
        Ok(Self { client: client.build().map_err(broken)?, authorization: authorization.transpose()? })
    }

    /// Posts a body; the answer's, if it is a 2xx.
    pub(super) async fn post(
        &self,
        url: reqwest::Url,
        content_type: &'static str,
        body: String,
    ) -> Result<Vec<u8>, SinkError> {
        // The client's errors name the address.
        let away = |e: reqwest::Error| SinkError::away(chain(&e.without_url()));
        let mut request = self.client.post(url).header(header::CONTENT_TYPE, content_type).body(body);
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization.clone());
        }
        let answer = request.send().await.map_err(away)?;
        let status = answer.status();
        let pause = answer.headers().get(header::RETRY_AFTER).and_then(|v| v.to_str().ok()?.parse().ok());
        let pause = pause.map(|seconds| Duration::from_secs(seconds).min(PATIENCE));
        let mut bytes = Vec::new();
        let mut chunks = answer.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            bytes.extend_from_slice(&chunk.map_err(away)?);
            if bytes.len() > ANSWER {
                return Err(SinkError::away(format!("its answer is longer than {ANSWER} bytes")));
            }
        }
        if status.is_success() {
            return Ok(bytes);
        }
        let reason = short(&format!("it answers {status}: {}", String::from_utf8_lossy(&bytes)));
        Err(match status {
            StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => {
                SinkError::Split(reason)
            }
            _ => SinkError::Away { reason, pause },
        })
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// A reason as it is kept: one line, not long.
pub(super) fn short(reason: &str) -> String {
    reason.chars().map(|c| if c.is_control() { ' ' } else { c }).take(REASON).collect()
}
