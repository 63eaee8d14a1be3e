//! Whether there is anything at a scope.

use crate::pipeline::store_error;
use hardline_arm::error::ArmError;
use hardline_arm::models::network::children;
use hardline_arm::resource_id::ResourceId;
use hardline_store::Reader;
use hardline_store::db::{resource_groups, resources, subscriptions};
use serde_json::Value;

/// What hangs on a resource and has no record of its own: it is there when the resource is.
const WITHOUT_RECORD: &[&str] = &[
    "Microsoft.SerialConsole/serialPorts",
    "Hardline.Console/serialPorts",
    "Hardline.Diagnostics/serialLogs",
    "Hardline.Diagnostics/screenshots",
];

/// 404 when nothing is at `scope`: a role can only be given, and asked for, where something is.
pub(super) async fn check_scope(reader: Reader<'_>, scope: &ResourceId) -> Result<(), ArmError> {
    let kind = scope.resource_type();
    let hangs = WITHOUT_RECORD.iter().any(|t| t.eq_ignore_ascii_case(&kind)) && scope.name() == "0";
    let place = if hangs { scope.extended() } else { scope.clone() };
    let text = place.to_string();
    let there = match (place.namespace(), place.group(), place.subscription()) {
        (Some(_), _, _) => is_there(reader, &place).await?,
        (None, Some(_), _) => resource_groups::get(reader, &text).await.map_err(store_error)?.is_some(),
        (None, None, Some(id)) => subscriptions::get(reader, id).await.map_err(store_error)?.is_some(),
        (None, None, None) => true,
    };
    if there { Ok(()) } else { Err(ArmError::resource_not_found(scope)) }
}

/// Whether a resource is there, in a record of its own or, as a subnet is, in its parent's.
async fn is_there(reader: Reader<'_>, id: &ResourceId) -> Result<bool, ArmError> {
    let parent = id.parent().unwrap_or_default();
    let Some(sort) = children::sort_of(&id.resource_type()) else {
        return Ok(resources::get(reader, &id.key()).await.map_err(store_error)?.is_some());
    };
    let Some(found) = resources::get(reader, &parent.key()).await.map_err(store_error)? else {
        return Ok(false);
    };
    let document: Value = serde_json::from_str(&found.body).map_err(ArmError::internal)?;
    Ok(children::find(&document, sort.member, id.name()).is_some())
}
