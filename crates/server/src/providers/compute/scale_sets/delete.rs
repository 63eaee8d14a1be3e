//! Deleting scale sets with their instances, and instances alone.

use super::scale_set::{find, load};
use crate::auth::Allowed;
use crate::jobs::{Awaits, Pending};
use crate::pipeline::{Change, Cx, Recorded, store_error};
use crate::providers::compute::delete::remove;
use crate::providers::compute::power::announce;
use crate::providers::compute::virtual_machine::VirtualMachine;
use crate::providers::documents::check_group;
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::scale_set::Asked;
use hardline_arm::resource_id::ResourceId;
use hardline_store::db::{resources, scale_sets};
use http::StatusCode;

/// `DELETE …/{set}`, with its instances of either kind: 202, done when their hosts have removed them; 204 when there is none.
pub async fn scale_set_delete(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let id = &allowed.path.id;
    let Some(set) = load(cx, id).await? else {
        check_group(&cx.state, id).await?;
        return cx.begin(allowed).await?.commit(ArmResponse::no_content()).await;
    };
    let mut begun = cx.begin(allowed).await?;
    resources::lock(begun.tx()).await.map_err(store_error)?;
    if !resources::delete(begun.tx(), &id.key()).await.map_err(store_error)? {
        return begun.commit(ArmResponse::no_content()).await;
    }
    scale_sets::delete(begun.tx(), &id.key()).await.map_err(store_error)?;
    let awaits = remove_all(cx, &mut begun, &set.members).await?;
    finish(cx, begun, id, awaits).await
}

/// `POST …/{set}/delete` with `instanceIds`: the set has so many fewer.
pub async fn scale_set_delete_instances(
    cx: &Cx,
    allowed: &Allowed,
    body: &Bytes,
) -> Result<Recorded, ArmError> {
    let asked = Asked::parse(body, true)?;
    let mut set = find(cx, &allowed.path.id).await?;
    let leaving = set.choose(asked)?;
    let mut begun = cx.begin(allowed).await?;
    let awaits = remove_all(cx, &mut begun, &leaving).await?;
    finish(cx, begun, &allowed.path.id, awaits).await
}

async fn remove_all(
    cx: &Cx,
    begun: &mut Change<'_>,
    leaving: &[VirtualMachine],
) -> Result<Vec<Awaits>, ArmError> {
    let mut awaits = Vec::with_capacity(leaving.len());
    for member in leaving {
        awaits.extend(remove(cx, begun, member).await?);
    }
    Ok(awaits)
}

async fn finish(
    cx: &Cx,
    begun: Change<'_>,
    id: &ResourceId,
    awaits: Vec<Awaits>,
) -> Result<Recorded, ArmError> {
    if awaits.is_empty() {
        return begun.commit(ArmResponse::empty(StatusCode::OK)).await;
    }
    let recorded = begun.accept(Pending::action("delete", id.clone(), awaits)).await?;
    announce(cx);
    Ok(recorded)
}
