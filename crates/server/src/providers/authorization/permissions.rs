//! What the caller may do at a scope: clients ask before they offer something.

use super::scope::check_scope;
use crate::auth::Allowed;
use crate::pipeline::{Cx, Recorded};
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::paging::page;
use serde_json::json;

/// `GET {scope}/providers/Microsoft.Authorization/permissions`: the permissions of the roles that the caller has at the scope
/// and above it, itself or through groups. What one entry allows no other takes away.
pub async fn permission_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let scope = allowed.path.id.scope();
    let permissions = allowed.permissions(&scope);
    // Who may do nothing here is not told whether there is anything here either.
    if !permissions.is_empty() {
        check_scope((&cx.state.store).into(), &scope).await?;
    }
    let entries = permissions.iter().map(|permission| json!(permission)).collect();
    Ok(cx.read(ArmResponse::ok(page(entries, None))))
}
