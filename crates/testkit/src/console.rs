//! A client of the console's WebSocket, as a test plays one: whatever version of `az`, the portal, a relay.

use crate::server::TestServer;
use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use hardline_console::frame::{
    ClientFrame, ClientNotice, Message as Frame, SUBPROTOCOL, ServerFrame, ServerNotice,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream};

/// How long a test waits for one message before it gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long it waits for a certain one while others come: a guest that goes on printing something else is no answer.
const PATIENCE_FOR_THIS: Duration = Duration::from_secs(90);

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Bytes),
    /// The server closed the socket: code and reason. 1006 when it did so without a word.
    Close(u16, String),
}

/// How to connect.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// `Authorization: Bearer …`
    pub bearer: Option<String>,
    /// The subprotocol to offer.
    pub protocol: Option<&'static str>,
}

/// An open console.
pub struct Console {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Bytes of output so far, as `hardline.console.v1` gave them.
    pub output: Vec<u8>,
    /// The offset behind the last of them.
    pub offset: u64,
    /// The text of a client without subprotocol so far.
    pub text: String,
    /// What the server has said beside output.
    notices: Vec<ServerNotice>,
}

impl Console {
    /// Connects to a `wss:` URL of the server; the HTTP status where it is refused.
    pub async fn connect(server: &TestServer, url: &str, options: &Options) -> Result<Self, u16> {
        Self::dial(server.url(), server.ca_pem(), url, options).await
    }

    /// The same for any server: its `https:` origin, and the certificate of the authority that signed its own.
    pub async fn dial(origin: &str, ca_pem: &str, url: &str, options: &Options) -> Result<Self, u16> {
        let mut request = url.into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert("origin", origin.parse().unwrap());
        if let Some(token) = &options.bearer {
            headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        if let Some(protocol) = options.protocol {
            headers.insert("sec-websocket-protocol", protocol.parse().unwrap());
        }
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = Connector::Rustls(Arc::new(tls));
        let opened = tokio_tungstenite::connect_async_tls_with_config(request, None, true, Some(connector));
        match tokio::time::timeout(PATIENCE, opened).await.expect("the handshake ends") {
            Ok((socket, response)) => {
                let chosen = response.headers().get("sec-websocket-protocol").map(|v| v.to_str().unwrap());
                assert_eq!(chosen, options.protocol, "the negotiated subprotocol");
                Ok(Self { socket, output: Vec::new(), offset: 0, text: String::new(), notices: Vec::new() })
            }
            Err(tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
            Err(error) => panic!("{url}: {error}"),
        }
    }

    /// Opens port 0 of a VM directly, with a bearer token, in `hardline.console.v1`.
    pub async fn stream(server: &TestServer, vm_path: &str, token: &str, query: &str) -> Result<Self, u16> {
        let url = format!(
            "{}{vm_path}/providers/Hardline.Console/serialPorts/0/stream?api-version=2026-11-01{query}",
            server.url().replace("https:", "wss:")
        );
        Self::connect(server, &url, &Options { bearer: Some(token.into()), protocol: Some(SUBPROTOCOL) })
            .await
    }

    /// Sends text.
    pub async fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.expect("the server takes a message");
    }

    /// Sends bytes.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        self.socket.send(Message::binary(bytes.to_vec())).await.expect("the server takes a message");
    }

    /// Sends a frame of `hardline.console.v1`; false when the socket is closed.
    pub async fn send(&mut self, frame: ClientFrame) -> bool {
        let message = match frame.encode() {
            Frame::Text(text) => Message::text(text),
            Frame::Binary(bytes) => Message::binary(bytes),
        };
        self.socket.send(message).await.is_ok()
    }

    /// Types, in `hardline.console.v1`; false when the socket is closed.
    pub async fn type_in(&mut self, keys: &[u8]) -> bool {
        self.send(ClientFrame::Input(Bytes::copy_from_slice(keys))).await
    }

    /// Sends a notice of `hardline.console.v1`.
    pub async fn notify(&mut self, notice: ClientNotice) -> bool {
        self.send(ClientFrame::Notice(notice)).await
    }

    /// What comes next; pings are none of it.
    pub async fn next(&mut self) -> Event {
        let end = tokio::time::Instant::now() + PATIENCE;
        loop {
            let message = match tokio::time::timeout_at(end, self.socket.next()).await {
                Ok(message) => message,
                Err(_) => panic!("nothing came for {PATIENCE:?}; {}", self.seen()),
            };
            return match message {
                Some(Ok(Message::Text(text))) => Event::Text(text.to_string()),
                Some(Ok(Message::Binary(bytes))) => Event::Binary(bytes),
                Some(Ok(Message::Close(Some(frame)))) => {
                    Event::Close(frame.code.into(), frame.reason.to_string())
                }
                Some(Ok(Message::Close(None))) => Event::Close(1005, String::new()),
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => Event::Close(1006, String::new()),
            };
        }
    }

    /// The next frame of `hardline.console.v1`; output is collected in passing. `Err` holds code and reason of a close.
    pub async fn frame(&mut self) -> Result<ServerFrame, (u16, String)> {
        let message = match self.next().await {
            Event::Text(text) => Frame::Text(text),
            Event::Binary(bytes) => Frame::Binary(bytes),
            Event::Close(code, reason) => return Err((code, reason)),
        };
        let frame = ServerFrame::decode(&message).expect("the server speaks its protocol");
        match &frame {
            ServerFrame::Output { offset, data } => {
                assert_eq!(*offset, self.offset, "output goes on where it stopped");
                self.offset += data.len() as u64;
                self.output.extend_from_slice(data);
            }
            ServerFrame::Snapshot { offset, .. } => self.offset = *offset,
            ServerFrame::Notice(notice) => self.notices.push(notice.clone()),
        }
        Ok(frame)
    }

    /// The next notice that `wanted` takes; what comes before it is passed over.
    pub async fn notice<R>(&mut self, wanted: impl Fn(&ServerNotice) -> Option<R>) -> R {
        loop {
            match self.frame().await {
                Ok(ServerFrame::Notice(notice)) => {
                    if let Some(found) = wanted(&notice) {
                        return found;
                    }
                }
                Ok(_) => {}
                Err(closed) => panic!("closed before the notice came: {closed:?}"),
            }
        }
    }

    /// Waits for the end; everything that is said before it, and the close.
    pub async fn end(&mut self) -> (Vec<ServerNotice>, u16, String) {
        let mut said = Vec::new();
        loop {
            match self.frame().await {
                Ok(ServerFrame::Notice(notice)) => said.push(notice),
                Ok(_) => {}
                Err((code, reason)) => return (said, code, reason),
            }
        }
    }

    /// For the message of a wait that was in vain.
    fn seen(&self) -> String {
        let (output, half) = (&self.output, 700);
        let first = String::from_utf8_lossy(&output[..output.len().min(half)]);
        let last =
            String::from_utf8_lossy(&output[output.len().saturating_sub(half).max(half.min(output.len()))..]);
        let (bytes, text, notices) = (output.len(), &self.text, &self.notices);
        format!("{bytes} bytes of output: {first:?} … {last:?}; text: {text:?}; notices: {notices:?}")
    }

    /// Waits until the output holds `needle`.
    pub async fn until_output(&mut self, needle: &[u8]) {
        let wanted = String::from_utf8_lossy(needle).into_owned();
        let until = Instant::now() + PATIENCE_FOR_THIS;
        while !self.output.windows(needle.len()).any(|w| w == needle) {
            assert!(Instant::now() < until, "{wanted:?} did not come; {}", self.seen());
            if let Err(closed) = self.frame().await {
                panic!("closed before {wanted:?} came: {closed:?}");
            }
        }
    }

    /// Waits until the text of a client without subprotocol holds `needle`.
    pub async fn until_text(&mut self, needle: &str) {
        let until = Instant::now() + PATIENCE_FOR_THIS;
        while !self.text.contains(needle) {
            assert!(Instant::now() < until, "{needle:?} did not come; {}", self.seen());
            match self.next().await {
                Event::Text(text) => self.text.push_str(&text),
                other => panic!("{other:?} came before {needle:?}; {}", self.seen()),
            }
        }
    }

    /// Waits for the close of a client without subprotocol; what is said before is in `text`.
    pub async fn until_close(&mut self) -> (u16, String) {
        loop {
            match self.next().await {
                Event::Text(text) => self.text.push_str(&text),
                Event::Binary(_) => {}
                Event::Close(code, reason) => return (code, reason),
            }
        }
    }

    /// Leaves without a word, as a broken line does.
    pub fn vanish(self) {
        drop(self);
    }

    /// Leaves properly.
    pub async fn leave(mut self) {
        let _ = self.socket.close(None).await;
    }
}

/// Creates a VM with boot diagnostics on and waits until it runs; its own id. A host must have been adopted.
pub async fn boot_vm(server: &TestServer, name: &str) -> String {
    let body = serde_json::json!({"location": "local", "properties": {
        "hardwareProfile": {"vmSize": "Standard_B1s"},
        "storageProfile": {"imageReference": {
            "publisher": "Hardline", "offer": "hardline-demo", "sku": "1", "version": "latest",
        }},
        "osProfile": {"computerName": name, "adminUsername": "operator", "adminPassword": "correct horse 7"},
    }});
    let accepted = server.owner().put(&server.vm_path(name), &body).await.expect(201);
    assert_eq!(server.owner().wait(&accepted).await.json["status"], "Succeeded");
    let vm = server.owner().get(&server.vm_path(name)).await.expect(200).json;
    vm["properties"]["vmId"].as_str().expect("a vmId").to_owned()
}

/// Switches boot diagnostics of a VM on or off.
pub async fn set_boot_diagnostics(server: &TestServer, name: &str, enabled: bool) {
    let body =
        serde_json::json!({"properties": {"diagnosticsProfile": {"bootDiagnostics": {"enabled": enabled}}}});
    let accepted = server.owner().patch(&server.vm_path(name), &body).await;
    assert!(matches!(accepted.status, 200 | 202), "{accepted:?}");
    if accepted.status == 202 || !accepted.header("azure-asyncoperation").is_empty() {
        server.owner().wait(&accepted).await;
    }
}

/// Activity events of a VM and what hangs on it, oldest first: (operation, status, caller, properties).
pub async fn events(server: &TestServer, vm_path: &str) -> Vec<(String, String, String, serde_json::Value)> {
    let filter = hardline_store::db::activity_events::EventFilter {
        resource: Some(vm_path.into()),
        ..Default::default()
    };
    let events =
        hardline_store::db::activity_events::list(&server.state().store, &filter, 1000).await.unwrap();
    let mut out: Vec<_> = events
        .iter()
        .map(|event| {
            let body: serde_json::Value = serde_json::from_str(&event.body).unwrap();
            let text = |place: &str| body.pointer(place).and_then(|v| v.as_str()).unwrap_or("").to_owned();
            (text("/operationName/value"), text("/status/value"), text("/caller"), body["properties"].clone())
        })
        .collect();
    out.reverse();
    out
}
