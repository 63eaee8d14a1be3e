//! Signing in with an outside identity provider (OpenID Connect Core 1.0, section 3.1): the portal's request waits in the
//! browser while the person is there, and is answered with a code of ours.
//!
//! ```text
//! portal ── GET federation, its request ──► the provider's authorization endpoint, with a state, nonce and challenge of ours
//! provider ── GET federation/callback, code and state ──► the code is exchanged, the id token verified (`provider`, `id_token`)
//!                                           ──► the user with that name ──► a code of ours for the portal (`codes`)
//! ```
//!
//! What must come back is in a signed cookie: nothing is kept here, and a callback counts in the browser alone that began.

mod id_token;
mod provider;

pub use provider::Provider;

use super::authorize::{self, AuthorizationRequest, error_address, see, success_address, with_query};
use super::provision::{self, NewPrincipal};
use super::sign_in::{Form, TokenError};
use super::{Principal, PrincipalKind, codes};
use crate::pipeline::Cx;
use crate::reply::ArmResponse;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hardline_store::StoreError;
use hardline_store::db::principals;
use http::header::SET_COOKIE;
use id_token::Person;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

/// How long a person may take at the provider, seconds.
const LIFETIME: i64 = 600;
/// The cookie; its prefix has browsers keep it to this host and to TLS (RFC 6265bis, section 4.1.3).
const COOKIE: &str = "__Host-hardline-federation";
/// The audience of what is in it: no other token of ours can stand for it, nor it for another.
const AUDIENCE: &str = "urn:hardline:federation";
/// Under this name the sign-in limit counts callbacks that lead to nothing; no principal can have it.
const GUESSER: &str = "\u{0}federation";
/// Where the provider sends people back to, below the server's address.
const CALLBACK: &str = "/adfs/oauth2/federation/callback";

/// What must come back, and what is to be done then.
#[derive(Debug, Serialize, Deserialize)]
struct Pending {
    aud: String,
    exp: i64,
    state: String,
    nonce: String,
    verifier: String,
    request: AuthorizationRequest,
}

/// Why nobody was signed in: an error code of RFC 6749 and words for the person.
#[derive(Debug)]
pub(super) struct Refusal {
    error: &'static str,
    description: String,
}

impl Refusal {
    pub(super) fn denied(description: impl Into<String>) -> Self {
        Self { error: "access_denied", description: description.into() }
    }

    pub(super) fn unavailable(description: impl Into<String>) -> Self {
        Self { error: "temporarily_unavailable", description: description.into() }
    }

    fn internal(cx: &Cx, cause: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error = cause, correlation = %cx.correlation, "federated sign-in failed");
        let text = "The server could not complete the sign-in because of an internal error.";
        Self { error: "server_error", description: text.into() }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "federated sign-in failed");
        let text = "The server could not complete the sign-in because of an internal error.";
        Self { error: "server_error", description: text.into() }
    }
}

/// Answers `GET /adfs/oauth2/federation`: the portal's request leads to the provider.
pub async fn begin(cx: &Cx, form: &Form) -> ArmResponse {
    let Some(provider) = &cx.state.auth.provider else {
        return TokenError::bad("invalid_request", 90_100, "No identity provider is configured.").answer();
    };
    let request = match authorize::request(cx, form) {
        Ok(request) => request,
        Err(answer) => return *answer,
    };
    match leave(cx, provider, request.clone()).await {
        Ok((address, cookie)) => see(&address).with_header(SET_COOKIE, &cookie),
        Err(refusal) => back(&request, &refusal),
    }
}

async fn leave(
    cx: &Cx,
    provider: &Provider,
    request: AuthorizationRequest,
) -> Result<(String, String), Refusal> {
    let endpoint = provider.authorization_endpoint(cx.now).await?;
    let secret = || {
        let mut bytes = [0; 32];
        cx.state.random.fill(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    };
    let pending = Pending {
        aud: AUDIENCE.to_owned(),
        exp: cx.now.as_second() + LIFETIME,
        state: secret(),
        nonce: secret(),
        verifier: secret(),
        request,
    };
    let kept = cx.state.auth.key.sign(&pending).map_err(|error| Refusal::internal(cx, &error))?;
    let challenge = codes::challenge_of(&pending.verifier);
    let address = with_query(
        &endpoint,
        [
            ("response_type", "code"),
            ("client_id", provider.client_id()),
            ("redirect_uri", &callback(cx)),
            ("scope", "openid profile email"),
            ("state", &pending.state),
            ("nonce", &pending.nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ],
    );
    Ok((address, cookie(&kept, LIFETIME)))
}

/// Answers `GET /adfs/oauth2/federation/callback`, where the provider sends the person back; `cookies` is what the browser
/// sends with it.
pub async fn callback_from_provider(cx: &Cx, form: &Form, cookies: Option<&str>) -> ArmResponse {
    let Some(provider) = &cx.state.auth.provider else {
        return TokenError::bad("invalid_request", 90_100, "No identity provider is configured.").answer();
    };
    let limit = &cx.state.auth.limit;
    if let Err(seconds) = limit.take(GUESSER, cx.facts.client, cx.now) {
        return TokenError::too_many(seconds).answer();
    }
    let Some(pending) = pending(cx, form, cookies) else {
        let text = "This sign-in was not begun in this browser, or took too long.";
        let portal = authorize::callback(cx);
        return see(&error_address(&portal, None, "invalid_request", text));
    };
    let answer = match arrive(cx, provider, form, &pending).await {
        Ok(address) => {
            limit.give_back(GUESSER, cx.facts.client);
            see(&address)
        }
        Err(refusal) => back(&pending.request, &refusal),
    };
    // It counts once.
    answer.with_header(SET_COOKIE, &cookie("", 0))
}

/// What the browser was sent away with, when this is the answer to it.
fn pending(cx: &Cx, form: &Form, cookies: Option<&str>) -> Option<Pending> {
    let kept = cookies?.split(';').find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))?;
    let pending: Pending = cx.state.auth.key.verify(kept, AUDIENCE)?;
    let state = form.get("state")?.expose_secret();
    let mine = bool::from(state.as_bytes().ct_eq(pending.state.as_bytes()));
    (mine && cx.now.as_second() < pending.exp).then_some(pending)
}

async fn arrive(cx: &Cx, provider: &Provider, form: &Form, pending: &Pending) -> Result<String, Refusal> {
    let name = provider.name();
    let text = |field: &str| form.get(field).map(|v| v.expose_secret()).filter(|v| !v.is_empty());
    // RFC 9207: an answer of another provider's.
    if text("iss").is_some_and(|iss| iss != provider.issuer()) {
        return Err(Refusal::denied(format!("The answer is not {name}'s.")));
    }
    if let Some(error) = text("error") {
        let word: String =
            error.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(64).collect();
        return Err(Refusal::denied(format!("{name} did not sign you in: {word}.")));
    }
    let code = text("code").ok_or_else(|| Refusal::denied(format!("{name} sent no code.")))?;
    let person = provider.exchange(code, &pending.verifier, &callback(cx), &pending.nonce, cx.now).await?;
    let principal = principal(cx, provider, &person).await?;
    let code = codes::issue(cx, &pending.request, &principal, "fed").await.map_err(|error| {
        let _ = error.logged(cx);
        Refusal::unavailable("The server could not complete the sign-in because of an internal error.")
    })?;
    tracing::info!(principal.name = principal.name, source.ip = %cx.facts.client, "signed in by the identity provider");
    Ok(success_address(&pending.request, &code))
}

/// Our user with the person's name; made now, when the operator wants that.
async fn principal(cx: &Cx, provider: &Provider, person: &Person) -> Result<Principal, Refusal> {
    let usable = |row: principals::Principal| {
        Some(Principal::from(row)).filter(|p| p.kind == PrincipalKind::User && p.enabled)
    };
    let refused = || {
        tracing::info!(principal.name = person.name, source.ip = %cx.facts.client, "sign-in refused");
        let text =
            format!("{} knows you as '{}', and no user here has that name.", provider.name(), person.name);
        Refusal::denied(text)
    };
    match principals::by_name(&cx.state.store, &person.name).await? {
        Some(row) => usable(row).ok_or_else(refused),
        None if provider.makes_users() => {
            let new = NewPrincipal {
                oid: cx.state.random.uuid(),
                kind: PrincipalKind::User,
                name: person.name.clone(),
                display_name: person.display_name.clone(),
                // Nobody knows it.
                secret: cx.state.random.hex(32).into(),
            };
            let mut tx = cx.state.store.begin().await?;
            provision::principal(&mut tx, &new, cx.now, cx.state.random.clone())
                .await
                .map_err(|error| Refusal::internal(cx, &error))?;
            tx.commit().await?;
            let row = principals::by_name(&cx.state.store, &person.name).await?;
            row.and_then(usable).ok_or_else(refused)
        }
        None => Err(refused()),
    }
}

fn callback(cx: &Cx) -> String {
    format!("{}{CALLBACK}", cx.facts.base_url)
}

/// Back to the portal without anybody signed in.
fn back(request: &AuthorizationRequest, refusal: &Refusal) -> ArmResponse {
    see(&error_address(&request.redirect_uri, Some(&request.state), refusal.error, &refusal.description))
}

fn cookie(value: &str, seconds: i64) -> String {
    format!("{COOKIE}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax")
}
