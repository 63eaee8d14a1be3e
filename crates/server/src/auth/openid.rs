//! What clients read before they sign in (ADFS mode, contract section 2.2).

use serde_json::{Value, json};

/// `/adfs/.well-known/openid-configuration` for clients that reach the server at `base_url`.
pub fn configuration(base_url: &str) -> Value {
    let adfs = format!("{}/adfs", base_url.trim_end_matches('/'));
    json!({
        "issuer": adfs,
        "authorization_endpoint": format!("{adfs}/oauth2/authorize"),
        "token_endpoint": format!("{adfs}/oauth2/token"),
        "device_authorization_endpoint": format!("{adfs}/oauth2/devicecode"),
        "jwks_uri": format!("{adfs}/discovery/keys"),
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "grant_types_supported": ["client_credentials", "password", "refresh_token"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "subject_types_supported": ["public"],
        "scopes_supported": ["openid", "profile", "offline_access", "user_impersonation"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "claims_supported": ["aud", "iss", "iat", "exp", "tid", "oid", "sub", "upn", "preferred_username", "name"],
    })
}
