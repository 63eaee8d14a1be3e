//! `GET /metadata/endpoints`: what `az cloud register` and its relatives ask before anybody has signed in (contract
//! section 2.1). Each api-version has its own shape; all say the same about the base URL by which the client came.

use super::answer;
use crate::auth;
use crate::pipeline::Cx;
use crate::reply::ArmResponse;
use axum::response::Response;
use hardline_arm::error::ArmError;
use http::{Method, StatusCode};
use serde_json::{Value, json};

/// How one api-version writes the endpoints.
type Shape = fn(&Endpoints) -> Value;

/// Every api-version with its shape, the newest first.
const SHAPES: &[(&str, Shape)] =
    &[("2022-09-01", cloud), ("2019-05-01", clouds), ("2015-01-01", flat), ("1.0", flat)];

/// The addresses that the shapes share.
struct Endpoints {
    /// `https://host:port`, without a slash at the end.
    base: String,
    graph: String,
    tenant: String,
}

/// Answers what is below `/metadata/`; `rest` is the path behind it.
pub(super) fn answer(cx: &Cx, rest: &str) -> Result<Response, ArmError> {
    if !rest.trim_end_matches('/').eq_ignore_ascii_case("endpoints") {
        return Err(ArmError::not_found("There is no such metadata."));
    }
    let allowed = [Method::GET, Method::HEAD];
    if !allowed.contains(&cx.facts.method) {
        return Err(ArmError::method_not_allowed(&cx.facts.method, &allowed));
    }
    let version = cx.query.get("api-version").map(str::trim).filter(|v| !v.is_empty());
    let version = version.ok_or_else(ArmError::missing_api_version)?;
    let (_, shape) = SHAPES
        .iter()
        .find(|(known, _)| version.eq_ignore_ascii_case(known))
        .ok_or_else(|| unknown(version))?;
    let endpoints = Endpoints {
        base: cx.facts.base_url.trim_end_matches('/').to_owned(),
        graph: auth::graph_url(&cx.facts.base_url),
        tenant: cx.state.config.tenant.to_string(),
    };
    Ok(answer::arm(ArmResponse::ok(shape(&endpoints))))
}

fn unknown(version: &str) -> ArmError {
    let shown: String = version.chars().take(64).collect();
    let known: Vec<_> = SHAPES.iter().map(|(version, _)| *version).collect();
    let text =
        format!("The api-version '{shown}' is invalid. The supported versions are '{}'.", known.join(","));
    ArmError::new(StatusCode::BAD_REQUEST, "InvalidApiVersionParameter", text)
}

/// One cloud. `loginEndpoint` ends with `/adfs`: clients then ask nobody else where to sign in (section 2.2). There is no
/// `vmImageAliasDoc`: clients have a copy of their own, and take half of one for a fault.
fn cloud(endpoints: &Endpoints) -> Value {
    let Endpoints { base, graph, tenant } = endpoints;
    json!({
        "name": "Hardline",
        "portal": format!("{base}/portal/"),
        "resourceManager": base,
        "authentication": {
            "loginEndpoint": format!("{base}/adfs"),
            "audiences": [base],
            "tenant": tenant,
            "identityProvider": "ADFS",
        },
        "graph": graph,
        "graphAudience": graph,
        "microsoftGraphResourceId": graph,
        "suffixes": { "storage": storage_suffix(base) },
    })
}

fn clouds(endpoints: &Endpoints) -> Value {
    json!([cloud(endpoints)])
}

fn flat(endpoints: &Endpoints) -> Value {
    let Endpoints { base, graph, .. } = endpoints;
    json!({
        "galleryEndpoint": format!("{base}/"),
        "graphEndpoint": graph,
        "portalEndpoint": format!("{base}/portal/"),
        "authentication": { "loginEndpoint": format!("{base}/adfs"), "audiences": [base] },
    })
}

/// What stands behind `{account}.blob.`: `core.` and the host, with its port. Some clients take a blob's address only when
/// it has this form.
fn storage_suffix(base: &str) -> String {
    let host = base.split_once("://").map_or(base, |(_, host)| host);
    format!("core.{host}")
}
