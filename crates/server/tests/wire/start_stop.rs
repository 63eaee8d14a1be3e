//! A server's start, its end, and what it still knows afterwards.

use hardline_server::Server;
use hardline_server::config::{Config, Database, Limits};
use hardline_server::server::StartError;
use hardline_testkit::TestServer;
use hardline_testkit::server::Authority;
use std::net::SocketAddr;
use tempfile::TempDir;

fn config(directory: &TempDir, listen: SocketAddr) -> Config {
    Config {
        listen,
        plain_listen: None,
        template_sources: Vec::new(),
        alert_webhooks: Vec::new(),
        places: Default::default(),
        export: Default::default(),
        agent_listen: None,
        public_host: "localhost".into(),
        tls: Authority::new().server(),
        database: Database::Sqlite(directory.path().join("x.db")),
        objects: directory.path().join("objects"),
        tenant: hardline_testkit::server::TENANT.parse().unwrap(),
        location: "local".into(),
        limits: Limits::default(),
        federation: None,
    }
}

#[tokio::test]
async fn an_address_in_use_is_said_before_the_store_is_touched() {
    let server = TestServer::start().await;
    let directory = TempDir::new().unwrap();
    let taken = server.running().address();
    let error = Server::start(config(&directory, taken)).await.unwrap_err();
    assert!(matches!(error, StartError::Listen { address, .. } if address == taken), "{error}");
    assert!(error.to_string().contains(&taken.to_string()), "{error}");
    assert!(!directory.path().join("x.db").exists());
    server.stop().await;
}

#[tokio::test]
async fn plain_http_is_for_loopback_only() {
    let directory = TempDir::new().unwrap();
    let mut open = config(&directory, "127.0.0.1:0".parse().unwrap());
    open.plain_listen = Some("0.0.0.0:0".parse().unwrap());
    let error = Server::start(open).await.unwrap_err();
    assert!(matches!(error, StartError::PlainNotLoopback(_)), "{error}");

    let server = TestServer::builder().plain().start().await;
    let answer = server.client().get(format!("{}/healthz", server.plain_url())).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(!answer.headers().contains_key("strict-transport-security"));
    server.stop().await;
}

#[tokio::test]
async fn stopped_and_started_again_it_knows_what_it_knew() {
    let server = TestServer::start().await;
    let path = format!("{}-kept", server.group_path());
    server.owner().put(&path, &serde_json::json!({"location": "local"})).await.expect(201);
    let directory = server.stop_keeping_data().await;
    let again = TestServer::builder().directory(directory).start().await;
    again.owner().get(&path).await.expect(200);
    again.stop().await;
}

#[tokio::test]
async fn after_the_stop_nothing_answers_and_no_task_is_left() {
    let server = TestServer::start().await;
    let (url, client, state) = (server.url().to_owned(), server.client().clone(), server.state().clone());
    client.get(format!("{url}/healthz")).send().await.unwrap();
    server.stop().await;
    assert!(client.get(format!("{url}/healthz")).send().await.is_err());
    assert_eq!(state.tasks.len(), 0);
}

#[tokio::test]
async fn the_same_on_postgres() {
    let server = TestServer::builder().postgres().start().await;
    let path = format!("{}-new", server.group_path());
    server.owner().put(&path, &serde_json::json!({"location": "local"})).await.expect(201);
    server.owner().get(&path).await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn a_database_that_dies_is_a_503() {
    let mut server = TestServer::builder().postgres().start().await;
    let token = server.owner().access_token().await;
    server.postgres().unwrap().crash();
    let answer = server.with_token(&token).get(&server.group_path()).await.expect(503);
    assert_eq!(answer.code(), "ServiceUnavailable");
    server.anonymous().get("/healthz").await.expect(503);
    server.stop().await;
}
