//! Requests to the server: JSON in and out, long-running operations, bytes.

use crate::error::{Error, causes};
use crate::tls;
use rustls::ClientConfig;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Asked again after this long when the server does not say.
const POLL: Duration = Duration::from_secs(2);
/// No server is waited for longer to answer the telephone.
const CONNECT: Duration = Duration::from_secs(10);

/// A client of one server.
pub struct Http {
    url: String,
    client: reqwest::Client,
    tls: Arc<ClientConfig>,
}

impl Http {
    /// A client of the server at `url` that trusts the authorities in `files`, too.
    pub fn new(url: &str, files: &[PathBuf]) -> Result<Self, Error> {
        let loopback = ["http://127.0.0.1:", "http://[::1]:", "http://localhost:"];
        if !url.starts_with("https://") && !loopback.iter().any(|l| url.starts_with(l)) {
            return Err(Error::Usage(format!(
                "'{url}' is no server's address: it has to start with https://"
            )));
        }
        let config = tls::config(files)?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(config.clone())
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("hardline/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| Error::Usage(causes(&e)))?;
        Ok(Self { url: url.to_owned(), client, tls: Arc::new(config) })
    }

    /// The server's address, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What TLS connections trust.
    pub fn tls(&self) -> Arc<ClientConfig> {
        self.tls.clone()
    }

    /// An answer, whatever its status. `path` may be a whole URL of this server, as in `nextLink`.
    async fn send(
        &self,
        method: reqwest::Method,
        path: &str,
        token: &SecretString,
        body: Option<&Value>,
    ) -> Result<reqwest::Response, Error> {
        let url = if path.starts_with('/') { format!("{}{path}", self.url) } else { path.to_owned() };
        // The token goes to this server only, also when an answer names another.
        if !url.strip_prefix(&self.url).is_some_and(|rest| rest.starts_with('/')) {
            return Err(Error::Answer(format!("it sends us to another server, {url}")));
        }
        let mut request = self.client.request(method, url).bearer_auth(token.expose_secret());
        request = match body {
            Some(body) => request.json(body),
            None => request.header("content-length", "0"),
        };
        request.send().await.map_err(|e| self.unreachable(&e))
    }

    /// An answer that is a success.
    async fn ask(
        &self,
        method: reqwest::Method,
        path: &str,
        token: &SecretString,
        body: Option<&Value>,
    ) -> Result<reqwest::Response, Error> {
        let answer = self.send(method, path, token, body).await?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        let body = answer.bytes().await.map_err(|e| self.unreachable(&e))?;
        Err(Error::refused(status.as_u16(), &body))
    }

    /// A document.
    pub async fn get(&self, path: &str, token: &SecretString) -> Result<Value, Error> {
        let answer = self.ask(reqwest::Method::GET, path, token, None).await?;
        self.json(answer).await
    }

    /// Every item of a list, page after page.
    pub async fn list(&self, path: &str, token: &SecretString) -> Result<Vec<Value>, Error> {
        let mut items = Vec::new();
        let mut next = Some(path.to_owned());
        while let Some(path) = next {
            let mut page = self.get(&path, token).await?;
            if let Some(Value::Array(value)) = page.get_mut("value").map(Value::take) {
                items.extend(value);
            }
            next = page.get("nextLink").and_then(Value::as_str).map(str::to_owned);
        }
        Ok(items)
    }

    /// Bytes, as they come.
    pub async fn bytes(&self, path: &str, token: &SecretString) -> Result<reqwest::Response, Error> {
        self.ask(reqwest::Method::GET, path, token, None).await
    }

    /// A POST whose answer is not looked at beyond its success.
    pub async fn post(&self, path: &str, token: &SecretString, body: Option<&Value>) -> Result<(), Error> {
        self.ask(reqwest::Method::POST, path, token, body).await.map(drop)
    }

    /// A form, without a token: for the token endpoint.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Result<Value, Error> {
        let request = self.client.post(format!("{}{path}", self.url)).form(fields);
        let answer = request.send().await.map_err(|e| self.unreachable(&e))?;
        let status = answer.status();
        if status.is_success() {
            return self.json(answer).await;
        }
        let body = answer.bytes().await.map_err(|e| self.unreachable(&e))?;
        Err(Error::refused(status.as_u16(), &body))
    }

    /// A document written, without waiting for what follows from it.
    pub async fn put(&self, path: &str, token: &SecretString, body: &Value) -> Result<(), Error> {
        self.ask(reqwest::Method::PUT, path, token, Some(body)).await.map(drop)
    }

    /// A document written; as it is now.
    pub async fn put_document(&self, path: &str, token: &SecretString, body: &Value) -> Result<Value, Error> {
        let answer = self.ask(reqwest::Method::PUT, path, token, Some(body)).await?;
        self.json(answer).await
    }

    /// A POST's document.
    pub async fn post_document(
        &self,
        path: &str,
        token: &SecretString,
        body: &Value,
    ) -> Result<Value, Error> {
        let answer = self.ask(reqwest::Method::POST, path, token, Some(body)).await?;
        self.json(answer).await
    }

    /// A part of a document changed; as it is now.
    pub async fn patch_document(
        &self,
        path: &str,
        token: &SecretString,
        body: &Value,
    ) -> Result<Value, Error> {
        let answer = self.ask(reqwest::Method::PATCH, path, token, Some(body)).await?;
        self.json(answer).await
    }

    /// Something deleted; whether it was there.
    pub async fn delete(&self, path: &str, token: &SecretString) -> Result<bool, Error> {
        let answer = self.ask(reqwest::Method::DELETE, path, token, None).await?;
        Ok(answer.status() != reqwest::StatusCode::NO_CONTENT)
    }

    /// A long-running operation: POSTs, then, unless told not to wait, asks until it is over. `progress` hears every
    /// state before the last.
    pub async fn operation(
        &self,
        path: &str,
        token: &SecretString,
        wait: bool,
        mut progress: impl FnMut(&str),
    ) -> Result<(), Error> {
        let answer = self.ask(reqwest::Method::POST, path, token, None).await?;
        let header = |answer: &reqwest::Response, name: &str| {
            answer.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned)
        };
        let Some(status_url) = header(&answer, "azure-asyncoperation").filter(|_| wait) else {
            return Ok(());
        };
        loop {
            let answer = self.ask(reqwest::Method::GET, &status_url, token, None).await?;
            let pause = header(&answer, "retry-after").and_then(|s| s.parse().ok()).map(Duration::from_secs);
            let state = self.json(answer).await?;
            let word = state.get("status").and_then(Value::as_str).unwrap_or_default();
            match word.to_ascii_lowercase().as_str() {
                "succeeded" => return Ok(()),
                "failed" | "canceled" => {
                    let error = state.get("error").cloned().unwrap_or_default();
                    let text = |key: &str| error.get(key).and_then(Value::as_str).map(str::to_owned);
                    return Err(Error::Refused {
                        status: 200,
                        code: text("code").unwrap_or_else(|| word.to_owned()),
                        message: text("message").unwrap_or_else(|| "the operation did not succeed".into()),
                    });
                }
                _ => progress(word),
            }
            tokio::time::sleep(pause.unwrap_or(POLL)).await;
        }
    }

    async fn json(&self, answer: reqwest::Response) -> Result<Value, Error> {
        let bytes = answer.bytes().await.map_err(|e| self.unreachable(&e))?;
        serde_json::from_slice(&bytes).map_err(|e| Error::Answer(e.to_string()))
    }

    /// The error of a connection that could not be made or broke.
    pub fn unreachable(&self, error: &dyn std::error::Error) -> Error {
        Error::Unreachable { url: self.url.clone(), reason: causes(error) }
    }
}
