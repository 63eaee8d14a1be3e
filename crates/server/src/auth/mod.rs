//! Who calls, and what they may do: tokens, principals, roles.

use crate::config::Config;
use crate::pipeline::Cx;
use crate::state::State;
use hardline_arm::error::ArmError;
use hardline_arm::operation::Operation;
use hardline_arm::resource_id::ArmPath;
use hardline_store::Db;
use jiff::Timestamp;
use secrecy::SecretString;
use std::collections::BTreeMap;

/// Keys and caches of authentication.
#[derive(Debug)]
pub struct Auth {}

impl Auth {
    /// Reads (or makes, at the first start) the signing key.
    pub async fn open(_store: &Db, _config: &Config) -> Result<Self, hardline_store::StoreError> {
        Ok(Self {})
    }
}

/// What kind of principal calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallerKind {
    /// A person.
    User,
    /// A program.
    ServicePrincipal,
    /// The bearer of a SAS.
    Sas,
    /// The server itself.
    System,
}

/// Somebody whose token was verified.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Object id.
    pub oid: String,
    /// Person or program.
    pub kind: CallerKind,
    /// UPN, or the application id.
    pub name: String,
    /// Tenant id.
    pub tenant: String,
    /// The token's claims, as activity events show them.
    pub claims: BTreeMap<String, String>,
    /// When the token ends.
    pub expires: Timestamp,
    _verified: (),
}

/// Proof that a caller may do an operation on a path.
#[derive(Clone, Debug)]
pub struct Allowed {
    /// The row.
    pub operation: &'static Operation,
    /// The path.
    pub path: ArmPath,
    /// Who.
    pub caller: Caller,
    /// Why.
    pub evidence: Evidence,
    _checked: (),
}

/// What allowed a call.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The role's name.
    pub role: String,
    /// The scope at which it was assigned.
    pub scope: String,
}

/// Verifies a token.
pub async fn authenticate(_state: &State, _now: Timestamp, _token: &SecretString) -> Result<Caller, ArmError> {
    Err(ArmError::authentication_failed("not built yet"))
}

/// Checks a right.
pub async fn authorise(
    _cx: &Cx,
    _caller: &Caller,
    operation: &'static Operation,
    path: &ArmPath,
) -> Result<Allowed, ArmError> {
    Err(ArmError::authorization_failed("", "", operation.name, &path.id.to_string()))
}

/// Answers `POST /adfs/oauth2/token`: the HTTP status and the JSON body.
pub async fn token(
    _cx: &Cx,
    _form: &BTreeMap<String, SecretString>,
) -> (http::StatusCode, serde_json::Value) {
    (http::StatusCode::NOT_IMPLEMENTED, serde_json::json!({ "error": "not_built" }))
}

/// `/adfs/.well-known/openid-configuration` for clients that reach the server at `base_url`.
pub fn openid_configuration(_state: &State, _base_url: &str) -> serde_json::Value {
    serde_json::json!({})
}
