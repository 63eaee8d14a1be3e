//! Authorization codes: given out by the authorization endpoint, exchanged for tokens within a minute, once.
//!
//! A code counts for the client, the redirect URI and the verifier of the request that it answers (RFC 6749 section 4.1.3,
//! RFC 7636 section 4.6). Whoever shows it with anything else has used it up.

use super::authorize::AuthorizationRequest;
use super::authorize::PORTAL;
use super::sign_in::{Form, TokenError, field, person, sign_in};
use super::{Principal, PrincipalKind};
use crate::clock::micros;
use crate::pipeline::Cx;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hardline_store::db::authorization_codes::{self, AuthorizationCode};
use hardline_store::db::principals;
use jiff::SignedDuration;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// `grant_type` of the exchange.
pub const GRANT: &str = "authorization_code";
/// How long a code counts, seconds.
pub const LIFETIME: i64 = 60;
/// Random bytes in a code; it is written in hex.
const BYTES: usize = 32;
/// Under this name the sign-in limit counts codes that are none; no principal can have it.
const GUESSER: &str = "\u{0}authorization code";

/// A new code for whoever signed in.
pub(super) async fn issue(
    cx: &Cx,
    request: &AuthorizationRequest,
    principal: &Principal,
    method: &str,
) -> Result<String, TokenError> {
    let code = cx.state.random.hex(BYTES);
    let expires = cx.now.checked_add(SignedDuration::from_secs(LIFETIME)).unwrap_or(cx.now);
    let row = AuthorizationCode {
        code_hash: hash(&code),
        principal: principal.oid.clone(),
        method: method.to_owned(),
        client: PORTAL.to_owned(),
        redirect_uri: request.redirect_uri.clone(),
        challenge: request.challenge.clone(),
        nonce: request.nonce.clone(),
        audience: request.audience.clone(),
        expires: micros(expires),
    };
    let mut tx = cx.state.store.begin().await?;
    authorization_codes::insert(&mut tx, &row, micros(cx.now)).await?;
    tx.commit().await?;
    Ok(code)
}

/// The grant: a client shows a code and the verifier.
pub(super) async fn grant(cx: &Cx, form: &Form) -> Result<Value, TokenError> {
    let client = field(form, "client_id")?;
    let code = field(form, "code")?;
    let redirect_uri = field(form, "redirect_uri")?;
    let verifier = field(form, "code_verifier")?;
    let limit = &cx.state.auth.limit;
    limit.take(GUESSER, cx.facts.client, cx.now).map_err(TokenError::too_many)?;
    let taken = take(cx, code).await?.filter(|kept| {
        micros(cx.now) < kept.expires
            && kept.client == client
            && kept.redirect_uri == redirect_uri
            && fits(verifier, &kept.challenge)
    });
    let kept = taken.ok_or_else(dead)?;
    limit.give_back(GUESSER, cx.facts.client);
    let found = principals::get(&cx.state.store, &kept.principal).await?.map(Principal::from);
    let principal = found.filter(|p| p.enabled && p.kind == PrincipalKind::User).ok_or_else(dead)?;
    let mut sign_in = sign_in(cx, &principal, client, kept.audience);
    sign_in.method = kept.method;
    sign_in.nonce = kept.nonce;
    person(cx, &sign_in)
}

/// The code's row, for the first who asks.
async fn take(cx: &Cx, code: &str) -> Result<Option<AuthorizationCode>, TokenError> {
    if code.len() != 2 * BYTES {
        return Ok(None);
    }
    let hash = hash(code);
    // Guesses cost no transaction.
    let Some(kept) = authorization_codes::get(&cx.state.store, &hash).await? else { return Ok(None) };
    let mut tx = cx.state.store.begin().await?;
    let first = authorization_codes::take(&mut tx, &hash).await?;
    tx.commit().await?;
    Ok(first.then_some(kept))
}

fn dead() -> TokenError {
    let text = "The code is not known, was used, has expired, or was given out for another request.";
    TokenError::bad("invalid_grant", 70008, text)
}

fn hash(code: &str) -> String {
    hex::encode(Sha256::digest(code.as_bytes()))
}

/// The challenge of a verifier (RFC 7636, section 4.2, S256).
pub fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

/// Whether a verifier is one, and the challenge's (RFC 7636, sections 4.1 and 4.6).
fn fits(verifier: &str, challenge: &str) -> bool {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
    (43..=128).contains(&verifier.len())
        && verifier.bytes().all(unreserved)
        && bool::from(challenge_of(verifier).as_bytes().ct_eq(challenge.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_fits_its_challenge() {
        // RFC 7636, appendix B.
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(fits("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", challenge));
        assert!(!fits("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXj", challenge));
        // A challenge is no verifier, and a short verifier none at all.
        assert!(!fits(challenge, challenge));
        assert!(!fits("short", &challenge_of("short")));
    }
}
