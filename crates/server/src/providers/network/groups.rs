//! A resource group that is deleted: nothing outside may need what is in it, and what it had outside becomes free.

use super::delete::in_use;
use super::links;
use crate::pipeline::Cx;
use crate::providers::documents::rewrite;
use hardline_arm::error::ArmError;
use hardline_arm::models::network::{Kind, Link, interface, public_ip};
use hardline_arm::resource_id::ResourceId;
use hardline_store::Tx;
use http::StatusCode;

/// 409 when a resource outside of `group` uses a network resource in it; else frees what the group's machines and interfaces
/// have outside of it.
pub(in crate::providers) async fn release_group(
    cx: &Cx,
    tx: &mut Tx,
    group: &ResourceId,
) -> Result<(), ArmError> {
    let subscription = group.subscription().unwrap_or("");
    let mut needed: Vec<Link> = links::of_subscription(tx, subscription).await?;
    needed.retain(|link| group.contains(&link.id) && !group.contains(&link.user));
    if let Some(first) = needed.first() {
        let owner = links::owner(first);
        let kind = Kind::of(&owner.resource_type()).unwrap_or(Kind::VirtualNetwork);
        needed.retain(|link| links::owner(link) == owner);
        return Err(blocked(group, &owner, in_use(kind, &needed)));
    }
    let inside = |holder: Option<&str>| {
        holder.and_then(|h| ResourceId::parse(h).ok()).map(|holder| (group.contains(&holder), holder))
    };
    for mut nic in links::all(tx, subscription, Kind::Interface).await? {
        let id = nic.id();
        match inside(interface::machine(&nic.body)) {
            Some((false, vm)) if group.contains(&id) => {
                let cause = hardline_arm::models::network::nic_in_use(&id, &vm.to_string());
                return Err(blocked(group, &id, Some(cause)));
            }
            Some((true, _)) if !group.contains(&id) => {
                interface::set_machine(&mut nic.body, None);
                rewrite(cx, tx, nic).await?;
            }
            _ => {}
        }
    }
    for mut address in links::all(tx, subscription, Kind::PublicIp).await? {
        if !group.contains(&address.id())
            && matches!(inside(public_ip::holder(&address.body)), Some((true, _)))
        {
            public_ip::set_holder(&mut address.body, None);
            rewrite(cx, tx, address).await?;
        }
    }
    Ok(())
}

fn blocked(group: &ResourceId, id: &ResourceId, cause: Option<ArmError>) -> ArmError {
    let text = format!(
        "Deletion of resource group '{}' failed as resources with identifiers '{}/{}' could not be deleted. The provisioning state of the resource group will be rolled back.",
        group.name(),
        id.resource_type(),
        id.name()
    );
    let told = ArmError::new(StatusCode::CONFLICT, "ResourceGroupDeletionBlocked", text);
    match cause {
        Some(cause) => told.with_detail(cause.code, cause.message),
        None => told,
    }
}
