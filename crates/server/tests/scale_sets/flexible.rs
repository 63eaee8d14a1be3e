//! Flexible sets: their instances are virtual machines like any other.

use crate::world::{World, body};
use serde_json::{Value, json};

async fn machines(world: &World) -> Vec<Value> {
    world.get(&world.path("virtualMachines")).await["value"].as_array().unwrap().clone()
}

#[tokio::test]
async fn its_instances_are_machines_of_the_group() {
    let world = World::with_set("Flexible", 2).await;
    let all = machines(&world).await;
    assert_eq!(all.len(), 2);
    for vm in &all {
        let name = vm["name"].as_str().unwrap();
        let hex = name.strip_prefix("web_").unwrap();
        assert!(hex.len() == 8 && hex.bytes().all(|b| b.is_ascii_hexdigit()), "{name}");
        assert_eq!(vm["properties"]["virtualMachineScaleSet"], json!({"id": world.set()}));
    }
    let of = |set: &str| {
        format!("{}?$filter='virtualMachineScaleSet/id' eq '{set}'", world.path("virtualMachines"))
    };
    assert_eq!(world.get(&of(&world.set())).await["value"].as_array().unwrap().len(), 2);
    assert_eq!(world.get(&of(&format!("{}2", world.set()))).await["value"], json!([]));
    let hosts: Vec<_> = all.iter().map(|vm| vm["properties"]["osProfile"]["computerName"].clone()).collect();
    assert!(hosts.contains(&json!("web000000")) && hosts.contains(&json!("web000001")), "{hosts:?}");

    let listed = world.instances().await;
    let id = listed[0]["instanceId"].as_str().unwrap().to_owned();
    assert_eq!((listed.len(), &listed[0]["name"]), (2, &json!(id)));
    assert_eq!(listed[0]["id"], world.instance(&id));
    assert_eq!(listed[0]["properties"]["latestModelApplied"], true);
    let one = world.get(&world.instance(&id)).await;
    assert_eq!(one["properties"]["vmId"], world.get(&world.server.vm_path(&id)).await["properties"]["vmId"]);
    assert_eq!(world.get(&world.set()).await["sku"]["capacity"], 2);
    let view = world.get(&format!("{}/instanceView", world.set())).await;
    assert_eq!(
        view["virtualMachine"]["statusesSummary"][1],
        json!({"code": "PowerState/running", "count": 2})
    );
    world.stop().await;
}

#[tokio::test]
async fn it_is_scaled_and_acted_on_as_a_whole() {
    let world = World::with_set("Flexible", 1).await;
    let first = world.ids().await.remove(0);
    world.patch(json!({"sku": {"capacity": 3}})).await;
    assert_eq!(machines(&world).await.len(), 3);
    world.patch(json!({"sku": {"capacity": 1}})).await;
    assert_eq!(world.ids().await, [first.as_str()]);
    world.post("powerOff", &[&first]).await;
    assert_eq!(world.powers().await, ["stopped"]);
    let accepted = world.server.owner().post(&format!("{}/start", world.instance(&first))).await.expect(202);
    world.succeeds(&accepted).await;
    assert_eq!(world.powers().await, ["running"]);
    let upgrade = world
        .server
        .owner()
        .post_json(&format!("{}/manualupgrade", world.set()), &json!({"instanceIds": ["*"]}))
        .await;
    assert_eq!(upgrade.expect(409).code(), "OperationNotAllowed");
    // A machine that is deleted on its own is one fewer.
    let accepted = world.server.owner().delete(&world.server.vm_path(&first)).await.expect(202);
    world.succeeds(&accepted).await;
    assert_eq!(world.get(&world.set()).await["sku"]["capacity"], 0);
    world.stop().await;
}

#[tokio::test]
async fn a_machine_joins_it_and_goes_with_it() {
    let world = World::new().await;
    let owner = world.server.owner();
    let bare = json!({"location": "local", "properties": {"orchestrationMode": "Flexible"}});
    owner.put(&world.set(), &bare).await.expect(201);
    let more = owner.patch(&world.set(), &json!({"sku": {"capacity": 1}})).await.expect(400);
    assert_eq!(more.message(), "Required parameter 'virtualMachineProfile' is missing (null).");
    let machine = |set: &str| {
        json!({"location": "local", "properties": {
            "storageProfile": {"imageReference": {"publisher": "Hardline", "offer": "hardline-demo"}},
            "osProfile": {"adminUsername": "operator", "adminPassword": "correct horse 7"}, "virtualMachineScaleSet": {"id": set},
        }})
    };
    let accepted = owner.put(&world.server.vm_path("mine"), &machine(&world.set())).await.expect(201);
    world.succeeds(&accepted).await;
    assert_eq!(world.ids().await, ["mine"]);
    let leave = json!({"properties": {"virtualMachineScaleSet": null}});
    assert_eq!(
        owner.patch(&world.server.vm_path("mine"), &leave).await.expect(409).code(),
        "PropertyChangeNotAllowed"
    );
    for wrong in [world.path("virtualMachineScaleSets/nope"), world.server.vm_path("mine"), "x".into()] {
        owner.put(&world.server.vm_path("other"), &machine(&wrong)).await.expect(400);
    }
    let uniform = world.path("virtualMachineScaleSets/uniform");
    owner.put(&uniform, &body("Uniform", 0)).await.expect(201);
    let refused = owner.put(&world.server.vm_path("other"), &machine(&uniform)).await.expect(400);
    assert!(refused.message().contains("is not Flexible"), "{}", refused.text);
    let accepted = owner.delete(&world.set()).await.expect(202);
    world.succeeds(&accepted).await;
    assert_eq!(machines(&world).await, Vec::<Value>::new());
    world.stop().await;
}

#[tokio::test]
async fn its_guests_are_reached_as_machines_only() {
    let world = World::with_set("Flexible", 1).await;
    let id = world.ids().await.remove(0);
    let owner = world.server.owner();
    owner.post(&format!("{}/retrieveBootDiagnosticsData", world.instance(&id))).await.expect(404);
    owner.post(&format!("{}/retrieveBootDiagnosticsData", world.server.vm_path(&id))).await.expect(200);
    world.stop().await;
}
