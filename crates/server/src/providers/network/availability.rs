//! Whether an address of a virtual network is free, and which are.

use super::links;
use crate::auth::Allowed;
use crate::pipeline::{Cx, Recorded, store_error};
use crate::providers::documents::{Stored, find};
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::network::interface::{self, Subnet, Subnets};
use hardline_arm::models::network::{Kind, address_in_no_subnet};
use hardline_store::db::resources;
use serde_json::{Value, json};
use std::net::IpAddr;

/// Addresses that are proposed instead of one that is taken.
const PROPOSED: usize = 5;

/// `GET …/CheckIPAddressAvailability?ipAddress=…`: whether an interface could ask for the address.
pub async fn check_address(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let network = find(cx, &allowed.path.id).await?;
    let text = cx.query.get("ipAddress").unwrap_or("").trim();
    let address: IpAddr =
        text.parse().map_err(|_| ArmError::invalid_parameter("ipAddress", "it must be an IP address."))?;
    let list = network.properties().and_then(|p| p.get("subnets")).and_then(Value::as_array);
    let mut subnets = Subnets::new();
    for stored in list.into_iter().flatten() {
        let name = stored.get("name").and_then(Value::as_str).unwrap_or("");
        let id = network.id().child("subnets", name);
        let subnet = Subnet::read(&id, stored)?;
        if subnet.holds(address) {
            subnets.insert(id.key(), subnet);
        }
    }
    let filter = links::of(&network.resource.subscription, Kind::Interface);
    for row in resources::list(&cx.state.store, &filter, i64::MAX).await.map_err(store_error)? {
        let nic = Stored::new(row)?;
        interface::occupy(&mut subnets, &nic.id(), &nic.body);
    }
    let subnet = subnets.into_values().next().ok_or_else(|| address_in_no_subnet(text))?;
    let (free, reserved) = (subnet.is_free(address), subnet.reserves(address));
    let proposed = if free { Vec::new() } else { subnet.free(address.is_ipv6(), PROPOSED) };
    Ok(cx.read(ArmResponse::ok(json!({
        "available": free,
        "availableIPAddresses": proposed.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "isPlatformReserved": reserved,
    }))))
}
