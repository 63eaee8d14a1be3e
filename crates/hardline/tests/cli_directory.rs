//! `hardline user`, `sp` and `group` against a server under test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod program;

use hardline_arm::rbac::OWNER;
use hardline_arm::resource_id::ResourceId;
use hardline_server::auth::{PrincipalKind, provision};
use hardline_testkit::TestServer;
use hardline_testkit::server::PASSWORD;
use program::Home;
use serde_json::Value;

fn home_of(server: &TestServer, ca: &tempfile::NamedTempFile, user: &str, password: &str) -> Home {
    Home::new()
        .env("HARDLINE_URL", server.url())
        .env("HARDLINE_USER", user)
        .env("HARDLINE_PASSWORD", password)
        .env("SSL_CERT_FILE", ca.path().to_str().unwrap())
}

/// A server whose Owner is the tenant's, too, as that of `hardline dev` is.
async fn stage() -> (TestServer, tempfile::NamedTempFile) {
    let server = TestServer::start().await;
    let state = server.state();
    let mut tx = state.store.begin().await.unwrap();
    let who = (server.owner().oid().parse().unwrap(), PrincipalKind::User);
    let (now, random) = (state.clock.now(), state.random.as_ref());
    provision::assign(&mut tx, &ResourceId::root(), OWNER, who, now, random).await.unwrap();
    tx.commit().await.unwrap();
    let ca = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&ca, server.ca_pem()).unwrap();
    (server, ca)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_programs_and_groups_are_made_listed_and_deleted() {
    let (server, ca) = stage().await;
    let home = home_of(&server, &ca, &server.owner().name(), PASSWORD);
    let create = ["user", "create", "ann@hardline.test", "--display-name", "Ann"];
    let ann = json(&home.run_with(&create, b"correct horse 7\n").await.expect(0).text());
    let oid = ann["objectId"].as_str().unwrap();
    assert_eq!((&ann["name"], &ann["displayName"]), (&"ann@hardline.test".into(), &"Ann".into()));
    home.run_with(&create, b"correct horse 7\n").await.expect(2);
    let herself = home_of(&server, &ca, "ann@hardline.test", "correct horse 7");
    let refused = herself.run(&["user", "list"]).await.expect(1);
    assert!(refused.err.contains("(AuthorizationFailed)"), "{}", refused.err);

    home.run(&["group", "create", "Operators", "--description", "Night and day"]).await.expect(0);
    home.run(&["group", "member", "add", "operators", oid]).await.expect(0);
    let members =
        home.run(&["group", "member", "list", "Operators", "--query", "[].name", "-o", "tsv"]).await;
    assert_eq!(members.expect(0).text().trim(), oid);
    home.run(&["group", "member", "remove", "Operators", oid]).await.expect(0);
    home.run(&["group", "member", "remove", "Operators", oid]).await.expect(3);
    let table = home.run(&["group", "list", "-o", "table"]).await.expect(0).text();
    assert!(table.starts_with("Name") && table.contains("Operators"), "{table}");

    let sp = json(&home.run(&["sp", "create", "backup"]).await.expect(0).text());
    let (id, secret) = (sp["name"].as_str().unwrap(), sp["password"].as_str().unwrap());
    let login = ["login", "--service-principal", "-u", id, "-p", secret, "-o", "none"];
    home.run(&login).await.expect(0);
    home.run(&["logout"]).await.expect(0);
    assert!(!home.run(&["sp", "show", id]).await.expect(0).text().contains(secret));

    home.run(&["user", "update", "ann@hardline.test", "--enabled", "false"]).await.expect(0);
    herself.run(&["user", "list"]).await.expect(1);
    home.run(&["user", "update", "bob@hardline.test", "--enabled", "false"]).await.expect(3);
    for (verb, name) in [("user", "ann@hardline.test"), ("sp", id), ("group", "Operators")] {
        home.run(&[verb, "delete", name]).await.expect(0);
        home.run(&[verb, "delete", name]).await.expect(3);
        home.run(&[verb, "show", name]).await.expect(3);
    }
    home.run(&["group", "show", "a/b"]).await.expect(2);
    server.stop().await;
}
