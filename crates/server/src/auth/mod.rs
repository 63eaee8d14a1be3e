//! Who calls, and what they may do: tokens, principals, roles.
//!
//! ```text
//! POST /adfs/oauth2/token ── sign_in ──► access token (1 h)
//! Authorization: Bearer … ── authenticate ──► Caller ── authorise ──► Allowed ──► a handler
//! GET /adfs/oauth2/authorize ── authorize ──► the portal's sign-in page ──► a code (`codes`), which it exchanges for tokens
//! GET /adfs/oauth2/federation ── federation ──► an outside identity provider ──► a code, as above
//! POST /adfs/oauth2/devicecode ── device ──► a code, which a signed-in person answers in the portal
//! ?sig=…                  ── arm::sas::verify ──► Verified ── allow_sas ──► Allowed ──► the blob endpoint
//! Authorization: SharedKey … ── arm::shared_key::verify ──► Verified ── allow_key ──► Allowed ──► the blob endpoint
//! ```

pub mod authority;
mod authorize;
mod caller;
mod codes;
pub mod device;
mod device_codes;
pub mod federation;
mod keys;
mod openid;
mod passwords;
pub mod provision;
mod rate_limit;
mod roles;
mod sign_in;
mod tokens;

pub use authorize::{PORTAL, authorization_page, authorize, foreign_form};
pub use caller::{Allowed, Caller, CallerKind, Evidence, asked_for, required_action};
pub use codes::challenge_of;
pub use device_codes::DeviceRequest;
pub use keys::SigningKey;
pub use passwords::{PASSWORD_LIMIT, Passwords, hash as hash_password};
pub use rate_limit::SignInLimit;
pub use roles::{Rights, authorise, still_allowed};
pub use sign_in::{Form, other_tenant, token};
pub use tokens::{ACCESS_LIFETIME, AccessClaims, REFRESH_LIFETIME};

use self::authority::Authority;
use self::device_codes::DeviceCodes;
use crate::clock::{Clock as _, SystemClock};
use crate::pipeline::Cx;
use crate::state::State;
use hardline_arm::error::ArmError;
use hardline_arm::operation::Operation;
use hardline_arm::resource_id::ArmPath;
use hardline_store::db::{principals, secrets};
use hardline_store::{Db, StoreError};
use http::header::WWW_AUTHENTICATE;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

/// The name under which the signing key is kept.
const SIGNING_KEY: &str = "token-signing-key";

/// What went wrong inside authentication; nothing of it is told to the caller.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The signing key cannot be made, read or used.
    #[error("the token signing key is unusable: {0}")]
    Key(String),
    /// A password or secret that cannot be one.
    #[error("the secret cannot be used: {0}")]
    Secret(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keys and limits of authentication.
#[derive(Debug)]
pub struct Auth {
    key: SigningKey,
    passwords: Passwords,
    limit: SignInLimit,
    devices: DeviceCodes,
    provider: Option<federation::Provider>,
}

impl Auth {
    /// Reads the signing key; makes it at the first start. Of two servers that start at once on one database the first
    /// one's key stays.
    pub async fn open(store: &Db, provider: Option<federation::Provider>) -> Result<Self, StoreError> {
        let kept = match secrets::get(store, SIGNING_KEY).await? {
            Some(kept) => kept,
            None => {
                let fresh = SigningKey::generate().map_err(|e| damaged(&e))?;
                let now = SystemClock.now();
                let mut tx = store.begin().await?;
                let kept = secrets::get_or_insert(&mut tx, SIGNING_KEY, &fresh, now.as_microsecond()).await?;
                tx.commit().await?;
                kept
            }
        };
        let key = SigningKey::from_pkcs8(&kept).map_err(|e| damaged(&e))?;
        Ok(Self {
            key,
            passwords: Passwords::default(),
            limit: SignInLimit::default(),
            devices: DeviceCodes::default(),
            provider,
        })
    }

    /// The signing key.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }
}

fn damaged(error: &AuthError) -> StoreError {
    StoreError::Damaged(error.to_string())
}

/// A person or a program that can sign in.
#[derive(Clone)]
pub struct Principal {
    /// Object id.
    pub oid: String,
    /// Person or program.
    pub kind: PrincipalKind,
    /// UPN, or application id.
    pub name: String,
    /// The name for people.
    pub display_name: String,
    /// PHC string of the password or secret.
    pub secret_hash: String,
    /// Whether it may sign in.
    pub enabled: bool,
}

/// Person or program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrincipalKind {
    /// A person.
    User,
    /// A program.
    ServicePrincipal,
}

impl PrincipalKind {
    /// The word under which the store keeps it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::ServicePrincipal => "servicePrincipal",
        }
    }

    /// The word in `principalType` of a role assignment.
    pub fn principal_type(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::ServicePrincipal => "ServicePrincipal",
        }
    }
}

impl From<principals::Principal> for Principal {
    fn from(row: principals::Principal) -> Self {
        let kind = if row.kind == PrincipalKind::User.as_str() {
            PrincipalKind::User
        } else {
            PrincipalKind::ServicePrincipal
        };
        Self {
            oid: row.oid,
            kind,
            name: row.name,
            display_name: row.display_name,
            secret_hash: row.password_hash,
            enabled: !row.disabled,
        }
    }
}

impl std::fmt::Debug for Principal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Principal").field("oid", &self.oid).field("name", &self.name).finish_non_exhaustive()
    }
}

/// The openid-configuration of a family of URLs, for clients that reach the server at `base_url`.
pub fn openid_configuration(state: &State, authority: Authority, base_url: &str) -> serde_json::Value {
    let provider = state.auth.provider.as_ref().map(federation::Provider::name);
    openid::configuration(authority, base_url, state.config.tenant, provider)
}

/// `discovery/keys`: the public half of the signing key.
pub fn json_web_keys(state: &State) -> serde_json::Value {
    serde_json::json!({ "keys": [state.auth.key.jwk()] })
}

/// The audience of our access tokens: without a port, so that they stay good when it changes.
pub fn arm_audience(state: &State) -> String {
    format!("https://{}", state.config.public_host)
}

/// The audience of our Graph's tokens, beside [`arm_audience`].
pub fn graph_audience(state: &State) -> String {
    graph_url(&arm_audience(state))
}

/// Where our Graph is for clients that reach the server at `base_url`: a path of its own, so that clients ask for a token
/// of its own.
pub fn graph_url(base_url: &str) -> String {
    format!("{}/graph", base_url.trim_end_matches('/'))
}

/// The caller of a request, by its bearer token.
pub async fn authenticate(state: &State, now: Timestamp, token: &SecretString) -> Result<Caller, ArmError> {
    verify(state, now, token, &arm_audience(state))
}

/// The caller of a request to our Graph.
pub fn authenticate_graph(cx: &Cx) -> Result<Caller, ArmError> {
    let caller = match &cx.facts.bearer {
        Some(token) => verify(&cx.state, cx.now, token, &graph_audience(&cx.state)),
        None => Err(ArmError::authentication_missing()),
    };
    caller.map_err(|refused| challenge(refused, &cx.facts.base_url))
}

fn verify(state: &State, now: Timestamp, token: &SecretString, audience: &str) -> Result<Caller, ArmError> {
    if token.expose_secret().is_empty() {
        return Err(ArmError::authentication_malformed());
    }
    let verified = AccessClaims::verify(&state.auth.key, token.expose_secret(), audience, now);
    verified.map(|(claims, expires)| Caller::of_token(&claims, expires))
}

/// Adds to a 401 where a token is to be had.
pub fn challenge(error: ArmError, base_url: &str) -> ArmError {
    let error_code = match &*error.code {
        "AuthenticationFailed" => "",
        _ => ", error=\"invalid_token\"",
    };
    let value = format!("Bearer authorization_uri=\"{base_url}/adfs/oauth2/authorize\"{error_code}");
    error.with_header(WWW_AUTHENTICATE, value)
}

/// Proof that whoever signed a request with an account's key may do `operation`. The key itself was the check; the record names
/// no person.
pub fn allow_key(
    cx: &Cx,
    operation: &'static Operation,
    path: ArmPath,
    _verified: &hardline_arm::shared_key::Verified,
) -> Allowed {
    let caller = Caller::of_key(cx.state.config.tenant.to_string());
    Allowed::new(operation, path, caller, Evidence::default(), Rights::default())
}

/// Nobody that is known: who was refused at a storage account's door.
pub fn stranger(cx: &Cx) -> Caller {
    Caller::stranger(cx.state.config.tenant.to_string())
}

/// Proof that the bearer of a SAS may do `operation`. The SAS itself was the check; the record names no person.
pub fn allow_sas(
    cx: &Cx,
    operation: &'static Operation,
    path: ArmPath,
    verified: &hardline_arm::sas::Verified,
) -> Allowed {
    let caller = Caller::of_sas(cx.state.config.tenant.to_string(), verified.expiry);
    Allowed::new(operation, path, caller, Evidence::default(), Rights::default())
}
