//! Microsoft.Network: virtual networks, network interfaces, public addresses, security groups, route tables.

use super::*;

/// The rows of a type with a record of its own.
macro_rules! resource {
    ($rows:ident, $kind:literal, $one:literal, $many:literal, $list:ident, $get:ident, $put:ident, $patch:ident, $delete:ident) => {
        const READ: &str = concat!("Microsoft.Network/", $kind, "/read");
        const WRITE: &str = concat!("Microsoft.Network/", $kind, "/write");
        const KIND: &str = concat!("Microsoft.Network/", $kind);
        const DELETE: &str = concat!("Microsoft.Network/", $kind, "/delete");
        const LIST: &str = concat!("Microsoft.Network/", $kind, "/list/read");
        $rows.extend([
            Operation {
                requires: Require::Visible(READ),
                ..row($list, LIST, Method::GET, Collection(KIND), Refusals, concat!("List ", $many))
            },
            row($get, READ, Method::GET, Item(KIND), Refusals, concat!("Get ", $one)),
            row($put, WRITE, Method::PUT, Item(KIND), Always, concat!("Create or update ", $one)),
            row($patch, WRITE, Method::PATCH, Item(KIND), Always, concat!("Change the tags of ", $one)),
            row($delete, DELETE, Method::DELETE, Item(KIND), Always, concat!("Delete ", $one)),
        ]);
    };
}

/// The rows that read a sort of children.
macro_rules! children {
    ($rows:ident, $kind:literal, $one:literal, $many:literal, $list:ident, $get:ident) => {
        const READ: &str = concat!("Microsoft.Network/", $kind, "/read");
        const KIND: &str = concat!("Microsoft.Network/", $kind);
        const LIST: &str = concat!("Microsoft.Network/", $kind, "/list/read");
        $rows.extend([
            Operation {
                requires: Require::Action(READ),
                ..row($list, LIST, Method::GET, Collection(KIND), Refusals, concat!("List ", $many))
            },
            row($get, READ, Method::GET, Item(KIND), Refusals, concat!("Get ", $one)),
        ]);
    };
    ($rows:ident, $kind:literal, $one:literal, $many:literal, $list:ident, $get:ident, $put:ident, $delete:ident) => {
        children!($rows, $kind, $one, $many, $list, $get);
        const WRITE: &str = concat!("Microsoft.Network/", $kind, "/write");
        const DELETE: &str = concat!("Microsoft.Network/", $kind, "/delete");
        $rows.extend([
            row($put, WRITE, Method::PUT, Item(KIND), Always, concat!("Create or update ", $one)),
            row($delete, DELETE, Method::DELETE, Item(KIND), Always, concat!("Delete ", $one)),
        ]);
    };
}

pub(super) fn rows() -> Vec<Operation> {
    use Audit::{Always, Refusals};
    use OperationId::*;
    use Target::{Collection, Item};
    let mut rows = Vec::new();
    {
        resource!(
            rows,
            "virtualNetworks",
            "a virtual network",
            "virtual networks",
            VnetList,
            VnetGet,
            VnetPut,
            VnetPatch,
            VnetDelete
        );
        rows.push(row(
            VnetCheckAddress,
            "Microsoft.Network/virtualNetworks/checkIpAddressAvailability/read",
            Method::GET,
            Target::Verb(KIND, "CheckIPAddressAvailability"),
            Refusals,
            "Whether an address of a virtual network is free",
        ));
    }
    {
        children!(
            rows,
            "virtualNetworks/subnets",
            "a subnet",
            "the subnets of a virtual network",
            SubnetList,
            SubnetGet,
            SubnetPut,
            SubnetDelete
        );
    }
    {
        resource!(
            rows,
            "networkInterfaces",
            "a network interface",
            "network interfaces",
            NicList,
            NicGet,
            NicPut,
            NicPatch,
            NicDelete
        );
    }
    {
        resource!(
            rows,
            "publicIPAddresses",
            "a public address",
            "public addresses",
            PublicIpList,
            PublicIpGet,
            PublicIpPut,
            PublicIpPatch,
            PublicIpDelete
        );
    }
    {
        resource!(
            rows,
            "networkSecurityGroups",
            "a network security group",
            "network security groups",
            NsgList,
            NsgGet,
            NsgPut,
            NsgPatch,
            NsgDelete
        );
    }
    {
        children!(
            rows,
            "networkSecurityGroups/securityRules",
            "a security rule",
            "the rules of a network security group",
            SecurityRuleList,
            SecurityRuleGet,
            SecurityRulePut,
            SecurityRuleDelete
        );
    }
    {
        children!(
            rows,
            "networkSecurityGroups/defaultSecurityRules",
            "a default security rule",
            "the default rules of a network security group",
            DefaultSecurityRuleList,
            DefaultSecurityRuleGet
        );
    }
    {
        resource!(
            rows,
            "routeTables",
            "a route table",
            "route tables",
            RouteTableList,
            RouteTableGet,
            RouteTablePut,
            RouteTablePatch,
            RouteTableDelete
        );
    }
    {
        children!(
            rows,
            "routeTables/routes",
            "a route",
            "the routes of a route table",
            RouteList,
            RouteGet,
            RoutePut,
            RouteDelete
        );
    }
    rows
}
