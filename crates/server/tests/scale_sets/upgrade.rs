//! What becomes of the instances when the model changes.

use crate::world::World;
use hardline_agent_api::v1::vm_spec::Driver;
use serde_json::{Value, json};

fn diagnostics(enabled: bool) -> Value {
    json!({"properties": {"virtualMachineProfile": {"diagnosticsProfile": {"bootDiagnostics": {"enabled": enabled}}}}})
}

async fn latest(world: &World) -> Vec<bool> {
    world.instances().await.iter().map(|i| i["properties"]["latestModelApplied"].as_bool().unwrap()).collect()
}

fn memory(world: &World, vm: &str) -> u32 {
    match world.host.spec(vm).unwrap().driver.unwrap() {
        Driver::Qemu(machine) => machine.memory_mib,
        Driver::Attach(_) => panic!("an instance is attached to nothing"),
    }
}

#[tokio::test]
async fn by_hand_those_that_are_named() {
    let world = World::with_set("Uniform", 2).await;
    let vms = [world.host.vm_named("web_0").await, world.host.vm_named("web_1").await];
    world.patch(json!({"sku": {"name": "Standard_B1s"}})).await;
    assert_eq!(latest(&world).await, [false, false]);
    assert_eq!(memory(&world, &vms[0]), 256);
    assert_eq!(
        world.get(&world.instance("0")).await["properties"]["hardwareProfile"]["vmSize"],
        "Standard_A0"
    );
    world.post("manualupgrade", &["1"]).await;
    assert_eq!(latest(&world).await, [false, true]);
    assert_eq!((memory(&world, &vms[0]), memory(&world, &vms[1])), (256, 1024));
    // It was restarted, and is the machine that it was.
    assert_eq!(world.host.observation(&vms[1]).unwrap().boot_id, "web_1-boot-2");
    let instance = world.get(&world.instance("1")).await;
    assert_eq!(
        (&instance["sku"]["name"], &instance["properties"]["vmId"]),
        (&json!("Standard_B1s"), &json!(vms[1]))
    );
    // New ones have the new model.
    world.patch(json!({"sku": {"capacity": 3}})).await;
    assert_eq!(latest(&world).await, [false, true, true]);
    world.post("manualupgrade", &["*"]).await;
    assert_eq!(latest(&world).await, [true, true, true]);
    assert_eq!(world.host.observation(&vms[1]).unwrap().boot_id, "web_1-boot-2");
    let again = world
        .server
        .owner()
        .post_json(&format!("{}/manualupgrade", world.set()), &json!({"instanceIds": ["*"]}))
        .await;
    again.expect(200);
    world.stop().await;
}

#[tokio::test]
async fn automatically_all_of_them_at_once() {
    let world = World::with_set("Uniform", 2).await;
    let vm = world.host.vm_named("web_0").await;
    world.patch(json!({"properties": {"upgradePolicy": {"mode": "Automatic"}}})).await;
    assert_eq!(latest(&world).await, [true, true]);
    world.patch(json!({"sku": {"name": "Standard_B1s"}})).await;
    assert_eq!((latest(&world).await, memory(&world, &vm)), (vec![true, true], 1024));
    assert_eq!(world.powers().await, ["running"; 2]);
    world.stop().await;
}

#[tokio::test]
async fn the_log_is_switched_off_without_a_restart() {
    let world = World::with_set("Uniform", 1).await;
    let vm = world.host.vm_named("web_0").await;
    world.patch(diagnostics(false)).await;
    let view = format!("{}/instanceView", world.instance("0"));
    // The instance keeps the old setting until it is upgraded.
    assert!(world.get(&view).await.get("bootDiagnostics").is_some());
    world.post("manualupgrade", &["0"]).await;
    assert!(world.get(&view).await.get("bootDiagnostics").is_none());
    let boot_data = format!("{}/retrieveBootDiagnosticsData", world.instance("0"));
    assert_eq!(world.server.owner().post(&boot_data).await.expect(409).code(), "OperationNotAllowed");
    assert_eq!(world.host.observation(&vm).unwrap().boot_id, "web_0-boot-1");
    assert!(!world.host.spec(&vm).unwrap().capture);
    world.stop().await;
}

#[tokio::test]
async fn one_that_is_off_stays_off() {
    let world = World::with_set("Uniform", 1).await;
    world.post("deallocate", &["0"]).await;
    world.patch(json!({"sku": {"name": "Standard_B1s"}})).await;
    world.post("manualupgrade", &["0"]).await;
    assert_eq!((latest(&world).await, world.powers().await), (vec![true], vec!["deallocated".to_owned()]));
    world.post("start", &["0"]).await;
    assert_eq!(memory(&world, &world.host.vm_named("web_0").await), 1024);
    world.stop().await;
}
