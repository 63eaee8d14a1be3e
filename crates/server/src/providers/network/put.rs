//! Creating and changing network resources.

use super::links::{self, Users};
use super::{kind, read};
use crate::auth::Allowed;
use crate::pipeline::{Cx, Recorded, store_error};
use crate::providers::documents::{self, Stored, Writing};
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::document;
use hardline_arm::models::network::{self, Kind, Link, Place, Target, children, interface, public_ip};
use hardline_arm::resource_id::ResourceId;
use hardline_store::Tx;
use hardline_store::db::role_assignments;
use http::StatusCode;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Creates a resource, or replaces the one that is there: 201 or 200, done when it is answered.
pub async fn put(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let kind = kind(allowed)?;
    let input = document::resource(body)?;
    links::check_rights(allowed, &network::links(kind, &allowed.path.id, &input)?)?;
    let mut writing = Writing::begin(cx, allowed).await?;
    let location = writing.location(&input)?;
    let status = writing.status();
    let after = store(cx, &mut writing, kind, &location, input).await?;
    let answer = answer(&mut writing, kind, &after).await?;
    writing.finish(ArmResponse::json(status, answer)).await
}

/// Replaces the tags.
pub async fn patch(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let kind = kind(allowed)?;
    let subscription = allowed.path.id.subscription().unwrap_or("");
    let users = Users::read(&cx.state.store, subscription, kind).await?;
    let told = |stored: &Stored| read::told(kind, stored, users.of(&stored.id()));
    documents::patch_tags(cx, allowed, body, told).await
}

/// The document of what was just written.
pub(super) async fn answer(
    writing: &mut Writing<'_>,
    kind: Kind,
    stored: &Stored,
) -> Result<Value, ArmError> {
    let mut users = Vec::new();
    if !matches!(kind, Kind::Interface | Kind::PublicIp) {
        users = links::of_subscription(writing.tx(), &stored.resource.subscription).await?;
        users.retain(|link| links::owner(link) == stored.id());
    }
    Ok(read::told(kind, stored, &users))
}

/// Checks the whole document against itself and against what it names, and writes it.
pub(super) async fn store(
    cx: &Cx,
    writing: &mut Writing<'_>,
    kind: Kind,
    location: &str,
    input: Map<String, Value>,
) -> Result<Stored, ArmError> {
    let id = writing.id();
    let before = writing.before().map(|b| b.body.clone());
    let before = before.as_ref();
    let place = Place { kind, id: &id, before, guid: cx.state.random.uuid() };
    let mut body = network::prepare(&place, input)?;
    let named = network::links(kind, &id, &body)?;
    let networks = links::check_there(writing.tx(), &named).await?;
    match kind {
        Kind::VirtualNetwork => check_subnets(writing.tx(), &id, before, &body).await?,
        Kind::Interface => give_addresses(writing.tx(), &id, &named, &networks, &mut body, before).await?,
        Kind::PublicIp => check_label(writing.tx(), &id, &body).await?,
        Kind::SecurityGroup | Kind::RouteTable => {}
    }
    if kind == Kind::Interface {
        take_public_addresses(cx, writing.tx(), &id, &named, before).await?;
    }
    forget_roles(writing.tx(), kind, &id, before, &body).await?;
    writing.save(location, body).await
}

/// Roles that somebody had at an older child of the name are no roles at a new one.
async fn forget_roles(
    tx: &mut Tx,
    kind: Kind,
    id: &ResourceId,
    before: Option<&Map<String, Value>>,
    after: &Map<String, Value>,
) -> Result<(), ArmError> {
    let before = before.map(|b| Value::Object(b.clone())).unwrap_or_default();
    for sort in children::SORTS.iter().filter(|sort| sort.parent == kind) {
        let list = after.get("properties").and_then(|p| p.get(sort.member)).and_then(Value::as_array);
        for name in list.into_iter().flatten().filter_map(|child| child.get("name")?.as_str()) {
            if children::find(&before, sort.member, name).is_none() {
                let child = id.child(sort.member, name).to_string();
                role_assignments::delete_at_and_below(&mut *tx, &child).await.map_err(store_error)?;
            }
        }
    }
    Ok(())
}

/// A subnet that is used does not go, and none of its prefixes does.
async fn check_subnets(
    tx: &mut Tx,
    id: &ResourceId,
    before: Option<&Map<String, Value>>,
    after: &Map<String, Value>,
) -> Result<(), ArmError> {
    let Some(before) = before else { return Ok(()) };
    let (before, after) = (Value::Object(before.clone()), Value::Object(after.clone()));
    let prefixes = |document: &Value, subnet: &str| -> Option<BTreeSet<String>> {
        let own = children::find(document, "subnets", subnet)?.get("properties")?;
        let many = own.get("addressPrefixes").and_then(Value::as_array).into_iter().flatten();
        Some(many.chain(own.get("addressPrefix")).filter_map(Value::as_str).map(str::to_owned).collect())
    };
    for link in links::of_subscription(tx, id.subscription().unwrap_or("")).await? {
        if link.target != Target::Subnet || links::owner(&link) != *id {
            continue;
        }
        let subnet = link.id.name();
        let Some(had) = prefixes(&before, subnet) else { continue };
        match prefixes(&after, subnet) {
            None => return Err(network::subnet_in_use(subnet, &link.user)),
            Some(has) => {
                if let Some(lost) = had.difference(&has).next() {
                    return Err(network::prefix_in_use(lost, subnet));
                }
            }
        }
    }
    Ok(())
}

/// Gives an interface's configurations their addresses, none that another interface has.
async fn give_addresses(
    tx: &mut Tx,
    id: &ResourceId,
    named: &[Link],
    networks: &BTreeMap<String, Stored>,
    body: &mut Map<String, Value>,
    before: Option<&Map<String, Value>>,
) -> Result<(), ArmError> {
    let mut subnets = interface::Subnets::new();
    for link in named.iter().filter(|link| link.target == Target::Subnet) {
        let network = networks.get(&links::owner(link).key());
        if let Some(stored) = network.and_then(|n| links::subnet(n, &link.id)) {
            subnets.insert(link.id.key(), interface::Subnet::read(&link.id, &stored)?);
        }
    }
    for other in links::all(tx, id.subscription().unwrap_or(""), Kind::Interface).await? {
        if other.id() != *id {
            interface::occupy(&mut subnets, &other.id(), &other.body);
        }
    }
    interface::give_addresses(&mut subnets, id, body, before)
}

/// A public address belongs to one configuration: those that the interface names become its own, others become free.
async fn take_public_addresses(
    cx: &Cx,
    tx: &mut Tx,
    id: &ResourceId,
    named: &[Link],
    before: Option<&Map<String, Value>>,
) -> Result<(), ArmError> {
    let mut taken = BTreeMap::new();
    for link in named.iter().filter(|link| link.target == Target::PublicIp) {
        if let Some(other) = taken.insert(link.id.key(), link.user.to_string()) {
            return Err(network::public_ip_in_use(&link.id, &link.user, &other));
        }
        let Some(mut address) = documents::load(&mut *tx, &link.id).await? else { continue };
        match public_ip::holder(&address.body) {
            Some(holder) if holder.eq_ignore_ascii_case(&link.user.to_string()) => continue,
            Some(holder) if !ResourceId::parse(holder).is_ok_and(|h| id.contains(&h)) => {
                return Err(network::public_ip_in_use(&link.id, &link.user, holder));
            }
            _ => {}
        }
        public_ip::set_holder(&mut address.body, Some(&link.user));
        documents::rewrite(cx, tx, address).await?;
    }
    if let Some(before) = before {
        release_public_addresses(cx, tx, id, before, &taken.into_keys().collect()).await?;
    }
    Ok(())
}

/// Frees the public addresses that an interface's document names, but for those in `kept` (keys of their ids).
pub(super) async fn release_public_addresses(
    cx: &Cx,
    tx: &mut Tx,
    id: &ResourceId,
    body: &Map<String, Value>,
    kept: &BTreeSet<String>,
) -> Result<(), ArmError> {
    for link in network::links(Kind::Interface, id, body)? {
        if link.target != Target::PublicIp || kept.contains(&link.id.key()) {
            continue;
        }
        let Some(mut address) = documents::load(&mut *tx, &link.id).await? else { continue };
        let holder = public_ip::holder(&address.body).and_then(|h| ResourceId::parse(h).ok());
        if holder.is_some_and(|h| id.contains(&h)) {
            public_ip::set_holder(&mut address.body, None);
            documents::rewrite(cx, tx, address).await?;
        }
    }
    Ok(())
}

/// A name in the domain of the location belongs to one public address.
async fn check_label(tx: &mut Tx, id: &ResourceId, body: &Map<String, Value>) -> Result<(), ArmError> {
    let label = |body: &Map<String, Value>| {
        let label = body.get("properties")?.get("dnsSettings")?.get("domainNameLabel")?.as_str()?;
        (!label.is_empty()).then(|| label.to_owned())
    };
    let Some(wanted) = label(body) else { return Ok(()) };
    for other in links::all(tx, id.subscription().unwrap_or(""), Kind::PublicIp).await? {
        if other.id() != *id && label(&other.body).as_ref() == Some(&wanted) {
            let text = format!("DNS record {wanted} is already used by another public IP.");
            return Err(ArmError::new(StatusCode::BAD_REQUEST, "DnsRecordInUse", text));
        }
    }
    Ok(())
}
