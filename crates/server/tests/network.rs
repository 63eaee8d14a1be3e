//! Microsoft.Network over real HTTP: documents, what they name in each other, who has what, what is in use.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_arm::rbac::{NETWORK_CONTRIBUTOR, READER, VIRTUAL_MACHINE_CONTRIBUTOR};
use hardline_testkit::{As, FakeHost, TestServer};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// Paths of one group.
struct Paths(String);

impl Paths {
    fn of(server: &TestServer) -> Self {
        Self(format!("{}/providers/Microsoft.Network", server.group_path()))
    }

    fn vnet(&self) -> String {
        format!("{}/virtualNetworks/net", self.0)
    }

    fn subnet(&self) -> String {
        format!("{}/subnets/front", self.vnet())
    }

    fn nic(&self, name: &str) -> String {
        format!("{}/networkInterfaces/{name}", self.0)
    }

    fn address(&self) -> String {
        format!("{}/publicIPAddresses/ip", self.0)
    }

    fn nsg(&self) -> String {
        format!("{}/networkSecurityGroups/guard", self.0)
    }

    fn table(&self) -> String {
        format!("{}/routeTables/ways", self.0)
    }

    fn nic_body(&self, more: &Value) -> Value {
        let mut own = json!({"subnet": {"id": self.subnet()}});
        own.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"location": "local", "properties": {"ipConfigurations": [{"name": "ipconfig1", "properties": own}]}})
    }
}

/// A network with one subnet.
async fn network(owner: &As<'_>, paths: &Paths) -> Value {
    let body = json!({"location": "Local", "tags": {"a": "b"}, "properties": {
        "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "somethingNew": {"kept": [1]},
        "subnets": [{"name": "front", "properties": {"addressPrefix": "10.0.0.0/29"}}],
    }});
    owner.put(&format!("{}?api-version=2015-06-15", paths.vnet()), &body).await.expect(201).json
}

async fn give(server: &TestServer, who: &As<'_>, role: Uuid, scope: &str) {
    let path = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{}", Uuid::new_v4());
    let body =
        json!({"properties": {"roleDefinitionId": role, "principalId": who.oid(), "principalType": "User"}});
    server.owner().put(&path, &body).await.expect(201);
}

#[tokio::test]
async fn a_network_is_made_read_listed_tagged_and_deleted() {
    let server = TestServer::start().await;
    let (owner, paths) = (server.owner(), Paths::of(&server));
    let made = network(&owner, &paths).await;
    assert_eq!(made["id"], paths.vnet());
    assert_eq!(made["type"], "Microsoft.Network/virtualNetworks");
    assert_eq!(made["location"], "local");
    assert_eq!(made["properties"]["provisioningState"], "Succeeded");
    assert_eq!(made["properties"]["somethingNew"], json!({"kept": [1]}));
    assert_eq!(made["properties"]["subnets"][0]["id"], paths.subnet());
    let read = owner.get(&paths.vnet().to_uppercase().replace("/SUBSCRIPTIONS", "/subscriptions")).await;
    assert_eq!(read.expect(200).json, made);
    for list in [paths.0.clone(), format!("{}/providers/Microsoft.Network", server.subscription_path())] {
        let list = owner.get(&format!("{list}/virtualNetworks")).await.expect(200).json;
        assert_eq!(list, json!({"value": [made]}));
    }
    let mut again = made.clone();
    again["properties"]["subnets"] = Value::Null;
    again["tags"] = Value::Null;
    let second = owner.put(&paths.vnet(), &again).await.expect(200).json;
    assert_eq!(second["properties"]["resourceGuid"], made["properties"]["resourceGuid"]);
    assert_eq!(second["properties"]["subnets"].as_array().unwrap().len(), 1);
    assert_eq!(second.get("tags"), None);
    let tagged = owner.patch(&paths.vnet(), &json!({"tags": {"c": "d"}})).await.expect(200).json;
    assert_eq!(tagged["tags"], json!({"c": "d"}));
    assert_ne!(tagged["etag"], second["etag"]);
    owner.delete(&paths.vnet()).await.expect(200);
    owner.delete(&paths.vnet()).await.expect(204);
    let gone = owner.get(&paths.vnet()).await.expect(404);
    assert_eq!(gone.code(), "ResourceNotFound");
    assert!(
        gone.message()
            .starts_with("The Resource 'Microsoft.Network/virtualNetworks/net' under resource group")
    );
    server.stop().await;
}

#[tokio::test]
async fn bodies_places_and_conditions_that_are_refused() {
    let server = TestServer::start().await;
    let (owner, paths) = (server.owner(), Paths::of(&server));
    let space = json!({"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}});
    for (body, code) in [
        (json!({"properties": space}), "LocationRequired"),
        (json!({"location": "mars", "properties": space}), "LocationNotAvailableForResourceType"),
        (json!({"location": "local"}), "InvalidRequestFormat"),
        (json!({"location": "local", "properties": 1}), "InvalidRequestContent"),
        (json!({"location": "local", "tags": {"a": 1}, "properties": space}), "InvalidRequestContent"),
        (json!([]), "InvalidRequestContent"),
    ] {
        assert_eq!(owner.put(&paths.vnet(), &body).await.expect(400).code(), code, "{body}");
    }
    let good = json!({"location": "local", "properties": space});
    let at = |name: &str| format!("{}/virtualNetworks/{name}", paths.0);
    for name in ["-a", "a*b", "a."] {
        assert_eq!(owner.put(&at(name), &good).await.expect(400).code(), "InvalidResourceName", "{name}");
    }
    let elsewhere = paths.vnet().replace("test-rg", "nope");
    assert_eq!(owner.put(&elsewhere, &good).await.expect(404).code(), "ResourceGroupNotFound");
    assert_eq!(owner.get(&elsewhere).await.expect(404).code(), "ResourceGroupNotFound");

    let conditional = async |header: &str, value: &str| {
        let request = owner.request(Method::PUT, &format!("{}?api-version=2024-07-01", paths.vnet())).await;
        hardline_testkit::request::read(request.header(header, value).json(&good).send().await.unwrap()).await
    };
    conditional("if-match", "*").await.expect(412);
    let made = conditional("if-none-match", "*").await.expect(201).json;
    conditional("if-none-match", "*").await.expect(412);
    conditional("if-match", "\"other\"").await.expect(412);
    conditional("if-match", &format!("W/{}", made["etag"].as_str().unwrap())).await.expect(200);
    let moved = json!({"location": "mars", "properties": space});
    assert_eq!(owner.put(&paths.vnet(), &moved).await.expect(409).code(), "InvalidResourceLocation");
    server.stop().await;
}

#[tokio::test]
async fn subnets_rules_and_routes_are_children_of_their_own() {
    let server = TestServer::start().await;
    let (owner, paths) = (server.owner(), Paths::of(&server));
    network(&owner, &paths).await;
    owner.put(&paths.nsg(), &json!({"location": "local"})).await.expect(201);
    owner.put(&paths.table(), &json!({"location": "local"})).await.expect(201);
    let rule = json!({"properties": {"protocol": "Tcp", "access": "Allow", "direction": "Inbound", "priority": 100,
        "sourcePortRange": "*", "destinationPortRange": "22", "sourceAddressPrefix": "*", "destinationAddressPrefix": "*"}});
    let cases = [
        (
            format!("{}/subnets/back", paths.vnet()),
            json!({"properties": {"addressPrefix": "10.0.1.0/24", "routeTable": {"id": paths.table()}}}),
            "Microsoft.Network/virtualNetworks/subnets",
            2,
        ),
        (
            format!("{}/securityRules/ssh", paths.nsg()),
            rule.clone(),
            "Microsoft.Network/networkSecurityGroups/securityRules",
            1,
        ),
        (
            format!("{}/routes/out", paths.table()),
            json!({"properties": {"addressPrefix": "0.0.0.0/0", "nextHopType": "Internet"}}),
            "Microsoft.Network/routeTables/routes",
            1,
        ),
    ];
    for (path, body, kind, count) in &cases {
        let made = owner.put(path, body).await.expect(201).json;
        assert_eq!((made["id"].as_str().unwrap(), made["type"].as_str().unwrap()), (path.as_str(), *kind));
        assert_eq!(owner.get(path).await.expect(200).json, made);
        owner.put(path, body).await.expect(200);
        let (list, _) = path.rsplit_once('/').unwrap();
        let listed = owner.get(list).await.expect(200).json;
        assert_eq!(listed["value"].as_array().unwrap().len(), *count);
        let missing = format!("{list}/other");
        assert_eq!(owner.get(&missing).await.expect(404).code(), "NotFound");
        owner.delete(&missing).await.expect(204);
        for parent in ["/net/", "/guard/", "/ways/"] {
            let orphan = path.replace(parent, "/nothing/");
            if orphan != *path {
                assert_eq!(owner.put(&orphan, body).await.expect(404).code(), "ParentResourceNotFound");
                assert_eq!(owner.get(&orphan).await.expect(404).code(), "ParentResourceNotFound");
                assert_eq!(owner.delete(&orphan).await.expect(404).code(), "ParentResourceNotFound");
            }
        }
    }
    let twin = format!("{}/securityRules/twin", paths.nsg());
    assert_eq!(owner.put(&twin, &rule).await.expect(400).code(), "SecurityRuleConflict");
    let defaults = owner.get(&format!("{}/defaultSecurityRules", paths.nsg())).await.expect(200).json;
    assert_eq!(defaults["value"].as_array().unwrap().len(), 6);
    let deny = format!("{}/defaultSecurityRules/denyallinbound", paths.nsg());
    assert_eq!(owner.get(&deny).await.expect(200).json["properties"]["access"], "Deny");

    // The table is used by the subnet, and says so.
    let told = owner.get(&paths.table()).await.expect(200).json;
    assert_eq!(told["properties"]["subnets"], json!([{"id": cases[0].0}]));
    assert_eq!(owner.delete(&paths.table()).await.expect(400).code(), "InUseRouteTableCannotBeDeleted");
    for (path, ..) in &cases {
        owner.delete(path).await.expect(200);
        owner.get(path).await.expect(404);
    }
    owner.delete(&paths.table()).await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn interfaces_get_addresses_and_hold_what_they_use() {
    let server = TestServer::start().await;
    let (owner, paths) = (server.owner(), Paths::of(&server));
    network(&owner, &paths).await;
    owner.put(&paths.nsg(), &json!({"location": "local"})).await.expect(201);
    let address =
        owner.put(&paths.address(), &json!({"location": "local", "sku": {"name": "Standard"}})).await;
    assert_eq!(address.expect(201).json["properties"].get("ipAddress"), None);
    let mut body = paths.nic_body(&json!({"publicIPAddress": {"id": paths.address()}}));
    body["properties"]["networkSecurityGroup"] = json!({"id": paths.nsg()});
    let nic = owner.put(&paths.nic("one"), &body).await.expect(201).json;
    let own = &nic["properties"]["ipConfigurations"][0];
    let configuration = format!("{}/ipConfigurations/ipconfig1", paths.nic("one"));
    assert_eq!(own["id"], configuration);
    assert_eq!(own["properties"]["privateIPAddress"], "10.0.0.4");
    assert_eq!(own["properties"]["publicIPAddress"], json!({"id": paths.address()}));
    assert_eq!(nic["properties"]["macAddress"].as_str().unwrap().len(), 17);
    assert_eq!(nic["properties"]["dnsSettings"], json!({"dnsServers": [], "appliedDnsServers": []}));
    let fixed = json!({"privateIPAllocationMethod": "Static", "privateIPAddress": "10.0.0.4"});
    let taken = owner.put(&paths.nic("two"), &paths.nic_body(&fixed)).await.expect(400);
    assert_eq!(taken.code(), "PrivateIPAddressInUse");
    assert!(taken.message().contains(&configuration), "{}", taken.message());
    for (name, expected) in [("two", "10.0.0.5"), ("three", "10.0.0.6")] {
        let nic = owner.put(&paths.nic(name), &paths.nic_body(&json!({}))).await.expect(201).json;
        assert_eq!(nic["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"], expected);
    }
    let full = owner.put(&paths.nic("four"), &paths.nic_body(&json!({}))).await.expect(400);
    assert_eq!(full.code(), "SubnetIsFull");
    // A second PUT keeps the address.
    let again = owner.put(&paths.nic("one"), &nic).await.expect(200).json;
    assert_eq!(again["properties"]["ipConfigurations"][0]["properties"], own["properties"]);

    let told = owner.get(&paths.address()).await.expect(200).json;
    assert_eq!(told["properties"]["ipConfiguration"], json!({"id": configuration}));
    let told = owner.get(&paths.nsg()).await.expect(200).json;
    assert_eq!(told["properties"]["networkInterfaces"], json!([{"id": paths.nic("one")}]));
    let told = owner.get(&paths.subnet()).await.expect(200).json;
    assert_eq!(told["properties"]["ipConfigurations"].as_array().unwrap().len(), 3);

    let other = paths.nic_body(&json!({"publicIPAddress": {"id": paths.address()}}));
    assert_eq!(owner.put(&paths.nic("two"), &other).await.expect(400).code(), "PublicIPAddressInUse");
    for (path, code) in [
        (paths.address(), "PublicIPAddressCannotBeDeleted"),
        (paths.nsg(), "InUseNetworkSecurityGroupCannotBeDeleted"),
        (paths.subnet(), "InUseSubnetCannotBeDeleted"),
        (paths.vnet(), "InUseSubnetCannotBeDeleted"),
    ] {
        assert_eq!(owner.delete(&path).await.expect(400).code(), code);
    }
    let space = |subnets: Value| {
        json!({"location": "local", "properties":
            {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": subnets}})
    };
    assert_eq!(
        owner.put(&paths.vnet(), &space(json!([]))).await.expect(400).code(),
        "InUseSubnetCannotBeDeleted"
    );
    let moved = space(json!([{"name": "front", "properties": {"addressPrefix": "10.0.9.0/24"}}]));
    assert_eq!(owner.put(&paths.vnet(), &moved).await.expect(400).code(), "InUsePrefixCannotBeDeleted");

    // Without the interface everything is free.
    for name in ["one", "two", "three"] {
        owner.delete(&paths.nic(name)).await.expect(200);
    }
    for path in [paths.address(), paths.nsg(), paths.subnet(), paths.vnet()] {
        owner.delete(&path).await.expect(200);
    }
    server.stop().await;
}

#[tokio::test]
async fn whether_an_address_is_free() {
    let server = TestServer::start().await;
    let (owner, paths) = (server.owner(), Paths::of(&server));
    network(&owner, &paths).await;
    owner.put(&paths.nic("one"), &paths.nic_body(&json!({}))).await.expect(201);
    let ask = async |address: &str| {
        owner.get(&format!("{}/CheckIPAddressAvailability?ipAddress={address}", paths.vnet())).await
    };
    for (address, available, reserved, proposed) in [
        ("10.0.0.5", true, false, json!([])),
        ("10.0.0.4", false, false, json!(["10.0.0.5", "10.0.0.6"])),
        ("10.0.0.0", false, true, json!(["10.0.0.5", "10.0.0.6"])),
    ] {
        let told = ask(address).await.expect(200).json;
        let expected =
            json!({"available": available, "availableIPAddresses": proposed, "isPlatformReserved": reserved});
        assert_eq!(told, expected, "{address}");
    }
    assert_eq!(ask("10.0.9.4").await.expect(400).code(), "PrivateIPAddressNotInAnySubnet");
    assert_eq!(ask("ten").await.expect(400).code(), "InvalidParameter");
    server.stop().await;
}

#[tokio::test]
async fn what_is_named_must_be_there() {
    let server = TestServer::start().await;
    let (owner, paths) = (server.owner(), Paths::of(&server));
    network(&owner, &paths).await;
    let nic = |more: Value| {
        let (owner, paths) = (owner.clone(), Paths::of(&server));
        async move { owner.put(&paths.nic("one"), &paths.nic_body(&more)).await.expect(400) }
    };
    let missing = nic(json!({"subnet": {"id": format!("{}/subnets/nothing", paths.vnet())}})).await;
    assert_eq!(missing.code(), "InvalidResourceReference");
    assert_eq!(
        missing.message(),
        format!(
            "Resource {}/subnets/nothing referenced by resource {}/ipConfigurations/ipconfig1 was not found. Please make sure that the referenced resource exists, and that both resources are in the same region.",
            paths.vnet(),
            paths.nic("one")
        )
    );
    assert_eq!(
        nic(json!({"publicIPAddress": {"id": paths.address()}})).await.code(),
        "InvalidResourceReference"
    );
    let pool = format!("{}/loadBalancers/lb/backendAddressPools/pool", paths.0);
    assert_eq!(
        nic(json!({"loadBalancerBackendAddressPools": [{"id": pool}]})).await.code(),
        "InvalidResourceReference"
    );
    assert_eq!(nic(json!({"subnet": {"id": "front"}})).await.code(), "LinkedInvalidPropertyId");
    owner.get(&paths.nic("one")).await.expect(404);
    server.stop().await;
}

#[tokio::test]
async fn naming_something_takes_a_right_to_it() {
    let server = TestServer::start().await;
    let (owner, stranger, paths) = (server.owner(), server.stranger(), Paths::of(&server));
    network(&owner, &paths).await;
    let mine = format!("{}/resourceGroups/mine", server.subscription_path());
    owner.put(&mine, &json!({"location": "local"})).await.expect(201);
    give(&server, &stranger, NETWORK_CONTRIBUTOR, &mine).await;
    give(&server, &stranger, READER, &server.group_path()).await;
    let nic = format!("{mine}/providers/Microsoft.Network/networkInterfaces/one");
    let body = paths.nic_body(&json!({}));
    // The same words for what is there and what is not.
    for subnet in ["front", "nothing"] {
        let wanted = paths.subnet().replace("front", subnet);
        let mut body = body.clone();
        body["properties"]["ipConfigurations"][0]["properties"]["subnet"]["id"] = json!(wanted);
        let refused = stranger.put(&nic, &body).await.expect(403);
        assert_eq!(refused.code(), "LinkedAuthorizationFailed");
        assert_eq!(
            refused.message(),
            format!(
                "The client '{}' with object id '{}' has permission to perform action 'Microsoft.Network/networkInterfaces/write' on scope '{nic}'; however, it does not have permission to perform action(s) 'Microsoft.Network/virtualNetworks/subnets/join/action' on the linked scope(s) '{wanted}' (respectively) or the linked scope(s) are invalid.",
                stranger.name(),
                stranger.oid()
            )
        );
    }
    // A role on the one subnet is enough; it is none on the next one of its name.
    give(&server, &stranger, NETWORK_CONTRIBUTOR, &paths.subnet()).await;
    stranger.put(&nic, &body).await.expect(201);
    owner.delete(&nic).await.expect(200);
    owner.delete(&paths.subnet()).await.expect(200);
    owner.put(&paths.subnet(), &json!({"properties": {"addressPrefix": "10.0.0.0/29"}})).await.expect(201);
    stranger.put(&nic, &body).await.expect(403);
    give(&server, &stranger, NETWORK_CONTRIBUTOR, &paths.vnet()).await;
    stranger.put(&nic, &body).await.expect(201);
    // A list shows what one may read.
    let all = format!("{}/providers/Microsoft.Network/networkInterfaces", server.subscription_path());
    owner.put(&paths.nic("owners"), &body).await.expect(201);
    assert_eq!(stranger.get(&all).await.expect(200).json["value"].as_array().unwrap().len(), 2);
    server.stop().await;
}

fn machine(nics: &Value) -> Value {
    json!({"location": "local", "properties": {
        "hardwareProfile": {"vmSize": "Standard_B1s"},
        "storageProfile": {"imageReference": {"publisher": "Hardline", "offer": "hardline-demo", "sku": "1", "version": "latest"}},
        "osProfile": {"computerName": "web", "adminUsername": "operator", "adminPassword": "correct horse 7"},
        "networkProfile": {"networkInterfaces": nics},
    }})
}

#[tokio::test]
async fn a_machine_has_its_interfaces_for_itself() {
    let server = TestServer::start().await;
    let host = FakeHost::new("host1");
    server.running().adopt_host(host.in_process()).await.unwrap();
    let (owner, paths) = (server.owner(), Paths::of(&server));
    network(&owner, &paths).await;
    for name in ["one", "two"] {
        owner.put(&paths.nic(name), &paths.nic_body(&json!({}))).await.expect(201);
    }
    let nothing = machine(&json!([{"id": paths.nic("nothing")}]));
    let missing = owner.put(&server.vm_path("vm1"), &nothing).await.expect(400);
    assert_eq!(missing.code(), "InvalidResourceReference");
    owner.get(&server.vm_path("vm1")).await.expect(404);

    let body = machine(&json!([{"id": paths.nic("one")}]));
    let accepted = owner.put(&server.vm_path("vm1"), &body).await.expect(201);
    assert_eq!(owner.wait(&accepted).await.json["status"], "Succeeded");
    let nic = owner.get(&paths.nic("one")).await.expect(200).json;
    assert_eq!(nic["properties"]["virtualMachine"], json!({"id": server.vm_path("vm1")}));
    assert_eq!(nic["properties"]["primary"], true);
    // Who may change the machine and nothing else may not name an interface.
    let stranger = server.stranger();
    give(&server, &stranger, VIRTUAL_MACHINE_CONTRIBUTOR, &server.vm_path("vm1")).await;
    let document = stranger.get(&server.vm_path("vm1")).await.expect(200).json;
    let refused = stranger.put(&server.vm_path("vm1"), &document).await.expect(403);
    assert_eq!(refused.code(), "LinkedAuthorizationFailed");
    stranger.patch(&server.vm_path("vm1"), &json!({"tags": {"a": "b"}})).await.expect(200);
    let taken = owner.put(&server.vm_path("vm2"), &body).await.expect(400);
    assert_eq!(taken.code(), "NicInUse");
    assert_eq!(owner.delete(&paths.nic("one")).await.expect(400).code(), "NicInUse");
    // An update of the interface leaves it with its machine.
    let again = owner.put(&paths.nic("one"), &paths.nic_body(&json!({}))).await.expect(200).json;
    assert_eq!(again["properties"]["virtualMachine"], nic["properties"]["virtualMachine"]);

    let other = json!({"networkProfile": {"networkInterfaces":
        [{"id": paths.nic("two"), "properties": {"deleteOption": "Delete"}}]}});
    owner.patch(&server.vm_path("vm1"), &json!({"properties": other})).await.expect(200);
    assert_eq!(owner.get(&paths.nic("one")).await.expect(200).json["properties"].get("virtualMachine"), None);
    let gone = owner.delete(&server.vm_path("vm1")).await.expect(202);
    assert_eq!(owner.wait(&gone).await.json["status"], "Succeeded");
    owner.get(&paths.nic("two")).await.expect(404);
    owner.delete(&paths.nic("one")).await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn a_group_goes_with_all_that_is_in_it_unless_others_need_it() {
    let server = TestServer::start().await;
    let (owner, paths) = (server.owner(), Paths::of(&server));
    network(&owner, &paths).await;
    owner.put(&paths.nsg(), &json!({"location": "local"})).await.expect(201);
    let other = format!("{}/resourceGroups/other", server.subscription_path());
    owner.put(&other, &json!({"location": "local"})).await.expect(201);
    let address = format!("{other}/providers/Microsoft.Network/publicIPAddresses/ip");
    owner.put(&address, &json!({"location": "local"})).await.expect(201);
    let outside = format!("{other}/providers/Microsoft.Network/networkInterfaces/nic");
    owner.put(&outside, &paths.nic_body(&json!({}))).await.expect(201);
    let blocked = owner.delete(&server.group_path()).await.expect(409);
    assert_eq!(blocked.code(), "ResourceGroupDeletionBlocked");
    assert_eq!(blocked.json["error"]["details"][0]["code"], "InUseSubnetCannotBeDeleted");
    owner.get(&paths.vnet()).await.expect(200);

    owner.delete(&outside).await.expect(200);
    let inside = paths.nic_body(&json!({"publicIPAddress": {"id": address}}));
    owner.put(&paths.nic("inside"), &inside).await.expect(201);
    owner.delete(&server.group_path()).await.expect(200);
    owner.put(&server.group_path(), &json!({"location": "local"})).await.expect(201);
    for path in [paths.vnet(), paths.nsg(), paths.nic("inside")] {
        assert_eq!(owner.get(&path).await.expect(404).code(), "ResourceNotFound");
    }
    let free = owner.get(&address).await.expect(200).json;
    assert_eq!(free["properties"].get("ipConfiguration"), None);
    owner.delete(&address).await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn interfaces_that_are_made_at_once_get_addresses_of_their_own() {
    at_once(TestServer::start().await).await;
}

#[tokio::test]
async fn interfaces_that_are_made_at_once_on_postgres() {
    at_once(TestServer::builder().postgres().start().await).await;
}

async fn at_once(server: TestServer) {
    let (owner, paths) = (server.owner(), Paths::of(&server));
    network(&owner, &paths).await;
    let owner = server.with_token(&owner.access_token().await);
    let put = async |name: &str| owner.put(&paths.nic(name), &paths.nic_body(&json!({}))).await;
    let (a, b, c, d) = tokio::join!(put("a"), put("b"), put("c"), put("d"));
    let answers = [a, b, c, d];
    let mut given: Vec<_> = answers
        .iter()
        .filter(|a| a.status == 201)
        .map(|a| &a.json["properties"]["ipConfigurations"][0]["properties"]["privateIPAddress"])
        .collect();
    given.sort_by_key(ToString::to_string);
    assert_eq!(given, ["10.0.0.4", "10.0.0.5", "10.0.0.6"]);
    assert_eq!(answers.iter().find(|a| a.status != 201).unwrap().code(), "SubnetIsFull");
    server.stop().await;
}
