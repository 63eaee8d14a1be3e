//! Signing in with an outside identity provider, over real HTTPS on both sides.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_arm::query::Query;
use hardline_server::auth::{PORTAL, challenge_of};
use hardline_server::clock::ManualClock;
use hardline_server::config::Federation;
use hardline_store::db::principals;
use hardline_testkit::request::{Answer, read};
use hardline_testkit::server::SUBSCRIPTION;
use hardline_testkit::{IdentityProvider, TestServer};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

struct Scene {
    server: TestServer,
    provider: IdentityProvider,
    clock: Arc<ManualClock>,
}

/// The parameters of an address.
fn parameters(address: &str) -> BTreeMap<String, String> {
    let query = Query::parse(address.split_once('?').expect("a query").1).unwrap();
    query.pairs().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// What a browser keeps of an answer's cookie.
fn cookie(answer: &Answer) -> String {
    let set = answer.header("set-cookie");
    for attribute in ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"] {
        assert!(set.contains(&format!("; {attribute}")), "{set}");
    }
    set.split(';').next().unwrap().to_owned()
}

impl Scene {
    async fn new(change: impl FnOnce(&mut Federation)) -> Self {
        let provider = IdentityProvider::start().await;
        let mut configuration = provider.configuration();
        change(&mut configuration);
        let clock = Arc::new(ManualClock::new("2026-11-22T12:00:00Z".parse::<Timestamp>().unwrap()));
        let server = TestServer::builder().clock(clock.clone()).federation(configuration).start().await;
        Self { server, provider, clock }
    }

    fn callback(&self) -> String {
        format!("{}/portal/signed-in", self.server.url())
    }

    /// The button on the portal's sign-in page.
    async fn begin(&self) -> Answer {
        let url = format!("{}/adfs/oauth2/federation", self.server.url());
        let query = [
            ("response_type", "code"),
            ("client_id", PORTAL),
            ("redirect_uri", &self.callback()),
            ("state", "portal-state"),
            ("nonce", "portal-nonce"),
            ("code_challenge", &challenge_of(VERIFIER)),
            ("code_challenge_method", "S256"),
        ];
        read(self.server.client().get(url).query(&query).send().await.unwrap()).await
    }

    /// The browser comes back from the provider.
    async fn back(&self, address: &str, cookie: &str) -> Answer {
        read(self.server.client().get(address).header("cookie", cookie).send().await.unwrap()).await
    }

    /// From the button back to the portal: the parameters that it gets.
    async fn sign_in(&self, user: &str, change: impl FnOnce(&mut Value)) -> BTreeMap<String, String> {
        let begun = self.begin().await.expect(303);
        let address = self.provider.sign_in(begun.header("location"), user, change);
        let answer = self.back(&address, &cookie(&begun)).await.expect(303);
        assert!(answer.header("set-cookie").contains("Max-Age=0"), "it counts once");
        assert!(answer.header("location").starts_with(&format!("{}?", self.callback())));
        let told = parameters(answer.header("location"));
        assert_eq!(told["state"], "portal-state");
        told
    }

    async fn refused(&self, user: &str, change: impl FnOnce(&mut Value)) -> String {
        let told = self.sign_in(user, change).await;
        assert_eq!(told["error"], "access_denied", "{told:?}");
        told["error_description"].clone()
    }

    async fn tokens(&self, code: &str) -> Value {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", PORTAL),
            ("code", code),
            ("redirect_uri", &self.callback()),
            ("code_verifier", VERIFIER),
        ];
        let url = format!("{}/adfs/oauth2/token", self.server.url());
        read(self.server.client().post(url).form(&form).send().await.unwrap()).await.expect(200).json
    }
}

#[tokio::test]
async fn a_person_whom_the_provider_names_gets_tokens_of_ours() {
    let scene = Scene::new(|_| {}).await;
    let server = &scene.server;
    let configuration =
        server.anonymous().get("/adfs/.well-known/openid-configuration").await.expect(200).json;
    assert_eq!(configuration["hardline_identity_provider"], "Example ID");
    let told = scene.sign_in("Owner@Hardline.test", |_| {}).await;
    let tokens = scene.tokens(&told["code"]).await;
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(claims(access)["oid"], server.owner().oid());
    assert_eq!(claims(access)["amr"], json!(["fed"]));
    assert_eq!(claims(tokens["id_token"].as_str().unwrap())["nonce"], "portal-nonce");
    server.with_token(access).get(&format!("/subscriptions/{SUBSCRIPTION}")).await.expect(200);
    scene.sign_in("reader@hardline.test", |_| {}).await;
    assert_eq!(scene.provider.asked("/.well-known/openid-configuration"), 1);
    scene.clock.advance(SignedDuration::from_hours(1));
    scene.sign_in("reader@hardline.test", |_| {}).await;
    assert_eq!(scene.provider.asked("/.well-known/openid-configuration"), 2, "asked again after an hour");
    scene.server.stop().await;
}

#[tokio::test]
async fn a_token_that_is_not_for_this_sign_in_counts_for_nothing() {
    let scene = Scene::new(|_| {}).await;
    let now = "2026-11-22T12:00:00Z".parse::<Timestamp>().unwrap().as_second();
    let owner = "owner@hardline.test";
    for (name, value, why) in [
        ("nonce", json!("other"), "it belongs to another sign-in"),
        ("aud", json!("somebody else"), "it is meant for somebody else"),
        ("iss", json!("https://elsewhere.example"), "its issuer is another one"),
        ("exp", json!(now - 60), "it has expired"),
    ] {
        let told = scene.refused(owner, |claims| claims[name] = value).await;
        assert!(told.contains(why), "{name}: {told}");
    }
    scene.server.stop().await;
}

#[tokio::test]
async fn who_has_no_user_here_is_told_so_and_one_is_made_only_when_the_operator_wants_it() {
    let scene = Scene::new(|_| {}).await;
    let told = scene.refused("new@hardline.test", |_| {}).await;
    assert_eq!(told, "Example ID knows you as 'new@hardline.test', and no user here has that name.");
    // A program's name is no person's.
    scene.refused(&scene.server.program().name(), |_| {}).await;
    let mut tx = scene.server.state().store.begin().await.unwrap();
    principals::set_disabled(&mut tx, &scene.server.owner().oid(), true, 1).await.unwrap();
    tx.commit().await.unwrap();
    scene.refused(&scene.server.owner().name(), |_| {}).await;
    scene.server.stop().await;

    let scene = Scene::new(|configuration| configuration.create_users = true).await;
    let told = scene.sign_in("new@hardline.test", |_| {}).await;
    let tokens = scene.tokens(&told["code"]).await;
    let made = claims(tokens["access_token"].as_str().unwrap());
    assert_eq!((&made["upn"], &made["name"]), (&json!("new@hardline.test"), &json!("Ann Example")));
    let again = scene.sign_in("NEW@hardline.test", |_| {}).await;
    let tokens = scene.tokens(&again["code"]).await;
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(claims(token)["oid"], made["oid"], "once");
    let path = format!("/subscriptions/{SUBSCRIPTION}");
    scene.server.with_token(token).get(&path).await.expect(403);
    scene.server.stop().await;
}

#[tokio::test]
async fn the_provider_may_change_its_keys() {
    let scene = Scene::new(|_| {}).await;
    let owner = "owner@hardline.test";
    assert!(scene.sign_in(owner, |_| {}).await.contains_key("code"));
    scene.provider.rotate();
    // Not asked for at every turn.
    assert!(scene.refused(owner, |_| {}).await.contains("none of the provider's keys"));
    assert_eq!(scene.provider.asked("/keys"), 1);
    scene.clock.advance(SignedDuration::from_secs(10));
    assert!(scene.sign_in(owner, |_| {}).await.contains_key("code"));
    assert_eq!(scene.provider.asked("/keys"), 2);
    scene.server.stop().await;
}

#[tokio::test]
async fn an_answer_counts_in_the_browser_that_asked_once_and_in_time() {
    let scene = Scene::new(|_| {}).await;
    let owner = "owner@hardline.test";
    let begun = scene.begin().await.expect(303);
    let address = scene.provider.sign_in(begun.header("location"), owner, |_| {});
    let other = scene.begin().await.expect(303);
    let unknown = |answer: &Answer| {
        let told = parameters(answer.header("location"));
        (told["error"].clone(), told.get("state").cloned()) == ("invalid_request".to_owned(), None)
    };
    for cookie in [String::new(), cookie(&other), format!("{}x", cookie(&begun))] {
        assert!(unknown(&scene.back(&address, &cookie).await.expect(303)), "{cookie}");
    }
    // Another token of ours is no such cookie.
    let access = scene.server.owner().access_token().await;
    let forged = format!("__Host-hardline-federation={access}");
    assert!(unknown(&scene.back(&address, &forged).await.expect(303)));
    let good = scene.back(&address, &cookie(&begun)).await.expect(303);
    assert!(parameters(good.header("location")).contains_key("code"));
    // The provider takes its code back once.
    let again = scene.back(&address, &cookie(&begun)).await.expect(303);
    assert_eq!(parameters(again.header("location"))["error"], "access_denied");

    let late = scene.begin().await.expect(303);
    let address = scene.provider.sign_in(late.header("location"), owner, |_| {});
    scene.clock.advance(SignedDuration::from_secs(600));
    assert!(unknown(&scene.back(&address, &cookie(&late)).await.expect(303)));

    let begun = scene.begin().await.expect(303);
    let state = parameters(begun.header("location"))["state"].clone();
    let callback = format!("{}/adfs/oauth2/federation/callback", scene.server.url());
    for (query, why) in [
        ("error=access_denied", "Example ID did not sign you in: access_denied."),
        ("code=x&iss=https://elsewhere.example", "The answer is not Example ID's."),
        ("iss=", "Example ID sent no code."),
        ("code=unknown", "Example ID did not take its own code back. Begin again."),
    ] {
        scene.clock.advance(SignedDuration::from_secs(6));
        let answer =
            scene.back(&format!("{callback}?state={state}&{query}"), &cookie(&begun)).await.expect(303);
        assert_eq!(parameters(answer.header("location"))["error_description"], why);
    }
    scene.server.stop().await;
}

#[tokio::test]
async fn a_provider_that_is_away_or_sends_us_elsewhere_is_told_clearly() {
    let scene = Scene::new(|_| {}).await;
    let away = "Example ID cannot be reached, or does not answer as it should. Try again later.";
    let told = |answer: &Answer| {
        let told = parameters(answer.header("location"));
        assert_eq!(
            (told["error"].as_str(), told["state"].as_str()),
            ("temporarily_unavailable", "portal-state")
        );
        assert!(answer.header("set-cookie").is_empty());
        told["error_description"].clone()
    };
    // Endpoints on other hosts are not asked, whatever the provider says.
    for (name, value) in [
        ("token_endpoint", "https://elsewhere.example/token"),
        ("jwks_uri", "http://localhost/keys"),
        ("issuer", "https://elsewhere.example"),
    ] {
        let mut before = Value::Null;
        scene.provider.describe(|document| before = std::mem::replace(&mut document[name], json!(value)));
        assert_eq!(told(&scene.begin().await.expect(303)), away, "{name}");
        scene.provider.describe(|document| document[name] = before);
    }
    scene.begin().await.expect(303);
    // What is wrong with the portal's own request is told before the provider is asked.
    let bad = scene.server.anonymous().get("/adfs/oauth2/federation?client_id=other").await.expect(400);
    assert_eq!(bad.json["error"], "unauthorized_client");
    let Scene { server, provider, clock } = scene;
    provider.stop();
    clock.advance(SignedDuration::from_hours(1));
    let scene = Scene { provider: IdentityProvider::start().await, server, clock };
    assert_eq!(told(&scene.begin().await.expect(303)), away);
    scene.server.stop().await;
}

#[tokio::test]
async fn without_a_provider_there_is_none() {
    let server = TestServer::start().await;
    let configuration =
        server.anonymous().get("/adfs/.well-known/openid-configuration").await.expect(200).json;
    assert!(configuration.get("hardline_identity_provider").is_none());
    for path in ["/adfs/oauth2/federation", "/adfs/oauth2/federation/callback"] {
        assert_eq!(server.anonymous().get(path).await.expect(400).json["error"], "invalid_request");
    }
    server.stop().await;
}
