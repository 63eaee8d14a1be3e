//! What one document names in another, and the right that naming it takes.

use super::{Kind, invalid_reference_id};
use crate::error::ArmError;
use crate::resource_id::ResourceId;
use serde_json::{Map, Value};

/// What a reference may point at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A subnet of a virtual network.
    Subnet,
    /// A public address.
    PublicIp,
    /// A security group.
    SecurityGroup,
    /// A route table.
    RouteTable,
    /// Something of a type that is not there: every such reference leads nowhere.
    Unknown,
}

impl Target {
    /// The type; empty for [`Target::Unknown`].
    pub fn resource_type(self) -> &'static str {
        match self {
            Self::Subnet => "Microsoft.Network/virtualNetworks/subnets",
            Self::PublicIp => Kind::PublicIp.resource_type(),
            Self::SecurityGroup => Kind::SecurityGroup.resource_type(),
            Self::RouteTable => Kind::RouteTable.resource_type(),
            Self::Unknown => "",
        }
    }

    /// The action that whoever writes the reference must be allowed at what it points at; none where nothing can be.
    pub fn join(self) -> Option<&'static str> {
        Some(match self {
            Self::Subnet => "Microsoft.Network/virtualNetworks/subnets/join/action",
            Self::PublicIp => "Microsoft.Network/publicIPAddresses/join/action",
            Self::SecurityGroup => "Microsoft.Network/networkSecurityGroups/join/action",
            Self::RouteTable => "Microsoft.Network/routeTables/join/action",
            Self::Unknown => return None,
        })
    }
}

/// A reference.
#[derive(Clone, Debug)]
pub struct Link {
    /// What is named.
    pub id: ResourceId,
    /// What it must be.
    pub target: Target,
    /// Who names it: the interface's configuration, the subnet, …
    pub user: ResourceId,
}

impl Link {
    /// Reads `{name: {"id": "…"}}`. 400 when the id is none, or is one of another type or subscription.
    pub(super) fn read(
        map: &Map<String, Value>,
        name: &str,
        target: Target,
        user: &ResourceId,
    ) -> Result<Option<Self>, ArmError> {
        match map.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => Self::of(value, name, target, user).map(Some),
        }
    }

    /// The same for a list of references.
    pub(super) fn read_all(
        map: &Map<String, Value>,
        name: &str,
        target: Target,
        user: &ResourceId,
    ) -> Result<Vec<Self>, ArmError> {
        let list = map.get(name).and_then(Value::as_array).into_iter().flatten();
        list.map(|value| Self::of(value, name, target, user)).collect()
    }

    fn of(value: &Value, name: &str, target: Target, user: &ResourceId) -> Result<Self, ArmError> {
        let text = value.get("id").and_then(Value::as_str).unwrap_or("");
        let wrong = || invalid_reference_id(text, name);
        let id = ResourceId::parse(text).map_err(|_| wrong())?;
        let same =
            |a: Option<&str>, b: Option<&str>| a.zip(b).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b));
        let kind = id.resource_type();
        let fits = target == Target::Unknown || kind.eq_ignore_ascii_case(target.resource_type());
        if !fits || id.group().is_none() || !same(id.subscription(), user.subscription()) {
            return Err(wrong());
        }
        Ok(Self { id, target, user: user.clone() })
    }
}
