//! Requests that are not what they should be: each refused in the contract's shape.

use crate::resources::{done, samples, with_host};
use hardline_server::clock::{Clock as _, ManualClock, SystemClock};
use hardline_testkit::TestServer;
use hardline_testkit::request::read;
use http::Method;
use jiff::SignedDuration;
use serde_json::json;
use std::sync::Arc;

#[tokio::test]
async fn no_token_comes_before_everything_else() {
    let server = TestServer::start().await;
    let group = server.group_path();
    for path in [group.clone(), format!("{group}/providers/No.Such/things/x"), format!("{group}-missing")] {
        for method in [Method::GET, Method::PATCH, Method::TRACE] {
            let answer = server.anonymous().send(method, &path, None).await.expect(401);
            assert_eq!(answer.code(), "AuthenticationFailed");
        }
        // Not even the missing api-version is told to a stranger.
        let request = server.anonymous().request(Method::GET, &path).await;
        assert_eq!(read(request.send().await.unwrap()).await.status, 401);
    }
    server.stop().await;
}

#[tokio::test]
async fn garbage_for_a_token() {
    let server = TestServer::start().await;
    let good = server.owner().access_token().await;
    let (head, signature) = good.rsplit_once('.').unwrap();
    let flipped: String = signature.chars().rev().collect();
    let half = &good[..good.len() / 2];
    for token in ["x", "a.b.c", half, &format!("{head}.{flipped}"), &format!("{head}."), &"A".repeat(20_000)]
    {
        let answer = server.with_token(token).get(&server.group_path()).await.expect(401);
        assert!(!answer.code().is_empty(), "{}", answer.text);
        assert!(!answer.text.contains(token), "the token must not be echoed");
    }
    // Another scheme is no token.
    let url = format!("{}{}?api-version=2024-07-01", server.url(), server.group_path());
    let answer = read(server.client().get(url).basic_auth("a", Some("b")).send().await.unwrap()).await;
    assert_eq!(answer.expect(401).code(), "AuthenticationFailedInvalidHeader");
    server.stop().await;
}

#[tokio::test]
async fn a_token_ends() {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let server = TestServer::builder().clock(clock.clone()).start().await;
    let token = server.owner().access_token().await;
    server.with_token(&token).get(&server.group_path()).await.expect(200);
    clock.advance(SignedDuration::from_hours(3));
    let answer = server.with_token(&token).get(&server.group_path()).await.expect(401);
    assert_eq!(answer.code(), "ExpiredAuthenticationToken");
    assert!(!answer.header("www-authenticate").is_empty());
    server.stop().await;
}

#[tokio::test]
async fn api_versions() {
    let server = TestServer::start().await;
    let group = server.group_path();
    for (query, code) in [
        ("", "MissingApiVersionParameter"),
        ("?api-version=", "MissingApiVersionParameter"),
        ("?api-version=latest", "InvalidApiVersionParameter"),
        ("?api-version=2024-13-01", "InvalidApiVersionParameter"),
    ] {
        let request = server.owner().request(Method::GET, &format!("{group}{query}")).await;
        let answer = read(request.send().await.unwrap()).await.expect(400);
        assert_eq!(answer.code(), code, "{query}");
    }
    for version in ["2015-04-01", "2026-11-01", "2022-05-01-preview"] {
        server.owner().get(&format!("{group}?API-Version={version}&api-version={version}")).await.expect(200);
    }
    server.stop().await;
}

#[tokio::test]
async fn api_versions_that_nobody_can_know() {
    let server = TestServer::start().await;
    let owner = server.with_token(&server.owner().access_token().await);
    for sample in samples(&server, "any1") {
        let (namespace, kind) = sample.kind.split_once('/').unwrap();
        for version in ["1999-01-01", "2099-01-01", "9999-12-31-preview"] {
            let path = format!("{}?api-version={version}", sample.path);
            for answer in [owner.get(&path).await, owner.put(&path, &sample.body).await] {
                let (code, start) = match namespace {
                    "Microsoft.Resources" => (
                        "InvalidApiVersionParameter",
                        format!(
                            "The api-version '{version}' is invalid. The supported versions are '2024-11-01,"
                        ),
                    ),
                    _ => (
                        "NoRegisteredProviderFound",
                        format!(
                            "No registered resource provider found for location 'local' and API version '{version}' for type '{kind}'. The supported api-versions are '"
                        ),
                    ),
                };
                assert_eq!((answer.status, answer.code()), (400, code), "{path}: {}", answer.text);
                assert!(answer.message().starts_with(&start), "{}", answer.message());
            }
        }
        owner.get(&sample.path).await.expect(404);
    }
    // Ours is younger than any of Azure's.
    let hosts = format!("{}/providers/Hardline.Fleet/hosts", server.subscription_path());
    owner.get(&format!("{hosts}?api-version=2024-07-01")).await.expect(400);
    owner.get(&format!("{hosts}?api-version=2026-11-01")).await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn an_old_api_version_knows_no_managed_boot_diagnostics() {
    let (server, _host) = with_host().await;
    let owner = server.with_token(&server.owner().access_token().await);
    let on = json!({"bootDiagnostics": {"enabled": true}});
    let (vm, set) = (samples(&server, "old1").remove(1), samples(&server, "old1").remove(2));
    let refused = |answer: hardline_testkit::Answer| {
        let answer = answer.expect(400);
        assert_eq!(
            (answer.code(), &answer.json["error"]["target"]),
            ("InvalidParameter", &json!("storageUri"))
        );
        assert_eq!(answer.message(), "Required parameter 'storageUri' is missing (null).");
    };
    let mut body = vm.body.clone();
    body["properties"]["diagnosticsProfile"] = on.clone();
    let mut model = set.body.clone();
    model["properties"]["virtualMachineProfile"]["diagnosticsProfile"] = on.clone();
    for version in ["2015-06-15", "2019-12-01"] {
        refused(owner.put(&format!("{}?api-version={version}", vm.path), &body).await);
        refused(owner.put(&format!("{}?api-version={version}", set.path), &model).await);
    }
    owner.get(&vm.path).await.expect(404);
    // Off, and everything else, goes as ever.
    body["properties"]["diagnosticsProfile"] = json!({"bootDiagnostics": {"enabled": false}});
    done(&server, owner.put(&format!("{}?api-version=2019-12-01", vm.path), &body).await).await;
    let patch = format!("{}?api-version=2019-12-01", vm.path);
    refused(owner.patch(&patch, &json!({"properties": {"diagnosticsProfile": on}})).await);
    done(&server, owner.patch(&vm.path, &json!({"properties": {"diagnosticsProfile": on}})).await).await;
    done(&server, owner.patch(&patch, &json!({"tags": {"a": "b"}})).await).await;

    let data = format!("{}/retrieveBootDiagnosticsData", vm.path);
    let answer = owner.post(&format!("{data}?api-version=2019-12-01")).await.expect(400);
    assert_eq!(answer.code(), "NoRegisteredProviderFound");
    assert!(answer.message().contains("'2026-04-01, "), "{}", answer.message());
    owner.post(&format!("{data}?api-version=2020-06-01")).await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn paths_that_are_none() {
    let server = TestServer::start().await;
    let group = server.group_path();
    let long = format!("{group}/providers/Microsoft.Compute/virtualMachines/{}", "v".repeat(5000));
    for (path, status) in [
        (format!("{group}/providers"), 404),
        (format!("{group}/providers/Microsoft.Compute/virtualMachines/a%00b"), 404),
        (format!("{group}/providers/Microsoft.Compute/virtualMachines/%ff%fe"), 404),
        (format!("{group}/providers/Microsoft.Compute/virtualMachines/vm/a/b/c/d/e"), 404),
        ("/subscriptions//x".into(), 404),
        (long, 404),
        ("/etc/passwd".into(), 404),
        ("/console/sessions/x/client/y".into(), 404),
        ("/adfs/nothing".into(), 404),
    ] {
        let answer = server.owner().get(&path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
        assert!(!answer.code().is_empty() && !answer.message().is_empty(), "{path}: {}", answer.text);
    }
    let unknown =
        server.owner().get(&format!("{group}/providers/Microsoft.Compute/toasters/t1")).await.expect(404);
    assert_eq!(unknown.code(), "InvalidResourceType");
    server.stop().await;
}

#[tokio::test]
async fn a_wrong_method_names_the_right_ones() {
    let server = TestServer::start().await;
    let answer = server.owner().post(&server.vm_path("vm1")).await.expect(405);
    assert_eq!(answer.header("allow"), "GET, PUT, PATCH, DELETE");
    let answer = server.owner().get(&format!("{}/start", server.vm_path("vm1"))).await.expect(405);
    assert_eq!(answer.header("allow"), "POST");
    let answer = server.anonymous().get("/adfs/oauth2/token").await.expect(405);
    assert_eq!(answer.header("allow"), "POST");
    server.stop().await;
}

#[tokio::test]
async fn bodies_that_are_too_long() {
    let server = TestServer::builder().limits(|l| l.body = 10_000).start().await;
    let path = format!("{}-new?api-version=2024-07-01", server.group_path());
    let body = json!({"location": "local", "tags": {"x": "y".repeat(20_000)}}).to_string();
    // With its length announced, and in chunks.
    let announced = server.owner().request(Method::PUT, &path).await.body(body.clone());
    let chunks = futures_util::stream::iter(
        body.as_bytes().chunks(1000).map(|c| Ok::<_, std::io::Error>(c.to_vec())).collect::<Vec<_>>(),
    );
    let chunked =
        server.owner().request(Method::PUT, &path).await.body(hardline_testkit::request::streamed(chunks));
    for request in [announced, chunked] {
        let answer = read(request.send().await.unwrap()).await.expect(413);
        assert!(
            answer.code().starts_with("Request") && answer.code().ends_with("TooLarge"),
            "{}",
            answer.text
        );
    }
    server.owner().get(&format!("{}-new", server.group_path())).await.expect(404);
    // Somebody without the right is refused before the body is read.
    let refused = server.reader().request(Method::PUT, &path).await.body(body);
    assert_eq!(read(refused.send().await.unwrap()).await.expect(403).code(), "AuthorizationFailed");
    server.stop().await;
}

#[tokio::test]
async fn bodies_that_are_no_document() {
    let server = TestServer::start().await;
    let path = format!("{}-new?api-version=2024-07-01", server.group_path());
    for body in
        ["", "{", "[1]", "\"x\"", "null", "\u{0}\u{1}", "{\"location\": 7}", "<xml/>", &"[".repeat(100_000)]
    {
        let request = server.owner().request(Method::PUT, &path).await;
        let request = request.header("content-type", "application/json").body(body.to_owned());
        let answer = read(request.send().await.unwrap()).await;
        assert_eq!(answer.status, 400, "{body:.20}: {}", answer.text);
        assert!(!answer.code().is_empty());
    }
    server.stop().await;
}

#[tokio::test]
async fn token_requests_that_are_none() {
    let server = TestServer::start().await;
    let url = format!("{}/adfs/oauth2/token", server.url());
    for body in ["", "grant_type=password", "a=1&a=2", "%ff=1", "grant_type=x", &"x".repeat(100_000)] {
        let request = server.client().post(&url).header("content-type", "application/x-www-form-urlencoded");
        let answer = read(request.body(body.to_owned()).send().await.unwrap()).await;
        assert!(matches!(answer.status, 400 | 401), "{body:.20}: {} {}", answer.status, answer.text);
        assert!(
            answer.json["error"].is_string() && answer.json["error_description"].is_string(),
            "{}",
            answer.text
        );
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_query_that_is_too_long() {
    let server = TestServer::start().await;
    let path = format!("{}?api-version=2024-07-01&x={}", server.group_path(), "y".repeat(20_000));
    let answer = server.owner().get(&path).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    server.stop().await;
}
