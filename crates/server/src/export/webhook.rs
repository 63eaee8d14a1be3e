//! Any HTTP endpoint: a POST for each batch, which counts when the answer is a 2xx.

use super::item::Item;
use super::profile::{Mode, Profile};
use super::sink::{Client, SinkError, Verdict};
use hardline_arm::activity::record;
use jiff::Timestamp;
use reqwest::Url;
use serde_json::Value;

/// The sink.
#[derive(Debug)]
pub(super) struct Webhook {
    client: Client,
    url: Url,
    mode: Mode,
}

impl Webhook {
    /// The endpoint at `url`.
    pub(super) fn new(client: Client, url: Url, profile: &Profile) -> Self {
        Self { client, url, mode: profile.mode }
    }

    /// Sends events in one request: records as an Event Hub's message, `{"records": […]}`; documents as an array.
    pub(super) async fn send(&self, items: &[&Item], now: Timestamp) -> Result<Vec<Verdict>, SinkError> {
        let rendered: Vec<Value> = items.iter().map(|item| item.render(self.mode, now)).collect();
        let body = match self.mode {
            Mode::Raw => record::message(&rendered),
            Mode::Ecs => Value::Array(rendered),
        };
        self.client.post(self.url.clone(), "application/json", body.to_string()).await?;
        Ok(vec![Verdict::Taken; items.len()])
    }
}
