//! What clients read before they sign in (ADFS mode, contract section 2.2).

use serde_json::{Value, json};

/// `/adfs/.well-known/openid-configuration` for clients that reach the server at `base_url`. Every endpoint that it names
/// is there. MSAL does not start without an `authorization_endpoint`; ours says which other ways there are.
pub fn configuration(base_url: &str) -> Value {
    let adfs = format!("{}/adfs", base_url.trim_end_matches('/'));
    json!({
        "issuer": adfs,
        "authorization_endpoint": format!("{adfs}/oauth2/authorize"),
        "token_endpoint": format!("{adfs}/oauth2/token"),
        "jwks_uri": format!("{adfs}/discovery/keys"),
        "device_authorization_endpoint": format!("{adfs}/oauth2/devicecode"),
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "grant_types_supported": ["client_credentials", "password", "refresh_token", super::device::GRANT],
        "response_types_supported": [],
        "subject_types_supported": ["public"],
        "scopes_supported": ["openid", "profile", "offline_access", "user_impersonation"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "claims_supported": ["aud", "iss", "iat", "exp", "tid", "oid", "sub", "upn", "preferred_username", "name"],
    })
}
