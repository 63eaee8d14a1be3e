//! Events leave to files, webhooks and syslog.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_server::config::Export;
use hardline_testkit::authority::Authority;
use hardline_testkit::server::SUBSCRIPTION;
use hardline_testkit::{SyslogReceiver, TestServer};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

fn path(name: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Insights/diagnosticSettings/{name}")
}

async fn server(export: Export) -> TestServer {
    let builder = TestServer::builder().export(export).limits(|limits| {
        limits.sink_look = Duration::from_millis(20);
        limits.sink_pause = Duration::from_millis(2);
        limits.sink_answer = Duration::from_secs(5);
    });
    builder.start().await
}

fn body(profile: &Value) -> Value {
    json!({ "properties": {
        "logs": [{ "category": "administrative", "enabled": true }, { "category": "Policy", "enabled": false }],
        "hardlineProfile": profile,
    } })
}

async fn make_groups(server: &TestServer, count: usize) {
    for n in 0..count {
        let path = format!("{}/resourceGroups/g{n}", server.subscription_path());
        server.owner().put(&path, &json!({ "location": "local" })).await.expect(201);
    }
}

/// Waits until the setting has sent so many events.
async fn sent(server: &TestServer, name: &str, events: usize) {
    let waiting = async {
        loop {
            let shown = server.owner().get(&path(name)).await.expect(200).json;
            if shown["properties"]["hardlineProfile"]["status"]["sentEvents"] == json!(events) {
                return;
            }
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(30), waiting).await.is_ok(), "{events} are not sent");
}

fn lines(folder: &Path) -> Vec<(String, Value)> {
    let mut names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    // The one that is being written is the last.
    names.sort_by_key(|path| (!path.to_str().unwrap().contains('~'), path.clone()));
    let read = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.ends_with('\n') && text.len() <= 64 << 10, "{name}");
        let parsed = text.lines().map(|line| (name.clone(), serde_json::from_str(line).unwrap()));
        parsed.collect::<Vec<_>>()
    };
    names.iter().flat_map(read).collect()
}

#[tokio::test]
async fn files_hold_every_event_in_order_and_are_closed_when_they_are_long() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("events");
    let server = server(Export { folder: Some(folder.clone()), ..Export::default() }).await;
    let profile = json!({ "kind": "file", "maxBytes": 64 << 10 });
    server.owner().put(&path("One"), &body(&profile)).await.expect(200);
    sent(&server, "one", 2).await;
    for round in 1..=3 {
        for n in 0..10 {
            let path = format!("{}/resourceGroups/g{n}", server.subscription_path());
            server.owner().put(&path, &json!({ "location": "local" })).await;
        }
        sent(&server, "one", 2 + round * 20).await;
    }
    let lines = lines(&folder);
    let places: Vec<_> =
        lines.iter().map(|(_, event)| event["event"]["sequence"].as_i64().unwrap()).collect();
    assert_eq!(places.len(), 62);
    assert!(places.is_sorted(), "{places:?}");
    let mut files: Vec<_> = lines.iter().map(|(name, _)| name.as_str()).collect();
    files.dedup();
    assert!(files.len() > 1, "{files:?}");
    assert_eq!(*files.last().unwrap(), format!("{SUBSCRIPTION}-one.ndjson"));
    server.stop().await;
}

/// An endpoint that answers in turn with these statuses, then 200; the bodies and authorizations that came.
async fn endpoint(statuses: &'static [u16]) -> (String, mpsc::UnboundedReceiver<(u16, String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut count = 0;
        while let Ok((stream, _)) = listener.accept().await {
            let (sender, counted) = (sender.clone(), std::sync::Arc::new(std::sync::Mutex::new(&mut count)));
            let service = service_fn(|request: Request<Incoming>| {
                let (sender, counted) = (sender.clone(), counted.clone());
                async move {
                    let status = {
                        let mut count = counted.lock().unwrap();
                        let status = statuses.get(**count).copied().unwrap_or(200);
                        **count += 1;
                        status
                    };
                    let authorization = request.headers()["authorization"].to_str().unwrap().to_owned();
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    let _ = sender.send((status, authorization, serde_json::from_slice(&body).unwrap()));
                    let mut answer = Response::new(Full::new(Bytes::new()));
                    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
                    Ok::<_, Infallible>(answer)
                }
            });
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        }
    });
    (url, receiver)
}

#[tokio::test]
async fn a_webhook_gets_records_until_it_says_that_it_has_them() {
    let (url, mut posts) = endpoint(&[503, 429, 302]).await;
    let server = server(Export { destinations: vec![url.clone()], ..Export::default() }).await;
    let profile = json!({
        "kind": "webhook", "mode": "raw", "address": url, "authentication": "bearer", "secret": "s3cret",
    });
    server.owner().put(&path("hook"), &body(&profile)).await.expect(200);
    make_groups(&server, 5).await;
    sent(&server, "hook", 12).await;
    let mut records = Vec::new();
    let mut failed = 0;
    while let Ok((status, authorization, body)) = posts.try_recv() {
        assert_eq!(authorization, "Bearer s3cret");
        match status {
            200 => records.extend(body["records"].as_array().unwrap().clone()),
            _ => failed += 1,
        }
    }
    assert_eq!((records.len(), failed), (12, 3));
    let told: Vec<_> = records.iter().map(|r| r["resultType"].as_str().unwrap()).collect();
    assert_eq!(told, ["Start", "Success"].repeat(6));
    server.stop().await;
}

#[tokio::test]
async fn syslog_gets_framed_messages_over_tls_also_when_connections_break() {
    let authority = Authority::new();
    let sink = SyslogReceiver::start(&authority).await;
    let export = Export {
        destinations: vec![sink.url().to_owned()],
        authority: Some(authority.certificate()),
        ..Export::default()
    };
    let server = server(export).await;
    sink.break_off(3);
    let profile = json!({ "kind": "syslog", "address": sink.url() });
    server.owner().put(&path("siem"), &body(&profile)).await.expect(200);
    make_groups(&server, 5).await;
    sink.wait(12).await;
    sent(&server, "siem", 12).await;
    assert_eq!(sink.violations(), Vec::<String>::new());
    let messages = sink.messages();
    let first = &messages[0];
    let head: Vec<_> = first.splitn(8, ' ').collect();
    assert_eq!((head[0], head[2], head[3]), ("<110>1", "localhost", "hardline"));
    assert!(head[1].parse::<jiff::Timestamp>().is_ok() && head[1].len() == 27, "{first}");
    assert_eq!((head[4], head[5], head[6]), ("-", "Administrative", "-"));
    let event: Value = serde_json::from_str(head[7]).unwrap();
    assert_eq!(event["event"]["action"], "MICROSOFT.INSIGHTS/DIAGNOSTICSETTINGS/WRITE");
    server.stop().await;
}

#[tokio::test]
async fn a_receiver_that_is_not_who_it_should_be_gets_nothing() {
    let sink = SyslogReceiver::start(&Authority::new()).await;
    let export = Export {
        destinations: vec![sink.url().to_owned()],
        authority: Some(Authority::new().certificate()),
        ..Export::default()
    };
    let server = server(export).await;
    let profile = json!({ "kind": "syslog", "address": sink.url() });
    server.owner().put(&path("siem"), &body(&profile)).await.expect(200);
    let failed = async {
        loop {
            let shown = server.owner().get(&path("siem")).await.expect(200).json;
            let status = &shown["properties"]["hardlineProfile"]["status"];
            if status["failuresInARow"].as_i64().unwrap() > 1 {
                return status["lastError"].as_str().unwrap().to_owned();
            }
        }
    };
    let error = tokio::time::timeout(Duration::from_secs(30), failed).await.unwrap();
    assert!(error.contains("certificate"), "{error}");
    assert!(sink.messages().is_empty());
    server.stop().await;
}
