//! `POST /adfs/oauth2/token`: client credentials, password and refresh token grants (contract sections 2.2, 2.3); the
//! device code's is in [`device`], the authorization code's in [`codes`].
//!
//! What is wrong is told in OAuth's shape, `{"error", "error_description", "error_codes"}`. An unknown name and a wrong
//! password get the same answer after the same time.

use super::authority::Authority;
use super::passwords::PASSWORD_LIMIT;
use super::tokens::{ACCESS_LIFETIME, RefreshClaims, SignIn};
use super::{AuthError, Principal, PrincipalKind, codes, device};
use crate::pipeline::Cx;
use crate::reply::ArmResponse;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hardline_store::db::principals;
use http::StatusCode;
use http::header::RETRY_AFTER;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A form's fields, decoded. All are taken for secrets, because one of them is.
pub type Form = BTreeMap<String, SecretString>;

/// A refused sign-in.
#[derive(Debug)]
pub(super) struct TokenError {
    status: StatusCode,
    error: &'static str,
    description: String,
    code: u32,
    /// Seconds to wait before the next try.
    retry_after: Option<u64>,
    cause: Option<AuthError>,
}

impl TokenError {
    fn new(status: StatusCode, error: &'static str, code: u32, description: impl Into<String>) -> Self {
        Self { status, error, description: description.into(), code, retry_after: None, cause: None }
    }

    pub(super) fn bad(error: &'static str, code: u32, description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, code, description)
    }

    pub(super) fn missing(field: &str) -> Self {
        let text = format!("The request body must contain the following parameter: '{field}'.");
        Self::bad("invalid_request", 900_144, text)
    }

    pub(super) fn forbidden(description: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "access_denied", 90_100, description)
    }

    pub(super) fn wrong_password() -> Self {
        Self::bad("invalid_grant", 50126, "Invalid username or password.")
    }

    fn wrong_secret() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            7_000_215,
            "Invalid client secret provided, or the application is not known.",
        )
    }

    fn dead_refresh_token() -> Self {
        Self::bad("invalid_grant", 700_082, "The refresh token has expired or was revoked. Sign in again.")
    }

    pub(super) fn too_many(seconds: u64) -> Self {
        let text = format!("Too many failed sign-ins. Try again in {seconds} seconds.");
        Self {
            retry_after: Some(seconds),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable", 50053, text)
        }
    }

    /// The answer.
    pub(super) fn answer(&self) -> ArmResponse {
        let body = json!({
            "error": self.error,
            "error_description": self.description,
            "error_codes": [self.code],
        });
        let answer = ArmResponse::json(self.status, body);
        match self.retry_after {
            Some(seconds) => answer.with_header(RETRY_AFTER, &seconds.to_string()),
            None => answer,
        }
    }

    /// Itself, after the inward cause of a 500 was logged.
    pub(super) fn logged(self, cx: &Cx) -> Self {
        if let Some(cause) = &self.cause {
            tracing::error!(error = cause as &dyn std::error::Error, correlation = %cx.correlation, "sign-in failed");
        }
        self
    }
}

impl From<AuthError> for TokenError {
    fn from(cause: AuthError) -> Self {
        let text = "The server could not complete the sign-in because of an internal error.";
        Self {
            cause: Some(cause),
            ..Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", 90033, text)
        }
    }
}

impl From<hardline_store::StoreError> for TokenError {
    fn from(error: hardline_store::StoreError) -> Self {
        AuthError::from(error).into()
    }
}

/// Answers `POST /adfs/oauth2/token`.
pub async fn token(cx: &Cx, form: &Form) -> ArmResponse {
    match grant(cx, form).await {
        Ok(body) => ArmResponse::ok(body),
        Err(refused) => refused.logged(cx).answer(),
    }
}

/// Answers an endpoint of a tenant that is not ours.
pub fn other_tenant() -> ArmResponse {
    let text = "The tenant is not known here. The id of ours is in /metadata/endpoints.";
    TokenError::bad("invalid_tenant", 90_002, text).answer()
}

async fn grant(cx: &Cx, form: &Form) -> Result<Value, TokenError> {
    let grant = field(form, "grant_type")?;
    match grant {
        "client_credentials" => client_credentials(cx, form).await,
        "password" => password(cx, form).await,
        "refresh_token" => refresh(cx, form).await,
        codes::GRANT => codes::grant(cx, form).await,
        device::GRANT => device::grant(cx, form).await,
        _ => Err(TokenError::bad("unsupported_grant_type", 70003, "The grant type is not supported.")),
    }
}

async fn client_credentials(cx: &Cx, form: &Form) -> Result<Value, TokenError> {
    let id = field(form, "client_id")?;
    let secret = form.get("client_secret").ok_or_else(|| TokenError::missing("client_secret"))?;
    let audience = audience(cx, form)?;
    let principal = prove(cx, id, secret, PrincipalKind::ServicePrincipal, TokenError::wrong_secret).await?;
    let sign_in = sign_in(cx, &principal, &principal.name, audience);
    Ok(bearer(&sign_in.access_token(&cx.state.auth.key)?))
}

async fn password(cx: &Cx, form: &Form) -> Result<Value, TokenError> {
    let client = field(form, "client_id")?;
    let user = field(form, "username")?;
    let secret = form.get("password").ok_or_else(|| TokenError::missing("password"))?;
    let audience = audience(cx, form)?;
    let principal = prove(cx, user, secret, PrincipalKind::User, TokenError::wrong_password).await?;
    person(cx, &sign_in(cx, &principal, client, audience))
}

async fn refresh(cx: &Cx, form: &Form) -> Result<Value, TokenError> {
    let token = field(form, "refresh_token")?;
    let client = field(form, "client_id")?;
    let audience = audience(cx, form)?;
    let key = &cx.state.auth.key;
    let claims = RefreshClaims::verify(key, token, cx.now).ok_or_else(TokenError::dead_refresh_token)?;
    if claims.appid != client {
        return Err(TokenError::dead_refresh_token());
    }
    let principal = principals::get(&cx.state.store, &claims.oid).await?.map(Principal::from);
    let alive = principal.filter(|p| p.enabled && p.stamp() == claims.stamp);
    let principal = alive.ok_or_else(TokenError::dead_refresh_token)?;
    let mut sign_in = sign_in(cx, &principal, client, audience);
    sign_in.method = claims.amr;
    person(cx, &sign_in)
}

/// The principal of that name, when `secret` is its own.
pub(super) async fn prove(
    cx: &Cx,
    name: &str,
    secret: &SecretString,
    kind: PrincipalKind,
    wrong: fn() -> TokenError,
) -> Result<Principal, TokenError> {
    let auth = &cx.state.auth;
    let address = cx.facts.client;
    auth.limit.take(name, address, cx.now).map_err(|seconds| {
        tracing::warn!(principal.name = name, source.ip = %address, "too many failed sign-ins");
        TokenError::too_many(seconds)
    })?;
    let found = principals::by_name(&cx.state.store, name).await?.map(Principal::from);
    let found = found.filter(|p| p.kind == kind && p.enabled);
    let hash = found.as_ref().map(|p| p.secret_hash.clone());
    let good = auth.passwords.verify(secret.clone(), hash).await;
    match found {
        Some(principal) if good => {
            auth.limit.give_back(name, address);
            Ok(principal)
        }
        _ => {
            tracing::info!(principal.name = name, source.ip = %address, "sign-in refused");
            Err(wrong())
        }
    }
}

pub(super) fn sign_in<'a>(
    cx: &Cx,
    principal: &'a Principal,
    client: &'a str,
    audience: String,
) -> SignIn<'a> {
    SignIn {
        principal,
        client,
        address: cx.facts.client.to_canonical().to_string(),
        tenant: cx.state.config.tenant.to_string(),
        issuer: Authority::of_path(&cx.facts.path).issuer(&cx.facts.base_url, cx.state.config.tenant),
        audience,
        method: "pwd".to_owned(),
        nonce: None,
        now: cx.now,
        id: cx.state.random.uuid(),
    }
}

fn bearer(access_token: &str) -> Value {
    json!({
        "token_type": "Bearer",
        "expires_in": ACCESS_LIFETIME,
        "ext_expires_in": ACCESS_LIFETIME,
        "access_token": access_token,
    })
}

/// A person also gets an id token (clients crash without its `tid`) and a refresh token.
pub(super) fn person(cx: &Cx, sign_in: &SignIn<'_>) -> Result<Value, TokenError> {
    let key = &cx.state.auth.key;
    let mut body = bearer(&sign_in.access_token(key)?);
    let client_info = json!({ "uid": sign_in.principal.oid, "utid": sign_in.tenant }).to_string();
    if let Some(map) = body.as_object_mut() {
        map.insert("scope".into(), "openid profile offline_access user_impersonation".into());
        map.insert("refresh_token".into(), sign_in.refresh_token(key)?.into());
        map.insert("id_token".into(), sign_in.id_token(key)?.into());
        map.insert("client_info".into(), URL_SAFE_NO_PAD.encode(client_info).into());
    }
    Ok(body)
}

/// The audience that the client asks for, by `scope` (`https://host:port/.default`) or `resource`: our ARM endpoint or our
/// Graph. Every name of either means the same audience, so that a token stays good when the port changes.
pub(super) fn audience(cx: &Cx, form: &Form) -> Result<String, TokenError> {
    let ours = super::arm_audience(&cx.state);
    let graph = super::graph_audience(&cx.state);
    let text = |name: &str| form.get(name).map(|v| v.expose_secret().trim());
    let scope = text("scope").unwrap_or("").split_whitespace().find_map(|s| s.strip_suffix("/.default"));
    let Some(asked) = scope.or_else(|| text("resource")).filter(|a| !a.is_empty()) else { return Ok(ours) };
    let asked = asked.trim_end_matches('/');
    let known = [
        cx.facts.base_url.as_str(),
        &cx.state.public_url,
        &ours,
        "https://management.azure.com",
        "https://management.core.windows.net",
    ];
    if known.iter().any(|k| k.trim_end_matches('/').eq_ignore_ascii_case(asked)) {
        return Ok(ours);
    }
    let graphs = [&cx.facts.base_url, &cx.state.public_url, &ours].map(|base| super::graph_url(base));
    if graphs.iter().any(|g| g.eq_ignore_ascii_case(asked)) {
        return Ok(graph);
    }
    let shown: String = asked.chars().take(200).collect();
    Err(TokenError::bad("invalid_resource", 500_011, format!("The resource '{shown}' is not known here.")))
}

pub(super) fn field<'a>(form: &'a Form, name: &str) -> Result<&'a str, TokenError> {
    let text = form.get(name).map(|v| v.expose_secret()).filter(|v| !v.is_empty());
    let text = text.ok_or_else(|| TokenError::missing(name))?;
    // A refresh token is the longest field that means anything.
    if text.len() > 8 * PASSWORD_LIMIT {
        return Err(TokenError::bad(
            "invalid_request",
            90_100,
            format!("The parameter '{name}' is too long."),
        ));
    }
    Ok(text)
}
