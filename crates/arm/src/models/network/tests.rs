//! What is refused, what is told, which addresses are given out.

use super::*;

const GROUP: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network";

fn id(kind: Kind, name: &str) -> ResourceId {
    let (_, kind) = kind.resource_type().split_once('/').unwrap();
    ResourceId::parse(&format!("{GROUP}/{kind}/{name}")).unwrap()
}

fn map(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

fn put(kind: Kind, properties: Value) -> Result<Map<String, Value>, ArmError> {
    let place = Place { kind, id: &id(kind, "x1"), before: None, guid: Uuid::from_u128(7) };
    prepare(&place, map(json!({"location": "local", "properties": properties})))
}

fn code(kind: Kind, properties: Value) -> String {
    put(kind, properties).unwrap_err().code.into_owned()
}

fn told(kind: Kind, stored: Map<String, Value>, users: &[Link]) -> Value {
    let id = id(kind, "x1");
    let facts = Facts { id: &id, etag: "\"1\"", location: "local", users };
    document(kind, &facts, stored)
}

fn network(subnets: Value) -> Value {
    json!({"addressSpace": {"addressPrefixes": ["10.0.0.0/16", "fd00::/48"]}, "subnets": subnets})
}

fn subnet(name: &str, prefix: &str) -> Value {
    json!({"name": name, "properties": {"addressPrefix": prefix}})
}

#[test]
fn names() {
    for good in ["a", "_a", "web-1.x_", "9", "ü"] {
        assert!(check_name(good).is_ok(), "{good}");
    }
    for bad in ["", "-a", "a-", "a b", ".", "a/b", &"x".repeat(81)] {
        assert_eq!(check_name(bad).unwrap_err().code, "InvalidResourceName", "{bad}");
    }
}

#[test]
fn address_spaces_are_checked() {
    let check = |subnets: Value| code(Kind::VirtualNetwork, network(subnets));
    assert!(put(Kind::VirtualNetwork, network(json!([subnet("a", "10.0.0.0/24")]))).is_ok());
    assert_eq!(check(json!([subnet("a", "10.1.0.0/24")])), "NetcfgInvalidSubnet");
    assert_eq!(check(json!([subnet("a", "10.0.0.0/30")])), "NetcfgInvalidSubnet");
    assert_eq!(check(json!([subnet("a", "fd00::/56")])), "NetcfgInvalidSubnet");
    assert_eq!(check(json!([{"name": "a"}])), "NetcfgInvalidSubnet");
    assert_eq!(
        check(json!([subnet("a", "10.0.0.0/24"), subnet("b", "10.0.0.0/25")])),
        "NetcfgSubnetRangesOverlap"
    );
    assert_eq!(check(json!([subnet("a", "10.0.0.1/24")])), "InvalidCIDRNotation");
    assert_eq!(check(json!([subnet("a", "10.0.0/24")])), "InvalidAddressPrefixFormat");
    assert_eq!(
        check(json!([subnet("A", "10.0.0.0/24"), subnet("a", "10.0.1.0/24")])),
        "InvalidRequestFormat"
    );
    assert_eq!(check(json!("x")), "InvalidRequestFormat");
    assert_eq!(check(json!([subnet("a/b", "10.0.0.0/24")])), "InvalidResourceName");
    assert_eq!(code(Kind::VirtualNetwork, json!({})), "InvalidRequestFormat");
    let twice = json!({"addressSpace": {"addressPrefixes": ["10.0.0.0/8", "10.1.0.0/16"]}});
    assert_eq!(code(Kind::VirtualNetwork, twice), "NetcfgInvalidAddressPrefix");
}

#[test]
fn a_network_that_is_put_without_subnets_keeps_them() {
    let first = put(Kind::VirtualNetwork, network(json!([subnet("a", "10.0.0.0/24")]))).unwrap();
    let id = id(Kind::VirtualNetwork, "x1");
    let place = Place { kind: Kind::VirtualNetwork, id: &id, before: Some(&first), guid: Uuid::from_u128(9) };
    let body = json!({"properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/8"]}}});
    let second = prepare(&place, map(body)).unwrap();
    assert_eq!(second["properties"]["subnets"], first["properties"]["subnets"]);
    assert_eq!(second["properties"]["resourceGuid"], first["properties"]["resourceGuid"]);
    let body = json!({"properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/8"]}, "subnets": []}});
    assert_eq!(prepare(&place, map(body)).unwrap()["properties"]["subnets"], json!([]));
}

#[test]
fn a_network_as_clients_read_it() {
    let stored = put(Kind::VirtualNetwork, network(json!([subnet("a", "10.0.0.0/24")]))).unwrap();
    let subnet_id = id(Kind::VirtualNetwork, "x1").child("subnets", "A");
    let user = id(Kind::Interface, "nic").child("ipConfigurations", "c");
    let told = told(
        Kind::VirtualNetwork,
        stored,
        &[Link { id: subnet_id, target: Target::Subnet, user: user.clone() }],
    );
    assert_eq!(
        told["properties"]["subnets"],
        json!([{
            "name": "a", "id": format!("{GROUP}/virtualNetworks/x1/subnets/a"), "etag": "\"1\"",
            "type": "Microsoft.Network/virtualNetworks/subnets",
            "properties": {
                "provisioningState": "Succeeded", "addressPrefix": "10.0.0.0/24",
                "ipConfigurations": [{"id": user.to_string()}], "delegations": [],
                "privateEndpointNetworkPolicies": "Disabled", "privateLinkServiceNetworkPolicies": "Enabled",
            },
        }])
    );
}

fn rule(name: &str, priority: Value, direction: &str) -> Value {
    json!({"name": name, "properties": {"protocol": "tcp", "access": "allow", "direction": direction,
        "priority": priority, "sourcePortRange": "*", "destinationPortRanges": ["22", "80-90"],
        "sourceAddressPrefix": "VirtualNetwork", "destinationAddressPrefixes": ["10.0.0.4", "10.0.0.0/8"]}})
}

#[test]
fn rules_are_checked() {
    let check = |rules: Value| code(Kind::SecurityGroup, json!({"securityRules": rules}));
    let good = json!([rule("a", json!(100), "Inbound"), rule("b", json!(100), "outbound")]);
    let stored = put(Kind::SecurityGroup, json!({"securityRules": good})).unwrap();
    assert_eq!(stored["properties"]["securityRules"][1]["properties"]["direction"], "Outbound");
    assert_eq!(stored["properties"]["securityRules"][0]["properties"]["protocol"], "Tcp");
    let twice = json!([rule("a", json!(100), "Inbound"), rule("b", json!(100), "Inbound")]);
    assert_eq!(check(twice), "SecurityRuleConflict");
    for priority in [json!(99), json!(4097), json!(-1), json!("100"), json!(1e300), Value::Null] {
        assert_eq!(check(json!([rule("a", priority, "Inbound")])), "SecurityRuleInvalidPriority");
    }
    let with = |member: &str, value: Value| {
        let mut rule = rule("a", json!(100), "Inbound");
        rule["properties"][member] = value;
        check(json!([rule]))
    };
    for ports in ["65536", "2-1", "a", "", "1-2-3"] {
        assert_eq!(with("sourcePortRange", json!(ports)), "SecurityRuleInvalidPortRange", "{ports}");
    }
    for prefix in ["10.0.0.0/33", "10.0.0", "a b", "", "10.0.0.0/-1"] {
        assert_eq!(
            with("sourceAddressPrefix", json!(prefix)),
            "SecurityRuleInvalidAddressPrefix",
            "{prefix}"
        );
    }
    assert_eq!(with("protocol", json!("smoke")), "InvalidRequestFormat");
    assert_eq!(with("sourcePortRange", Value::Null), "InvalidRequestFormat");
}

#[test]
fn a_security_group_has_azures_six_rules() {
    let told = told(Kind::SecurityGroup, put(Kind::SecurityGroup, json!({})).unwrap(), &[]);
    let rules = told["properties"]["defaultSecurityRules"].as_array().unwrap();
    let names: Vec<_> = rules.iter().map(|r| r["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "AllowVnetInBound",
            "AllowAzureLoadBalancerInBound",
            "DenyAllInBound",
            "AllowVnetOutBound",
            "AllowInternetOutBound",
            "DenyAllOutBound"
        ]
    );
    assert_eq!(rules[2]["properties"]["priority"], 65500);
    assert_eq!(told["properties"]["securityRules"], json!([]));
}

#[test]
fn routes_are_checked() {
    let route = |prefix: &str, hop: &str, address: Value| {
        json!({"name": prefix.replace(['/', ':'], "-"), "properties":
            {"addressPrefix": prefix, "nextHopType": hop, "nextHopIpAddress": address}})
    };
    let routes =
        |list: Value| put(Kind::RouteTable, json!({"routes": list})).map_err(|e| e.code.into_owned());
    assert!(routes(json!([route("10.0.0.0/8", "internet", Value::Null)])).is_ok());
    assert!(routes(json!([route("0.0.0.0/0", "VirtualAppliance", json!("10.0.0.4"))])).is_ok());
    assert!(routes(json!([route("Storage", "Internet", Value::Null)])).is_ok());
    let failed = |list: Value| routes(list).unwrap_err();
    let twice = [
        route("10.0.0.0/8", "Internet", Value::Null),
        json!({"name": "b", "properties":
        {"addressPrefix": "10.0.0.0/8", "nextHopType": "None"}}),
    ];
    assert_eq!(failed(json!(twice)), "RouteConflict");
    assert_eq!(
        failed(json!([route("10.0.0.0/8", "VirtualAppliance", Value::Null)])),
        "InvalidNextHopIpAddress"
    );
    assert_eq!(failed(json!([route("10.0.0.0/8", "None", json!("10.0.0.4"))])), "InvalidNextHopIpAddress");
    assert_eq!(failed(json!([route("10.0.0.0/8", "Moon", Value::Null)])), "InvalidRequestFormat");
    assert_eq!(failed(json!([route("10.0.0.9/8", "None", Value::Null)])), "InvalidCIDRNotation");
}

#[test]
fn a_public_address_is_nobodys_invention() {
    let stored = put(Kind::PublicIp, json!({"dnsSettings": {"domainNameLabel": "web"}})).unwrap();
    let told = told(Kind::PublicIp, stored, &[]);
    assert_eq!(told["properties"].get("ipAddress"), None);
    assert_eq!(told["properties"]["publicIPAllocationMethod"], "Dynamic");
    assert_eq!(told["properties"]["dnsSettings"]["fqdn"], "web.local.invalid");
    assert_eq!(told["sku"], json!({"name": "Basic", "tier": "Regional"}));
    let written = put(Kind::PublicIp, json!({"ipAddress": "192.0.2.7", "dnsSettings": {}})).unwrap();
    assert_eq!(written["properties"]["ipAddress"], "192.0.2.7");
    assert_eq!(written["properties"].get("dnsSettings"), None);
    for bad in [
        json!({"ipAddress": "fd00::1"}),
        json!({"ipAddress": "here"}),
        json!({"publicIPAllocationMethod": "Maybe"}),
        json!({"idleTimeoutInMinutes": 3}),
    ] {
        assert_eq!(code(Kind::PublicIp, bad), "InvalidRequestFormat");
    }
    assert_eq!(
        code(Kind::PublicIp, json!({"dnsSettings": {"domainNameLabel": "-"}})),
        "InvalidDomainNameLabel"
    );
}

fn configuration(name: &str, more: Value) -> Value {
    let mut own = json!({"subnet": {"id": format!("{GROUP}/virtualNetworks/v/subnets/a")}});
    own.as_object_mut().unwrap().extend(map(more));
    json!({"name": name, "properties": own})
}

fn subnets(prefix: &str) -> interface::Subnets {
    let id = id(Kind::VirtualNetwork, "v").child("subnets", "a");
    let read = interface::Subnet::read(&id, &subnet("a", prefix)).unwrap();
    [(id.key(), read)].into()
}

fn addresses(prefix: &str, configurations: Value) -> Result<Vec<String>, String> {
    let mut stored = put(Kind::Interface, json!({"ipConfigurations": configurations})).unwrap();
    let mut subnets = subnets(prefix);
    let other = put(
        Kind::Interface,
        json!({"ipConfigurations": [configuration("c", json!({"privateIPAddress": "10.0.0.5"}))]}),
    );
    interface::occupy(&mut subnets, &id(Kind::Interface, "other"), &other.unwrap());
    interface::give_addresses(&mut subnets, &id(Kind::Interface, "x1"), &mut stored, None)
        .map_err(|e| e.code.into_owned())?;
    let list = stored["properties"]["ipConfigurations"].as_array().unwrap();
    Ok(list.iter().map(|c| c["properties"]["privateIPAddress"].as_str().unwrap().to_owned()).collect())
}

#[test]
fn addresses_are_given_out_of_the_subnet() {
    let fixed = |address: &str| json!({"privateIPAllocationMethod": "static", "privateIPAddress": address});
    let given = addresses(
        "10.0.0.0/29",
        json!([configuration("a", json!({})), configuration("b", fixed("10.0.0.4"))]),
    );
    assert_eq!(given.unwrap(), ["10.0.0.6", "10.0.0.4"]);
    let refused = |more: Value| addresses("10.0.0.0/29", json!([configuration("a", more)])).unwrap_err();
    assert_eq!(refused(fixed("10.0.0.5")), "PrivateIPAddressInUse");
    assert_eq!(refused(fixed("10.0.0.7")), "PrivateIPAddressInReservedRange");
    assert_eq!(refused(fixed("10.0.1.4")), "PrivateIPAddressNotInSubnet");
    assert_eq!(refused(fixed("ten")), "InvalidIPAddressFormat");
    let three = json!([
        configuration("a", json!({"primary": true})),
        configuration("b", json!({})),
        configuration("c", json!({}))
    ]);
    assert_eq!(addresses("10.0.0.0/29", three).unwrap_err(), "SubnetIsFull");
    // What a client claims for a dynamic one is not what it gets.
    let claimed = json!([configuration("a", json!({"privateIPAddress": "10.0.0.6"}))]);
    assert_eq!(addresses("10.0.0.0/29", claimed).unwrap(), ["10.0.0.4"]);
}

#[test]
fn a_dynamic_address_stays_over_a_second_put() {
    let body = json!({"ipConfigurations": [configuration("a", json!({}))]});
    let mut first = put(Kind::Interface, body.clone()).unwrap();
    first["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"] = json!("10.0.0.9");
    let id = id(Kind::Interface, "x1");
    let place = Place { kind: Kind::Interface, id: &id, before: Some(&first), guid: Uuid::from_u128(9) };
    let mut second = prepare(&place, map(json!({"properties": body}))).unwrap();
    interface::give_addresses(&mut subnets("10.0.0.0/24"), &id, &mut second, Some(&first)).unwrap();
    assert_eq!(second["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"], "10.0.0.9");
    assert_eq!(second["properties"]["macAddress"], first["properties"]["macAddress"]);
}

#[test]
fn interfaces_are_checked() {
    let check = |list: Value| code(Kind::Interface, json!({"ipConfigurations": list}));
    assert_eq!(check(json!([])), "InvalidRequestFormat");
    assert_eq!(check(json!([{"name": "a", "properties": {}}])), "InvalidRequestFormat");
    let primary = json!({"primary": true});
    let two = json!([configuration("a", primary.clone()), configuration("b", primary)]);
    assert_eq!(check(two), "MultiplePrimaryIpConfigurationsOnNic");
    let stored = put(
        Kind::Interface,
        json!({"virtualMachine": {"id": "/x"}, "macAddress": "mine",
        "ipConfigurations": [configuration("a", json!({}))]}),
    )
    .unwrap();
    assert_eq!(interface::machine(&stored), None);
    assert_eq!(stored["properties"]["macAddress"], "02-00-00-00-00-00");
    assert_eq!(stored["properties"]["ipConfigurations"][0]["properties"]["primary"], true);
}

#[test]
fn what_a_document_names() {
    let id = id(Kind::Interface, "x1");
    let names = |properties: Value| links(Kind::Interface, &id, &map(json!({"properties": properties})));
    let found = names(json!({
        "networkSecurityGroup": {"id": format!("{GROUP}/networkSecurityGroups/g")},
        "ipConfigurations": [configuration("a", json!({"publicIPAddress": {"id": format!("{GROUP}/PUBLICIPADDRESSES/p")}}))],
    }))
    .unwrap();
    let shown: Vec<_> = found.iter().map(|l| (l.target, l.user.name().to_owned())).collect();
    assert_eq!(
        shown,
        [
            (Target::SecurityGroup, "x1".to_owned()),
            (Target::Subnet, "a".into()),
            (Target::PublicIp, "a".into())
        ]
    );
    for wrong in [
        json!({"id": "nonsense"}),
        json!({"id": format!("{GROUP}/routeTables/r")}),
        json!({"id": format!("{GROUP}/networkSecurityGroups/g").replace("/s/", "/other/")}),
        json!({}),
        json!("x"),
    ] {
        let refused = names(json!({"networkSecurityGroup": wrong})).unwrap_err();
        assert_eq!(refused.code, "LinkedInvalidPropertyId");
    }
    let elsewhere = json!({"subnet": {"id": format!("{GROUP}/virtualNetworks/w/subnets/a")}});
    let two = json!([configuration("a", json!({})), configuration("b", elsewhere)]);
    assert_eq!(names(json!({"ipConfigurations": two})).unwrap_err().code, "SubnetsNotInSameVnet");
}
