//! The key that signs tokens: ECDSA on P-256, made at the first start and kept with the records.

use super::AuthError;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::fmt;

/// Longest token that is looked at, bytes.
pub const TOKEN_LIMIT: usize = 8 * 1024;

/// The signing key and its public half.
pub struct SigningKey {
    id: String,
    private: EncodingKey,
    public: DecodingKey,
    jwk: Value,
}

impl SigningKey {
    /// A new key, as PKCS #8, to be kept where only the server reads.
    pub fn generate() -> Result<Vec<u8>, AuthError> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        document.map(|d| d.as_ref().to_vec()).map_err(|e| AuthError::Key(e.to_string()))
    }

    /// Reads a key that [`Self::generate`] made.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, AuthError> {
        let broken = |e: jsonwebtoken::errors::Error| AuthError::Key(e.to_string());
        let private = EncodingKey::from_ec_der(der);
        let mut jwk = Jwk::from_encoding_key(&private, Algorithm::ES256).map_err(broken)?;
        let id = jwk.thumbprint(ThumbprintHash::SHA256).map_err(broken)?;
        jwk.common.key_id = Some(id.clone());
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        let public = DecodingKey::from_jwk(&jwk).map_err(broken)?;
        let jwk = serde_json::to_value(&jwk).map_err(|e| AuthError::Key(e.to_string()))?;
        Ok(Self { id, private, public, jwk })
    }

    /// The public half, for `jwks_uri`.
    pub fn jwk(&self) -> &Value {
        &self.jwk
    }

    /// A signed token with these claims.
    pub fn sign(&self, claims: &impl Serialize) -> Result<String, AuthError> {
        let header = Header { kid: Some(self.id.clone()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &self.private).map_err(|e| AuthError::Key(e.to_string()))
    }

    /// The claims of a token that this key signed for `audience`. The time is not looked at: the caller knows it.
    pub fn verify<T: DeserializeOwned>(&self, token: &str, audience: &str) -> Option<T> {
        if token.len() > TOKEN_LIMIT {
            return None;
        }
        let mut rules = Validation::new(Algorithm::ES256);
        rules.validate_exp = false;
        rules.set_audience(&[audience]);
        rules.set_required_spec_claims(&["aud", "exp"]);
        jsonwebtoken::decode(token, &self.public, &rules).ok().map(|data| data.claims)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}
