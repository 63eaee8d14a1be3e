//! Where a resource is: its group, and the one location.

use crate::pipeline::{Cx, store_error};
use crate::state::State;
use hardline_arm::error::ArmError;
use hardline_arm::models::document;
use hardline_arm::resource_id::ResourceId;
use hardline_store::Tx;
use hardline_store::db::{resource_groups, subscriptions};
use http::StatusCode;

/// 404 when the group of `id` (or its subscription) is not there.
pub async fn check_group(state: &State, id: &ResourceId) -> Result<(), ArmError> {
    let group = group_of(id)?;
    if resource_groups::get(&state.store, &group.key()).await.map_err(store_error)?.is_some() {
        return Ok(());
    }
    let subscription = group.subscription().unwrap_or("");
    if subscriptions::get(&state.store, subscription).await.map_err(store_error)?.is_none() {
        return Err(ArmError::subscription_not_found(subscription));
    }
    Err(ArmError::group_not_found(group.name()))
}

/// The same inside a transaction, for a write; 409 too when the group is being deleted.
pub async fn check_group_open(tx: &mut Tx, id: &ResourceId) -> Result<(), ArmError> {
    let group = group_of(id)?;
    match resource_groups::get(&mut *tx, &group.key()).await.map_err(store_error)? {
        Some(found) if found.state == "Deleting" => Err(ArmError::new(
            StatusCode::CONFLICT,
            "ResourceGroupBeingDeleted",
            format!(
                "The resource group '{}' is in deprovisioning state and cannot perform this operation.",
                found.name
            ),
        )),
        Some(_) => Ok(()),
        None => {
            let subscription = group.subscription().unwrap_or("");
            if subscriptions::get(tx, subscription).await.map_err(store_error)?.is_none() {
                return Err(ArmError::subscription_not_found(subscription));
            }
            Err(ArmError::group_not_found(group.name()))
        }
    }
}

fn group_of(id: &ResourceId) -> Result<ResourceId, ArmError> {
    match (id.subscription(), id.group()) {
        (Some(subscription), Some(group)) => Ok(ResourceId::of_group(subscription, group)),
        _ => Err(ArmError::resource_not_found(id)),
    }
}

/// 400 unless `location` is the one that there is.
pub fn check_location(cx: &Cx, location: &str, resource_type: &str) -> Result<(), ArmError> {
    let ours = &cx.state.config.location;
    if document::location(location) == document::location(ours) {
        return Ok(());
    }
    let text = format!(
        "The provided location '{location}' is not available for resource type '{resource_type}'. List of available regions for the resource type is '{ours}'."
    );
    let refused = ArmError::new(StatusCode::BAD_REQUEST, "LocationNotAvailableForResourceType", text);
    Err(refused.with_target("location"))
}
