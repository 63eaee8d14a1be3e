//! A change, its events and its long-running operation stand or fall together.

use hardline_arm::operation::OperationId;
use hardline_arm::operations;
use hardline_arm::query::Query;
use hardline_arm::resource_id::ArmPath;
use hardline_server::auth::Allowed;
use hardline_server::jobs::{self, Awaits, Pending};
use hardline_server::pipeline::{self, Cx, RequestFacts};
use hardline_server::record::Outcome;
use hardline_server::reply::{ArmResponse, Reply};
use hardline_store::db::activity_events::{self, EventFilter};
use hardline_store::db::secrets;
use hardline_testkit::TestServer;
use http::{Method, StatusCode};
use serde_json::Value;

/// A request of the Owner's that has been allowed.
async fn allowed(server: &TestServer, id: OperationId) -> (Cx, Allowed) {
    let path = server.vm_path("vm1");
    let facts = RequestFacts {
        method: Method::POST,
        path: path.clone(),
        base_url: server.url().into(),
        client: [192, 0, 2, 7].into(),
        client_request_id: None,
        user_agent: None,
        bearer: Some(server.owner().access_token().await.into()),
        if_match: None,
        if_none_match: None,
        range: None,
        websocket: None,
    };
    let query = Query::parse("api-version=2024-07-01").unwrap();
    let cx = Cx::new(server.state().clone(), facts, None, query);
    let caller = pipeline::authenticate(&cx).await.unwrap();
    let path = ArmPath::parse(&path).unwrap();
    let allowed = pipeline::authorise(&cx, &caller, operations::get(id), path).await.unwrap();
    (cx, allowed)
}

async fn statuses(cx: &Cx) -> Vec<String> {
    let filter = EventFilter { correlation: Some(cx.correlation.to_string()), ..Default::default() };
    let mut found = activity_events::list(&cx.state.store, &filter, 100).await.unwrap();
    found.reverse();
    let word = |e: &activity_events::StoredEvent| {
        let body: Value = serde_json::from_str(&e.body).unwrap();
        body["status"]["value"].as_str().unwrap().to_owned()
    };
    found.iter().map(word).collect()
}

#[tokio::test]
async fn a_change_that_is_dropped_never_was() {
    let server = TestServer::start().await;
    let (cx, allowed) = allowed(&server, OperationId::VmStart).await;
    let mut change = cx.begin(&allowed).await.unwrap();
    secrets::put(change.tx(), "mark", b"1", 0).await.unwrap();
    drop(change);
    assert_eq!(secrets::get(&cx.state.store, "mark").await.unwrap(), None);
    assert_eq!(statuses(&cx).await, Vec::<String>::new());

    let mut change = cx.begin(&allowed).await.unwrap();
    secrets::put(change.tx(), "mark", b"1", 0).await.unwrap();
    change.commit(ArmResponse::no_content()).await.unwrap();
    assert!(secrets::get(&cx.state.store, "mark").await.unwrap().is_some());
    assert_eq!(statuses(&cx).await, ["Started", "Succeeded"]);
    server.stop().await;
}

#[tokio::test]
async fn an_operation_that_goes_on_ends_later() {
    let server = TestServer::start().await;
    let (cx, allowed) = allowed(&server, OperationId::ConsoleReset).await;
    let change = cx.begin(&allowed).await.unwrap();
    let (_recorded, open) = change.started(ArmResponse::no_content()).await.unwrap();
    assert_eq!(statuses(&cx).await, ["Started"]);
    open.end(Outcome::Succeeded(StatusCode::OK)).await;
    assert_eq!(statuses(&cx).await, ["Started", "Succeeded"]);
    server.stop().await;
}

/// Accepts an operation that waits for generation 5 and `running`; its URL.
async fn accept(cx: &Cx, allowed: &Allowed) -> String {
    let awaits = Awaits { vm_id: "v1".into(), generation: 5, state: "running" };
    let change = cx.begin(allowed).await.unwrap();
    let pending = Pending::action("start", allowed.path.id.clone(), awaits);
    let Reply::Arm(answer) = change.accept(pending).await.unwrap().into_reply().unwrap() else {
        panic!("an ARM answer")
    };
    assert_eq!(answer.status, 202);
    assert_eq!(answer.headers["retry-after"], "1");
    assert!(answer.headers["location"].to_str().unwrap().contains("&monitor=true"));
    answer.headers["azure-asyncoperation"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_long_running_operation_succeeds_when_its_state_is_observed() {
    let server = TestServer::start().await;
    let (cx, allowed) = allowed(&server, OperationId::VmStart).await;
    let url = accept(&cx, &allowed).await;
    assert_eq!(statuses(&cx).await, ["Started", "Accepted"]);
    let running = server.owner().get(&url).await.expect(200);
    assert_eq!((running.json["status"].as_str(), running.header("retry-after")), (Some("InProgress"), "1"));
    assert!(running.json.get("endTime").is_none());
    let monitor = format!("{url}&monitor=true");
    let waiting = server.owner().get(&monitor).await.expect(202);
    assert_eq!((waiting.header("retry-after"), waiting.text.as_str()), ("1", ""));
    assert!(waiting.header("location").ends_with("&monitor=true"));

    let state = server.state();
    for (generation, word, ended) in
        [(4, "running", 0), (5, "starting", 0), (5, "running", 1), (6, "running", 0)]
    {
        let mut tx = state.store.begin().await.unwrap();
        assert_eq!(
            jobs::observed(state, &mut tx, "v1", generation, word, None).await.unwrap(),
            ended,
            "{generation} {word}"
        );
        tx.commit().await.unwrap();
    }
    let done = server.owner().get(&url).await.expect(200);
    assert_eq!((done.json["status"].as_str(), done.header("retry-after")), (Some("Succeeded"), "1"));
    assert!(done.json["endTime"].is_string());
    assert_eq!(server.owner().get(&monitor).await.expect(200).text, "");
    assert_eq!(statuses(&cx).await, ["Started", "Accepted", "Succeeded"]);
    server.stop().await;
}

#[tokio::test]
async fn a_long_running_operation_that_fails_says_why() {
    let server = TestServer::start().await;
    let (cx, allowed) = allowed(&server, OperationId::VmStart).await;
    let url = accept(&cx, &allowed).await;
    let state = server.state();
    let mut tx = state.store.begin().await.unwrap();
    jobs::observed(state, &mut tx, "v1", 5, "failed", Some("no such image")).await.unwrap();
    tx.commit().await.unwrap();
    let failed = server.owner().get(&url).await.expect(200);
    assert_eq!(failed.json["status"], "Failed");
    assert_eq!(failed.json["error"]["message"], "no such image");
    let monitor = server.owner().get(&format!("{url}&monitor=true")).await.expect(409);
    assert_eq!(monitor.message(), "no such image");
    assert_eq!(statuses(&cx).await, ["Started", "Accepted", "Failed"]);
    // What has ended stays as it ended.
    let id = failed.json["name"].as_str().unwrap();
    jobs::finish(state, id, Outcome::Succeeded(StatusCode::OK)).await.unwrap();
    assert_eq!(statuses(&cx).await.len(), 3);
    server.stop().await;
}

#[tokio::test]
async fn an_operation_of_another_subscription_is_not_shown() {
    let server = TestServer::start().await;
    let (cx, allowed) = allowed(&server, OperationId::VmStart).await;
    let url = accept(&cx, &allowed).await;
    server.stranger().get(&url).await.expect(403);
    let other = url.replace(hardline_testkit::server::SUBSCRIPTION, "99999999-9999-4999-8999-999999999999");
    server.owner().get(&other).await.expect(403);
    let unknown = url.split('?').next().unwrap().rsplit_once('/').unwrap().0.to_owned() + "/nothing";
    server.owner().get(&format!("{unknown}?api-version=2024-07-01")).await.expect(404);
    server.stop().await;
}
