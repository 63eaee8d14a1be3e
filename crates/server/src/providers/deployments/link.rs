//! Templates and parameter files that stand at an address.
//!
//! Fetching for somebody is reaching into the operator's network for them. So the server asks only the sources that its operator
//! named, each by the beginning of an address, follows no redirect, and takes no more than a template may be long.

use crate::outward::{named, plain};
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
    let url = Url::parse(uri).ok().filter(|url| named(&cx.state.config.template_sources, url));
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
