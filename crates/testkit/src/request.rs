//! Requests to a server under test, as somebody.

use crate::server::{Identity, PASSWORD, TestServer};
use hardline_server::auth::PrincipalKind;
use http::Method;
use serde_json::Value;

/// The api-version that is added to an ARM path without one.
pub const API_VERSION: &str = "2024-07-01";
/// The same for what is ours and not Azure's.
const OUR_VERSION: &str = "2026-11-01";

/// Somebody who sends requests.
#[derive(Clone)]
pub struct As<'s> {
    server: &'s TestServer,
    who: Who,
}

#[derive(Clone)]
enum Who {
    Nobody,
    Identity(Identity),
    Token(String),
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: http::HeaderMap,
    /// The body as text.
    pub text: String,
    /// The body as JSON; null when it is none.
    pub json: Value,
}

impl Answer {
    /// A header's text; empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("")
    }

    /// ARM's error code; empty when the body is no error.
    pub fn code(&self) -> &str {
        self.json.pointer("/error/code").and_then(Value::as_str).unwrap_or("")
    }

    /// ARM's error message.
    pub fn message(&self) -> &str {
        self.json.pointer("/error/message").and_then(Value::as_str).unwrap_or("")
    }

    /// Fails the test when the status is another one; shows the body then.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }
}

impl<'s> As<'s> {
    pub(crate) fn nobody(server: &'s TestServer) -> Self {
        Self { server, who: Who::Nobody }
    }

    pub(crate) fn identity(server: &'s TestServer, who: &Identity) -> Self {
        Self { server, who: Who::Identity(who.clone()) }
    }

    pub(crate) fn token(server: &'s TestServer, token: &str) -> Self {
        Self { server, who: Who::Token(token.into()) }
    }

    /// The object id; empty for nobody.
    pub fn oid(&self) -> String {
        match &self.who {
            Who::Identity(identity) => identity.oid.to_string(),
            _ => String::new(),
        }
    }

    /// The UPN or application id; empty for nobody.
    pub fn name(&self) -> String {
        match &self.who {
            Who::Identity(identity) => identity.name.clone(),
            _ => String::new(),
        }
    }

    /// A token from the token endpoint; empty for nobody.
    pub async fn access_token(&self) -> String {
        let identity = match &self.who {
            Who::Nobody => return String::new(),
            Who::Token(token) => return token.clone(),
            Who::Identity(identity) => identity,
        };
        let audience = format!("{}/.default", self.server.url());
        let mut form = vec![("scope", audience.as_str())];
        match identity.kind {
            PrincipalKind::User => form.extend([
                ("grant_type", "password"),
                ("client_id", "04b07795-8ddb-461a-bbee-02f9e1bf7b46"),
                ("username", identity.name.as_str()),
                ("password", PASSWORD),
            ]),
            PrincipalKind::ServicePrincipal => form.extend([
                ("grant_type", "client_credentials"),
                ("client_id", identity.name.as_str()),
                ("client_secret", PASSWORD),
            ]),
        }
        let url = format!("{}/adfs/oauth2/token", self.server.url());
        let answer = self.server.client().post(url).form(&form).send().await.expect("the server answers");
        let status = answer.status();
        let body: Value = answer.json().await.expect("the token endpoint answers JSON");
        assert!(status.is_success(), "no token for {}: {body}", identity.name);
        body["access_token"].as_str().expect("an access token").to_owned()
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    /// PUT with a document.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, Some(body)).await
    }

    /// PATCH with a document.
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PATCH, path, Some(body)).await
    }

    /// POST without a body.
    pub async fn post(&self, path: &str) -> Answer {
        self.send(Method::POST, path, None).await
    }

    /// POST with a document.
    pub async fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    /// Any method. `path` may be a whole URL; an ARM path without an api-version gets [`API_VERSION`], or ours.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let arm = ["/subscriptions", "/providers", "/tenants"].iter().any(|root| path.starts_with(root));
        let mut path = path.to_owned();
        if arm && !path.contains("api-version=") {
            path.push(if path.contains('?') { '&' } else { '?' });
            let ours = path.to_ascii_lowercase().contains("/providers/hardline.");
            path.push_str(&format!("api-version={}", if ours { OUR_VERSION } else { API_VERSION }));
        }
        let mut request = self.request(method, &path).await;
        if let Some(body) = body {
            request = request.json(body);
        }
        read(request.send().await.expect("the server answers")).await
    }

    /// A request with the token and nothing added to the path; `path` may be a whole URL.
    pub async fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let url =
            if path.starts_with('/') { format!("{}{path}", self.server.url()) } else { path.to_owned() };
        let request = self.server.client().request(method, url);
        match self.access_token().await {
            token if token.is_empty() => request,
            token => request.bearer_auth(token),
        }
    }

    /// Follows a long-running operation to its end: polls `Azure-AsyncOperation` of `accepted`; the last answer.
    pub async fn wait(&self, accepted: &Answer) -> Answer {
        let url = accepted.header("azure-asyncoperation").to_owned();
        assert!(!url.is_empty(), "no Azure-AsyncOperation in {accepted:?}");
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
        loop {
            let answer = self.get(&url).await.expect(200);
            assert!(!answer.header("retry-after").is_empty(), "no Retry-After in {answer:?}");
            // A deployment says `Running`.
            if answer.json["status"] != "InProgress" && answer.json["status"] != "Running" {
                return answer;
            }
            assert!(tokio::time::Instant::now() < deadline, "the operation does not end: {answer:?}");
            tokio::task::yield_now().await;
        }
    }
}

/// Reads an answer to its end.
pub async fn read(response: reqwest::Response) -> Answer {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let text = response.text().await.unwrap_or_default();
    let json = serde_json::from_str(&text).unwrap_or(Value::Null);
    Answer { status, headers, text, json }
}

/// A body of unknown length, for a request.
pub fn streamed<S>(chunks: S) -> reqwest::Body
where
    S: futures_util::Stream<Item = std::io::Result<Vec<u8>>> + Send + 'static,
{
    reqwest::Body::wrap_stream(chunks)
}
