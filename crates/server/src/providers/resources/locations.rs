//! Locations: a server has one.

use super::find_subscription;
use crate::auth::Allowed;
use crate::pipeline::{Cx, Recorded};
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::paging::page;
use serde_json::json;

/// `GET /subscriptions/{id}/locations`. The name for people is the location's own: clients turn one into the other by
/// leaving out blanks.
pub async fn location_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let subscription = find_subscription(cx, &allowed.path.id).await?;
    let name = &cx.state.config.location;
    let location = json!({
        "id": format!("/subscriptions/{}/locations/{name}", subscription.id),
        "name": name,
        "type": "Region",
        "displayName": name,
        "regionalDisplayName": name,
        "metadata": { "regionType": "Physical", "regionCategory": "Recommended" },
    });
    Ok(cx.read(ArmResponse::ok(page(vec![location], None))))
}
