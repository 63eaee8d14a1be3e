//! What has a URL of its own but lives in its parent's document: subnets, security rules, routes.

use super::{CHILD_LIMIT, Facts, Kind, check_name, invalid, invalid_format};
use crate::error::ArmError;
use crate::models::document;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// A sort of children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// Of what.
    pub parent: Kind,
    /// The full type.
    pub resource_type: &'static str,
    /// The list in the parent's `properties`.
    pub member: &'static str,
}

/// Every sort.
pub const SORTS: [Sort; 3] = [
    Sort {
        parent: Kind::VirtualNetwork,
        resource_type: "Microsoft.Network/virtualNetworks/subnets",
        member: "subnets",
    },
    Sort {
        parent: Kind::SecurityGroup,
        resource_type: "Microsoft.Network/networkSecurityGroups/securityRules",
        member: "securityRules",
    },
    Sort {
        parent: Kind::RouteTable,
        resource_type: "Microsoft.Network/routeTables/routes",
        member: "routes",
    },
];

/// Brings the list `member` of `properties` into the form that is stored: `{name, properties}`, names unique.
pub(super) fn normalise(properties: &mut Map<String, Value>, member: &str) -> Result<(), ArmError> {
    let list = match properties.get_mut(member) {
        None => {
            properties.insert(member.into(), json!([]));
            return Ok(());
        }
        Some(Value::Array(list)) if list.len() <= CHILD_LIMIT => list,
        Some(_) => {
            let detail = format!("The value of '{member}' must be a list of at most {CHILD_LIMIT}.");
            return Err(invalid_format(&detail));
        }
    };
    let mut names = BTreeSet::new();
    for child in list {
        let object = child.as_object_mut();
        let object =
            object.ok_or_else(|| invalid_format(&format!("Each entry of '{member}' must be an object.")))?;
        let name = object.get("name").and_then(Value::as_str);
        let name =
            name.ok_or_else(|| invalid_format(&format!("Each entry of '{member}' must have a 'name'.")))?;
        check_name(name)?;
        if !names.insert(name.to_lowercase()) {
            let text = format!("There are two entries named '{name}' in '{member}'.");
            return Err(invalid("InvalidRequestFormat", text));
        }
        for added in ["id", "etag", "type"] {
            object.shift_remove(added);
        }
        match object.get_mut("properties") {
            Some(Value::Object(own)) => {
                own.shift_remove("provisioningState");
            }
            None | Some(Value::Null) => {
                object.insert("properties".into(), json!({}));
            }
            Some(_) => return Err(invalid_format("'properties' must be an object.")),
        }
        document::drop_nulls(child);
    }
    Ok(())
}

/// Puts a child into its parent's stored document, over one of its name; whether there was one. The body is a PUT's.
pub fn put(parent: &mut Map<String, Value>, sort: &Sort, name: &str, mut body: Map<String, Value>) -> bool {
    let list = list(parent, sort);
    let there = position(list, name);
    let kept = there.and_then(|at| list.get(at)).and_then(|c| c.get("name")).cloned();
    body.insert("name".into(), kept.unwrap_or_else(|| name.into()));
    let fresh = Value::Object(body);
    match there.and_then(|at| list.get_mut(at)) {
        Some(slot) => *slot = fresh,
        None => list.push(fresh),
    }
    there.is_some()
}

/// Takes a child out of its parent's stored document; whether it was there.
pub fn remove(parent: &mut Map<String, Value>, sort: &Sort, name: &str) -> bool {
    let list = list(parent, sort);
    let Some(at) = position(list, name) else { return false };
    list.remove(at);
    true
}

/// A child of a document as it is stored or as clients read it, by its name in any case.
pub fn find<'d>(parent: &'d Value, member: &str, name: &str) -> Option<&'d Value> {
    let list = parent.get("properties")?.get(member)?.as_array()?;
    position(list, name).and_then(|at| list.get(at))
}

/// The sort of children that a type is, in any case.
pub fn sort_of(resource_type: &str) -> Option<&'static Sort> {
    SORTS.iter().find(|sort| sort.resource_type.eq_ignore_ascii_case(resource_type))
}

fn position(list: &[Value], name: &str) -> Option<usize> {
    let wanted = name.to_lowercase();
    list.iter()
        .position(|c| c.get("name").and_then(Value::as_str).is_some_and(|n| n.to_lowercase() == wanted))
}

fn list<'d>(parent: &'d mut Map<String, Value>, sort: &Sort) -> &'d mut Vec<Value> {
    let properties = parent.entry("properties").or_insert_with(|| json!({}));
    if !properties.is_object() {
        *properties = json!({});
    }
    let slot = match properties {
        Value::Object(map) => map.entry(sort.member).or_insert_with(|| json!([])),
        other => other,
    };
    if !slot.is_array() {
        *slot = json!([]);
    }
    match slot {
        Value::Array(list) => list,
        _ => unreachable!("it was made a list just now"),
    }
}

/// Writes the children as clients read them: with id, type, etag and state.
pub(super) fn document(properties: &mut Map<String, Value>, sort: &Sort, facts: &Facts<'_>) {
    let Some(list) = properties.get_mut(sort.member).and_then(Value::as_array_mut) else { return };
    for child in list {
        let Some(stored) = child.as_object_mut() else { continue };
        let name = stored.get("name").and_then(Value::as_str).unwrap_or("").to_owned();
        let mut own = Map::from_iter([("provisioningState".to_owned(), json!("Succeeded"))]);
        if let Some(Value::Object(kept)) = stored.shift_remove("properties") {
            own.extend(kept);
        }
        let mut told = Map::from_iter([
            ("name".to_owned(), Value::from(name.as_str())),
            ("id".to_owned(), json!(format!("{}/{}/{name}", facts.id, sort.member))),
            ("etag".to_owned(), facts.etag.into()),
            ("type".to_owned(), sort.resource_type.into()),
        ]);
        told.extend(std::mem::take(stored));
        told.insert("properties".into(), Value::Object(own));
        *child = Value::Object(told);
    }
}
