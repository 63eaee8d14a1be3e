//! Microsoft.Network as documents: virtual networks, network interfaces, public addresses, security groups, route tables.
//!
//! What clients put is kept and echoed; what is checked here is what Azure checks: names, address spaces, priorities, what a
//! document names. Nothing of it reaches a guest, which has no network device: it is recorded, not enforced (`docs/az.md`).
//!
//! ```text
//!   networkInterfaces ── ipConfigurations ──> subnets of virtualNetworks ──> networkSecurityGroups, routeTables
//!          │                    └───────────> publicIPAddresses
//!          └──> networkSecurityGroups
//! ```
//!
//! Children (subnets, security rules, routes) live in their parent's document; their own URLs change that.

pub mod address;
pub mod children;
mod error;
pub mod interface;
mod link;
pub mod machine;
pub mod public_ip;
mod route_table;
mod security_group;
mod virtual_network;

pub use error::*;
pub use link::{Link, Target};

use crate::error::ArmError;
use crate::models::document;
use crate::resource_id::ResourceId;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Longest name of a resource or child, characters.
const NAME_LIMIT: usize = 80;
/// Most children of one sort in one document.
const CHILD_LIMIT: usize = 1000;

/// A type of resource with a record of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `virtualNetworks`
    VirtualNetwork,
    /// `networkInterfaces`
    Interface,
    /// `publicIPAddresses`
    PublicIp,
    /// `networkSecurityGroups`
    SecurityGroup,
    /// `routeTables`
    RouteTable,
}

impl Kind {
    /// Every type.
    pub const ALL: [Self; 5] =
        [Self::VirtualNetwork, Self::Interface, Self::PublicIp, Self::SecurityGroup, Self::RouteTable];

    /// The full type, in Azure's case.
    pub fn resource_type(self) -> &'static str {
        match self {
            Self::VirtualNetwork => "Microsoft.Network/virtualNetworks",
            Self::Interface => "Microsoft.Network/networkInterfaces",
            Self::PublicIp => "Microsoft.Network/publicIPAddresses",
            Self::SecurityGroup => "Microsoft.Network/networkSecurityGroups",
            Self::RouteTable => "Microsoft.Network/routeTables",
        }
    }

    /// The type of that name, in any case.
    pub fn of(resource_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.resource_type().eq_ignore_ascii_case(resource_type))
    }
}

/// A document that is to be stored, and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Place<'p> {
    /// Its type.
    pub kind: Kind,
    /// Its id.
    pub id: &'p ResourceId,
    /// What is stored there now.
    pub before: Option<&'p Map<String, Value>>,
    /// Drawn for a new resource's `resourceGuid` (and what follows from it).
    pub guid: Uuid,
}

/// The document to store for the body of a PUT: checked, without what only the server writes, with what the server keeps.
pub fn prepare(place: &Place<'_>, mut body: Map<String, Value>) -> Result<Map<String, Value>, ArmError> {
    check_name(place.id.name())?;
    body.retain(|_, value| !value.is_null());
    let mut properties = match body.shift_remove("properties") {
        Some(Value::Object(properties)) => properties,
        _ => Map::new(),
    };
    properties.retain(|_, value| !value.is_null());
    properties.values_mut().for_each(document::drop_nulls);
    for read_only in ["provisioningState", "resourceGuid"] {
        properties.shift_remove(read_only);
    }
    let before = place.before.and_then(|b| b.get("properties")).and_then(Value::as_object);
    let guid = before.and_then(|b| b.get("resourceGuid")).cloned();
    properties.insert("resourceGuid".into(), guid.unwrap_or_else(|| json!(place.guid)));
    for sort in children::SORTS.iter().filter(|sort| sort.parent == place.kind) {
        // A PUT that does not speak of subnets leaves them alone; rules and routes are replaced, as in Azure.
        if sort.member == "subnets"
            && !properties.contains_key(sort.member)
            && let Some(kept) = before.and_then(|b| b.get(sort.member))
        {
            properties.insert(sort.member.into(), kept.clone());
        }
        children::normalise(&mut properties, sort.member)?;
    }
    match place.kind {
        Kind::VirtualNetwork => virtual_network::prepare(place.id, &mut properties)?,
        Kind::Interface => interface::prepare(place.id, &mut properties, before, place.guid)?,
        Kind::PublicIp => public_ip::prepare(&mut body, &mut properties, before)?,
        Kind::SecurityGroup => security_group::prepare(place.id, &mut properties)?,
        Kind::RouteTable => route_table::prepare(&mut properties)?,
    }
    body.insert("properties".into(), Value::Object(properties));
    Ok(body)
}

/// What a document names, with who names it. Reads a request's body too: members that cannot be read name nothing, and are
/// refused by [`prepare`].
pub fn links(kind: Kind, id: &ResourceId, body: &Map<String, Value>) -> Result<Vec<Link>, ArmError> {
    let none = Map::new();
    let properties = body.get("properties").and_then(Value::as_object).unwrap_or(&none);
    match kind {
        Kind::VirtualNetwork => virtual_network::links(id, properties),
        Kind::Interface => interface::links(id, properties),
        Kind::PublicIp => public_ip::links(id, properties),
        Kind::SecurityGroup => security_group::links(id, properties),
        Kind::RouteTable => Ok(Vec::new()),
    }
}

/// What the server knows of a resource beside its document.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'f> {
    /// Its id, in the stored case.
    pub id: &'f ResourceId,
    /// Its entity tag.
    pub etag: &'f str,
    /// Its location.
    pub location: &'f str,
    /// Who names this resource and its children.
    pub users: &'f [Link],
}

/// The document as clients read it. `document` has id, name, type and location already.
pub fn document(kind: Kind, facts: &Facts<'_>, mut document: Map<String, Value>) -> Value {
    document.insert("etag".into(), facts.etag.into());
    let mut properties = Map::from_iter([("provisioningState".to_owned(), json!("Succeeded"))]);
    if let Some(Value::Object(stored)) = document.shift_remove("properties") {
        properties.extend(stored);
    }
    for sort in children::SORTS.iter().filter(|sort| sort.parent == kind) {
        children::document(&mut properties, sort, facts);
    }
    match kind {
        Kind::VirtualNetwork => virtual_network::document(facts, &mut properties),
        Kind::Interface => interface::document(facts, &mut properties),
        Kind::PublicIp => public_ip::document(facts, &mut properties),
        Kind::SecurityGroup => security_group::document(facts, &mut properties),
        Kind::RouteTable => route_table::document(facts, &mut properties),
    }
    document.insert("properties".into(), Value::Object(properties));
    Value::Object(document)
}

/// Names in Microsoft.Network begin with a letter, a digit or an underscore, and end with one.
pub fn check_name(name: &str) -> Result<(), ArmError> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let good = name.chars().count() <= NAME_LIMIT
        && name.starts_with(word)
        && name.ends_with(word)
        && name.chars().all(|c| word(c) || matches!(c, '.' | '-'));
    if good { Ok(()) } else { Err(invalid_name(name)) }
}

/// A member that is text; absent is none. `path` names it in the refusal.
pub(crate) fn text<'m>(map: &'m Map<String, Value>, name: &str) -> Result<Option<&'m str>, ArmError> {
    match map.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(invalid_format(&format!("The value of '{name}' must be a string."))),
    }
}

/// A member that is a list of texts; absent is empty.
pub(crate) fn texts<'m>(map: &'m Map<String, Value>, name: &str) -> Result<Vec<&'m str>, ArmError> {
    let wrong = || invalid_format(&format!("The value of '{name}' must be a list of strings."));
    match map.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) if list.len() <= CHILD_LIMIT => {
            list.iter().map(|v| v.as_str().ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}

/// The members of an object that is a member; nothing for what is none.
pub(crate) fn object<'m>(map: &'m Map<String, Value>, name: &str) -> Option<&'m Map<String, Value>> {
    map.get(name)?.as_object()
}

/// The objects of a list that is a member.
pub(crate) fn objects<'m>(
    map: &'m Map<String, Value>,
    name: &str,
) -> impl Iterator<Item = &'m Map<String, Value>> {
    map.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

/// Sets a member where it is absent.
pub(crate) fn default(map: &mut Map<String, Value>, name: &str, value: Value) {
    map.entry(name).or_insert(value);
}

#[cfg(test)]
#[allow(clippy::needless_pass_by_value, reason = "documents are written where they are passed")]
mod tests;
