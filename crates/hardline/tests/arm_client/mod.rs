//! A client that has nothing but an address, credentials and the authority's certificate: what `curl` would do.
#![allow(dead_code, reason = "each test file uses its part")]

use reqwest::{Method, Response};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// An operation, or a guest without hardware acceleration on two busy cores, may take so long.
pub const LONG: Duration = Duration::from_secs(180);
/// How often something that tells no event is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// Azure's, and ours.
const AZURE: &str = "api-version=2024-07-01";
const OWN: &str = "api-version=2026-11-01";

/// Looks until there is what was looked for.
pub async fn until<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    looking(what, LOOK, look).await
}

/// The same for what passes quickly.
pub async fn as_soon_as<T>(what: &str, look: impl AsyncFnMut() -> Option<T>) -> T {
    looking(what, Duration::from_millis(2), look).await
}

async fn looking<T>(what: &str, every: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + LONG;
    let mut tick = tokio::time::interval(every);
    loop {
        tick.tick().await;
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < end, "waited {LONG:?} in vain for: {what}");
    }
}

/// An answer, read to its end.
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    async fn read(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.expect("the answer comes to its end").to_vec();
        Self { status, headers, body }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
    }

    #[track_caller]
    pub fn expect(self, statuses: &[u16]) -> Self {
        assert!(statuses.contains(&self.status), "{}: {}", self.status, self.text());
        self
    }
}

/// Somebody with a token.
pub struct ArmClient {
    http: reqwest::Client,
    pub url: String,
    pub token: String,
    /// Of the authority that signed the server's certificate.
    pub ca_pem: String,
    group: String,
}

impl ArmClient {
    /// Signs in as the service principal of a dev.env, or as the user where there is no such.
    pub async fn sign_in(env: &BTreeMap<String, String>) -> Self {
        let ca_pem = std::fs::read_to_string(&env["SSL_CERT_FILE"]).unwrap();
        let certificate = reqwest::Certificate::from_pem(ca_pem.as_bytes()).unwrap();
        let http = reqwest::Client::builder().tls_certs_only([certificate]).timeout(LONG).build().unwrap();
        let url = env["HARDLINE_URL"].clone();
        let scope = format!("{url}/.default");
        let form = match env.get("HARDLINE_CLIENT_ID") {
            Some(id) => vec![
                ("grant_type", "client_credentials"),
                ("client_id", id),
                ("client_secret", &env["HARDLINE_CLIENT_SECRET"]),
                ("scope", &scope),
            ],
            None => vec![
                ("grant_type", "password"),
                ("client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46"),
                ("username", &env["HARDLINE_USER"]),
                ("password", &env["HARDLINE_PASSWORD"]),
                ("scope", &scope),
            ],
        };
        let answer = http.post(format!("{url}/adfs/oauth2/token")).form(&form).send().await.unwrap();
        let answer = Answer::read(answer).await.expect(&[200]).json();
        let group = format!(
            "/subscriptions/{}/resourceGroups/{}",
            env["HARDLINE_SUBSCRIPTION"], env["HARDLINE_RESOURCE_GROUP"]
        );
        let token = answer["access_token"].as_str().unwrap().to_owned();
        Self { http, url, token, ca_pem, group }
    }

    /// The path of the resource group.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// The path of a machine.
    pub fn vm(&self, name: &str) -> String {
        format!("{}/providers/Microsoft.Compute/virtualMachines/{name}", self.group)
    }

    /// Any request; an api-version is added where there is none.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let mut url = if path.starts_with('/') { format!("{}{path}", self.url) } else { path.to_owned() };
        if !url.contains("api-version=") {
            let version = if url.contains("/Hardline.") { OWN } else { AZURE };
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(version);
        }
        let mut request = self.http.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        Answer::read(request.send().await.unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Value {
        self.send(Method::GET, path, None).await.expect(&[200]).json()
    }

    pub async fn post(&self, path: &str) -> Answer {
        self.send(Method::POST, path, None).await
    }

    /// Creates or changes something; returns when it is done.
    pub async fn put(&self, path: &str, body: &Value) {
        let accepted = self.send(Method::PUT, path, Some(body)).await.expect(&[200, 201, 202]);
        self.done(&accepted).await;
    }

    /// `start`, `powerOff`, …; returns when it is done.
    pub async fn power(&self, name: &str, verb: &str) {
        let accepted = self.post(&format!("{}/{verb}", self.vm(name))).await.expect(&[202]);
        self.done(&accepted).await;
    }

    /// Returns when what was accepted is done.
    pub async fn done(&self, accepted: &Answer) {
        let url = accepted.header("azure-asyncoperation");
        if url.is_empty() {
            return;
        }
        let ended = until("the end of an operation", async || {
            Some(self.get(url).await).filter(|now| now["status"] != "InProgress")
        });
        let ended = ended.await;
        assert_eq!(ended["status"], "Succeeded", "{ended}");
    }

    /// `running` of `PowerState/running`.
    pub async fn power_state(&self, name: &str) -> String {
        let view = self.get(&format!("{}/instanceView", self.vm(name))).await;
        let codes = view["statuses"].as_array().unwrap().iter().filter_map(|s| s["code"].as_str());
        let power: Vec<_> = codes.filter_map(|code| code.strip_prefix("PowerState/")).collect();
        assert_eq!(power.len(), 1, "{view}");
        power[0].to_owned()
    }

    /// A GET without any token.
    pub async fn open(&self, url: &str) -> Answer {
        Answer::read(self.http.get(url).send().await.unwrap()).await
    }

    /// The length of what is there, bytes; without any token.
    pub async fn length(&self, url: &str) -> u64 {
        let answer = Answer::read(self.http.head(url).send().await.unwrap()).await.expect(&[200]);
        answer.header("content-length").parse().unwrap()
    }

    /// The signed addresses of a machine's log and screenshot.
    pub async fn boot_diagnostics(&self, name: &str) -> (String, String) {
        let answer = self.post(&format!("{}/retrieveBootDiagnosticsData", self.vm(name))).await;
        let answer = answer.expect(&[200]).json();
        let uri = |member: &str| answer[member].as_str().unwrap().to_owned();
        (uri("serialConsoleLogBlobUri"), uri("consoleScreenshotBlobUri"))
    }

    /// The whole log, as the blob holds it.
    pub async fn log(&self, name: &str) -> Vec<u8> {
        let (uri, _) = self.boot_diagnostics(name).await;
        self.open(&uri).await.expect(&[200]).body
    }

    /// The log, once it holds `text` at least so many times.
    pub async fn log_with(&self, name: &str, text: &str, times: usize) -> Vec<u8> {
        until(&format!("{text:?} {times} times in the log of {name}"), async || {
            let log = self.log(name).await;
            (count(&log, text) >= times).then_some(log)
        })
        .await
    }

    /// `start`, `end`, `boots`, `gaps` of a machine's log.
    pub async fn log_facts(&self, name: &str) -> Value {
        let path = format!("{}/providers/Hardline.Diagnostics/serialLogs/0", self.vm(name));
        self.get(&path).await["properties"].take()
    }
}

/// How often `text` stands in `bytes`.
pub fn count(bytes: &[u8], text: &str) -> usize {
    bytes.windows(text.len()).filter(|w| *w == text.as_bytes()).count()
}
