//! Reading network resources.

use super::kind;
use super::links::Users;
use crate::auth::Allowed;
use crate::pipeline::{Cx, Recorded};
use crate::providers::documents::{self, Stored};
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::network::{self, Facts, Kind, Link};
use serde_json::Value;

/// One resource.
pub async fn get(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let kind = kind(allowed)?;
    let found = documents::find(cx, &allowed.path.id).await?;
    Ok(cx.read(ArmResponse::ok(document(cx, kind, &found).await?)))
}

/// The resources of a group or a subscription, by id, a page at a time.
pub async fn list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let kind = kind(allowed)?;
    let mut page = documents::page(cx, allowed).await?;
    let subscription = allowed.path.id.subscription().unwrap_or("");
    let users = Users::read(&cx.state.store, subscription, kind).await?;
    let found = std::mem::take(&mut page.resources);
    let told = found.into_iter().map(|row| {
        let stored = Stored::new(row)?;
        Ok(told(kind, &stored, users.of(&stored.id())))
    });
    let told = told.collect::<Result<Vec<_>, ArmError>>()?;
    Ok(cx.read(page.answer(told)))
}

/// A resource as clients read it.
pub(super) async fn document(cx: &Cx, kind: Kind, stored: &Stored) -> Result<Value, ArmError> {
    let users = Users::read(&cx.state.store, &stored.resource.subscription, kind).await?;
    Ok(told(kind, stored, users.of(&stored.id())))
}

/// The same with those who name it.
pub(super) fn told(kind: Kind, stored: &Stored, users: &[Link]) -> Value {
    let id = stored.id();
    let facts = Facts { id: &id, etag: &stored.resource.etag, location: &stored.resource.location, users };
    network::document(kind, &facts, stored.document(kind.resource_type()))
}
