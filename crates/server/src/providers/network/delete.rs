//! Deleting network resources: what is in use stays.

use super::{kind, links, put};
use crate::auth::Allowed;
use crate::pipeline::{Cx, Recorded};
use crate::providers::documents::{Stored, Writing};
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::network::{self, Kind, Link, interface, public_ip};
use hardline_store::Tx;
use http::StatusCode;
use std::collections::BTreeSet;

/// Deletes a resource: 200, or 204 when it is not there.
pub async fn delete(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let kind = kind(allowed)?;
    let mut writing = Writing::begin(cx, allowed).await?;
    let Some(before) = writing.before().cloned() else {
        return writing.finish(ArmResponse::no_content()).await;
    };
    check_unused(writing.tx(), kind, &before).await?;
    if kind == Kind::Interface {
        let none = BTreeSet::new();
        put::release_public_addresses(cx, writing.tx(), &before.id(), &before.body, &none).await?;
    }
    writing.remove().await?;
    writing.finish(ArmResponse::empty(StatusCode::OK)).await
}

async fn check_unused(tx: &mut Tx, kind: Kind, before: &Stored) -> Result<(), ArmError> {
    let id = before.id();
    let users = match kind {
        Kind::Interface => {
            return match interface::machine(&before.body) {
                Some(vm) => Err(network::nic_in_use(&id, vm)),
                None => Ok(()),
            };
        }
        Kind::PublicIp => {
            return match public_ip::holder(&before.body) {
                Some(user) => Err(network::public_ip_cannot_be_deleted(&id, user)),
                None => Ok(()),
            };
        }
        Kind::VirtualNetwork | Kind::SecurityGroup | Kind::RouteTable => {
            let mut users = links::of_subscription(tx, &before.resource.subscription).await?;
            users.retain(|link| links::owner(link) == id);
            users
        }
    };
    in_use(kind, &users).map_or(Ok(()), Err)
}

/// Why what `users` name cannot be deleted; none when nobody does.
pub(super) fn in_use(kind: Kind, users: &[Link]) -> Option<ArmError> {
    let first = users.first()?;
    Some(match kind {
        Kind::VirtualNetwork => network::subnet_in_use(first.id.name(), &first.user),
        Kind::RouteTable => network::route_table_in_use(&first.id),
        Kind::SecurityGroup => {
            let shown: Vec<_> = users.iter().take(10).map(|link| link.user.to_string()).collect();
            network::security_group_in_use(&first.id, &shown)
        }
        Kind::PublicIp => network::public_ip_cannot_be_deleted(&first.id, &first.user.to_string()),
        Kind::Interface => network::nic_in_use(&first.id, &first.user.to_string()),
    })
}
