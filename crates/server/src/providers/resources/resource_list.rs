//! `GET …/resources`: every resource of a subscription or a group, whatever its type; what `az resource list` shows.

use super::find_subscription;
use crate::auth::Allowed;
use crate::clock::from_micros;
use crate::pipeline::{Cx, Recorded, store_error};
use crate::providers::compute;
use crate::providers::documents::{Stored, check_group};
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::filter::{self, Op, Term};
use hardline_arm::models::paging::{cursor, next_link, page};
use hardline_arm::models::vm;
use hardline_arm::operations;
use hardline_arm::query::PAGE_LIMIT;
use hardline_arm::resource_id::ResourceId;
use hardline_store::db::resources::{self, ResourceFilter};
use serde_json::{Map, Value, json};

/// Rows of one read of the store; a page may take several, as what the caller may not read is skipped.
const READ: i64 = 500;
/// What is shown of a document beside id, name, type and location.
const SHOWN: &[&str] = &["tags", "sku", "kind", "zones", "identity", "managedBy", "plan", "extendedLocation"];

/// The resources that the caller may read, by id, a page at a time.
pub async fn resource_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let scope = &allowed.path.id;
    match scope.group() {
        Some(_) => check_group(&cx.state, scope).await?,
        None => find_subscription(cx, scope).await.map(|_| ())?,
    }
    let wanted = Wanted::parse(cx.query.filter())?;
    let size = cx.query.top()?.unwrap_or(PAGE_LIMIT);
    let mut after = cursor(&cx.query)?;
    let (mut shown, mut more) = (Vec::new(), None);
    'reading: loop {
        let filter = ResourceFilter {
            subscription: scope.subscription().unwrap_or(""),
            group: scope.group(),
            resource_type: wanted.equals("resourceType"),
            after: after.as_deref(),
        };
        let rows = resources::list(&cx.state.store, &filter, READ).await.map_err(store_error)?;
        let Some(last) = rows.last() else { break };
        let next = last.id.clone();
        for row in rows {
            let stored = Stored::new(row)?;
            let id = stored.id();
            if !is_listed(&stored.resource.resource_type) || !wanted.fits(&stored, &id) {
                continue;
            }
            let resource_type = in_azures_case(&id);
            if !allowed.may(&format!("{resource_type}/read"), &id) {
                continue;
            }
            if shown.len() == size {
                more =
                    shown.last().and_then(|d: &Value| d.get("id")).and_then(Value::as_str).map(str::to_owned);
                break 'reading;
            }
            shown.push(document(cx, &stored, &id, resource_type).await?);
        }
        after = Some(next);
    }
    let link = more.map(|last| next_link(&cx.facts.base_url, &cx.facts.path, &cx.query, &last));
    Ok(cx.read(ArmResponse::ok(page(shown, link))))
}

/// Parts of resources (the instances of a scale set) are listed below those alone, as in Azure.
fn is_listed(resource_type: &str) -> bool {
    resource_type.matches('/').count() == 1
}

/// The type as the table of operations writes it; ids keep the case in which they came.
fn in_azures_case(id: &ResourceId) -> String {
    let kind = id.resource_type();
    let mut known = operations::all().iter().map(|row| row.target.resource_type());
    known.find(|known| known.eq_ignore_ascii_case(&kind)).map_or(kind, str::to_owned)
}

async fn document(
    cx: &Cx,
    stored: &Stored,
    id: &ResourceId,
    resource_type: String,
) -> Result<Value, ArmError> {
    let mut shown = Map::from_iter([
        ("id".to_owned(), json!(stored.resource.id)),
        ("name".to_owned(), json!(stored.resource.name)),
        ("type".to_owned(), json!(resource_type)),
        ("location".to_owned(), json!(stored.resource.location)),
    ]);
    for member in SHOWN {
        if let Some(value) = stored.body.get(*member) {
            shown.insert((*member).to_owned(), value.clone());
        }
    }
    let mut time = |name: &str, micros| {
        if cx.query.expands(name) {
            shown.insert(name.to_owned(), json!(from_micros(micros).to_string()));
        }
    };
    time("createdTime", stored.resource.created);
    time("changedTime", stored.resource.updated);
    if cx.query.expands("provisioningState") {
        let state = if resource_type_is(id, vm::TYPE) {
            // Deleted since the page was read: the list is as old as its reading.
            compute::find(cx, id).await.ok().map(|found| json!(found.provisioning_state()))
        } else if id.namespace().is_some_and(|n| n.eq_ignore_ascii_case("Microsoft.Network")) {
            Some(json!("Succeeded"))
        } else {
            stored.properties().and_then(|p| p.get("provisioningState")).cloned()
        };
        if let Some(state) = state {
            shown.insert("provisioningState".into(), state);
        }
    }
    Ok(Value::Object(shown))
}

fn resource_type_is(id: &ResourceId, resource_type: &str) -> bool {
    id.resource_type().eq_ignore_ascii_case(resource_type)
}

/// What `$filter` asks for. Texts are compared in any case, as names and types are.
#[derive(Debug, Default)]
struct Wanted {
    terms: Vec<(Property, Test, String)>,
    tag_value: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Property {
    ResourceType,
    Name,
    Location,
    Group,
    TagName,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Test {
    Equal,
    NotEqual,
    Contains,
    StartsWith,
}

impl Property {
    fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "resourcetype" => Self::ResourceType,
            "name" => Self::Name,
            "location" => Self::Location,
            "resourcegroup" => Self::Group,
            "tagname" => Self::TagName,
            _ => return None,
        })
    }
}

impl Test {
    fn holds(self, value: &str, wanted: &str) -> bool {
        let value = value.to_lowercase();
        match self {
            Self::Equal => value == wanted,
            Self::NotEqual => value != wanted,
            Self::Contains => value.contains(wanted),
            Self::StartsWith => value.starts_with(wanted),
        }
    }
}

impl Wanted {
    fn parse(text: Option<&str>) -> Result<Self, ArmError> {
        let mut wanted = Self::default();
        for term in text.map(filter::parse).transpose()?.unwrap_or_default() {
            let (name, test, value) = match term {
                Term::Compare { name, op: Op::Eq, value } if name.eq_ignore_ascii_case("tagValue") => {
                    wanted.tag_value = Some(value);
                    continue;
                }
                Term::Compare { name, op: Op::Eq, value } => (name, Test::Equal, value),
                Term::Compare { name, op: Op::Ne, value } => (name, Test::NotEqual, value),
                Term::Text { function, name, value } => match function.to_ascii_lowercase().as_str() {
                    "substringof" => (name, Test::Contains, value),
                    "startswith" => (name, Test::StartsWith, value),
                    _ => return Err(unsupported()),
                },
                _ => return Err(unsupported()),
            };
            let property = Property::named(&name).ok_or_else(unsupported)?;
            wanted.terms.push((property, test, value.to_lowercase()));
        }
        Ok(wanted)
    }

    /// The value that `name` must have, where only one will do: the store looks for it.
    fn equals(&self, name: &str) -> Option<&str> {
        let wanted = Property::named(name);
        let mut same = self.terms.iter().filter(|(p, t, _)| Some(*p) == wanted && *t == Test::Equal);
        same.next().map(|(_, _, value)| value.as_str())
    }

    fn fits(&self, stored: &Stored, id: &ResourceId) -> bool {
        let none = Map::new();
        let tags = stored.body.get("tags").and_then(Value::as_object).unwrap_or(&none);
        let holds = |(property, test, wanted): &(Property, Test, String)| match property {
            Property::ResourceType => test.holds(&stored.resource.resource_type, wanted),
            Property::Name => test.holds(&stored.resource.name, wanted),
            Property::Location => test.holds(&stored.resource.location, wanted),
            Property::Group => test.holds(id.group().unwrap_or(""), wanted),
            Property::TagName => tags.iter().any(|(name, value)| {
                test.holds(name, wanted) && self.tag_value.as_ref().is_none_or(|v| value.as_str() == Some(v))
            }),
        };
        let alone = !self.terms.iter().any(|(property, ..)| *property == Property::TagName);
        let has_value =
            || self.tag_value.as_ref().is_none_or(|wanted| tags.values().any(|v| v.as_str() == Some(wanted)));
        self.terms.iter().all(holds) && (!alone || has_value())
    }
}

fn unsupported() -> ArmError {
    ArmError::invalid_filter(
        "only 'eq' and 'ne' of resourceType, name, location, resourceGroup and tagName, 'tagValue eq', substringof and startswith are supported here",
    )
}
