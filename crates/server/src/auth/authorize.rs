//! The authorization endpoint: the code grant with PKCE (RFC 6749 section 4.1, RFC 7636, RFC 9700), for the portal alone.
//!
//! ```text
//! portal ── GET authorize ──► the request is looked at ──► the portal's sign-in page, with the request in its address
//! the page ── POST authorize, name and password ──► a code, in an address of the portal's
//! portal ── POST token, code and verifier ──► tokens                                    (`codes`)
//! ```
//!
//! Whoever is not registered, or wants the answer elsewhere, is told so here; every other fault goes back to the portal.

use super::sign_in::{Form, TokenError, audience, field, prove};
use super::{PrincipalKind, codes};
use crate::pipeline::Cx;
use crate::reply::ArmResponse;
use http::StatusCode;
use http::header::LOCATION;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The one registered client: the portal. It is public, it has no secret.
pub const PORTAL: &str = "hardline-portal";
/// Where the portal takes its codes, below the server's address.
const CALLBACK: &str = "/portal/signed-in";
/// Where the portal asks for name and password.
const PAGE: &str = "/portal/signin";
/// Longest `state` and `nonce`, bytes.
const LONGEST: usize = 512;
/// What a request is made of.
const FIELDS: [&str; 8] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
];

/// A request that was found good.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct AuthorizationRequest {
    pub(super) redirect_uri: String,
    pub(super) state: String,
    pub(super) nonce: Option<String>,
    pub(super) challenge: String,
    pub(super) audience: String,
}

/// A request that was not.
enum Refused {
    /// Nobody can be trusted to take the answer.
    Here(TokenError),
    /// The client takes it.
    There { redirect_uri: String, state: Option<String>, error: &'static str, description: String },
}

/// Answers `GET …/oauth2/authorize`: a good request leads to the sign-in page.
pub fn authorization_page(cx: &Cx, form: &Form) -> ArmResponse {
    match request(cx, form) {
        Ok(_) => {
            let asked = FIELDS.into_iter().filter_map(|name| Some((name, form.get(name)?.expose_secret())));
            let page = format!("{}{PAGE}", cx.facts.base_url);
            see(&with_query(&page, asked))
        }
        Err(answer) => *answer,
    }
}

/// The request that a browser was sent here with, or what it is told instead.
pub(super) fn request(cx: &Cx, form: &Form) -> Result<AuthorizationRequest, Box<ArmResponse>> {
    read(cx, form).map_err(|refused| match refused {
        Refused::Here(refused) => Box::new(refused.answer()),
        Refused::There { redirect_uri, state, error, description } => {
            Box::new(see(&error_address(&redirect_uri, state.as_deref(), error, &description)))
        }
    })
}

/// Answers `POST …/oauth2/authorize`, the sign-in page's own form: the request again, name and password. The answer says where
/// the page goes on.
pub async fn authorize(cx: &Cx, form: &Form) -> ArmResponse {
    let request = match read(cx, form) {
        Ok(request) => request,
        Err(Refused::Here(refused)) => return refused.answer(),
        Err(Refused::There { redirect_uri, state, error, description }) => {
            return onward(&error_address(&redirect_uri, state.as_deref(), error, &description));
        }
    };
    match with_password(cx, form, &request).await {
        Ok(address) => onward(&address),
        Err(refused) => refused.logged(cx).answer(),
    }
}

/// Refuses a form that another site's page has sent.
pub fn foreign_form() -> ArmResponse {
    let text = "Names and passwords are taken from the portal's own page only.";
    TokenError::forbidden(text).answer()
}

async fn with_password(cx: &Cx, form: &Form, request: &AuthorizationRequest) -> Result<String, TokenError> {
    let user = field(form, "username")?;
    let secret = form.get("password").ok_or_else(|| TokenError::missing("password"))?;
    let principal = prove(cx, user, secret, PrincipalKind::User, TokenError::wrong_password).await?;
    let code = codes::issue(cx, request, &principal, "pwd").await?;
    Ok(success_address(request, &code))
}

fn read(cx: &Cx, form: &Form) -> Result<AuthorizationRequest, Refused> {
    let client = field(form, "client_id").map_err(Refused::Here)?;
    if client != PORTAL {
        let text = "This server signs only its own portal in through a redirect. Use a device code (`az login --use-device-code`), a name and a password, or a service principal.";
        return Err(Refused::Here(TokenError::bad("unauthorized_client", 700_016, text)));
    }
    let redirect_uri = field(form, "redirect_uri").map_err(Refused::Here)?.to_owned();
    if redirect_uri != callback(cx) {
        let text = "The redirect_uri is not the one that is registered for the client.";
        return Err(Refused::Here(TokenError::bad("invalid_request", 50011, text)));
    }
    let text = |name: &str| form.get(name).map(|v| v.expose_secret()).filter(|v| !v.is_empty());
    let state = text("state").filter(|state| state.len() <= LONGEST).map(str::to_owned);
    let refused = |error: &'static str, description: &str| Refused::There {
        redirect_uri: redirect_uri.clone(),
        state: state.clone(),
        error,
        description: description.to_owned(),
    };
    match text("response_type") {
        None => return Err(refused("invalid_request", "The parameter 'response_type' is missing.")),
        Some("code") => {}
        Some(_) => return Err(refused("unsupported_response_type", "The response_type must be 'code'.")),
    }
    if text("response_mode").is_some_and(|mode| mode != "query") {
        return Err(refused("invalid_request", "The response_mode must be 'query'."));
    }
    for (name, error) in [("request", "request_not_supported"), ("request_uri", "request_uri_not_supported")]
    {
        if text(name).is_some() {
            return Err(refused(error, "Parameters stand in the address itself."));
        }
    }
    if text("prompt").is_some_and(|prompt| prompt.split(' ').any(|word| word == "none")) {
        return Err(refused("login_required", "Nobody is signed in here without being asked."));
    }
    let Some(answered) = state.clone() else {
        return Err(refused("invalid_request", "The parameter 'state' is missing, or too long."));
    };
    let nonce = text("nonce").map(str::to_owned);
    if nonce.as_ref().is_some_and(|nonce| nonce.len() > LONGEST) {
        return Err(refused("invalid_request", "The parameter 'nonce' is too long."));
    }
    if text("code_challenge_method") != Some("S256") {
        return Err(refused("invalid_request", "The code_challenge_method must be 'S256'."));
    }
    let challenge = text("code_challenge").filter(|challenge| is_challenge(challenge)).map(str::to_owned);
    let challenge = challenge.ok_or_else(|| {
        refused("invalid_request", "The code_challenge must be the SHA-256 of a verifier, in base64url.")
    })?;
    let audience =
        audience(cx, form).map_err(|_| refused("invalid_scope", "The scope names something unknown."))?;
    Ok(AuthorizationRequest {
        redirect_uri: redirect_uri.clone(),
        state: answered,
        nonce,
        challenge,
        audience,
    })
}

/// Where the portal takes codes, as the browser names it.
pub(super) fn callback(cx: &Cx) -> String {
    format!("{}{CALLBACK}", cx.facts.base_url)
}

/// 32 bytes in base64url without padding.
fn is_challenge(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// The client's address with a code.
pub(super) fn success_address(request: &AuthorizationRequest, code: &str) -> String {
    with_query(&request.redirect_uri, [("code", code), ("state", &request.state)])
}

/// The client's address with what went wrong.
pub(super) fn error_address(
    redirect_uri: &str,
    state: Option<&str>,
    error: &str,
    description: &str,
) -> String {
    let pairs = [("error", error), ("error_description", description)];
    with_query(redirect_uri, pairs.into_iter().chain(state.map(|state| ("state", state))))
}

/// An address with parameters.
pub(super) fn with_query<'a>(address: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let encoded = pairs
        .into_iter()
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
        .collect::<Vec<_>>();
    format!("{address}?{}", encoded.join("&"))
}

/// Sends the browser there.
pub(super) fn see(address: &str) -> ArmResponse {
    ArmResponse::empty(StatusCode::SEE_OTHER).with_header(LOCATION, address)
}

/// Tells the page where to go.
fn onward(address: &str) -> ArmResponse {
    ArmResponse::ok(json!({ "redirect": address }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_the_hash_of_something() {
        // RFC 7636, appendix B.
        assert!(is_challenge("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"));
        for wrong in
            ["", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"]
        {
            assert!(!is_challenge(wrong), "{wrong}");
        }
    }

    #[test]
    fn nothing_in_a_value_becomes_another_parameter() {
        let address = error_address("https://a/b", Some("x&code=1 é"), "e", "two words");
        assert_eq!(address, "https://a/b?error=e&error_description=two%20words&state=x%26code%3D1%20%C3%A9");
    }
}
