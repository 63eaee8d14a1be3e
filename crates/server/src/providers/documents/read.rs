//! Reading documents: one, and a page of many.

use super::check_group;
use crate::auth::Allowed;
use crate::pipeline::{Cx, store_error};
use crate::providers::resources::find_subscription;
use crate::reply::ArmResponse;
use hardline_arm::error::ArmError;
use hardline_arm::models::paging;
use hardline_arm::resource_id::ResourceId;
use hardline_store::Reader;
use hardline_store::db::resources::{self, Resource, ResourceFilter};
use serde_json::{Map, Value};

/// Documents in one page, at most; `$top` may ask for fewer.
const PAGE: usize = 200;

/// A resource with its document read.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Id, location, etag, times.
    pub resource: Resource,
    /// The document as it was put, without what the server adds: tags, properties, …
    pub body: Map<String, Value>,
}

impl Stored {
    /// Reads a row's document.
    pub fn new(resource: Resource) -> Result<Self, ArmError> {
        let body = serde_json::from_str(&resource.body).map_err(ArmError::internal)?;
        Ok(Self { resource, body })
    }

    /// The id, in the stored case.
    pub fn id(&self) -> ResourceId {
        ResourceId::parse(&self.resource.id).unwrap_or_default()
    }

    /// `properties`.
    pub fn properties(&self) -> Option<&Map<String, Value>> {
        self.body.get("properties")?.as_object()
    }

    /// The document as clients read it: id, name, type, location, then what was put. `resource_type` in Azure's case.
    pub fn document(&self, resource_type: &str) -> Map<String, Value> {
        let mut document = Map::from_iter([
            ("id".to_owned(), Value::from(self.resource.id.as_str())),
            ("name".to_owned(), self.resource.name.as_str().into()),
            ("type".to_owned(), resource_type.into()),
            ("location".to_owned(), self.resource.location.as_str().into()),
        ]);
        document.extend(self.body.clone());
        document
    }
}

/// The document at `id`, if it is there.
pub async fn load(from: impl Into<Reader<'_>>, id: &ResourceId) -> Result<Option<Stored>, ArmError> {
    let found = resources::get(from, &id.key()).await.map_err(store_error)?;
    found.map(Stored::new).transpose()
}

/// The document at `id`; 404 in Azure's words when it, its group or its subscription is not there.
pub async fn find(cx: &Cx, id: &ResourceId) -> Result<Stored, ArmError> {
    match load(&cx.state.store, id).await? {
        Some(found) => Ok(found),
        None => {
            check_group(&cx.state, id).await?;
            Err(ArmError::resource_not_found(id))
        }
    }
}

/// A page of a list.
#[derive(Debug)]
pub struct Page {
    /// What the caller may see of it, by id.
    pub resources: Vec<Resource>,
    next: Option<String>,
}

impl Page {
    /// The answer: one document for each resource, and the link to the next page.
    pub fn answer(self, documents: Vec<Value>) -> ArmResponse {
        ArmResponse::ok(paging::page(documents, self.next))
    }
}

/// The page that a request asks for, of the resources of its row's type in a group or a subscription. 404 when that is not
/// there.
pub async fn page(cx: &Cx, allowed: &Allowed) -> Result<Page, ArmError> {
    let scope = &allowed.path.id;
    if scope.group().is_some() {
        check_group(&cx.state, scope).await?;
    } else {
        find_subscription(cx, scope).await?;
    }
    let after = paging::cursor(&cx.query)?;
    let size = cx.query.top()?.unwrap_or(PAGE).clamp(1, PAGE);
    let filter = ResourceFilter {
        subscription: scope.subscription().unwrap_or(""),
        group: scope.group(),
        resource_type: Some(allowed.operation.target.resource_type()),
        after: after.as_deref(),
    };
    // One more than fits, to know whether there is a next page.
    let limit = i64::try_from(size).unwrap_or(i64::MAX).saturating_add(1);
    let mut found = resources::list(&cx.state.store, &filter, limit).await.map_err(store_error)?;
    let more = found.len() > size;
    found.truncate(size);
    let last = found.last().filter(|_| more).map(|r| r.id.to_ascii_lowercase());
    found.retain(|r| ResourceId::parse(&r.id).is_ok_and(|id| allowed.shows(&id)));
    let next = last.map(|last| paging::next_link(&cx.facts.base_url, &cx.facts.path, &cx.query, &last));
    Ok(Page { resources: found, next })
}
