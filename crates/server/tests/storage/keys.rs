//! Keys: who is shown them, what stays of it, and what a new one ends.

use crate::signing::{Client, refused};
use crate::{account, keys, path};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hardline_testkit::TestServer;
use hardline_testkit::console::events;
use hardline_testkit::server::TENANT;
use serde_json::json;

#[tokio::test]
async fn keys_are_shown_to_whoever_may_and_replaced_one_at_a_time() {
    let server = TestServer::start().await;
    account(&server, "acct1").await;
    let [first, second] = keys(&server, "acct1").await;
    for key in [&first, &second] {
        assert_eq!(STANDARD.decode(key).unwrap().len(), 64);
    }
    assert_ne!(first, second);
    for key in [&first, &second] {
        Client::new(&server, "acct1", key).get("/", "comp=list").await.expect(200);
    }
    let regenerate = format!("{}/regenerateKey", path(&server, "acct1"));
    let answer = server.owner().post_json(&regenerate, &json!({"keyName": "key1"})).await.expect(200).json;
    let new = answer["keys"][0]["value"].as_str().unwrap().to_owned();
    assert_eq!(
        (answer["keys"][0]["keyName"].as_str(), answer["keys"][0]["permissions"].as_str()),
        (Some("key1"), Some("FULL"))
    );
    assert_ne!(new, first);
    assert_eq!(answer["keys"][1]["value"], second.as_str(), "the other one stays");
    assert_eq!(
        refused(&Client::new(&server, "acct1", &first).get("/", "comp=list").await),
        (403, "AuthenticationFailed".into())
    );
    for key in [&new, &second] {
        Client::new(&server, "acct1", key).get("/", "comp=list").await.expect(200);
    }
    for bad in [json!({}), json!({"keyName": "key3"}), json!({"keyName": "kerb1"})] {
        server.owner().post_json(&regenerate, &bad).await.expect(400);
    }
    server.stop().await;
}

#[tokio::test]
async fn who_may_not_is_refused_and_both_are_recorded_without_a_key() {
    let server = TestServer::start().await;
    account(&server, "acct1").await;
    let list = format!("{}/listKeys", path(&server, "acct1"));
    let regenerate = format!("{}/regenerateKey", path(&server, "acct1"));
    server.reader().post(&list).await.expect(403);
    server.reader().post_json(&regenerate, &json!({"keyName": "key1"})).await.expect(403);
    // A Virtual Machine Contributor reads keys, and replaces none.
    server.contributor().post(&list).await.expect(200);
    server.contributor().post_json(&regenerate, &json!({"keyName": "key1"})).await.expect(403);
    let answer = server.owner().post_json(&regenerate, &json!({"keyName": "key2"})).await.expect(200).json;
    let events = events(&server, &path(&server, "acct1")).await;
    let of = |operation: &str| {
        let mine = events.iter().filter(|(name, ..)| name.ends_with(operation));
        mine.map(|(_, status, caller, _)| (status.as_str(), caller.split('@').next().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of("/listKeys/action"),
        [
            ("Started", "reader"),
            ("Failed", "reader"),
            ("Started", "contributor"),
            ("Succeeded", "contributor")
        ]
    );
    assert_eq!(of("/regenerateKey/action")[4..], [("Started", "owner"), ("Succeeded", "owner")]);
    let text = format!("{events:?}");
    for key in answer["keys"].as_array().unwrap() {
        assert!(!text.contains(key["value"].as_str().unwrap()));
    }
    // Nor in what the server could print of itself.
    let [first, _] = keys(&server, "acct1").await;
    assert!(!format!("{:?}", server.state()).contains(&first) && !TENANT.is_empty());
    server.stop().await;
}
