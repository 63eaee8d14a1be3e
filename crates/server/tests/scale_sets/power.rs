//! Start, power off, restart and deallocate: one instance by its own path, some by their ids, all.

use crate::world::World;
use hardline_agent_api::v1::Power;
use serde_json::{Value, json};

#[tokio::test]
async fn some_by_their_ids_all_without() {
    let world = World::with_set("Uniform", 3).await;
    world.post("powerOff", &["0", "2"]).await;
    assert_eq!(world.powers().await, ["stopped", "running", "stopped"]);
    let view = world.get(&format!("{}/instanceView", world.set())).await;
    let counts = view["virtualMachine"]["statusesSummary"].as_array().unwrap();
    assert!(counts.contains(&json!({"code": "PowerState/stopped", "count": 2})), "{counts:?}");
    world.post("deallocate", &["1", "2"]).await;
    assert_eq!(world.powers().await, ["stopped", "deallocated", "deallocated"]);
    world.post("start", &["*"]).await;
    assert_eq!(world.powers().await, ["running"; 3]);
    let accepted =
        world.server.owner().post(&format!("{}/POWEROFF?skipShutdown=true", world.set())).await.expect(202);
    assert_eq!(accepted.text, "");
    world.succeeds(&accepted).await;
    assert_eq!(world.powers().await, ["stopped"; 3]);
    assert_eq!(world.host.applied().last().unwrap().stop_grace_seconds, 0);
    // Of all, those that run are restarted: none.
    world.server.owner().post(&format!("{}/restart", world.set())).await.expect(200);
    let named = world
        .server
        .owner()
        .post_json(&format!("{}/restart", world.set()), &json!({"instanceIds": ["0"]}))
        .await;
    assert_eq!(named.expect(409).code(), "OperationNotAllowed");
    world.stop().await;
}

#[tokio::test]
async fn one_by_its_own_path() {
    let world = World::with_set("Uniform", 2).await;
    for (verb, state) in [
        ("powerOff", "stopped"),
        ("start", "running"),
        ("restart", "running"),
        ("deallocate", "deallocated"),
        ("start", "running"),
    ] {
        let accepted =
            world.server.contributor().post(&format!("{}/{verb}", world.instance("1"))).await.expect(202);
        world.succeeds(&accepted).await;
        assert_eq!(world.powers().await, ["running", state], "{verb}");
    }
    let boots = world.host.observation(&world.host.vm_named("web_1").await).unwrap().boot_id;
    assert_eq!(boots, "web_1-boot-4");
    world.server.owner().post(&format!("{}/start", world.instance("7"))).await.expect(404);
    world.stop().await;
}

#[tokio::test]
async fn the_newer_wish_wins_for_the_whole() {
    let world = World::with_set("Uniform", 2).await;
    world.post("powerOff", &[]).await;
    world.host.hold(true);
    let start = world.server.owner().post(&format!("{}/start", world.set())).await.expect(202);
    for name in ["web_0", "web_1"] {
        let vm = world.host.vm_named(name).await;
        world.host.wait("the wish", |h| (h.spec(&vm)?.power() == Power::Running).then_some(())).await;
    }
    let off = world.server.owner().post(&format!("{}/powerOff", world.instance("0"))).await.expect(202);
    let ended = world.server.owner().wait(&start).await.json;
    assert_eq!((&ended["status"], &ended["error"]["code"]), (&json!("Failed"), &json!("OperationPreempted")));
    world.host.hold(false);
    world.succeeds(&off).await;
    assert_eq!(world.powers().await, ["stopped", "running"]);
    world.stop().await;
}

#[tokio::test]
async fn the_activity_log_tells_of_the_set_and_of_the_instance() {
    let world = World::with_set("Uniform", 1).await;
    world.post("restart", &["0"]).await;
    let accepted = world.server.owner().post(&format!("{}/powerOff", world.instance("0"))).await.expect(202);
    world.succeeds(&accepted).await;
    let path = format!(
        "{}/providers/Microsoft.Insights/eventtypes/management/values",
        world.server.subscription_path()
    );
    let list = world.get(&format!("{path}?api-version=2015-04-01")).await;
    let told = |operation: &str| -> Vec<(String, String)> {
        let text = |e: &Value, pointer: &str| e.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
        let events = list["value"].as_array().unwrap().iter();
        let mine = events.filter(|e| e["operationName"]["value"] == operation);
        mine.map(|e| (text(e, "/status/value"), text(e, "/resourceId"))).collect()
    };
    let sets = "Microsoft.Compute/virtualMachineScaleSets";
    for (operation, id) in [
        (format!("{sets}/write"), world.set()),
        (format!("{sets}/restart/action"), world.set()),
        (format!("{sets}/virtualMachines/powerOff/action"), world.instance("0")),
    ] {
        let events = told(&operation);
        let statuses: Vec<_> = events.iter().map(|(status, _)| status.as_str()).collect();
        assert_eq!(statuses, ["Succeeded", "Accepted", "Started"], "{operation}");
        assert!(events.iter().all(|(_, resource)| *resource == id), "{events:?}");
    }
    world.stop().await;
}
