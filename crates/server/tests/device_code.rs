//! Signing in with a device code over real HTTP: the client that waits, the person who answers, everything in between.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_server::clock::ManualClock;
use hardline_store::db::activity_events::{self, EventFilter};
use hardline_store::db::principals;
use hardline_testkit::TestServer;
use hardline_testkit::request::{Answer, read};
use hardline_testkit::server::{PASSWORD, SUBSCRIPTION};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;

const CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
const FIND: &str = "/providers/Hardline.Identity/findDeviceCode";
const ANSWER: &str = "/providers/Hardline.Identity/answerDeviceCode";

struct Scene {
    server: TestServer,
    clock: Arc<ManualClock>,
}

impl Scene {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::new("2026-11-22T12:00:00Z".parse::<Timestamp>().unwrap()));
        Self { server: TestServer::builder().clock(clock.clone()).start().await, clock }
    }

    fn later(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    async fn form(&self, endpoint: &str, form: &[(&str, &str)]) -> Answer {
        let url = format!("{}/adfs/oauth2/{endpoint}", self.server.url());
        read(self.server.client().post(url).form(form).send().await.unwrap()).await
    }

    /// A client begins, as az does.
    async fn begin(&self) -> Value {
        let scope = format!("{}/.default offline_access openid profile", self.server.url());
        self.form("devicecode", &[("client_id", CLI), ("scope", &scope)]).await.expect(200).json
    }

    async fn poll(&self, begun: &Value) -> Answer {
        let code = begun["device_code"].as_str().unwrap();
        self.form("token", &[("grant_type", GRANT), ("client_id", CLI), ("device_code", code)]).await
    }

    async fn answer(&self, begun: &Value, approve: bool) -> Answer {
        let body = json!({ "userCode": begun["user_code"], "approve": approve });
        self.server.owner().post_json(ANSWER, &body).await
    }
}

#[tokio::test]
async fn a_person_signs_a_waiting_client_in() {
    let scene = Scene::new().await;
    let server = &scene.server;
    let begun = scene.begin().await;
    let page = format!("{}/portal/device", server.url());
    assert_eq!(begun["verification_uri"], page);
    assert_eq!((&begun["expires_in"], &begun["interval"]), (&json!(900), &json!(5)));
    let code = begun["user_code"].as_str().unwrap();
    let message = begun["message"].as_str().unwrap();
    assert!(message.contains(code) && message.contains(&page), "{message}");
    assert_eq!(scene.poll(&begun).await.expect(400).json["error"], "authorization_pending");

    let owner = server.owner();
    let typed = json!({ "userCode": code.to_lowercase().replace('-', " ") });
    let found = owner.post_json(FIND, &typed).await.expect(200).json;
    assert_eq!((&found["clientId"], &found["clientName"]), (&json!(CLI), &json!("Microsoft Azure CLI")));
    assert_eq!((&found["address"], &found["expires"]), (&json!("127.0.0.1"), &json!("2026-11-22T12:15:00Z")));
    assert_eq!(scene.answer(&begun, true).await.expect(200).json, json!({ "approved": true }));

    scene.later(5);
    let tokens = scene.poll(&begun).await.expect(200);
    assert_eq!(tokens.header("cache-control"), "no-store");
    for key in ["access_token", "refresh_token", "id_token", "client_info"] {
        assert!(tokens.json[key].is_string(), "{key}");
    }
    let signed_in = server.with_token(tokens.json["access_token"].as_str().unwrap());
    signed_in.get(&format!("/subscriptions/{SUBSCRIPTION}")).await.expect(200);
    let refresh = tokens.json["refresh_token"].as_str().unwrap();
    let again = [("grant_type", "refresh_token"), ("client_id", CLI), ("refresh_token", refresh)];
    scene.form("token", &again).await.expect(200);
    assert_eq!(scene.poll(&begun).await.expect(400).json["error"], "invalid_grant", "once");

    // Who let the client in stands in the log; the codes do not.
    let events = activity_events::list(&server.state().store, &EventFilter::default(), 50).await.unwrap();
    let mine: Vec<_> = events.iter().filter(|e| e.body.contains("answerDeviceCode")).collect();
    assert_eq!(mine.len(), 2);
    for event in mine {
        assert!(event.body.contains(&owner.name()), "{}", event.body);
        for secret in [code, begun["device_code"].as_str().unwrap()] {
            assert!(!event.body.contains(secret), "{}", event.body);
        }
    }
    scene.server.stop().await;
}

#[tokio::test]
async fn a_client_that_asks_too_often_is_slowed_down_and_one_that_is_too_late_begins_again() {
    let scene = Scene::new().await;
    let begun = scene.begin().await;
    scene.poll(&begun).await.expect(400);
    scene.later(4);
    assert_eq!(scene.poll(&begun).await.expect(400).json["error"], "slow_down");
    scene.later(5);
    assert_eq!(scene.poll(&begun).await.expect(400).json["error"], "authorization_pending");
    scene.later(891);
    assert_eq!(scene.poll(&begun).await.expect(400).json["error"], "expired_token");
    assert_eq!(scene.answer(&begun, true).await.expect(404).code(), "DeviceCodeNotFound");
    let unknown = json!({ "device_code": "0".repeat(64) });
    assert_eq!(scene.poll(&unknown).await.expect(400).json["error"], "invalid_grant");
    scene.server.stop().await;
}

#[tokio::test]
async fn a_refusal_reaches_the_client() {
    let scene = Scene::new().await;
    let begun = scene.begin().await;
    assert_eq!(scene.answer(&begun, false).await.expect(200).json, json!({ "approved": false }));
    assert_eq!(scene.poll(&begun).await.expect(400).json["error"], "access_denied");
    scene.answer(&begun, true).await.expect(404);
    scene.server.stop().await;
}

#[tokio::test]
async fn only_people_answer_and_only_for_themselves() {
    let scene = Scene::new().await;
    let server = &scene.server;
    let begun = scene.begin().await;
    let body = json!({ "userCode": begun["user_code"], "approve": true });
    for path in [FIND, ANSWER] {
        server.anonymous().post_json(path, &body).await.expect(401);
        let refused = server.program().post_json(path, &body).await.expect(403);
        assert_eq!(refused.code(), "OnlyPeopleAnswerDeviceCodes");
    }
    for (body, code) in [
        (json!({}), "InvalidRequestContent"),
        (json!({ "userCode": 7 }), "InvalidRequestContent"),
        (json!({ "userCode": begun["user_code"] }), "InvalidRequestContent"),
    ] {
        assert_eq!(server.owner().post_json(ANSWER, &body).await.expect(400).code(), code, "{body}");
    }
    // Whoever may not sign in any more signs nobody else in.
    let reader = server.reader();
    reader.post_json(ANSWER, &body).await.expect(200);
    let mut tx = server.state().store.begin().await.unwrap();
    principals::set_disabled(&mut tx, &reader.oid(), true, 1).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(scene.poll(&begun).await.expect(400).json["error"], "invalid_grant");
    scene.server.stop().await;
}

#[tokio::test]
async fn codes_are_neither_guessed_nor_heaped_up() {
    let scene = Scene::new().await;
    let begun = scene.begin().await;
    let stranger = scene.server.with_token(&scene.server.stranger().access_token().await);
    let guess = json!({ "userCode": "BCDF-GHJK" });
    for _ in 0..10 {
        stranger.post_json(FIND, &guess).await.expect(404);
    }
    let typed = json!({ "userCode": begun["user_code"] });
    let slowed = stranger.post_json(FIND, &typed).await.expect(429);
    assert!(!slowed.header("retry-after").is_empty());
    scene.server.owner().post_json(FIND, &typed).await.expect(200);

    for _ in 0..9 {
        scene.begin().await;
    }
    let refused = scene.form("devicecode", &[("client_id", CLI)]).await.expect(429);
    assert_eq!(refused.json["error"], "temporarily_unavailable");
    scene.later(6);
    scene.begin().await;
    // Passwords are counted apart.
    let form = [
        ("grant_type", "password"),
        ("client_id", CLI),
        ("username", "owner@hardline.test"),
        ("password", PASSWORD),
    ];
    scene.form("token", &form).await.expect(200);
    let bad = scene.form("devicecode", &[("scope", "openid")]).await.expect(400);
    assert_eq!(bad.json["error"], "invalid_request");
    let elsewhere = [("client_id", CLI), ("scope", "https://elsewhere.example/.default")];
    assert_eq!(scene.form("devicecode", &elsewhere).await.expect(400).json["error"], "invalid_resource");
    scene.server.stop().await;
}
