//! A client's half of the signatures, written down once more: HMAC-SHA256 over the texts of the contract's sections 3.4 and 8.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hardline_testkit::request::read;
use hardline_testkit::{Answer, TestServer};
use http::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha2::{Digest as _, Sha256};

/// HMAC-SHA256 with a Base64 key, in Base64.
pub fn sign(key: &str, text: &str) -> String {
    let mut block = STANDARD.decode(key).unwrap();
    block.resize(64, 0);
    let pad = |with: u8| block.iter().map(|byte| byte ^ with).collect::<Vec<u8>>();
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(text).finalize();
    STANDARD.encode(Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize())
}

/// A client of an account.
pub struct Client<'s> {
    pub server: &'s TestServer,
    pub account: &'s str,
    pub key: &'s str,
    /// The `Host` header, where the account is in it instead of the path.
    pub host: Option<String>,
    pub date: String,
}

pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

impl<'s> Client<'s> {
    pub fn new(server: &'s TestServer, account: &'s str, key: &'s str) -> Self {
        let now = server.state().clock.now();
        let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        Self { server, account, key, host: None, date }
    }

    /// Sends a signed request for `/container/blob?query`; the query's pairs must be in order, and need no encoding.
    pub async fn send(&self, method: Method, path: &str, query: &str, extra: &[(&str, &str)]) -> Answer {
        let wire = match self.host {
            Some(_) => path.to_owned(),
            None => format!("/{}{path}", self.account),
        };
        let mut own = vec![("x-ms-date", self.date.as_str()), ("x-ms-version", "2026-04-06")];
        own.extend(extra.iter().copied().filter(|(name, _)| name.starts_with("x-ms-")));
        own.sort_unstable();
        let mut text = format!("{method}\n\n\n\n\n\n\n\n\n\n\n\n");
        for (name, value) in &own {
            text.push_str(&format!("{name}:{value}\n"));
        }
        text.push_str(&format!("/{}{wire}", self.account));
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            text.push_str(&format!("\n{}", pair.replacen('=', ":", 1)));
        }
        let authorization = format!("SharedKey {}:{}", self.account, sign(self.key, &text));
        let url = format!("{}{wire}?{query}", self.server.url());
        let mut request = self.server.client().request(method, url.trim_end_matches('?'));
        if let Some(host) = &self.host {
            request = request.header("host", host);
        }
        for (name, value) in
            own.into_iter().chain(extra.iter().copied().filter(|(n, _)| !n.starts_with("x-ms-")))
        {
            request = request.header(name, value);
        }
        read(request.header("authorization", authorization).send().await.unwrap()).await
    }

    pub async fn get(&self, path: &str, query: &str) -> Answer {
        self.send(Method::GET, path, query, &[]).await
    }
}

/// An account SAS. `fields` are `sp`, `ss`, `srt`, `st`, `se`, `sip`, `spr`.
pub fn account_sas(account: &str, key: &str, fields: [&str; 7]) -> String {
    const NAMES: [&str; 7] = ["sp", "ss", "srt", "st", "se", "sip", "spr"];
    let text = format!("{account}\n{}\n2026-04-06\n\n", fields.join("\n"));
    let set = NAMES.iter().zip(fields).filter(|(_, value)| !value.is_empty());
    let pairs: Vec<_> = set.map(|(name, value)| format!("{name}={}", encode(value))).collect();
    format!("{}&sv=2026-04-06&sig={}", pairs.join("&"), encode(&sign(key, &text)))
}

/// A service SAS for a blob, or for a container when there is no blob.
pub fn service_sas(
    account: &str,
    key: &str,
    container: &str,
    blob: Option<&str>,
    sp: &str,
    se: &str,
) -> String {
    let (kind, name) = match blob {
        Some(blob) => ("b", format!("{container}/{blob}")),
        None => ("c", container.to_owned()),
    };
    let text = format!("{sp}\n\n{se}\n/blob/{account}/{name}\n\n\n\n2026-04-06\n{kind}\n\n\n\n\n\n\n");
    format!("sp={sp}&se={}&sv=2026-04-06&sr={kind}&sig={}", encode(se), encode(&sign(key, &text)))
}

/// A GET without any header.
pub async fn fetch(server: &TestServer, path: &str) -> Answer {
    read(server.client().get(format!("{}{path}", server.url())).send().await.unwrap()).await
}

/// The XML error's status and code.
#[track_caller]
pub fn refused(answer: &Answer) -> (u16, String) {
    let text = answer.text.trim_start_matches('\u{feff}');
    assert!(text.starts_with("<?xml"), "{}: {text}", answer.status);
    let code = answer.header("x-ms-error-code").to_owned();
    assert!(text.contains(&format!("<Code>{code}</Code>")), "{text}");
    (answer.status, code)
}
