//! The portal's files and their policy.

use hardline_testkit::TestServer;
use http::Method;

#[tokio::test]
async fn the_portal_is_served_with_a_strict_policy() {
    let server = TestServer::start().await;
    for path in ["/", "/portal"] {
        let answer = server.anonymous().get(path).await.expect(307);
        assert_eq!(answer.header("location"), "/portal/");
    }
    // The page, and the application's own paths; in a build without the portal, a page that says how to get it.
    for path in ["/portal/", "/portal/vms/s/g/web.01"] {
        let answer = server.anonymous().get(path).await.expect(200);
        assert!(answer.header("content-type").starts_with("text/html"), "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self';"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(!answer.text.contains("<script>"), "no inline script");
    }
    server.anonymous().get("/portal/nothing.js").await.expect(404);
    server.anonymous().get("/portal/..%2f..%2fCargo.toml").await.expect(404);
    server.anonymous().get("/portal/../../Cargo.toml").await.expect(404);
    let post = server.anonymous().send(Method::POST, "/portal/", None).await.expect(405);
    assert_eq!(post.header("allow"), "GET, HEAD");
    server.stop().await;
}
