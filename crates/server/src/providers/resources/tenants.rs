//! Tenants: there is one.

use crate::auth::Allowed;
use crate::pipeline::{Cx, Recorded};
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::paging::page;
use serde_json::json;

/// `GET /tenants`: what a person's sign-in asks for before it looks for subscriptions (contract section 2.4).
pub async fn tenant_list(cx: &Cx, _allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let config = &cx.state.config;
    let tenant = json!({
        "id": format!("/tenants/{}", config.tenant),
        "tenantId": config.tenant,
        "tenantCategory": "Home",
        "displayName": "Hardline",
        "defaultDomain": config.public_host,
        "domains": [config.public_host],
    });
    Ok(cx.read(ArmResponse::ok(page(vec![tenant], None))))
}
