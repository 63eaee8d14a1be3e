//! An operation that was accepted: what it waits for, and the answer that its caller gets.

use crate::pipeline::Cx;
use crate::reply::ArmResponse;
use hardline_arm::activity::Deed;
use hardline_arm::resource_id::ResourceId;
use hardline_store::db::async_operations::{AsyncOperation, Wait};
use http::{HeaderName, StatusCode, header};
use serde_json::{Value, json};
use uuid::Uuid;

/// `Azure-AsyncOperation`: where the operation's state is.
pub const ASYNC_OPERATION: HeaderName = HeaderName::from_static("azure-asyncoperation");
/// `azure-asyncnotification`: sent as Azure sends it.
const ASYNC_NOTIFICATION: HeaderName = HeaderName::from_static("azure-asyncnotification");
/// Seconds between polls; without it on every answer clients wait 30 s.
pub const RETRY_AFTER: &str = "1";

/// What must be observed of a VM before an operation is done. An operation on several VMs has one for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaits {
    /// The VM.
    pub vm_id: String,
    /// At least this generation of the spec.
    pub generation: i64,
    /// What is desired of its power; the operation fails when the VM ends elsewhere.
    pub state: &'static str,
}

impl From<Awaits> for Vec<Awaits> {
    fn from(one: Awaits) -> Self {
        vec![one]
    }
}

/// A long-running operation to be accepted by [`crate::pipeline::Change::accept`].
#[derive(Clone, Debug)]
pub struct Pending {
    /// A word for the log: `start`, `delete`.
    pub kind: &'static str,
    /// The resource it works on.
    pub resource: ResourceId,
    /// What ends it, each VM once; none when other code calls [`super::finish`].
    pub awaits: Vec<Awaits>,
    /// 202, or 201/200 for a PUT whose answer holds the resource.
    pub status: StatusCode,
    /// The answer's document (the resource of a PUT).
    pub body: Option<Value>,
    /// Seconds after which it has failed.
    pub deadline: i64,
}

impl Pending {
    /// An action on a VM or on several: 202 without a body, done when each has reached what `awaits` says; fails after 5
    /// minutes.
    pub fn action(kind: &'static str, resource: ResourceId, awaits: impl Into<Vec<Awaits>>) -> Self {
        let awaits = awaits.into();
        Self { kind, resource, awaits, status: StatusCode::ACCEPTED, body: None, deadline: 300 }
    }

    /// The same with an answer of its own (PUT and PATCH: the resource as it is being made).
    #[must_use]
    pub fn with_answer(mut self, status: StatusCode, body: Value) -> Self {
        self.status = status;
        self.body = Some(body);
        self
    }

    pub(crate) fn record(&self, id: Uuid, now: i64, deed: &Deed) -> AsyncOperation {
        AsyncOperation {
            id: id.to_string(),
            kind: self.kind.into(),
            subscription: self.resource.subscription().unwrap_or("").to_ascii_lowercase(),
            resource_key: self.resource.key(),
            status: "InProgress".into(),
            error: None,
            started: now,
            ended: None,
            deadline: now + self.deadline * 1_000_000,
            deed: json!(deed).to_string(),
        }
    }

    pub(crate) fn waits(&self) -> Vec<Wait> {
        let wait =
            |a: &Awaits| Wait { vm_id: a.vm_id.clone(), generation: a.generation, state: a.state.to_owned() };
        self.awaits.iter().map(wait).collect()
    }

    pub(crate) fn response(&self, cx: &Cx, id: Uuid) -> ArmResponse {
        let mut response =
            ArmResponse { status: self.status, headers: http::HeaderMap::new(), body: self.body.clone() };
        let urls = Urls::new(cx, self.resource.subscription().unwrap_or(""), &id.to_string());
        response = response
            .with_header(ASYNC_OPERATION, &urls.state)
            .with_header(ASYNC_NOTIFICATION, "Enabled")
            .with_header(header::RETRY_AFTER, RETRY_AFTER);
        // A PUT has no Location: its final answer is a GET of the resource itself.
        if self.status == StatusCode::ACCEPTED {
            response = response.with_header(header::LOCATION, &urls.monitor);
        }
        response
    }
}

/// The two URLs of an operation.
pub(crate) struct Urls {
    pub(crate) state: String,
    pub(crate) monitor: String,
}

impl Urls {
    pub(crate) fn new(cx: &Cx, subscription: &str, id: &str) -> Self {
        let version = cx.api_version.as_ref().map_or("2024-07-01", |v| v.as_str());
        let location = &cx.state.config.location;
        let base = &cx.facts.base_url;
        let state = format!(
            "{base}/subscriptions/{subscription}/providers/Microsoft.Compute/locations/{location}/operations/{id}?p={id}&api-version={version}"
        );
        Self { monitor: format!("{state}&monitor=true"), state }
    }
}

/// The operation's id in the URL of its state.
pub fn id_in(url: &str) -> &str {
    let path = url.split('?').next().unwrap_or(url);
    path.rsplit('/').next().unwrap_or(path)
}
