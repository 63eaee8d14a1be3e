//! What stands in the activity log after a request.

use hardline_arm::activity::ActivityEvent;
use hardline_store::db::activity_events::{self, EventFilter};
use hardline_testkit::{Answer, TestServer};
use serde_json::json;

/// The events of the request that got this answer: (operation, status), oldest first.
async fn events(server: &TestServer, answer: &Answer) -> Vec<ActivityEvent> {
    let correlation = Some(answer.header("x-ms-correlation-request-id").to_owned());
    let filter = EventFilter { correlation, ..Default::default() };
    let mut found = activity_events::list(&server.state().store, &filter, 100).await.unwrap();
    found.reverse();
    found.iter().map(|e| serde_json::from_str(&e.body).unwrap()).collect()
}

fn statuses(events: &[ActivityEvent]) -> Vec<&str> {
    events.iter().map(|e| e.status.value.as_str()).collect()
}

#[tokio::test]
async fn a_write_leaves_start_and_end() {
    let server = TestServer::start().await;
    let path = format!("{}-new", server.group_path());
    let answer = server.owner().put(&path, &json!({"location": "local"})).await.expect(201);
    let events = events(&server, &answer).await;
    assert_eq!(statuses(&events), ["Started", "Succeeded"]);
    let end = &events[1];
    assert_eq!(end.operation_name.value, "Microsoft.Resources/subscriptions/resourceGroups/write");
    assert_eq!(end.caller, server.owner().name());
    assert_eq!(end.http_request.client_ip_address, "127.0.0.1");
    assert_eq!(end.http_request.method, "PUT");
    assert_eq!(end.authorization.role.as_deref(), Some("Owner"));
    assert_eq!(end.sub_status.value, "Created");
    assert_eq!(end.resource_id, path);
    assert_eq!(events[0].operation_id, end.operation_id);
    server.stop().await;
}

#[tokio::test]
async fn a_failed_write_leaves_its_failure_and_nothing_else() {
    let server = TestServer::start().await;
    let path = format!("{}-new", server.group_path());
    let answer = server.owner().put(&path, &json!({"tags": {}})).await.expect(400);
    let events = events(&server, &answer).await;
    assert_eq!(statuses(&events), ["Started", "Failed"]);
    assert!(events[1].properties["statusMessage"].contains(answer.code()));
    server.owner().get(&path).await.expect(404);
    server.stop().await;
}

#[tokio::test]
async fn reads_of_documents_leave_nothing_but_refusals() {
    let server = TestServer::start().await;
    let read = server.owner().get(&server.group_path()).await.expect(200);
    assert_eq!(statuses(&events(&server, &read).await), Vec::<&str>::new());
    let missing = server.owner().get(&server.vm_path("none")).await.expect(404);
    assert_eq!(statuses(&events(&server, &missing).await), Vec::<&str>::new());
    let refused = server.stranger().get(&server.group_path()).await.expect(403);
    let events = events(&server, &refused).await;
    assert_eq!(statuses(&events), ["Started", "Failed"]);
    assert_eq!(events[1].sub_status.value, "Forbidden");
    assert_eq!(events[1].authorization.role, None);
    server.stop().await;
}

#[tokio::test]
async fn a_refusal_reads_the_same_whether_or_not_the_thing_exists() {
    let server = TestServer::start().await;
    let stranger = server.stranger();
    let here = stranger.get(&server.group_path()).await.expect(403);
    let nowhere = stranger.get(&format!("{}-nowhere", server.group_path())).await.expect(403);
    assert_eq!(nowhere.message().replace("-nowhere", ""), here.message());
    server.stop().await;
}

#[tokio::test]
async fn no_token_stands_in_an_event() {
    let server = TestServer::start().await;
    let token = server.stranger().access_token().await;
    let path = format!("{}?authorization={token}&sig=secret", server.vm_path("vm1"));
    let refused = server.with_token(&token).get(&path).await.expect(403);
    let filter = EventFilter {
        correlation: Some(refused.header("x-ms-correlation-request-id").into()),
        ..Default::default()
    };
    for event in activity_events::list(&server.state().store, &filter, 10).await.unwrap() {
        assert!(!event.body.contains(&token) && !event.body.contains("sig=secret"), "{}", event.body);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_full_disk_is_a_503_and_changes_nothing() {
    let server = TestServer::builder().sqlite().start().await;
    let owner = server.with_token(&server.owner().access_token().await);
    let body = json!({"location": "local", "tags": {"a": "x".repeat(256), "b": "y".repeat(256), "c": "z".repeat(256)}});
    server.state().store.limit_growth(0).await.unwrap();
    // Some pages of the file are free: they are filled first.
    let mut full = None;
    for number in 0..200 {
        let path = format!("{}-{number}", server.group_path());
        let answer = owner.put(&path, &body).await;
        if answer.status != 201 {
            full = Some((path, answer));
            break;
        }
    }
    let (path, answer) = full.expect("the disk is full at some time");
    let answer = answer.expect(503);
    assert_eq!(answer.code(), "ServiceUnavailable");
    assert!(answer.message().contains("full"), "{}", answer.message());
    assert!(!answer.header("retry-after").is_empty());
    // Reading goes on, and shows nothing of it.
    owner.get(&path).await.expect(404);
    assert_eq!(statuses(&events(&server, &answer).await), Vec::<&str>::new());
    // Once there is room, so does writing.
    server.state().store.limit_growth(10_000).await.unwrap();
    let answer = owner.put(&path, &body).await.expect(201);
    assert_eq!(statuses(&events(&server, &answer).await), ["Started", "Succeeded"]);
    server.stop().await;
}
