//! What clients read before they sign in (contract section 2.2).

use super::authority::Authority;
use serde_json::{Value, json};
use uuid::Uuid;

/// The openid-configuration of a family of URLs, for clients that reach the server at `base_url`. Every endpoint that it names
/// is there. MSAL does not start without an `authorization_endpoint`; ours is for the portal, and says to others which other
/// ways there are. `provider` is the name of the outside identity provider, for the portal's sign-in page.
pub fn configuration(authority: Authority, base_url: &str, tenant: Uuid, provider: Option<&str>) -> Value {
    let base = base_url.trim_end_matches('/');
    let (root, version) = match authority {
        Authority::Adfs => (format!("{base}/adfs"), ""),
        Authority::Tenant => (format!("{base}/{tenant}"), "v2.0/"),
    };
    let mut document = json!({
        "issuer": authority.issuer(base, tenant),
        "authorization_endpoint": format!("{root}/oauth2/{version}authorize"),
        "token_endpoint": format!("{root}/oauth2/{version}token"),
        "device_authorization_endpoint": format!("{root}/oauth2/{version}devicecode"),
        "jwks_uri": format!("{root}/discovery/{version}keys"),
        "token_endpoint_auth_methods_supported": ["none", "client_secret_post"],
        "grant_types_supported": [
            super::codes::GRANT, "client_credentials", "password", "refresh_token", super::device::GRANT,
        ],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "code_challenge_methods_supported": ["S256"],
        "subject_types_supported": ["public"],
        "scopes_supported": ["openid", "profile", "offline_access", "user_impersonation"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "claims_supported": ["aud", "iss", "iat", "exp", "tid", "oid", "sub", "upn", "preferred_username", "name", "nonce"],
    });
    if let (Some(name), Some(all)) = (provider, document.as_object_mut()) {
        all.insert("hardline_identity_provider".into(), name.into());
    }
    document
}
