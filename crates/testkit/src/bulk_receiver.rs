//! A receiver of bulk requests that takes nothing that Elasticsearch would not take into a data stream, keeps what it took, and
//! fails as a test tells it to.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long a test waits for events.
const PATIENCE: Duration = Duration::from_secs(60);

/// What goes wrong with the next request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// The connection is closed before anything is taken.
    Drop,
    /// Everything is taken, and the connection closed without an answer.
    TakeAndDrop,
    /// Everything is taken, and half of the answer sent.
    TakeAndHalf,
    /// Nothing is taken, and nothing is ever answered.
    Never,
    /// Nothing is taken; the answer has this status.
    Status(u16),
    /// Every so-manieth event is not taken, with this status in its item; the answer itself is 200.
    Items(usize, u16),
    /// Everything is taken; the answer is about one event less.
    OneShort,
    /// 413 for a request of more events than this.
    AtMost(usize),
}

/// The receiver; it ends when it is dropped.
pub struct BulkReceiver {
    url: String,
    inner: Arc<Inner>,
    _stop: DropGuard,
}

struct Inner {
    authorization: Option<String>,
    state: Mutex<State>,
    changed: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    faults: VecDeque<Fault>,
    away: bool,
    ids: HashSet<String>,
    taken: Vec<(String, Value)>,
    violations: Vec<String>,
    queries: HashSet<String>,
    requests: usize,
    duplicates: usize,
}

enum Reply {
    Whole(StatusCode, Value),
    Half(Value),
    Nothing,
    Never,
}

type Body = BoxBody<Bytes, std::io::Error>;

impl BulkReceiver {
    /// Starts one that asks for this `Authorization` header.
    pub async fn start(authorization: Option<&str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let inner = Arc::new(Inner {
            authorization: authorization.map(str::to_owned),
            state: Mutex::default(),
            changed: watch::Sender::new(0),
        });
        let stop = CancellationToken::new();
        tokio::spawn(accept(listener, inner.clone(), stop.clone()));
        Self { url, inner, _stop: stop.drop_guard() }
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What goes wrong with the next requests, one after the other.
    pub fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.inner.state.lock().unwrap().faults.extend(faults);
    }

    /// From now on (true) nobody is answered at all, until it is false again.
    pub fn be_away(&self, away: bool) {
        self.inner.state.lock().unwrap().away = away;
    }

    /// The events that were taken, with their ids, in the order in which they came first.
    pub fn taken(&self) -> Vec<(String, Value)> {
        self.inner.state.lock().unwrap().taken.clone()
    }

    /// What was sent that must not be sent.
    pub fn violations(&self) -> Vec<String> {
        self.inner.state.lock().unwrap().violations.clone()
    }

    /// The query strings that were used.
    pub fn queries(&self) -> HashSet<String> {
        self.inner.state.lock().unwrap().queries.clone()
    }

    /// Requests that came, those that failed too.
    pub fn requests(&self) -> usize {
        self.inner.state.lock().unwrap().requests
    }

    /// How often an event came again.
    pub fn duplicates(&self) -> usize {
        self.inner.state.lock().unwrap().duplicates
    }

    /// Waits until `done` holds; asked whenever a request has come.
    pub async fn wait(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let mut changed = self.inner.changed.subscribe();
        let waiting = async {
            while !done(self) {
                changed.changed().await.unwrap();
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            panic!("waited in vain for {what}: {} taken, {:?}", self.taken().len(), self.violations());
        }
    }
}

async fn accept(listener: TcpListener, inner: Arc<Inner>, stop: CancellationToken) {
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted.unwrap().0,
            () = stop.cancelled() => return,
        };
        let (inner, stop) = (inner.clone(), stop.clone());
        tokio::spawn(async move {
            let service = service_fn(|request| answer(inner.clone(), request));
            tokio::select! {
                _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service) => {}
                () = stop.cancelled() => {}
            }
        });
    }
}

/// An error closes the connection.
async fn answer(inner: Arc<Inner>, request: Request<Incoming>) -> Result<Response<Body>, std::io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
    let reply = inner.reply(&head, &body);
    inner.changed.send_modify(|count| *count += 1);
    let response = Response::builder().header(header::CONTENT_TYPE, "application/json");
    let full =
        |value: Value| Full::new(Bytes::from(value.to_string())).map_err(|never| match never {}).boxed();
    match reply {
        Reply::Whole(status, value) => Ok(response.status(status).body(full(value)).unwrap()),
        Reply::Half(value) => {
            let text = value.to_string();
            let half = Bytes::from(text[..text.len() / 2].to_owned());
            let frames = [Ok(Frame::data(half)), Err(std::io::Error::other("half is enough"))];
            let body = BodyExt::boxed(StreamBody::new(futures_util::stream::iter(frames)));
            Ok(response.header(header::CONTENT_LENGTH, text.len()).body(body).unwrap())
        }
        Reply::Nothing => Err(std::io::Error::other("no answer")),
        Reply::Never => std::future::pending().await,
    }
}

impl Inner {
    fn reply(&self, head: &http::request::Parts, body: &Bytes) -> Reply {
        let mut state = self.state.lock().unwrap();
        state.requests += 1;
        if state.away {
            return Reply::Nothing;
        }
        let given = head.headers.get(header::AUTHORIZATION).map(|v| v.to_str().unwrap().to_owned());
        if given != self.authorization {
            return Reply::Whole(StatusCode::UNAUTHORIZED, json!({ "error": "security_exception" }));
        }
        let fault = state.faults.pop_front();
        match fault {
            Some(Fault::Drop) => return Reply::Nothing,
            Some(Fault::Never) => return Reply::Never,
            Some(Fault::Status(status)) => {
                return Reply::Whole(StatusCode::from_u16(status).unwrap(), json!({ "error": "not now" }));
            }
            _ => {}
        }
        let documents = match documents(head, body) {
            Ok(documents) => documents,
            Err(violation) => {
                state.violations.push(violation.clone());
                return Reply::Whole(StatusCode::BAD_REQUEST, json!({ "error": violation }));
            }
        };
        if let Some(Fault::AtMost(most)) = fault
            && documents.len() > most
        {
            state.faults.push_front(Fault::AtMost(most));
            return Reply::Whole(StatusCode::PAYLOAD_TOO_LARGE, json!({ "error": "too large" }));
        }
        state.queries.insert(head.uri.query().unwrap_or("").to_owned());
        let mut items = Vec::new();
        for (number, (id, document)) in documents.into_iter().enumerate() {
            let status = match fault {
                Some(Fault::Items(each, status)) if (number + 1) % each == 0 => status,
                _ if state.ids.contains(&id) => 409,
                _ => 201,
            };
            match status {
                201 => {
                    state.ids.insert(id.clone());
                    state.taken.push((id.clone(), document));
                    items.push(json!({ "create": { "_id": id, "status": 201, "result": "created" } }));
                }
                _ => {
                    state.duplicates += usize::from(status == 409);
                    let error = json!({ "type": "told_so", "reason": format!("status {status}") });
                    items.push(json!({ "create": { "_id": id, "status": status, "error": error } }));
                }
            }
        }
        if matches!(fault, Some(Fault::OneShort)) {
            items.pop();
        }
        let errors = items.iter().any(|item| item["create"]["status"] != 201);
        let value = json!({ "took": 1, "errors": errors, "items": items });
        match fault {
            Some(Fault::TakeAndDrop) => Reply::Nothing,
            Some(Fault::TakeAndHalf) => Reply::Half(value),
            _ => Reply::Whole(StatusCode::OK, value),
        }
    }
}

/// The documents of a request with their ids, or what is wrong with it.
fn documents(head: &http::request::Parts, body: &Bytes) -> Result<Vec<(String, Value)>, String> {
    if head.method != Method::POST || head.uri.path() != "/logs-azure.activitylogs-default/_bulk" {
        return Err(format!("{} {}", head.method, head.uri));
    }
    if head.headers.get(header::CONTENT_TYPE).is_none_or(|kind| kind != "application/x-ndjson") {
        return Err("the content type is not application/x-ndjson".into());
    }
    let text = std::str::from_utf8(body).map_err(|e| e.to_string())?;
    let lines = text.strip_suffix('\n').ok_or("the last line does not end")?;
    let lines: Vec<&str> = lines.split('\n').collect();
    if !lines.len().is_multiple_of(2) {
        return Err("an action has no document".into());
    }
    let pairs = lines.chunks(2);
    pairs
        .map(|pair| {
            let action: Value = serde_json::from_str(pair[0]).map_err(|e| e.to_string())?;
            let members = action.as_object().ok_or("an action is no object")?;
            let create = members.get("create").filter(|_| members.len() == 1);
            let create = create.ok_or_else(|| format!("a data stream takes only create, not {action}"))?;
            let id = create["_id"].as_str().ok_or("an event has no id")?.to_owned();
            let document: Value = serde_json::from_str(pair[1]).map_err(|e| e.to_string())?;
            if !document["@timestamp"].is_string() {
                return Err("a document has no @timestamp".into());
            }
            Ok((id, document))
        })
        .collect()
}
