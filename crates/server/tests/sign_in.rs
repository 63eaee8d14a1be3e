//! The token endpoint (ADFS mode) over real HTTP: grants, refusals, tokens that are used, expire or are forged.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_server::clock::{Clock as _, ManualClock};
use hardline_store::db::principals;
use hardline_testkit::TestServer;
use hardline_testkit::request::{Answer, read};
use hardline_testkit::server::{PASSWORD, SUBSCRIPTION, TENANT};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;

const CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

async fn ask(server: &TestServer, form: &[(&str, &str)]) -> Answer {
    let url = format!("{}/adfs/oauth2/token", server.url());
    read(server.client().post(url).form(form).send().await.unwrap()).await
}

fn password<'f>(name: &'f str, password: &'f str) -> [(&'f str, &'f str); 5] {
    [
        ("grant_type", "password"),
        ("client_id", CLI),
        ("username", name),
        ("password", password),
        ("scope", "openid profile offline_access"),
    ]
}

/// The claims of a JWT, as a client reads them: without a look at the signature.
fn claims(token: &str) -> Value {
    use base64::Engine as _;
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

async fn use_it(server: &TestServer, token: &str) -> Answer {
    server.with_token(token).get(&format!("/subscriptions/{SUBSCRIPTION}")).await
}

#[tokio::test]
async fn what_clients_read_first() {
    let server = TestServer::start().await;
    let configuration =
        server.anonymous().get("/adfs/.well-known/openid-configuration").await.expect(200).json;
    let adfs = format!("{}/adfs", server.url());
    assert_eq!(configuration["issuer"], adfs);
    assert_eq!(configuration["token_endpoint"], format!("{adfs}/oauth2/token"));
    for (key, value) in configuration.as_object().unwrap() {
        let Some(url) = value.as_str().filter(|_| key != "issuer") else { continue };
        assert!(url.starts_with(&adfs), "{key}");
        let there = server.anonymous().get(url).await;
        assert_ne!(there.status, 404, "{key} is named, and not there");
    }
    let keys = server.anonymous().get(configuration["jwks_uri"].as_str().unwrap()).await.expect(200).json;
    let key = &keys["keys"][0];
    assert_eq!((&key["kty"], &key["crv"], &key["alg"]), (&json!("EC"), &json!("P-256"), &json!("ES256")));
    assert!(key.get("d").is_none(), "the private half stays here");
    server.stop().await;
}

#[tokio::test]
async fn a_service_principal_gets_a_token_as_the_cli_asks_for_it() {
    let server = TestServer::start().await;
    let scope = format!("{}//.default", server.url());
    let id = server.program().name();
    let answer = ask(
        &server,
        &[
            ("grant_type", "client_credentials"),
            ("client_id", &id),
            ("client_secret", PASSWORD),
            ("scope", &scope),
            ("claims", r#"{"access_token":{"xms_cc":{"values":["CP1"]}}}"#),
            ("client_info", "1"),
        ],
    )
    .await
    .expect(200);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!((&answer.json["token_type"], &answer.json["expires_in"]), (&json!("Bearer"), &json!(3600)));
    assert!(answer.json.get("refresh_token").is_none());
    let token = answer.json["access_token"].as_str().unwrap();
    let claims = claims(token);
    assert_eq!(
        (&claims["tid"], &claims["appid"], &claims["idtyp"]),
        (&json!(TENANT), &json!(id), &json!("app"))
    );
    use_it(&server, token).await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn a_person_gets_id_and_refresh_tokens_too() {
    let server = TestServer::start().await;
    let owner = server.owner();
    let answer = ask(&server, &password("OWNER@hardline.test", PASSWORD)).await.expect(200).json;
    use_it(&server, answer["access_token"].as_str().unwrap()).await.expect(200);
    let id = claims(answer["id_token"].as_str().unwrap());
    assert_eq!((&id["tid"], &id["oid"], &id["aud"]), (&json!(TENANT), &json!(owner.oid()), &json!(CLI)));
    assert_eq!((&id["upn"], &id["preferred_username"]), (&json!(owner.name()), &json!(owner.name())));
    let info = claims(&format!("x.{}", answer["client_info"].as_str().unwrap()));
    assert_eq!(info, json!({ "uid": owner.oid(), "utid": TENANT }));

    let refresh = answer["refresh_token"].as_str().unwrap();
    let fields = [("grant_type", "refresh_token"), ("client_id", CLI), ("refresh_token", refresh)];
    let again = ask(&server, &fields).await.expect(200).json;
    use_it(&server, again["access_token"].as_str().unwrap()).await.expect(200);
    assert!(again["id_token"].is_string());

    // Neither the id token nor the refresh token opens a door.
    for other in ["id_token", "refresh_token"] {
        let refused = use_it(&server, answer[other].as_str().unwrap()).await.expect(401);
        assert_eq!(refused.code(), "InvalidAuthenticationToken");
    }
    let stolen = [("grant_type", "refresh_token"), ("client_id", "other-client"), ("refresh_token", refresh)];
    assert_eq!(ask(&server, &stolen).await.expect(400).json["error"], "invalid_grant");

    // A new password ends the refresh token, a disabled person has none.
    let state = server.state();
    let mut tx = state.store.begin().await.unwrap();
    principals::set_disabled(&mut tx, &owner.oid(), true, 1).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ask(&server, &fields).await.expect(400).json["error_codes"], json!([700_082]));
    assert_eq!(
        ask(&server, &password(&owner.name(), PASSWORD)).await.expect(400).json["error_codes"],
        json!([50126])
    );
    let mut tx = state.store.begin().await.unwrap();
    principals::set_disabled(&mut tx, &owner.oid(), false, 2).await.unwrap();
    principals::set_password(&mut tx, &owner.oid(), "$argon2id$other", 2).await.unwrap();
    tx.commit().await.unwrap();
    ask(&server, &fields).await.expect(400);
    server.stop().await;
}

#[tokio::test]
async fn refusals_have_oauths_shape_and_do_not_tell_who_exists() {
    let server = TestServer::start().await;
    let program = server.program().name();
    let owner = server.owner().name();
    let check = async |form: &[(&str, &str)], status: u16, error: &str| {
        let answer = ask(&server, form).await.expect(status);
        assert_eq!(answer.json["error"], error, "{}", answer.text);
        assert!(!answer.json["error_description"].as_str().unwrap().is_empty());
        assert!(answer.json["error_codes"][0].is_u64(), "{}", answer.text);
        assert!(!answer.text.contains("secret-guess"));
        answer.text
    };
    let wrong = check(&password(&owner, "secret-guess"), 400, "invalid_grant").await;
    let unknown = check(&password("nobody@hardline.test", "secret-guess"), 400, "invalid_grant").await;
    // A program's secret is no person's password.
    let program_as_person = check(&password(&program, PASSWORD), 400, "invalid_grant").await;
    assert!(wrong == unknown && unknown == program_as_person);
    let credentials = |id: &'static str, secret: &'static str| {
        [("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret)]
    };
    let id: &'static str = program.clone().leak();
    let wrong = check(&credentials(id, "secret-guess"), 401, "invalid_client").await;
    assert_eq!(wrong, check(&credentials("nobody", "secret-guess"), 401, "invalid_client").await);
    check(&[], 400, "invalid_request").await;
    check(&[("grant_type", "implicit")], 400, "unsupported_grant_type").await;
    check(&[("grant_type", "password"), ("client_id", CLI), ("username", "a")], 400, "invalid_request").await;
    check(
        &[("grant_type", "refresh_token"), ("client_id", CLI), ("refresh_token", "x")],
        400,
        "invalid_grant",
    )
    .await;
    let elsewhere = [
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", PASSWORD),
        ("scope", "https://graph.example/.default"),
    ];
    check(&elsewhere, 400, "invalid_resource").await;
    server.stop().await;
}

#[tokio::test]
async fn guessing_is_slowed_down_for_the_one_who_guesses() {
    let clock = Arc::new(ManualClock::new("2026-11-21T12:00:00Z".parse::<Timestamp>().unwrap()));
    let server = TestServer::builder().clock(clock.clone()).start().await;
    let owner = server.owner().name();
    for _ in 0..10 {
        ask(&server, &password(&owner, "guess")).await.expect(400);
    }
    let refused = ask(&server, &password(&owner, PASSWORD)).await.expect(429);
    assert_eq!(refused.header("retry-after"), "6");
    assert_eq!(refused.json["error"], "temporarily_unavailable", "even the right password waits");
    ask(&server, &password(&server.reader().name(), PASSWORD)).await.expect(200);
    clock.advance(SignedDuration::from_secs(6));
    ask(&server, &password(&owner, PASSWORD)).await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn an_hour_later_the_token_has_expired() {
    let clock = Arc::new(ManualClock::new("2026-11-21T12:00:00Z".parse::<Timestamp>().unwrap()));
    let server = TestServer::builder().clock(clock.clone()).start().await;
    let token = server.owner().access_token().await;
    clock.advance(SignedDuration::from_secs(3599));
    use_it(&server, &token).await.expect(200);
    clock.advance(SignedDuration::from_secs(1));
    let expired = use_it(&server, &token).await.expect(401);
    assert_eq!(expired.code(), "ExpiredAuthenticationToken");
    assert_eq!(
        expired.message(),
        format!(
            "The access token expired at UTC time '2026-11-21T13:00:00Z'; the current UTC time is '{}'. Get a new token.",
            clock.now()
        )
    );
    assert!(expired.header("www-authenticate").contains("error=\"invalid_token\""));
    server.stop().await;
}

#[tokio::test]
async fn tokens_survive_a_restart_on_the_same_data_and_no_other_server_takes_them() {
    let server = TestServer::start().await;
    let token = server.owner().access_token().await;
    let other = TestServer::start().await;
    assert_eq!(use_it(&other, &token).await.expect(401).code(), "InvalidAuthenticationToken");
    other.stop().await;
    let data = server.stop_keeping_data().await;
    let again = TestServer::builder().directory(data).start().await;
    use_it(&again, &token).await.expect(200);
    again.stop().await;
}

#[tokio::test]
async fn a_header_that_holds_no_token_is_told_so() {
    let server = TestServer::start().await;
    let url = format!("{}/subscriptions?api-version=2022-12-01", server.url());
    for header in ["Basic b3duZXI6cHc=", "Bearer", "Bearer ", "SharedKey a:b", "x"] {
        let request = server.client().get(&url).header("authorization", header);
        let answer = read(request.send().await.unwrap()).await.expect(401);
        assert_eq!(answer.code(), "AuthenticationFailedInvalidHeader", "{header}");
    }
    server.stop().await;
}
