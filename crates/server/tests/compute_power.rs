//! Power over real HTTP: long-running operations, their polling, and what a VM is told to be doing meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_agent_api::v1::{Power, RunState};
use hardline_testkit::request::read;
use hardline_testkit::{Answer, FakeHost, TestServer};
use serde_json::{Value, json};

async fn server() -> (TestServer, FakeHost, String) {
    let server = TestServer::start().await;
    let host = FakeHost::new("host1");
    server.running().adopt_host(host.in_process()).await.unwrap();
    let accepted = server.owner().put(&server.vm_path("vm1"), &body()).await.expect(201);
    assert_eq!(server.owner().wait(&accepted).await.json["status"], "Succeeded");
    let vm_id = host.vm_named("vm1").await;
    (server, host, vm_id)
}

fn body() -> Value {
    json!({"location": "local", "properties": {
        "storageProfile": {"imageReference": {"publisher": "Hardline", "offer": "hardline-demo"}},
        "osProfile": {"adminUsername": "operator", "adminPassword": "correct horse 7"},
    }})
}

async fn post(server: &TestServer, verb: &str) -> Answer {
    server.contributor().post(&format!("{}/{verb}", server.vm_path("vm1"))).await
}

async fn power(server: &TestServer) -> String {
    let view = server.owner().get(&format!("{}/instanceView", server.vm_path("vm1"))).await.expect(200);
    view.json["statuses"][1]["displayStatus"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_action_ends_in_its_state() {
    let (server, host, vm_id) = server().await;
    for (verb, state, wish) in [
        ("powerOff", "VM stopped", Power::Stopped),
        ("start", "VM running", Power::Running),
        ("restart", "VM running", Power::Running),
        ("deallocate", "VM deallocated", Power::Stopped),
        ("powerOff", "VM deallocated", Power::Stopped),
        ("start", "VM running", Power::Running),
        ("POWEROFF?skipShutdown=true", "VM stopped", Power::Stopped),
    ] {
        let accepted = post(&server, verb).await.expect(202);
        assert_eq!(accepted.text, "");
        assert_eq!(accepted.header("retry-after"), "1");
        let ended = server.owner().wait(&accepted).await;
        assert_eq!(ended.json["status"], "Succeeded", "{verb}");
        assert!(ended.json["endTime"].is_string());
        let result = server.owner().get(accepted.header("location")).await.expect(200);
        assert_eq!((result.text.as_str(), result.header("retry-after")), ("", "1"));
        assert_eq!(power(&server).await, state, "{verb}");
        assert_eq!(host.spec(&vm_id).unwrap().power(), wish, "{verb}");
    }
    let graces: Vec<_> = host.applied().iter().map(|s| s.stop_grace_seconds).collect();
    assert_eq!((graces[1], graces.last().copied()), (30, Some(0)));
    // One boot when it was created, one for each start, one for the restart.
    assert_eq!(host.observation(&vm_id).unwrap().boot_id, "vm1-boot-4");
    server.stop().await;
}

#[tokio::test]
async fn a_poll_is_held_until_there_is_something_to_tell() {
    let server = TestServer::builder().limits(|l| l.poll = std::time::Duration::from_secs(600)).start().await;
    let host = FakeHost::new("host1");
    server.running().adopt_host(host.in_process()).await.unwrap();
    host.hold(true);
    let accepted = server.owner().put(&server.vm_path("vm1"), &body()).await.expect(201);
    let token = server.owner().access_token().await;
    let (url, client) = (accepted.header("azure-asyncoperation").to_owned(), server.client().clone());
    let poll =
        tokio::spawn(async move { read(client.get(url).bearer_auth(token).send().await.unwrap()).await });
    for _ in 0..20 {
        server.owner().get(&server.vm_path("vm1")).await.expect(200);
    }
    assert!(!poll.is_finished(), "it would have been answered before twenty others");
    host.hold(false);
    assert_eq!(poll.await.unwrap().json["status"], "Succeeded");
    server.stop().await;
}

#[tokio::test]
async fn pollers_are_told_that_it_goes_on() {
    let (server, host, vm_id) = server().await;
    host.hold(true);
    let accepted = post(&server, "deallocate").await.expect(202);
    let operation = server.owner().get(accepted.header("azure-asyncoperation")).await.expect(200);
    assert_eq!((&operation.json["status"], operation.header("retry-after")), (&json!("InProgress"), "1"));
    assert!(accepted.header("azure-asyncoperation").contains(operation.json["name"].as_str().unwrap()));
    let monitor = server.owner().get(accepted.header("location")).await.expect(202);
    assert_eq!(
        (monitor.header("retry-after"), monitor.header("location")),
        ("1", accepted.header("location"))
    );
    assert_eq!(power(&server).await, "VM deallocating");
    let vm = server.owner().get(&server.vm_path("vm1")).await.expect(200);
    assert_eq!(vm.json["properties"]["provisioningState"], "Updating");
    host.wait("the wish", |h| (h.spec(&vm_id)?.power() == Power::Stopped).then_some(())).await;
    host.hold(false);
    assert_eq!(server.owner().wait(&accepted).await.json["status"], "Succeeded");
    server.stop().await;
}

#[tokio::test]
async fn a_machine_that_cannot_start_fails_its_operation() {
    let (server, host, vm_id) = server().await;
    server.owner().wait(&post(&server, "deallocate").await.expect(202)).await;
    host.hold(true);
    let accepted = post(&server, "start").await.expect(202);
    host.wait("the wish", |h| (h.spec(&vm_id)?.power() == Power::Running).then_some(())).await;
    host.fail(&vm_id, "no memory left on the host");
    let ended = server.owner().wait(&accepted).await.json;
    assert_eq!(
        (&ended["status"], &ended["error"]["message"]),
        (&json!("Failed"), &json!("no memory left on the host"))
    );
    let monitor = server.owner().get(accepted.header("location")).await.expect(409);
    assert_eq!(monitor.message(), "no memory left on the host");
    let view = server.owner().get(&format!("{}/instanceView", server.vm_path("vm1"))).await.expect(200).json;
    assert_eq!(view["statuses"][0]["code"], "ProvisioningState/failed");
    assert_eq!(view["statuses"][1]["message"], "no memory left on the host");
    // The next start is answered on its own.
    host.hold(false);
    assert_eq!(
        server.owner().wait(&post(&server, "start").await.expect(202)).await.json["status"],
        "Succeeded"
    );
    assert_eq!(power(&server).await, "VM running");
    server.stop().await;
}

#[tokio::test]
async fn a_refusal_of_the_host_fails_the_operation() {
    let (server, host, _) = server().await;
    host.refuse(Some("the image is damaged"));
    let accepted = server.owner().put(&server.vm_path("vm2"), &body()).await.expect(201);
    let ended = server.owner().wait(&accepted).await.json;
    assert_eq!(
        (&ended["status"], &ended["error"]["message"]),
        (&json!("Failed"), &json!("the image is damaged"))
    );
    let vm = server.owner().get(&server.vm_path("vm2")).await.expect(200).json;
    assert_eq!(vm["properties"]["provisioningState"], "Failed");
    host.refuse(None);
    let start = server.owner().post(&format!("{}/start", server.vm_path("vm2"))).await.expect(202);
    assert_eq!(server.owner().wait(&start).await.json["status"], "Succeeded");
    server.stop().await;
}

#[tokio::test]
async fn the_newer_wish_wins() {
    let (server, host, _) = server().await;
    server.owner().wait(&post(&server, "powerOff").await.expect(202)).await;
    host.hold(true);
    let start = post(&server, "start").await.expect(202);
    let stop = post(&server, "powerOff").await.expect(202);
    let preempted = server.owner().wait(&start).await.json;
    assert_eq!(
        (&preempted["status"], &preempted["error"]["code"]),
        (&json!("Failed"), &json!("OperationPreempted"))
    );
    host.hold(false);
    assert_eq!(server.owner().wait(&stop).await.json["status"], "Succeeded");
    assert_eq!(power(&server).await, "VM stopped");
    server.stop().await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let (server, host, vm_id) = server().await;
    server.owner().wait(&post(&server, "deallocate").await.expect(202)).await;
    let restart = post(&server, "restart").await.expect(409);
    assert_eq!(restart.code(), "OperationNotAllowed");
    assert!(restart.message().contains("deallocated"), "{}", restart.message());
    assert_eq!(post(&server, "deallocate?hibernate=true").await.expect(409).code(), "OperationNotAllowed");
    server.owner().wait(&post(&server, "start").await.expect(202)).await;
    host.guest_shutdown(&vm_id);
    let mut live = server.state().hosts.watch(&vm_id);
    live.wait_for(|l| l.observed.guest_shutdown).await.unwrap();
    assert_eq!(power(&server).await, "VM stopped");
    assert_eq!(post(&server, "restart").await.expect(409).code(), "OperationNotAllowed");
    server.owner().wait(&post(&server, "start").await.expect(202)).await;
    assert_eq!(power(&server).await, "VM running");
    server.stop().await;
}

#[tokio::test]
async fn an_attached_machine_keeps_its_own_power() {
    let (server, host, _) = server().await;
    let attached = json!({"location": "local", "properties": {"hardlineProfile": {"driver": "attach", "serial": "unix:/run/x.sock"}}});
    let path = server.vm_path("attached");
    let accepted = server.owner().put(&path, &attached).await.expect(201);
    assert_eq!(server.owner().wait(&accepted).await.json["status"], "Succeeded");
    for verb in ["start", "powerOff", "restart", "deallocate"] {
        let refused = server.owner().post(&format!("{path}/{verb}")).await.expect(409);
        assert_eq!(refused.code(), "OperationNotAllowed");
        assert!(refused.message().contains("its power is not ours"), "{}", refused.message());
    }
    let vm_id = host.vm_named("attached").await;
    host.set_state(&vm_id, RunState::Detached, "unix:/run/x.sock is not there");
    let mut live = server.state().hosts.watch(&vm_id);
    live.wait_for(|l| l.observed.state == "detached").await.unwrap();
    let view = server.owner().get(&format!("{path}/instanceView")).await.expect(200).json;
    assert_eq!(view["statuses"][1]["code"], "PowerState/unknown");
    assert_eq!(view["statuses"][1]["message"], "unix:/run/x.sock is not there");
    server.stop().await;
}

#[tokio::test]
async fn the_activity_log_tells_how_it_ended() {
    let (server, host, vm_id) = server().await;
    let events = async |verb: &str| -> Vec<(String, String, String)> {
        let name = format!("Microsoft.Compute/virtualMachines/{verb}/action");
        let path = format!(
            "{}/providers/Microsoft.Insights/eventtypes/management/values",
            server.subscription_path()
        );
        let list = server.owner().get(&format!("{path}?api-version=2015-04-01")).await.expect(200).json;
        let events =
            list["value"].as_array().unwrap().iter().filter(|e| e["operationName"]["value"] == name.as_str());
        let text = |e: &Value, pointer: &str| e.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
        let one = |e| (text(e, "/status/value"), text(e, "/caller"), text(e, "/operationId"));
        events.map(one).collect()
    };
    server.owner().wait(&post(&server, "powerOff").await.expect(202)).await;
    let told = events("powerOff").await;
    let statuses: Vec<_> = told.iter().map(|(status, _, _)| status.as_str()).collect();
    assert_eq!(statuses, ["Succeeded", "Accepted", "Started"]);
    assert!(told.iter().all(|e| e.1 == "contributor@hardline.test" && e.2 == told[0].2), "{told:?}");
    host.hold(true);
    let accepted = post(&server, "start").await.expect(202);
    host.wait("the wish", |h| (h.spec(&vm_id)?.power() == Power::Running).then_some(())).await;
    assert_eq!(events("start").await.len(), 2);
    host.fail(&vm_id, "no");
    server.owner().wait(&accepted).await;
    assert_eq!(events("start").await[0].0, "Failed");
    server.stop().await;
}
