//! What documents name: whether it is there, whether the caller may name it, and who names what.

use crate::auth::Allowed;
use crate::pipeline::store_error;
use crate::providers::documents::{Stored, load};
use hardline_arm::error::ArmError;
use hardline_arm::models::network::{self, Kind, Link, Target, children};
use hardline_arm::resource_id::ResourceId;
use hardline_store::db::resources::{self, Resource, ResourceFilter};
use hardline_store::{Db, Tx};
use serde_json::Value;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// 403 unless the caller may name everything that `links` name; asked before any of it is looked up.
pub(super) fn check_rights(allowed: &Allowed, links: &[Link]) -> Result<(), ArmError> {
    let needed = links.iter().filter_map(|link| Some((link.target.join()?, &link.id)));
    needed.into_iter().try_for_each(|(action, id)| allowed.check_linked(action, id))
}

/// The virtual networks that `links` name, by the key of their ids. 400 when anything that is named is not there.
pub(super) async fn check_there(tx: &mut Tx, links: &[Link]) -> Result<BTreeMap<String, Stored>, ArmError> {
    let mut networks: BTreeMap<String, Stored> = BTreeMap::new();
    for link in links {
        let missing = || network::invalid_reference(&link.id.to_string(), &link.user);
        match link.target {
            Target::Unknown => return Err(missing()),
            Target::Subnet => {
                let parent = link.id.parent().unwrap_or_default();
                let network = match networks.entry(parent.key()) {
                    Entry::Occupied(there) => there.into_mut(),
                    Entry::Vacant(place) => place.insert(load(&mut *tx, &parent).await?.ok_or_else(missing)?),
                };
                subnet(network, &link.id).ok_or_else(missing)?;
            }
            Target::PublicIp | Target::SecurityGroup | Target::RouteTable => {
                let found = resources::get(&mut *tx, &link.id.key()).await.map_err(store_error)?;
                found.ok_or_else(missing)?;
            }
        }
    }
    Ok(networks)
}

/// A subnet in its network's stored document.
pub(super) fn subnet(network: &Stored, id: &ResourceId) -> Option<Value> {
    let document = Value::Object(network.body.clone());
    children::find(&document, "subnets", id.name()).cloned()
}

/// Every resource of a type in a subscription, as the transaction sees it.
pub(super) async fn all(tx: &mut Tx, subscription: &str, kind: Kind) -> Result<Vec<Stored>, ArmError> {
    let found = resources::list(tx, &of(subscription, kind), i64::MAX).await.map_err(store_error)?;
    found.into_iter().map(Stored::new).collect()
}

/// Who names what: the references of every network and interface of a subscription, as the transaction sees them.
pub(super) async fn of_subscription(tx: &mut Tx, subscription: &str) -> Result<Vec<Link>, ArmError> {
    let mut found = Vec::new();
    for kind in [Kind::VirtualNetwork, Kind::Interface] {
        for stored in all(tx, subscription, kind).await? {
            found.extend(network::links(kind, &stored.id(), &stored.body)?);
        }
    }
    Ok(found)
}

/// Those who name resources and their children, by the key of the resource.
#[derive(Debug, Default)]
pub(super) struct Users(BTreeMap<String, Vec<Link>>);

impl Users {
    /// Of a subscription; nothing for types that know by themselves who has them.
    pub(super) async fn read(store: &Db, subscription: &str, kind: Kind) -> Result<Self, ArmError> {
        if matches!(kind, Kind::Interface | Kind::PublicIp) {
            return Ok(Self::default());
        }
        let mut users = Self::default();
        for naming in [Kind::VirtualNetwork, Kind::Interface] {
            let found = resources::list(store, &of(subscription, naming), i64::MAX).await;
            for row in found.map_err(store_error)? {
                users.add(naming, row)?;
            }
        }
        Ok(users)
    }

    fn add(&mut self, kind: Kind, row: Resource) -> Result<(), ArmError> {
        let stored = Stored::new(row)?;
        for link in network::links(kind, &stored.id(), &stored.body)? {
            self.0.entry(owner(&link).key()).or_default().push(link);
        }
        Ok(())
    }

    /// Of one resource.
    pub(super) fn of(&self, id: &ResourceId) -> &[Link] {
        self.0.get(&id.key()).map_or(&[], Vec::as_slice)
    }
}

/// The resource in whose record the named thing is.
pub(super) fn owner(link: &Link) -> ResourceId {
    match link.target {
        Target::Subnet => link.id.parent().unwrap_or_default(),
        _ => link.id.clone(),
    }
}

/// The resources of a type in a subscription.
pub(super) fn of(subscription: &str, kind: Kind) -> ResourceFilter<'_> {
    ResourceFilter { subscription, resource_type: Some(kind.resource_type()), ..ResourceFilter::default() }
}
