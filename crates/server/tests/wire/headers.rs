//! Headers that every answer has, and addresses as the client wrote them.

use hardline_testkit::TestServer;
use hardline_testkit::request::read;
use http::Method;
use uuid::Uuid;

#[tokio::test]
async fn every_answer_has_azures_headers() {
    let server = TestServer::start().await;
    let group = server.group_path();
    let missing = format!("{group}-missing");
    for (path, status) in
        [(group.as_str(), 200), (missing.as_str(), 404), ("/healthz", 200), ("/nonsense", 404)]
    {
        let answer = server.owner().get(path).await.expect(status);
        for name in ["x-ms-request-id", "x-ms-correlation-request-id"] {
            assert!(answer.header(name).parse::<Uuid>().is_ok(), "{path}: {name}");
        }
        assert!(answer.header("x-ms-routing-request-id").starts_with("LOCAL:"), "{path}");
        assert_eq!(answer.header("cache-control"), "no-cache", "{path}");
        assert_eq!(answer.header("pragma"), "no-cache", "{path}");
        assert_eq!(answer.header("expires"), "-1", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert!(answer.header("strict-transport-security").starts_with("max-age="), "{path}");
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8", "{path}");
        let cause = if status == 200 { "" } else { "gateway" };
        assert_eq!(answer.header("x-ms-failure-cause"), cause, "{path}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_clients_correlation_id_is_kept_when_it_is_a_guid() {
    let server = TestServer::start().await;
    let path = format!("{}?api-version=2024-07-01", server.group_path());
    let send = async |id: &str| {
        let request = server.owner().request(Method::GET, &path).await;
        let answer = read(request.header("x-ms-correlation-request-id", id).send().await.unwrap()).await;
        answer.header("x-ms-correlation-request-id").to_owned()
    };
    let mine = "0a0a0a0a-0b0b-4c0c-8d0d-0e0e0e0e0e0e";
    assert_eq!(send(mine).await, mine);
    assert_ne!(send("<script>").await, "<script>");
    server.stop().await;
}

#[tokio::test]
async fn a_401_says_where_tokens_are_to_be_had() {
    let server = TestServer::start().await;
    let answer = server.anonymous().get(&server.group_path()).await.expect(401);
    assert_eq!(answer.code(), "AuthenticationFailed");
    let challenge = answer.header("www-authenticate");
    assert!(challenge.starts_with("Bearer authorization_uri=\"https://localhost:"), "{challenge}");
    server.stop().await;
}

#[tokio::test]
async fn urls_in_answers_start_as_the_client_wrote_them() {
    let server = TestServer::start().await;
    let port = server.running().address().port();
    for host in ["localhost", "127.0.0.1"] {
        let url = format!("https://{host}:{port}/adfs/.well-known/openid-configuration");
        let answer = read(server.client().get(url).send().await.unwrap()).await.expect(200);
        let token_url = answer.json["token_endpoint"].as_str().unwrap();
        assert_eq!(token_url, format!("https://{host}:{port}/adfs/oauth2/token"));
    }
    // A host that cannot stand in a URL is not echoed.
    let request = server.client().get(format!("{}/adfs/.well-known/openid-configuration", server.url()));
    let answer =
        read(request.version(http::Version::HTTP_11).header("host", "a b\"c").send().await.unwrap()).await;
    assert!(!answer.text.contains("a b"), "{}", answer.text);
    server.stop().await;
}
