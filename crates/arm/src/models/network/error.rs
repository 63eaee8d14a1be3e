//! What Microsoft.Network refuses, in its own codes and words.

use crate::error::ArmError;
use crate::resource_id::ResourceId;
use http::StatusCode;

fn refused(code: &'static str, text: String) -> ArmError {
    ArmError::new(StatusCode::BAD_REQUEST, code, text)
}

/// The body does not have the form that it must have.
pub fn invalid_format(detail: &str) -> ArmError {
    refused("InvalidRequestFormat", "Cannot parse the request.".into()).with_detail("InvalidJson", detail)
}

/// A name that cannot be.
pub fn invalid_name(name: &str) -> ArmError {
    let shown: String = name.chars().take(100).collect();
    refused(
        "InvalidResourceName",
        format!(
            "Resource name {shown} is invalid. The name can be up to 80 characters long. It must begin with a word character, and it must end with a word character or with '_'. The name may contain word characters or '.', '-', '_'."
        ),
    )
}

/// `user` names `target`, which is not there.
pub fn invalid_reference(target: &str, user: &ResourceId) -> ArmError {
    refused(
        "InvalidResourceReference",
        format!(
            "Resource {target} referenced by resource {user} was not found. Please make sure that the referenced resource exists, and that both resources are in the same region."
        ),
    )
}

/// An id that is none, or is one of another type.
pub fn invalid_reference_id(value: &str, path: &str) -> ArmError {
    let shown: String = value.chars().take(300).collect();
    refused(
        "LinkedInvalidPropertyId",
        format!(
            "Property id '{shown}' at path 'properties.{path}.id' is invalid. Expect fully qualified resource Id that start with '/subscriptions/{{subscriptionId}}' or '/providers/{{resourceProviderNamespace}}/'."
        ),
    )
}

/// `subnet` is used by `user`.
pub fn subnet_in_use(subnet: &str, user: &ResourceId) -> ArmError {
    refused(
        "InUseSubnetCannotBeDeleted",
        format!(
            "Subnet {subnet} is in use by {user} and cannot be deleted. In order to delete the subnet, delete all the resources within the subnet. See aka.ms/deletesubnet."
        ),
    )
}

/// A prefix of a subnet that is used is taken away.
pub fn prefix_in_use(prefix: &str, subnet: &str) -> ArmError {
    refused(
        "InUsePrefixCannotBeDeleted",
        format!("IpPrefix {prefix} on Subnet {subnet} has active allocations and cannot be deleted."),
    )
}

/// `nic` belongs to `vm`.
pub fn nic_in_use(nic: &ResourceId, vm: &str) -> ArmError {
    refused(
        "NicInUse",
        format!(
            "Network Interface {nic} is used by existing resource {vm}. In order to delete the network interface, it must be dissociated from the resource. To learn more, see aka.ms/deletenic."
        ),
    )
}

/// A public address that something has cannot be deleted.
pub fn public_ip_cannot_be_deleted(address: &ResourceId, user: &str) -> ArmError {
    refused(
        "PublicIPAddressCannotBeDeleted",
        format!(
            "Public IP address {address} can not be deleted since it is still allocated to resource {user}. In order to delete the public IP, disassociate/detach the Public IP address from the resource. To learn how to do this, see aka.ms/deletepublicip."
        ),
    )
}

/// A public address that something else has cannot be given to `user`.
pub fn public_ip_in_use(address: &ResourceId, user: &ResourceId, holder: &str) -> ArmError {
    refused(
        "PublicIPAddressInUse",
        format!(
            "Resource {user} is referencing public IP address {address} that is already allocated to resource {holder}."
        ),
    )
}

/// A security group that is used cannot be deleted.
pub fn security_group_in_use(group: &ResourceId, users: &[String]) -> ArmError {
    refused(
        "InUseNetworkSecurityGroupCannotBeDeleted",
        format!(
            "Network security group {group} cannot be deleted because it is in use by the following resources: {}. In order to delete the Network security group, remove the association with the resource(s). To learn how to do this, see aka.ms/deletensg.",
            users.join(", ")
        ),
    )
}

/// A route table that is used cannot be deleted.
pub fn route_table_in_use(table: &ResourceId) -> ArmError {
    refused(
        "InUseRouteTableCannotBeDeleted",
        format!("Route table {} is in use and cannot be deleted.", table.name()),
    )
}

/// A static address outside of its subnet.
pub fn address_outside(address: &str, prefixes: &str) -> ArmError {
    refused(
        "PrivateIPAddressNotInSubnet",
        format!(
            "Private static IP address {address} does not belong to the range of subnet prefix {prefixes}."
        ),
    )
}

/// An address of no subnet.
pub fn address_in_no_subnet(address: &str) -> ArmError {
    refused(
        "PrivateIPAddressNotInAnySubnet",
        format!(
            "Private static IP address {address} does not belong to the range of any subnet in the virtual network."
        ),
    )
}

/// A static address that every subnet keeps for itself.
pub fn address_reserved(address: &str, prefixes: &str) -> ArmError {
    refused(
        "PrivateIPAddressInReservedRange",
        format!(
            "Private static IP address {address} falls within reserved IP range of subnet prefix {prefixes}."
        ),
    )
}

/// A static address that another configuration has.
pub fn address_in_use(address: &str, user: &ResourceId, holder: &str) -> ArmError {
    refused(
        "PrivateIPAddressInUse",
        format!(
            "IP configuration {user} is using the private IP address {address} which is already allocated to resource {holder}."
        ),
    )
}

/// No address is left.
pub fn subnet_full(subnet: &str, prefixes: &str) -> ArmError {
    refused(
        "SubnetIsFull",
        format!(
            "Subnet {subnet} with address prefix {prefixes} does not have enough capacity for 1 IP addresses."
        ),
    )
}

/// A prefix that is none.
pub fn invalid_prefix(prefix: &str, owner: &str) -> ArmError {
    let shown: String = prefix.chars().take(100).collect();
    refused(
        "InvalidAddressPrefixFormat",
        format!(
            "Address prefix string for resource {owner} is not formatted correctly: '{shown}'. It should follow CIDR notation, for example 10.0.0.0/24."
        ),
    )
}

/// A prefix with bits behind its length.
pub fn invalid_cidr(prefix: &str, owner: &str, right: &str) -> ArmError {
    refused(
        "InvalidCIDRNotation",
        format!(
            "The address prefix {prefix} in resource {owner} has an invalid CIDR notation. For the given prefix length, the address prefix should be {right}."
        ),
    )
}

/// A subnet that cannot be where it is.
pub fn invalid_subnet(subnet: &str, reason: &str) -> ArmError {
    refused("NetcfgInvalidSubnet", format!("Subnet '{subnet}' is not valid because {reason}."))
}

/// Any other refusal, with Azure's code.
pub(super) fn invalid(code: &'static str, text: impl Into<String>) -> ArmError {
    refused(code, text.into())
}
