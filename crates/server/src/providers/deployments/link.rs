//! Templates and parameter files that stand at an address.
//!
//! Fetching for somebody is reaching into the operator's network for them. So the server asks only the sources that its operator
//! named, each by the beginning of an address, follows no redirect, and takes no more than a template may be long.

use crate::pipeline::Cx;
use futures_util::StreamExt as _;
use hardline_arm::error::ArmError;
use hardline_arm::template::json::{Document, TEXT_LIMIT};
use http::StatusCode;
use reqwest::Url;
use reqwest::redirect::Policy;
use std::time::Duration;

/// An answer must have come whole by then.
const PATIENCE: Duration = Duration::from_secs(10);

/// The document at `uri`; `name` is the property that holds it.
pub(super) async fn fetch(cx: &Cx, name: &str, uri: &str) -> Result<Document, ArmError> {
    let url = Url::parse(uri).ok().filter(|url| allowed(&cx.state.config.template_sources, url));
    let url = url.ok_or_else(|| refused(name, uri))?;
    let failed = |reason: &str| unavailable(uri, reason);
    let client = reqwest::Client::builder().redirect(Policy::none()).timeout(PATIENCE).no_proxy();
    let client = client.build().map_err(ArmError::internal)?;
    // The errors of the client name the whole address, which may hold a SAS.
    let answer = client.get(url).send().await.map_err(|e| failed(&e.without_url().to_string()))?;
    if answer.status() != StatusCode::OK {
        return Err(failed(&format!("it answers {}", answer.status())));
    }
    let mut text = Vec::new();
    let mut chunks = answer.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        text.extend_from_slice(&chunk.map_err(|e| failed(&e.without_url().to_string()))?);
        if text.len() > TEXT_LIMIT {
            return Err(failed(&format!("it is longer than {TEXT_LIMIT} bytes")));
        }
    }
    Document::parse_bytes(&text).map_err(|error| ArmError::invalid_content(&error).with_target(plain(uri)))
}

/// Whether an address lies below one of the operator's sources: the same scheme, host and port, and a path below theirs.
fn allowed(sources: &[String], url: &Url) -> bool {
    let below = |source: Url| {
        let folder = source.path().ends_with('/') || source.path() == url.path();
        folder
            && url.path().starts_with(source.path())
            && url.origin().is_tuple()
            && url.origin() == source.origin()
    };
    url.username().is_empty()
        && url.password().is_none()
        && sources.iter().filter_map(|source| Url::parse(source).ok()).any(below)
}

/// An address as it may be shown: its query may be a SAS, its beginning a password.
pub(super) fn plain(uri: &str) -> String {
    let path = uri.split(['?', '#']).next().unwrap_or("");
    let (scheme, rest) = path.split_once("://").unwrap_or(("", path));
    let (host, tail) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit('@').next().unwrap_or(host);
    format!("{scheme}://{host}{tail}").chars().take(200).collect()
}

fn refused(name: &str, uri: &str) -> ArmError {
    let text = format!(
        "'{name}' ({}) is not fetched: it lies below none of this server's template sources. Send the content instead (az: '--template-file'), or have the operator add the source ('template_sources', '--template-source').",
        plain(uri)
    );
    ArmError::new(StatusCode::BAD_REQUEST, "InvalidContentLink", text)
}

fn unavailable(uri: &str, reason: &str) -> ArmError {
    let text = format!(
        "Unable to download deployment content from '{}': {reason}. Please see https://aka.ms/arm-deploy for usage details.",
        plain(uri)
    );
    ArmError::new(StatusCode::BAD_REQUEST, "InvalidContentLink", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_below_a_source() {
        let sources = [
            "https://t.test/arm/".to_owned(),
            "http://127.0.0.1:81/one.json".to_owned(),
            "nonsense".to_owned(),
        ];
        let ask = |text: &str| Url::parse(text).is_ok_and(|url| allowed(&sources, &url));
        for good in [
            "https://t.test/arm/a.json",
            "https://T.test:443/arm/b/c.json?sig=x",
            "http://127.0.0.1:81/one.json",
        ] {
            assert!(ask(good), "{good}");
        }
        for bad in [
            "https://t.test/arm",
            "https://t.test/arm/../secret",
            "https://t.test/arm/%2e%2e/secret",
            "https://t.test/armed/a.json",
            "http://t.test/arm/a.json",
            "https://t.test:444/arm/a.json",
            "https://t.test.evil.test/arm/a.json",
            "https://t.test@evil.test/arm/a.json",
            "https://user@t.test/arm/a.json",
            "http://127.0.0.1:81/one.json/two",
            "file:///etc/passwd",
            "data:,x",
        ] {
            assert!(!ask(bad), "{bad}");
        }
    }

    #[test]
    fn what_is_shown_of_an_address_is_no_secret() {
        assert_eq!(plain("https://user:pw@h/a/b.json?sig=s3cret#x"), "https://h/a/b.json");
        assert_eq!(plain("nonsense"), "://nonsense");
    }
}
