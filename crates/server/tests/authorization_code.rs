//! The authorization code grant with PKCE over real HTTP: what the portal does, and what everybody else tries.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_server::auth::PORTAL;
use hardline_server::clock::ManualClock;
use hardline_store::db::activity_events::{self, EventFilter};
use hardline_store::db::principals;
use hardline_testkit::TestServer;
use hardline_testkit::request::{Answer, read};
use hardline_testkit::server::{PASSWORD, SUBSCRIPTION, TENANT};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;

// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

struct Scene {
    server: TestServer,
    clock: Arc<ManualClock>,
}

type Fields = Vec<(&'static str, String)>;

/// The fields with one of them changed, or added; taken away when the value is empty.
fn with(fields: &Fields, name: &'static str, value: &str) -> Fields {
    let mut changed: Fields = fields.iter().filter(|(n, _)| *n != name).cloned().collect();
    if !value.is_empty() {
        changed.push((name, value.into()));
    }
    changed
}

/// The parameters of an address.
fn parameters(address: &str) -> std::collections::BTreeMap<String, String> {
    let query = hardline_arm::query::Query::parse(address.split_once('?').expect("a query").1).unwrap();
    query.pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The claims of a JWT, as a client reads them: without a look at the signature.
fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

impl Scene {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::new("2026-11-22T12:00:00Z".parse::<Timestamp>().unwrap()));
        Self { server: TestServer::builder().clock(clock.clone()).start().await, clock }
    }

    fn callback(&self) -> String {
        format!("{}/portal/signed-in", self.server.url())
    }

    /// What the portal asks for.
    fn request(&self) -> Fields {
        vec![
            ("response_type", "code".into()),
            ("client_id", PORTAL.into()),
            ("redirect_uri", self.callback()),
            ("scope", format!("{}/.default openid", self.server.url())),
            ("state", "st&te".into()),
            ("nonce", "n0nce".into()),
            ("code_challenge", CHALLENGE.into()),
            ("code_challenge_method", "S256".into()),
        ]
    }

    async fn get(&self, fields: &Fields) -> Answer {
        let url = format!("{}/adfs/oauth2/authorize", self.server.url());
        read(self.server.client().get(url).query(fields).send().await.unwrap()).await
    }

    /// The sign-in page's form, from a page of `origin`.
    async fn post_from(&self, origin: Option<&str>, fields: &Fields) -> Answer {
        let url = format!("{}/adfs/oauth2/authorize", self.server.url());
        let mut request = self.server.client().post(url).form(fields);
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        read(request.send().await.unwrap()).await
    }

    async fn sign_in(&self, fields: &Fields, password: &str) -> Answer {
        let mut fields = with(fields, "username", &self.server.owner().name());
        fields.push(("password", password.into()));
        self.post_from(Some(self.server.url()), &fields).await
    }

    /// A new code.
    async fn code(&self) -> String {
        let answer = self.sign_in(&self.request(), PASSWORD).await.expect(200);
        let address = answer.json["redirect"].as_str().unwrap().to_owned();
        assert!(address.starts_with(&format!("{}?code=", self.callback())), "{address}");
        let found = parameters(&address);
        assert_eq!(found["state"], "st&te");
        found["code"].clone()
    }

    fn exchange(&self, code: &str) -> Fields {
        vec![
            ("grant_type", "authorization_code".into()),
            ("client_id", PORTAL.into()),
            ("code", code.into()),
            ("redirect_uri", self.callback()),
            ("code_verifier", VERIFIER.into()),
        ]
    }

    async fn token(&self, fields: &Fields) -> Answer {
        let url = format!("{}/{TENANT}/oauth2/v2.0/token", self.server.url());
        read(self.server.client().post(url).form(fields).send().await.unwrap()).await
    }

    async fn dead(&self, fields: &Fields) {
        let refused = self.token(fields).await.expect(400);
        assert_eq!(refused.json["error"], "invalid_grant", "{}", refused.text);
        assert!(!refused.json["error_description"].as_str().unwrap().is_empty());
    }
}

#[tokio::test]
async fn the_portal_gets_tokens_for_a_code_and_its_verifier() {
    let scene = Scene::new().await;
    let server = &scene.server;
    let configuration =
        server.anonymous().get("/adfs/.well-known/openid-configuration").await.expect(200).json;
    assert_eq!(configuration["authorization_endpoint"], format!("{}/adfs/oauth2/authorize", server.url()));
    assert_eq!(configuration["response_types_supported"], json!(["code"]));
    assert_eq!(configuration["code_challenge_methods_supported"], json!(["S256"]));
    let page = scene.get(&scene.request()).await.expect(303);
    assert_eq!(page.header("cache-control"), "no-store");
    let location = page.header("location");
    assert!(location.starts_with(&format!("{}/portal/signin?", server.url())), "{location}");
    let asked = parameters(location);
    for (name, value) in scene.request() {
        assert_eq!(asked[name], value, "the page knows what was asked");
    }

    let code = scene.code().await;
    let tokens = scene.token(&scene.exchange(&code)).await.expect(200);
    assert_eq!(tokens.header("cache-control"), "no-store");
    let id = claims(tokens.json["id_token"].as_str().unwrap());
    assert_eq!((&id["nonce"], &id["aud"]), (&json!("n0nce"), &json!(PORTAL)));
    assert_eq!((&id["oid"], &id["tid"]), (&json!(server.owner().oid()), &json!(TENANT)));
    let access = tokens.json["access_token"].as_str().unwrap();
    assert_eq!(claims(access)["amr"], json!(["pwd"]));
    server.with_token(access).get(&format!("/subscriptions/{SUBSCRIPTION}")).await.expect(200);
    let refresh = vec![
        ("grant_type", "refresh_token".into()),
        ("client_id", PORTAL.into()),
        ("refresh_token", tokens.json["refresh_token"].as_str().unwrap().to_owned()),
    ];
    let again = scene.token(&refresh).await.expect(200);
    assert!(claims(again.json["id_token"].as_str().unwrap()).get("nonce").is_none());

    // Below the tenant's id it is the same.
    let url = format!("{}/{TENANT}/oauth2/v2.0/authorize", server.url());
    let there = read(server.client().get(url).query(&scene.request()).send().await.unwrap()).await;
    assert!(there.expect(303).header("location").contains("/portal/signin?"));
    scene.server.stop().await;
}

#[tokio::test]
async fn a_code_works_once_for_a_minute_and_stands_in_no_event() {
    let scene = Scene::new().await;
    let code = scene.code().await;
    scene.clock.advance(SignedDuration::from_secs(59));
    scene.token(&scene.exchange(&code)).await.expect(200);
    scene.dead(&scene.exchange(&code)).await;
    let late = scene.code().await;
    scene.clock.advance(SignedDuration::from_secs(60));
    scene.dead(&scene.exchange(&late)).await;
    // At once, only one of many gets tokens.
    let code = scene.code().await;
    let fields = scene.exchange(&code);
    let answers = futures_util::future::join_all((0..4).map(|_| scene.token(&fields))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    let events =
        activity_events::list(&scene.server.state().store, &EventFilter::default(), 100).await.unwrap();
    assert!(!format!("{events:?}").contains(&code));
    // Only its hash is kept.
    let code = scene.code().await;
    for file in ["hardline.db", "hardline.db-wal"] {
        let bytes = std::fs::read(scene.server.directory().join(file)).unwrap_or_default();
        assert!(!bytes.windows(code.len()).any(|window| window == code.as_bytes()), "{file}");
    }
    scene.server.stop().await;
}

#[tokio::test]
async fn whoever_shows_a_code_with_anything_else_gets_nothing_and_uses_it_up() {
    let scene = Scene::new().await;
    for (name, value) in [
        ("code_verifier", CHALLENGE),
        ("code_verifier", "short"),
        ("client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46"),
        ("redirect_uri", "https://elsewhere.example/portal/signed-in"),
    ] {
        let code = scene.code().await;
        scene.dead(&with(&scene.exchange(&code), name, value)).await;
        scene.dead(&scene.exchange(&code)).await;
        scene.clock.advance(SignedDuration::from_secs(60));
    }
    let code = scene.code().await;
    for name in ["client_id", "code", "redirect_uri", "code_verifier"] {
        let refused = scene.token(&with(&scene.exchange(&code), name, "")).await.expect(400);
        assert_eq!(refused.json["error"], "invalid_request", "{name}");
    }
    // Whoever may not sign in any more does not with a code either.
    let mut tx = scene.server.state().store.begin().await.unwrap();
    principals::set_disabled(&mut tx, &scene.server.owner().oid(), true, 1).await.unwrap();
    tx.commit().await.unwrap();
    scene.dead(&scene.exchange(&code)).await;
    // Guessing is slow.
    let guess = scene.exchange(&"0".repeat(64));
    let mut last = scene.token(&guess).await;
    for _ in 0..10 {
        last = scene.token(&guess).await;
    }
    assert_eq!(last.expect(429).json["error"], "temporarily_unavailable");
    scene.server.stop().await;
}

#[tokio::test]
async fn no_code_is_sent_anywhere_but_to_the_portal() {
    let scene = Scene::new().await;
    let good = scene.request();
    let base = scene.server.url();
    let elsewhere = [
        "https://elsewhere.example/portal/signed-in".to_owned(),
        format!("{base}/portal/"),
        format!("{base}/portal/signed-in/"),
        format!("{base}/portal/signed-in?x=1"),
        format!("{base}@elsewhere.example/portal/signed-in"),
        base.replace("https", "http"),
    ];
    for address in elsewhere {
        for answer in [
            scene.get(&with(&good, "redirect_uri", &address)).await,
            scene.sign_in(&with(&good, "redirect_uri", &address), PASSWORD).await,
        ] {
            let refused = answer.expect(400);
            assert_eq!(refused.json["error"], "invalid_request", "{address}");
            assert_eq!(refused.header("location"), "");
        }
    }
    for (name, value, error) in [
        ("client_id", "", "invalid_request"),
        ("client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46", "unauthorized_client"),
        ("redirect_uri", "", "invalid_request"),
    ] {
        let refused = scene.get(&with(&good, name, value)).await.expect(400);
        assert_eq!(refused.json["error"], error, "{name}");
    }
    let mut twice = good.clone();
    twice.push(("state", "other".into()));
    assert_eq!(scene.get(&twice).await.expect(400).json["error"], "invalid_request");
    scene.server.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_told_to_the_portal() {
    let scene = Scene::new().await;
    let good = scene.request();
    for (name, value, error) in [
        ("response_type", "", "invalid_request"),
        ("response_type", "token", "unsupported_response_type"),
        ("response_type", "code id_token", "unsupported_response_type"),
        ("response_mode", "fragment", "invalid_request"),
        ("request", "x", "request_not_supported"),
        ("request_uri", "https://elsewhere.example", "request_uri_not_supported"),
        ("prompt", "none", "login_required"),
        ("state", "", "invalid_request"),
        ("state", &"s".repeat(513), "invalid_request"),
        ("nonce", &"n".repeat(513), "invalid_request"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("scope", "https://elsewhere.example/.default", "invalid_scope"),
    ] {
        let fields = with(&good, name, value);
        let answer = scene.get(&fields).await.expect(303);
        let told = parameters(answer.header("location"));
        assert!(answer.header("location").starts_with(&format!("{}?error=", scene.callback())));
        assert_eq!(told["error"], error, "{name}={value}");
        assert!(!told["error_description"].is_empty());
        if name != "state" {
            assert_eq!(told["state"], "st&te");
        }
        // With the right password too.
        let posted = scene.sign_in(&fields, PASSWORD).await.expect(200);
        assert_eq!(parameters(posted.json["redirect"].as_str().unwrap())["error"], error);
    }
    scene.server.stop().await;
}

#[tokio::test]
async fn the_password_is_taken_from_the_portals_page_and_guessing_is_slow() {
    let scene = Scene::new().await;
    let owner = scene.server.owner().name();
    let mut form = with(&scene.request(), "username", &owner);
    form.push(("password", PASSWORD.into()));
    for origin in [None, Some("https://elsewhere.example"), Some("null"), Some("")] {
        let refused = scene.post_from(origin, &form).await.expect(403);
        assert_eq!(refused.json["error"], "access_denied", "{origin:?}");
    }
    let url = format!("{}/adfs/oauth2/authorize", scene.server.url());
    let cross = scene.server.client().post(&url).form(&form).header("origin", scene.server.url());
    read(cross.header("sec-fetch-site", "cross-site").send().await.unwrap()).await.expect(403);
    read(scene.server.client().put(&url).send().await.unwrap()).await.expect(405);

    let wrong = scene.sign_in(&scene.request(), "guess").await.expect(400);
    assert_eq!(wrong.json["error"], "invalid_grant");
    let nobody = with(&form, "username", "nobody@hardline.test");
    assert_eq!(scene.post_from(Some(scene.server.url()), &nobody).await.expect(400).text, wrong.text);
    let program = with(&form, "username", &scene.server.program().name());
    assert_eq!(scene.post_from(Some(scene.server.url()), &program).await.expect(400).text, wrong.text);
    for name in ["username", "password"] {
        let missing = scene.post_from(Some(scene.server.url()), &with(&form, name, "")).await.expect(400);
        assert_eq!(missing.json["error"], "invalid_request");
    }
    for _ in 0..9 {
        scene.sign_in(&scene.request(), "guess").await.expect(400);
    }
    let slowed = scene.sign_in(&scene.request(), PASSWORD).await.expect(429);
    assert_eq!(slowed.header("retry-after"), "6");
    scene.clock.advance(SignedDuration::from_secs(6));
    scene.sign_in(&scene.request(), PASSWORD).await.expect(200);
    scene.server.stop().await;
}
