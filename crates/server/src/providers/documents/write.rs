//! Writing documents.

use super::{Stored, check_conditions, check_group_open, check_location, load, new_etag};
use crate::auth::Allowed;
use crate::clock::micros;
use crate::pipeline::{Change, Cx, Recorded, store_error};
use crate::reply::{ArmResponse, Reply};
use hardline_arm::error::ArmError;
use hardline_arm::models::document;
use hardline_arm::resource_id::ResourceId;
use hardline_store::Tx;
use hardline_store::db::resources::{self, Resource};
use http::{Method, StatusCode};
use serde_json::{Map, Value};

/// A document that is being written: its transaction is open, its group is there, the request's conditions hold.
#[derive(Debug)]
pub struct Writing<'c> {
    cx: &'c Cx,
    change: Change<'c>,
    id: ResourceId,
    kind: &'static str,
    before: Option<Stored>,
}

impl<'c> Writing<'c> {
    /// Begins to write what the request's path names.
    pub async fn begin(cx: &'c Cx, allowed: &Allowed) -> Result<Self, ArmError> {
        let kind = allowed.operation.target.resource_type();
        let writing = Self::begin_at(cx, allowed, allowed.path.id.clone(), kind).await?;
        // Deleting what is not there is done already, whatever it should have been.
        if writing.before.is_some() || cx.facts.method != Method::DELETE {
            check_conditions(cx, writing.before.as_ref().map(|b| b.resource.etag.as_str()))?;
        }
        Ok(writing)
    }

    /// The same for another resource than the path's own, such as the parent that keeps it in its document; the request's
    /// conditions are not about it, so they are not checked.
    pub async fn begin_at(
        cx: &'c Cx,
        allowed: &Allowed,
        id: ResourceId,
        kind: &'static str,
    ) -> Result<Self, ArmError> {
        let mut change = cx.begin(allowed).await?;
        resources::lock(change.tx()).await.map_err(store_error)?;
        check_group_open(change.tx(), &id).await?;
        let before = load(change.tx(), &id).await?;
        Ok(Self { cx, change, id, kind, before })
    }

    /// The store's transaction.
    pub fn tx(&mut self) -> &mut Tx {
        self.change.tx()
    }

    /// The id: the stored one of what is there, or else the path's.
    pub fn id(&self) -> ResourceId {
        self.before.as_ref().map_or_else(|| self.id.clone(), Stored::id)
    }

    /// What is there.
    pub fn before(&self) -> Option<&Stored> {
        self.before.as_ref()
    }

    /// What is there; 404 when nothing is.
    pub fn existing(&self) -> Result<&Stored, ArmError> {
        self.before.as_ref().ok_or_else(|| ArmError::resource_not_found(&self.id))
    }

    /// 201 for a new resource, else 200.
    pub fn status(&self) -> StatusCode {
        if self.before.is_some() { StatusCode::OK } else { StatusCode::CREATED }
    }

    /// The location of a PUT's body: it must be there, be ours, and be the one where the resource is already.
    pub fn location(&self, body: &Map<String, Value>) -> Result<String, ArmError> {
        let asked = document::text(body, "location")?.ok_or_else(ArmError::location_required)?;
        let Some(before) = &self.before else {
            check_location(self.cx, asked, self.kind)?;
            return Ok(document::location(asked));
        };
        let there = before.resource.location.as_str();
        if document::location(asked) == document::location(there) {
            return Ok(there.to_owned());
        }
        let text = format!(
            "The resource '{}' already exists in location '{there}' in resource group '{}'. A resource with the same name cannot be created in location '{asked}'. Please select a new resource name.",
            before.resource.name,
            self.id.group().unwrap_or("")
        );
        Err(ArmError::new(StatusCode::CONFLICT, "InvalidResourceLocation", text).with_target("location"))
    }

    /// Writes the document, over an older one if there is one, with a new etag. What the server adds to documents (id, name,
    /// type, location) is not kept in them.
    pub async fn save(&mut self, location: &str, mut body: Map<String, Value>) -> Result<Stored, ArmError> {
        for added in ["id", "name", "type", "etag", "location"] {
            body.shift_remove(added);
        }
        let id = self.id();
        let now = micros(self.cx.now);
        let before = self.before.as_ref().map(|b| &b.resource);
        let resource = Resource {
            id: id.to_string(),
            subscription: id.subscription().unwrap_or("").to_ascii_lowercase(),
            group: id.group().unwrap_or("").to_ascii_lowercase(),
            resource_type: self.kind.to_ascii_lowercase(),
            name: id.name().to_owned(),
            location: location.to_owned(),
            body: serde_json::to_string(&body).map_err(ArmError::internal)?,
            etag: new_etag(self.cx),
            created: before.map_or(now, |b| b.created),
            updated: now,
        };
        let tx = self.change.tx();
        match &self.before {
            Some(old) => resources::update(tx, &resource, &old.resource.etag).await,
            None => resources::insert(tx, &resource).await,
        }
        .map_err(store_error)?;
        Ok(Stored { resource, body })
    }

    /// Deletes the resource; whether it was there.
    pub async fn remove(&mut self) -> Result<bool, ArmError> {
        resources::delete(self.change.tx(), &self.id.key()).await.map_err(store_error)
    }

    /// Writes the events and makes everything durable.
    pub async fn finish(self, reply: impl Into<Reply>) -> Result<Recorded, ArmError> {
        self.change.commit(reply).await
    }
}

/// Writes the document of another resource than the one that is being written, in the same transaction.
pub async fn rewrite(cx: &Cx, tx: &mut Tx, mut stored: Stored) -> Result<(), ArmError> {
    let before = std::mem::replace(&mut stored.resource.etag, new_etag(cx));
    stored.resource.body = serde_json::to_string(&stored.body).map_err(ArmError::internal)?;
    stored.resource.updated = micros(cx.now);
    resources::update(tx, &stored.resource, &before).await.map_err(store_error)
}

/// PATCH of what only has tags to change: they are replaced as a whole. `document` is how clients read the resource.
pub async fn patch_tags<F>(cx: &Cx, allowed: &Allowed, body: &[u8], document: F) -> Result<Recorded, ArmError>
where
    F: FnOnce(&Stored) -> Value,
{
    let input = document::object(body)?;
    let tags = document::tags(&input)?;
    let mut writing = Writing::begin(cx, allowed).await?;
    let before = writing.existing()?.clone();
    let mut kept = before.body;
    if let Some(tags) = tags {
        kept.insert("tags".into(), Value::Object(tags));
    }
    let after = writing.save(&before.resource.location, kept).await?;
    writing.finish(ArmResponse::ok(document(&after))).await
}

/// DELETE of what nothing hangs on: 200, or 204 when it is not there.
pub async fn delete(cx: &Cx, allowed: &Allowed) -> Result<Recorded, ArmError> {
    let mut writing = Writing::begin(cx, allowed).await?;
    let there = writing.remove().await?;
    writing.finish(ArmResponse::empty(if there { StatusCode::OK } else { StatusCode::NO_CONTENT })).await
}
