//! Documents, the number of instances, lists, deletion.

use crate::world::{World, body};
use hardline_testkit::FakeHost;
use serde_json::{Value, json};

#[tokio::test]
async fn a_set_is_made_with_its_instances() {
    let world = World::new().await;
    let owner = world.server.owner();
    let accepted = owner.put(&world.set(), &body("Uniform", 2)).await.expect(201);
    assert!(!accepted.text.contains("correct horse"), "{}", accepted.text);
    assert_eq!(accepted.json["properties"]["provisioningState"], "Creating");
    world.succeeds(&accepted).await;

    let set = world.get(&world.set().to_uppercase().replace("SUBSCRIPTIONS", "subscriptions")).await;
    assert_eq!(
        (&set["id"], &set["type"]),
        (&json!(world.set()), &json!("Microsoft.Compute/virtualMachineScaleSets"))
    );
    assert_eq!(set["sku"], json!({"name": "Standard_A0", "tier": "Standard", "capacity": 2}));
    assert_eq!(set["properties"]["provisioningState"], "Succeeded");
    assert_eq!(set["properties"]["upgradePolicy"]["mode"], "Manual");
    let os = &set["properties"]["virtualMachineProfile"]["osProfile"];
    assert_eq!(*os, json!({"computerNamePrefix": "web", "adminUsername": "operator"}));

    let view = world.get(&format!("{}/instanceView", world.set())).await;
    assert_eq!(
        view["virtualMachine"]["statusesSummary"],
        json!([{"code": "ProvisioningState/succeeded", "count": 2}, {"code": "PowerState/running", "count": 2}])
    );
    assert_eq!(view["statuses"][0]["displayStatus"], "Provisioning succeeded");

    let instance = world.get(&format!("{}?$expand=instanceView", world.instance("1"))).await;
    assert_eq!((&instance["name"], &instance["instanceId"]), (&json!("web_1"), &json!("1")));
    assert_eq!(instance["id"], world.instance("1"));
    assert_eq!(instance["type"], "Microsoft.Compute/virtualMachineScaleSets/virtualMachines");
    assert_eq!((&instance["sku"]["name"], &instance["tags"]["team"]), (&json!("Standard_A0"), &json!("a")));
    let properties = &instance["properties"];
    assert_eq!(properties["latestModelApplied"], true);
    assert_eq!(properties["osProfile"], json!({"adminUsername": "operator", "computerName": "web000001"}));
    let alone = world.get(&format!("{}/instanceView", world.instance("1"))).await;
    assert_eq!(alone, properties["instanceView"]);
    assert_eq!(alone["computerName"], "web000001");
    assert_eq!((&alone["platformUpdateDomain"], &alone["platformFaultDomain"]), (&json!(1), &json!(1)));
    assert_eq!(alone["placementGroupId"], set["properties"]["uniqueId"]);
    assert_eq!(
        (&alone["bootDiagnostics"], &alone["statuses"][1]["displayStatus"]),
        (&json!({}), &json!("VM running"))
    );

    let spec = world.host.spec(properties["vmId"].as_str().unwrap()).unwrap();
    let Some(hardline_agent_api::v1::vm_spec::Driver::Qemu(machine)) = spec.driver else {
        panic!("{spec:?}")
    };
    assert_eq!((machine.hostname.as_str(), machine.memory_mib), ("web000001", 256));
    assert!(machine.admin_password_hash.starts_with("$6$"));
    world.stop().await;
}

#[tokio::test]
async fn out_and_in_by_capacity_numbers_are_never_used_again() {
    let world = World::with_set("Uniform", 1).await;
    // As `az vmss scale` does it: the sku and the location alone.
    let scale =
        json!({"location": "local", "sku": {"name": "Standard_A0", "tier": "Standard", "capacity": 3}});
    let accepted = world.server.owner().put(&world.set(), &scale).await.expect(200);
    assert_eq!(
        (&accepted.json["sku"]["capacity"], &accepted.json["properties"]["provisioningState"]),
        (&json!(3), &json!("Updating"))
    );
    world.succeeds(&accepted).await;
    assert_eq!(world.ids().await, ["0", "1", "2"]);
    let set = world.get(&world.set()).await;
    assert_eq!(set["properties"]["virtualMachineProfile"]["osProfile"]["adminUsername"], "operator");
    // In: the newest go.
    world.patch(json!({"sku": {"capacity": 1}})).await;
    assert_eq!(world.ids().await, ["0"]);
    world.patch(json!({"sku": {"capacity": 2}})).await;
    assert_eq!(world.ids().await, ["0", "3"]);
    world.post("delete", &["0"]).await;
    assert_eq!(world.ids().await, ["3"]);
    assert_eq!(world.get(&world.set()).await["sku"]["capacity"], 1);
    let accepted = world.server.owner().delete(&world.instance("3")).await.expect(202);
    world.succeeds(&accepted).await;
    assert_eq!(world.get(&world.set()).await["sku"]["capacity"], 0);
    assert_eq!(world.host.vm_ids(), Vec::<String>::new());
    world.patch(json!({"sku": {"capacity": 1}})).await;
    assert_eq!(world.ids().await, ["4"]);
    // Nothing changes, nothing to wait for.
    let same = world.server.owner().patch(&world.set(), &json!({"sku": {"capacity": 1}})).await.expect(200);
    assert_eq!(
        (same.header("azure-asyncoperation"), &same.json["properties"]["provisioningState"]),
        ("", &json!("Succeeded"))
    );
    world.stop().await;
}

#[tokio::test]
async fn an_operation_on_several_instances_ends_with_the_last_one() {
    let world = World::new().await;
    world.host.hold(true);
    let other = FakeHost::new("host2");
    world.server.running().adopt_host(other.in_process()).await.unwrap();
    let accepted = world.server.owner().put(&world.set(), &body("Uniform", 4)).await.expect(201);
    // They are spread; the second host's two are there first.
    other.wait("its instances", |h| (h.vm_ids().len() == 2).then_some(())).await;
    world.host.wait("its instances", |h| (h.vm_ids().len() == 2).then_some(())).await;
    for vm in other.vm_ids() {
        let mut live = world.server.state().hosts.watch(&vm);
        live.wait_for(|l| l.observed.state == "running").await.unwrap();
    }
    let operation = world.get(accepted.header("azure-asyncoperation")).await;
    assert_eq!(operation["status"], "InProgress");
    world.host.hold(false);
    world.succeeds(&accepted).await;
    assert_eq!(world.powers().await, ["running"; 4]);
    world.stop().await;
}

#[tokio::test]
async fn as_many_as_there_may_be() {
    let world = World::with_set("Uniform", 100).await;
    assert_eq!(world.ids().await.len(), 100);
    world.post("powerOff", &["*"]).await;
    let view = world.get(&format!("{}/instanceView", world.set())).await;
    assert_eq!(
        view["virtualMachine"]["statusesSummary"][1],
        json!({"code": "PowerState/stopped", "count": 100})
    );
    world.patch(json!({"sku": {"capacity": 0}})).await;
    assert_eq!(world.host.vm_ids(), Vec::<String>::new());
    world.stop().await;
}

#[tokio::test]
async fn one_that_cannot_start_fails_the_operation() {
    let world = World::new().await;
    world.host.refuse(Some("the disk is full"));
    let accepted = world.server.owner().put(&world.set(), &body("Uniform", 2)).await.expect(201);
    let ended = world.server.owner().wait(&accepted).await.json;
    assert_eq!(
        (&ended["status"], &ended["error"]["message"]),
        (&json!("Failed"), &json!("the disk is full"))
    );
    assert_eq!(world.get(&world.set()).await["properties"]["provisioningState"], "Failed");
    world.stop().await;
}

#[tokio::test]
async fn lists_of_sets_and_of_instances() {
    let world = World::with_set("Uniform", 2).await;
    let names = |list: &Value| -> Vec<String> {
        list["value"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap().to_owned()).collect()
    };
    let group = world.get(&world.path("virtualMachineScaleSets")).await;
    assert_eq!(names(&group), ["web"]);
    assert_eq!(group["value"][0]["sku"]["capacity"], 2);
    let all =
        format!("{}/providers/Microsoft.Compute/virtualMachineScaleSets", world.server.subscription_path());
    assert_eq!(names(&world.get(&all).await), ["web"]);
    // Instances of a Uniform set are no virtual machines of the group.
    assert_eq!(names(&world.get(&world.path("virtualMachines")).await), Vec::<String>::new());

    let list = |query: &str| format!("{}/virtualMachines?{query}", world.set());
    assert_eq!(names(&world.get(&list("")).await), ["web_0", "web_1"]);
    // As `az vmss get-instance-view --instance-id '*'` asks.
    let views = world.get(&list("$expand=instanceView&$select=instanceView")).await;
    let properties = views["value"][0]["properties"].as_object().unwrap();
    assert_eq!(properties.keys().collect::<Vec<_>>(), ["instanceView"]);
    world.post("powerOff", &["1"]).await;
    for (filter, found) in [
        ("instanceView/statuses/code eq 'PowerState/running'", vec!["web_0"]),
        ("startswith(instanceView/statuses/code, 'PowerState/stop') eq true", vec!["web_1"]),
        ("properties/latestModelApplied eq true", vec!["web_0", "web_1"]),
    ] {
        assert_eq!(names(&world.get(&list(&format!("$filter={filter}"))).await), found, "{filter}");
    }
    let bad = world.server.owner().get(&list("$filter=size gt 3")).await.expect(400);
    assert_eq!(bad.code(), "InvalidFilterInQueryString");
    world.stop().await;
}

#[tokio::test]
async fn a_set_goes_with_everything_in_it() {
    let world = World::with_set("Uniform", 2).await;
    let accepted = world.server.owner().delete(&world.set()).await.expect(202);
    world.succeeds(&accepted).await;
    assert_eq!(world.host.vm_ids(), Vec::<String>::new());
    world.server.owner().get(&world.set()).await.expect(404);
    world.server.owner().delete(&world.set()).await.expect(204);
    // The next one of that name counts from the beginning.
    let accepted = world.server.owner().put(&world.set(), &body("Uniform", 1)).await.expect(201);
    world.succeeds(&accepted).await;
    assert_eq!(world.ids().await, ["0"]);
    // And goes with its group.
    let accepted = world.server.owner().delete(&world.server.group_path()).await.expect(202);
    world.succeeds(&accepted).await;
    assert_eq!(world.host.vm_ids(), Vec::<String>::new());
    world.stop().await;
}

#[tokio::test]
async fn what_is_not_there_and_what_is_refused() {
    let world = World::with_set("Uniform", 1).await;
    let owner = world.server.owner();
    let nothing = world.path("virtualMachineScaleSets/nope");
    assert_eq!(owner.get(&nothing).await.expect(404).code(), "ResourceNotFound");
    for path in [
        format!("{nothing}/virtualMachines"),
        format!("{nothing}/virtualMachines/0"),
        format!("{nothing}/virtualMachines/0/instanceView"),
    ] {
        let missing = owner.get(&path).await.expect(404);
        assert_eq!(
            missing.message(),
            "Can not perform requested operation on nested resource. Parent resource 'nope' not found."
        );
    }
    assert_eq!(owner.get(&world.instance("9")).await.expect(404).code(), "ResourceNotFound");
    let unknown =
        owner.post_json(&format!("{}/start", world.set()), &json!({"instanceIds": ["0", "9"]})).await;
    assert_eq!(
        unknown.expect(400).message(),
        "The provided instanceId 9 is not an active Virtual Machine Scale Set VM instanceId."
    );
    for verb in ["delete", "manualupgrade"] {
        let unnamed = owner.post(&format!("{}/{verb}", world.set())).await.expect(400);
        assert_eq!(unnamed.message(), "Required parameter 'instanceIds' is missing (null).");
    }
    let put = async |change: Value| owner.patch(&world.set(), &change).await.expect(400).message().to_owned();
    assert_eq!(
        put(json!({"sku": {"capacity": 101}})).await,
        "The value of parameter 'sku.capacity' must be a whole number from 0 to 100."
    );
    assert!(put(json!({"sku": {"name": "Standard_Z9"}})).await.contains("Standard_Z9"));
    let password =
        json!({"properties": {"virtualMachineProfile": {"osProfile": {"adminPassword": "another horse"}}}});
    assert_eq!(owner.patch(&world.set(), &password).await.expect(409).code(), "PropertyChangeNotAllowed");
    let mut image = body("Uniform", 1);
    image["properties"]["virtualMachineProfile"]["storageProfile"]["imageReference"]["offer"] =
        json!("nowhere");
    let other = world.path("virtualMachineScaleSets/other");
    assert_eq!(owner.put(&other, &image).await.expect(404).code(), "PlatformImageNotFound");
    image["location"] = json!("mars");
    assert_eq!(owner.put(&other, &image).await.expect(400).code(), "LocationNotAvailableForResourceType");
    // What was refused is not there.
    owner.get(&other).await.expect(404);
    world.stop().await;
}

#[tokio::test]
async fn without_a_host_there_is_no_place() {
    let world = crate::world::World {
        server: hardline_testkit::TestServer::start().await,
        host: FakeHost::new("never"),
    };
    let refused = world.server.owner().put(&world.set(), &body("Uniform", 2)).await.expect(409);
    assert_eq!(refused.code(), "AllocationFailed");
    world.server.owner().get(&world.set()).await.expect(404);
    // A set of nothing needs none, and is there at once.
    let made = world.server.owner().put(&world.set(), &body("Uniform", 0)).await.expect(201);
    assert_eq!(
        (made.header("azure-asyncoperation"), &made.json["properties"]["provisioningState"]),
        ("", &json!("Succeeded"))
    );
    world.stop().await;
}
