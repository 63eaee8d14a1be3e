//! The tokens that the server gives out: access tokens for ARM, id tokens for clients, refresh tokens for itself.
//!
//! All three are JWTs of the same key and differ in their audience, so none can stand for another.

use super::keys::SigningKey;
use super::{AuthError, Principal, PrincipalKind};
use hardline_arm::error::ArmError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use uuid::Uuid;

/// How long an access token lives, seconds. Clients fetch a new one when less than five minutes are left.
pub const ACCESS_LIFETIME: i64 = 3600;
/// How long a refresh token lives, seconds.
pub const REFRESH_LIFETIME: i64 = 14 * 24 * 3600;
/// How far another machine's clock may be ahead of ours, seconds.
const SKEW: i64 = 300;

const REFRESH_AUDIENCE: &str = "urn:hardline:refresh";

/// The claims of an access token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AccessClaims {
    /// Whom the token is for: this server's ARM endpoint.
    pub aud: String,
    /// Who gave it out.
    pub iss: String,
    /// When, seconds since 1970.
    pub iat: i64,
    /// From when it counts.
    pub nbf: i64,
    /// When it ends.
    pub exp: i64,
    /// Tenant id.
    pub tid: String,
    /// Object id of the principal.
    pub oid: String,
    /// The principal, again.
    pub sub: String,
    /// The application: a service principal's own id, or the client through which a person signed in.
    pub appid: String,
    /// How the application proved itself: 0 not at all (a public client), 1 by a secret.
    pub appidacr: String,
    /// How the person proved itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// `user` or `app`.
    pub idtyp: String,
    /// The person's user principal name; none for a program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upn: Option<String>,
    /// The name for people.
    pub name: String,
    /// From which address the token was asked for.
    pub ipaddr: String,
    /// The token's own id.
    pub uti: String,
    /// `1.0`.
    pub ver: String,
}

/// What a sign-in proved; every token of it says the same.
#[derive(Clone, Debug)]
pub struct SignIn<'a> {
    /// Who.
    pub principal: &'a Principal,
    /// The client's id; a program's is its own.
    pub client: &'a str,
    /// The client's address.
    pub address: String,
    /// The tenant.
    pub tenant: String,
    /// `https://host:port/adfs`.
    pub issuer: String,
    /// The ARM audience of this server.
    pub audience: String,
    /// How a person proved itself: a value of `amr` (RFC 8176).
    pub method: String,
    /// What the client wants to see again in the id token.
    pub nonce: Option<String>,
    /// When.
    pub now: Timestamp,
    /// The tokens' own id.
    pub id: Uuid,
}

impl SignIn<'_> {
    /// The access token.
    pub fn access_token(&self, key: &SigningKey) -> Result<String, AuthError> {
        let user = self.principal.kind == PrincipalKind::User;
        let now = self.now.as_second();
        key.sign(&AccessClaims {
            aud: self.audience.clone(),
            iss: self.issuer.clone(),
            iat: now,
            nbf: now,
            exp: now + ACCESS_LIFETIME,
            tid: self.tenant.clone(),
            oid: self.principal.oid.clone(),
            sub: self.principal.oid.clone(),
            appid: self.client.into(),
            appidacr: if user { "0" } else { "1" }.into(),
            amr: if user { vec![self.method.clone()] } else { Vec::new() },
            idtyp: if user { "user" } else { "app" }.into(),
            upn: user.then(|| self.principal.name.clone()),
            name: self.principal.display_name.clone(),
            ipaddr: self.address.clone(),
            uti: self.id.simple().to_string(),
            ver: "1.0".into(),
        })
    }

    /// The id token: for the client's eyes; no door opens to it.
    pub fn id_token(&self, key: &SigningKey) -> Result<String, AuthError> {
        let now = self.now.as_second();
        let mut claims = json!({
            "aud": self.client,
            "iss": self.issuer,
            "iat": now,
            "nbf": now,
            "exp": now + ACCESS_LIFETIME,
            "tid": self.tenant,
            "oid": self.principal.oid,
            "sub": self.principal.oid,
            "upn": self.principal.name,
            "preferred_username": self.principal.name,
            "name": self.principal.display_name,
            "ver": "1.0",
        });
        if let (Some(claims), Some(nonce)) = (claims.as_object_mut(), &self.nonce) {
            claims.insert("nonce".into(), nonce.as_str().into());
        }
        key.sign(&claims)
    }

    /// The refresh token. It dies with the password: it carries a digest of what the password's hash was.
    pub fn refresh_token(&self, key: &SigningKey) -> Result<String, AuthError> {
        key.sign(&RefreshClaims {
            aud: REFRESH_AUDIENCE.into(),
            exp: self.now.as_second() + REFRESH_LIFETIME,
            oid: self.principal.oid.clone(),
            appid: self.client.into(),
            amr: self.method.clone(),
            stamp: self.principal.stamp(),
        })
    }
}

/// The claims of a refresh token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RefreshClaims {
    aud: String,
    exp: i64,
    /// Whose.
    pub oid: String,
    /// Through which client.
    pub appid: String,
    /// How the person had proved itself.
    #[serde(default = "password")]
    pub amr: String,
    /// [`Principal::stamp`] when it was given out.
    pub stamp: String,
}

/// What tokens from before the claim was there were given out for.
fn password() -> String {
    "pwd".to_owned()
}

impl RefreshClaims {
    /// The claims of a refresh token that is ours and has not ended.
    pub fn verify(key: &SigningKey, token: &str, now: Timestamp) -> Option<Self> {
        key.verify(token, REFRESH_AUDIENCE).filter(|claims: &Self| now.as_second() < claims.exp)
    }
}

impl Principal {
    /// Changes when the password does; says nothing about it.
    pub fn stamp(&self) -> String {
        hex::encode(Sha256::digest(self.secret_hash.as_bytes())).chars().take(16).collect()
    }
}

impl AccessClaims {
    /// The claims of an access token that is ours and counts now, and when it ends.
    pub fn verify(
        key: &SigningKey,
        token: &str,
        audience: &str,
        now: Timestamp,
    ) -> Result<(Self, Timestamp), ArmError> {
        let invalid = || {
            ArmError::new(
                http::StatusCode::UNAUTHORIZED,
                "InvalidAuthenticationToken",
                "The access token is invalid: it is malformed, was not given out by this server, or is not meant for it.",
            )
        };
        let claims: Self = key.verify(token, audience).ok_or_else(invalid)?;
        let expires = Timestamp::from_second(claims.exp).map_err(|_| invalid())?;
        if now >= expires {
            return Err(ArmError::expired_token(expires, now));
        }
        if claims.nbf > now.as_second() + SKEW {
            return Err(invalid());
        }
        Ok((claims, expires))
    }

    /// The claims as activity events show them: strings, the well-known ones under Azure's long names.
    pub fn for_events(&self) -> BTreeMap<String, String> {
        let mut claims = BTreeMap::new();
        if let Ok(Value::Object(all)) = serde_json::to_value(self) {
            for (name, value) in all {
                let text = match value {
                    Value::String(text) => text,
                    Value::Array(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
                    other => other.to_string(),
                };
                claims.insert(long_name(&name).into(), text);
            }
        }
        if let Some(upn) = &self.upn {
            claims.insert("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name".into(), upn.clone());
        }
        claims
    }
}

/// The claim that holds the object id, in events.
pub(super) const OBJECT_ID: &str = "http://schemas.microsoft.com/identity/claims/objectidentifier";

fn long_name(claim: &str) -> &str {
    match claim {
        "oid" => OBJECT_ID,
        "tid" => "http://schemas.microsoft.com/identity/claims/tenantid",
        "amr" => "http://schemas.microsoft.com/claims/authnmethodsreferences",
        "sub" => "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier",
        "upn" => "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
        short => short,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_pkcs8(&SigningKey::generate().unwrap()).unwrap()
    }

    fn ann() -> Principal {
        Principal {
            oid: "11111111-1111-1111-1111-111111111111".into(),
            kind: PrincipalKind::User,
            name: "ann@example.org".into(),
            display_name: "Ann Example".into(),
            secret_hash: "$argon2id$x".into(),
            enabled: true,
        }
    }

    fn sign_in(principal: &Principal) -> SignIn<'_> {
        SignIn {
            principal,
            client: "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
            address: "192.0.2.1".into(),
            tenant: "22222222-2222-2222-2222-222222222222".into(),
            issuer: "https://localhost:8443/adfs".into(),
            audience: "https://localhost".into(),
            method: "pwd".into(),
            nonce: None,
            now: Timestamp::from_second(1_000_000).unwrap(),
            id: Uuid::from_u128(5),
        }
    }

    fn verify(key: &SigningKey, token: &str, second: i64) -> Result<(AccessClaims, Timestamp), String> {
        let now = Timestamp::from_second(second).unwrap();
        AccessClaims::verify(key, token, "https://localhost", now).map_err(|e| e.code.to_string())
    }

    #[test]
    fn a_token_counts_for_an_hour() {
        let (key, ann) = (key(), ann());
        let token = sign_in(&ann).access_token(&key).unwrap();
        let (claims, expires) = verify(&key, &token, 1_000_000).unwrap();
        assert_eq!((claims.oid.as_str(), claims.upn.as_deref()), (ann.oid.as_str(), Some("ann@example.org")));
        assert_eq!(expires.as_second(), 1_003_600);
        assert!(verify(&key, &token, 1_003_599).is_ok());
        assert_eq!(verify(&key, &token, 1_003_600).unwrap_err(), "ExpiredAuthenticationToken");
        assert_eq!(verify(&key, &token, 999_000).unwrap_err(), "InvalidAuthenticationToken");
    }

    #[test]
    fn only_our_own_access_tokens_are_taken() {
        let (mine, ann) = (key(), ann());
        let good = sign_in(&ann);
        let access = good.access_token(&mine).unwrap();
        let (head, _) = access.split_once('.').unwrap();
        let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", access.split('.').nth(1).unwrap());
        let symmetric = jsonwebtoken::encode(
            &jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256),
            &json!({ "aud": "https://localhost", "exp": 2_000_000 }),
            &jsonwebtoken::EncodingKey::from_secret(mine.jwk().to_string().as_bytes()),
        )
        .unwrap();
        for token in [
            good.id_token(&mine).unwrap(),
            good.refresh_token(&mine).unwrap(),
            good.access_token(&key()).unwrap(),
            SignIn { audience: "https://graph".into(), ..good.clone() }.access_token(&mine).unwrap(),
            unsigned,
            symmetric,
            head.to_string(),
            format!("{access}x"),
            "a".repeat(TOKEN),
            String::new(),
        ] {
            assert_eq!(
                verify(&mine, &token, 1_000_001).unwrap_err(),
                "InvalidAuthenticationToken",
                "{token}"
            );
        }
    }

    const TOKEN: usize = super::super::keys::TOKEN_LIMIT + 1;

    #[test]
    fn a_refresh_token_dies_with_its_time() {
        let (key, ann) = (key(), ann());
        let token = sign_in(&ann).refresh_token(&key).unwrap();
        let at = |second| RefreshClaims::verify(&key, &token, Timestamp::from_second(second).unwrap());
        assert_eq!(at(1_000_001).unwrap().stamp, ann.stamp());
        assert!(at(1_000_000 + REFRESH_LIFETIME).is_none());
        assert_ne!(Principal { secret_hash: "other".into(), ..ann.clone() }.stamp(), ann.stamp());
    }

    #[test]
    fn events_show_claims_under_azures_names() {
        let (key, ann) = (key(), ann());
        let token = sign_in(&ann).access_token(&key).unwrap();
        let claims = verify(&key, &token, 1_000_000).unwrap().0.for_events();
        assert_eq!(claims["http://schemas.microsoft.com/identity/claims/objectidentifier"], ann.oid);
        assert_eq!(claims["http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"], "ann@example.org");
        assert_eq!(claims["name"], "Ann Example");
        assert_eq!(claims["exp"], "1003600");
    }
}
