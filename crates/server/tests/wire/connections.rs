//! Connections that do not behave.

use bytes::Bytes;
use hardline_testkit::{FakeHost, TestServer};
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Longer than any limit set here: a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

pub async fn tls(server: &TestServer) -> TlsStream<TcpStream> {
    tls_with(server, &[]).await
}

async fn tls_with(server: &TestServer, protocols: &[&str]) -> TlsStream<TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(server.ca_pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|p| p.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(server.running().address()).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

/// Everything until the server closes.
pub async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    let _closed_somehow = read.expect("the server closes the connection");
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn a_handshake_that_never_comes_is_given_up() {
    let server = TestServer::builder().limits(|l| l.handshake = Duration::from_millis(100)).start().await;
    let mut silent = TcpStream::connect(server.running().address()).await.unwrap();
    assert_eq!(rest(&mut silent).await, "");
    let mut garbage = TcpStream::connect(server.running().address()).await.unwrap();
    garbage.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(!rest(&mut garbage).await.contains("HTTP/1.1 200"));
    server.anonymous().get("/healthz").await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn a_head_that_never_ends_is_given_up() {
    let server = TestServer::builder().limits(|l| l.header = Duration::from_millis(100)).start().await;
    let mut slow = tls(&server).await;
    slow.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ").await.unwrap();
    let said = rest(&mut slow).await;
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_never_comes_is_given_up() {
    let server = TestServer::builder().limits(|l| l.body_read = Duration::from_millis(100)).start().await;
    let token = server.owner().access_token().await;
    let mut slow = tls(&server).await;
    let head = format!(
        "PUT {}-new?api-version=2024-07-01 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\ncontent-length: 50\r\n\r\n{{",
        server.group_path()
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    let said = rest(&mut slow).await;
    assert!(said.starts_with("HTTP/1.1 408") && said.contains("RequestTimeout"), "{said}");
    server.owner().get(&format!("{}-new", server.group_path())).await.expect(404);
    server.stop().await;
}

/// An answer's status line and head; the body, which has a length, is read and dropped.
async fn answer(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = tokio::time::timeout(PATIENCE, stream.read_u8()).await.expect("the server answers");
        head.push(byte.expect("a whole head"));
    }
    let head = String::from_utf8(head).unwrap();
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    stream.read_exact(&mut vec![0; length]).await.expect("a whole body");
    head
}

#[tokio::test]
async fn a_refusal_comes_through_although_its_client_still_sends() {
    let server = TestServer::start().await;
    let mut slow = tls(&server).await;
    for (path, status) in [
        (format!("{}-new?api-version=2024-07-01", server.group_path()), "HTTP/1.1 401"),
        ("/hardlinemanaged/container/blob".to_owned(), "HTTP/1.1 405"),
        ("/healthz".to_owned(), "HTTP/1.1 405"),
    ] {
        let head = format!("PUT {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\n");
        slow.write_all(head.as_bytes()).await.unwrap();
        slow.flush().await.unwrap();
        slow.write_all(b"hello").await.unwrap();
        // The connection stays usable for the next one.
        assert!(answer(&mut slow).await.starts_with(status), "{path}");
    }
    // Who announces more than anybody reads is told at once.
    let head = "PUT /healthz HTTP/1.1\r\nhost: localhost\r\ncontent-length: 999999999\r\n\r\n";
    slow.write_all(head.as_bytes()).await.unwrap();
    assert!(answer(&mut slow).await.starts_with("HTTP/1.1 405"));
    server.stop().await;
}

#[tokio::test]
async fn garbage_on_the_wire_is_refused() {
    let server = TestServer::start().await;
    for bytes in
        [&b"\0\0\0\0\r\n\r\n"[..], b"GET /\x01 HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", &[b'A'; 200_000]]
    {
        let mut stream = tls(&server).await;
        // The server may close before it has taken everything.
        let _ = stream.write_all(bytes).await;
        let said = rest(&mut stream).await;
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 4"), "{said}");
    }
    server.anonymous().get("/healthz").await.expect(200);
    server.stop().await;
}

/// A client whose network is gone looks like one that says nothing: the seat must not be held for it.
#[tokio::test]
async fn a_half_open_websocket_is_noticed() {
    let server = TestServer::builder()
        .limits(|l| {
            l.ping = Duration::from_millis(50);
            l.silence = Duration::from_millis(200);
        })
        .start()
        .await;
    let host = FakeHost::new("host1");
    server.running().adopt_host(host.in_process()).await.unwrap();
    let body = serde_json::json!({"location": "local", "properties": {
        "storageProfile": {"imageReference": {"publisher": "Hardline", "offer": "hardline-demo"}},
        "osProfile": {"adminUsername": "operator", "adminPassword": "correct horse 7"},
    }});
    let accepted = server.owner().put(&server.vm_path("vm1"), &body).await.expect(201);
    server.owner().wait(&accepted).await;

    let mut client = tls(&server).await;
    let token = server.owner().access_token().await;
    let path = format!(
        "{}/providers/Hardline.Console/serialPorts/0/stream?api-version=2026-11-01",
        server.vm_path("vm1")
    );
    let handshake = format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: hardline.console.v1\r\n\r\n"
    );
    client.write_all(handshake.as_bytes()).await.unwrap();
    // It reads what comes and never answers a ping.
    let said = rest(&mut client).await;
    assert!(said.starts_with("HTTP/1.1 101"), "{said}");
    server.stop().await;
}

#[tokio::test]
async fn http_2_carries_requests_side_by_side() {
    let server = TestServer::start().await;
    let stream = tls_with(&server, &["h2"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let token = server.owner().access_token().await;
    let get = async |path: String| {
        let request = Request::get(format!("{}{path}", server.url()))
            .header("authorization", format!("Bearer {token}"))
            .body(Empty::<Bytes>::new())
            .unwrap();
        let answer = sender.clone().send_request(request).await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.into_body().collect().await.unwrap().to_bytes())
    };
    let group = format!("{}?api-version=2024-07-01", server.group_path());
    let missing = format!("{}?api-version=2024-07-01", server.vm_path("none"));
    let stream = format!(
        "{}/providers/Hardline.Console/serialPorts/0/stream?api-version=2026-11-01",
        server.vm_path("x")
    );
    let answers = tokio::join!(get(group), get(missing), get(stream), get("/healthz".into()));
    assert_eq!((answers.0.0, answers.1.0, answers.3.0), (200, 404, 200));
    assert_eq!(answers.2.0, 426, "a WebSocket needs HTTP/1.1");
    // The base of URLs is the :authority of HTTP/2.
    let openid = get("/adfs/.well-known/openid-configuration".into()).await.1;
    assert!(String::from_utf8_lossy(&openid).contains(&format!("{}/adfs/oauth2/token", server.url())));
    server.stop().await;
    connection.await.unwrap().unwrap();
}
