//! Elasticsearch and OpenSearch, by the bulk interface. A data stream takes `create` only; the document's id is the event's, so
//! that what is sent again is told to be there (409) and stored once.

use super::item::Item;
use super::profile::{Mode, Profile};
use super::sink::{Client, SinkError, Verdict, short};
use jiff::Timestamp;
use reqwest::Url;
use serde::Deserialize;
use serde_json::{Value, json};

/// The sink.
#[derive(Debug)]
pub(super) struct Elasticsearch {
    client: Client,
    url: Url,
    mode: Mode,
}

/// The answer to a bulk request.
#[derive(Deserialize)]
struct Answer {
    items: Vec<AnswerItem>,
}

#[derive(Deserialize)]
struct AnswerItem {
    create: Created,
}

#[derive(Deserialize)]
struct Created {
    #[serde(rename = "_id", default)]
    id: Option<String>,
    status: u16,
    #[serde(default)]
    error: Value,
}

impl Elasticsearch {
    /// The data stream of a profile at `url`.
    pub(super) fn new(client: Client, url: &Url, profile: &Profile) -> Result<Self, SinkError> {
        let mut url = url.clone();
        let mut path = url.path_segments_mut().map_err(|()| SinkError::away("the address has no path"))?;
        path.pop_if_empty().push(profile.data_stream()).push("_bulk");
        drop(path);
        if profile.mode == Mode::Ecs {
            // The documents are made already. The pipeline of Elastic's own integration would take them apart again.
            url.set_query(Some("pipeline=_none"));
        }
        Ok(Self { client, url, mode: profile.mode })
    }

    /// Sends events in one request.
    pub(super) async fn send(&self, items: &[&Item], now: Timestamp) -> Result<Vec<Verdict>, SinkError> {
        let mut body = String::new();
        for item in items {
            let document = match self.mode {
                Mode::Ecs => item.render(Mode::Ecs, now),
                Mode::Raw => json!({
                    "@timestamp": format!("{:.3}", item.event.event_timestamp),
                    "message": item.render(Mode::Raw, now).to_string(),
                }),
            };
            body.push_str(&format!("{}\n{document}\n", json!({ "create": { "_id": item.id } })));
        }
        let answer = self.client.post(self.url.clone(), "application/x-ndjson", body).await?;
        verdicts(items, &answer)
    }
}

fn verdicts(items: &[&Item], answer: &[u8]) -> Result<Vec<Verdict>, SinkError> {
    let answer: Answer = serde_json::from_slice(answer)
        .map_err(|e| SinkError::away(format!("its answer is not that of a bulk request: {e}")))?;
    if answer.items.len() != items.len() {
        let text = format!("it answers for {} of {} events", answer.items.len(), items.len());
        return Err(SinkError::away(text));
    }
    let pairs = items.iter().zip(answer.items);
    pairs
        .map(|(item, AnswerItem { create })| {
            if create.id.as_ref().is_some_and(|id| *id != item.id) {
                return Err(SinkError::away("its answer is about other events"));
            }
            Ok(verdict(create.status, &create.error))
        })
        .collect()
}

fn verdict(status: u16, error: &Value) -> Verdict {
    let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or("");
    let reason = short(&format!("{status} {}: {}", text("type"), text("reason")));
    match status {
        // 409: it was stored by an attempt whose answer did not come.
        200..=299 | 409 => Verdict::Taken,
        400 | 413 | 422 => Verdict::Refused(reason),
        // Everything else is for its operator to put right: too busy, no such stream, no right to it.
        _ => Verdict::Later(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_has_its_own_answer() {
        let none = Value::Null;
        let error = json!({ "type": "mapper_parsing_exception", "reason": "no\nnumber" });
        assert_eq!(verdict(201, &none), Verdict::Taken);
        assert_eq!(verdict(409, &error), Verdict::Taken);
        let refused = Verdict::Refused("400 mapper_parsing_exception: no number".into());
        assert_eq!(verdict(400, &error), refused);
        for status in [401, 403, 404, 408, 429, 500, 503] {
            assert!(matches!(verdict(status, &none), Verdict::Later(_)), "{status}");
        }
    }

    #[test]
    fn answers_that_are_none() {
        for answer in ["", "{}", "{\"items\":[{}]}", "{\"items\":[{\"create\":{\"status\":201}}]}", "[1"] {
            assert!(matches!(verdicts(&[], answer.as_bytes()), Err(SinkError::Away { .. })), "{answer}");
        }
        assert_eq!(verdicts(&[], b"{\"items\":[]}").unwrap(), []);
    }
}
