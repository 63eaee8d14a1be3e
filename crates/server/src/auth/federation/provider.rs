//! An outside identity provider: what it says about itself, its keys, and the exchange of its codes.
//!
//! Every request goes to the issuer's own host, over TLS, follows no redirect, and is bounded in time and size. What the
//! provider says about itself is kept for an hour; its keys are read again when a token names one that is not among them.

use super::Refusal;
use super::id_token::{Expected, Fault, Person, verify};
use crate::config::{Config, Federation};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::Jwk;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A connection must be there by then.
const CONNECT: Duration = Duration::from_secs(5);
/// An answer must have come by then.
const ANSWER: Duration = Duration::from_secs(10);
/// Longest answer, bytes.
const LONGEST: usize = 256 << 10;
/// Most keys that are looked at.
const KEYS: usize = 64;
/// How long the provider's description is good.
const GOOD: SignedDuration = SignedDuration::from_hours(1);
/// Keys are not read again sooner.
const PAUSE: SignedDuration = SignedDuration::from_secs(10);

/// What stays as it is in a client's id and secret (RFC 3986, section 2.3).
const RESERVED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The provider.
pub struct Provider {
    config: Federation,
    client: reqwest::Client,
    issuer: Url,
    known: Mutex<Option<Known>>,
}

/// What the provider says about itself, and when it did.
#[derive(Clone)]
struct Known {
    at: Timestamp,
    authorization_endpoint: Url,
    token_endpoint: Url,
    jwks_uri: Url,
    /// The client's secret goes into the form, not into the head.
    in_form: bool,
    keys: Vec<Jwk>,
    keys_at: Timestamp,
}

/// Why the provider cannot be used; for the log.
#[derive(Debug, thiserror::Error)]
enum ProviderError {
    #[error("it cannot be reached")]
    Line(#[from] reqwest::Error),
    #[error("it answered with status {0}")]
    Status(u16),
    #[error("its answer is longer than {LONGEST} bytes")]
    TooLong,
    #[error("its answer is no JSON")]
    Json(#[from] serde_json::Error),
    #[error("{0}")]
    Document(&'static str),
}

impl Provider {
    /// The provider that the operator configured, if there is one; in words, why it cannot be one.
    pub fn of(config: &Config) -> Result<Option<Self>, String> {
        let Some(config) = config.federation.clone() else { return Ok(None) };
        let issuer = Url::parse(&config.issuer)
            .ok()
            .filter(|url| url.scheme() == "https" && url.host().is_some())
            .filter(|url| url.query().is_none() && url.fragment().is_none())
            .filter(|url| url.username().is_empty() && url.password().is_none());
        let issuer = issuer.ok_or_else(|| {
            format!("the issuer '{}' is not an https:// address without a query", config.issuer)
        })?;
        if config.client_id.is_empty() || config.name.trim().is_empty() || config.user_claim.is_empty() {
            return Err("the identity provider needs a name, a client id and a claim".to_owned());
        }
        let mut client = reqwest::Client::builder()
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .user_agent(concat!("hardline/", env!("CARGO_PKG_VERSION")));
        if let Some(authority) = &config.authority {
            let certificate = reqwest::Certificate::from_der(authority)
                .map_err(|e| format!("the identity provider's authority: {e}"))?;
            client = client.tls_certs_only([certificate]);
        }
        let client = client.build().map_err(|e| format!("no client for the identity provider: {e}"))?;
        Ok(Some(Self { config, client, issuer, known: Mutex::new(None) }))
    }

    /// Its name for people.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    pub(super) fn issuer(&self) -> &str {
        &self.config.issuer
    }

    pub(super) fn client_id(&self) -> &str {
        &self.config.client_id
    }

    pub(super) fn makes_users(&self) -> bool {
        self.config.create_users
    }

    /// Where people sign in.
    pub(super) async fn authorization_endpoint(&self, now: Timestamp) -> Result<String, Refusal> {
        let known = self.known(now).await.map_err(|error| self.down(&error))?;
        Ok(known.authorization_endpoint.to_string())
    }

    /// Exchanges a code; whom the id token names.
    pub(super) async fn exchange(
        &self,
        code: &str,
        verifier: &str,
        redirect_uri: &str,
        nonce: &str,
        now: Timestamp,
    ) -> Result<Person, Refusal> {
        let mut known = self.known(now).await.map_err(|error| self.down(&error))?;
        let token = self.id_token(&known, code, verifier, redirect_uri).await?;
        let expected = Expected {
            issuer: &self.config.issuer,
            client_id: &self.config.client_id,
            nonce,
            user_claim: &self.config.user_claim,
            now,
        };
        let mut outcome = verify(&token, &known.keys, &expected);
        if outcome == Err(Fault::Key) && now.duration_since(known.keys_at) >= PAUSE {
            known = self.with_keys(known, now).await.map_err(|error| self.down(&error))?;
            outcome = verify(&token, &known.keys, &expected);
        }
        outcome.map_err(|fault| {
            let why = match fault {
                Fault::Key => "it is signed with none of the provider's keys",
                Fault::Token(why) => why,
            };
            tracing::warn!(issuer = self.config.issuer, why, "an id token was refused");
            Refusal::denied(format!("The token of {} does not count: {why}.", self.name()))
        })
    }

    async fn id_token(
        &self,
        known: &Known,
        code: &str,
        verifier: &str,
        redirect_uri: &str,
    ) -> Result<String, Refusal> {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier),
        ];
        let secret = self.config.client_secret.expose_secret();
        let request = self.client.post(known.token_endpoint.clone());
        let request = if known.in_form {
            form.extend([("client_id", self.client_id()), ("client_secret", secret)]);
            request
        } else {
            // RFC 6749, section 2.3.1: both are encoded as in a form.
            let encoded = |text: &str| utf8_percent_encode(text, &RESERVED).to_string();
            request.basic_auth(encoded(self.client_id()), Some(encoded(secret)))
        };
        match self.answer(request.form(&form)).await {
            Ok(document) => document
                .get("id_token")
                .and_then(Value::as_str)
                .map(str::to_owned)
                .ok_or_else(|| Refusal::denied(format!("{} gave out no id token.", self.name()))),
            Err(ProviderError::Status(status)) if (400..500).contains(&status) => {
                tracing::warn!(issuer = self.config.issuer, status, "the identity provider refused a code");
                Err(Refusal::denied(format!("{} did not take its own code back. Begin again.", self.name())))
            }
            Err(error) => Err(self.down(&error)),
        }
    }

    fn down(&self, error: &ProviderError) -> Refusal {
        let issuer = &self.config.issuer;
        tracing::warn!(issuer, error = error as &dyn std::error::Error, "the identity provider is of no use");
        Refusal::unavailable(format!(
            "{} cannot be reached, or does not answer as it should. Try again later.",
            self.name()
        ))
    }

    /// What the provider says about itself; asked again after an hour.
    async fn known(&self, now: Timestamp) -> Result<Known, ProviderError> {
        let kept = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = kept.filter(|known| now.duration_since(known.at) < GOOD) {
            return Ok(known);
        }
        let address =
            format!("{}/.well-known/openid-configuration", self.config.issuer.trim_end_matches('/'));
        let document = self.answer(self.client.get(address)).await?;
        let text = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or("");
        if text("issuer") != self.config.issuer {
            return Err(ProviderError::Document("it says that it is another issuer"));
        }
        let endpoint = |name: &str| {
            let url = Url::parse(text(name)).ok().filter(|url| url.origin() == self.issuer.origin());
            url.filter(|url| url.query().is_none() && url.fragment().is_none())
                .ok_or(ProviderError::Document("an endpoint is missing, or on another host than the issuer"))
        };
        let methods = document.get("token_endpoint_auth_methods_supported").and_then(Value::as_array);
        let takes = |method: &str| methods.is_some_and(|all| all.iter().any(|m| m.as_str() == Some(method)));
        let known = Known {
            at: now,
            authorization_endpoint: endpoint("authorization_endpoint")?,
            token_endpoint: endpoint("token_endpoint")?,
            jwks_uri: endpoint("jwks_uri")?,
            in_form: takes("client_secret_post") && !takes("client_secret_basic"),
            keys: Vec::new(),
            keys_at: now,
        };
        self.with_keys(known, now).await
    }

    /// The same with the keys of this moment; kept.
    async fn with_keys(&self, mut known: Known, now: Timestamp) -> Result<Known, ProviderError> {
        let document = self.answer(self.client.get(known.jwks_uri.clone())).await?;
        let all = document.get("keys").and_then(Value::as_array);
        let all = all.ok_or(ProviderError::Document("its keys are no JWK set"))?;
        // A key of a kind that is not known here is nobody's fault.
        known.keys =
            all.iter().take(KEYS).filter_map(|key| serde_json::from_value(key.clone()).ok()).collect();
        known.keys_at = now;
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known.clone());
        Ok(known)
    }

    /// The JSON of a good answer.
    async fn answer(&self, request: reqwest::RequestBuilder) -> Result<Value, ProviderError> {
        let mut answer = request.header("accept", "application/json").send().await?;
        if !answer.status().is_success() {
            return Err(ProviderError::Status(answer.status().as_u16()));
        }
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await? {
            if body.len() + piece.len() > LONGEST {
                return Err(ProviderError::TooLong);
            }
            body.extend_from_slice(&piece);
        }
        Ok(serde_json::from_slice(&body)?)
    }
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("issuer", &self.config.issuer).finish_non_exhaustive()
    }
}
