//! Which part of the server answers a request: decided by the first segments of its path.

use super::body::Unread;
use super::listener::Scheme;
use super::{answer, body, facts, graph, identity, metadata, portal, websocket};
use crate::pipeline::{self, Cx};
use crate::reply::{ArmResponse, Reply};
use crate::state::State;
use crate::{blob, serial};
use axum::response::Response;
use hardline_arm::error::ArmError;
use hardline_arm::query::Query;
use http::request::Parts;
use http::{Method, StatusCode};
use hyper::Request;
use hyper::body::Incoming;
use serde_json::json;
use std::net::IpAddr;
use std::time::Duration;

/// How long a health check waits for the store; whoever asks has little patience.
const PATIENCE: Duration = Duration::from_secs(2);

/// Answers one request.
pub(super) async fn route(
    state: &State,
    client: IpAddr,
    scheme: Scheme,
    request: Request<Incoming>,
) -> Response {
    let secure = scheme == Scheme::Https;
    let (parts, body) = request.into_parts();
    // A client may send several slashes at the start (a base URL with one at its end).
    let path = parts.uri.path().trim_start_matches('/').to_owned();
    let facts = facts::facts(state, client, scheme, &parts);
    // A host that names a storage account has nothing else.
    let portal = blob::address::of_host(&facts.base_url).is_none();
    if portal && (path.is_empty() || path == "portal") {
        return protected(portal::redirect(), secure);
    }
    if let Some(rest) = path.strip_prefix("portal/").filter(|_| portal) {
        return protected(portal::answer(&parts.method, rest, &parts.headers), secure);
    }
    let query = Query::parse(parts.uri.query().unwrap_or(""));
    let correlation = facts::correlation(&parts);
    let mut cx = Cx::new(state.clone(), facts, correlation, Query::default());
    let mut body = Unread::new(body);
    let result = match query {
        Ok(query) => {
            cx.query = query;
            api(&mut cx, &path, parts.clone(), &mut body).await
        }
        Err(error) => Err(error),
    };
    body.drain(&parts).await;
    let answer = result.unwrap_or_else(|error| answer::error(&cx, &error));
    let (method, path, correlation) = (&cx.facts.method, &cx.facts.path, cx.correlation);
    tracing::debug!(%method, path, %correlation, %client, status = answer.status().as_u16(), "answered");
    answer::finish(&cx, secure, answer)
}

fn protected(mut answer: Response, secure: bool) -> Response {
    answer::protect(answer.headers_mut(), secure);
    answer
}

async fn api(cx: &mut Cx, path: &str, parts: Parts, body: &mut Unread) -> Result<Response, ArmError> {
    if blob::address::of_host(&cx.facts.base_url).is_some() {
        return blob(cx, &parts).await;
    }
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    if let Some(endpoint) = identity::endpoint(cx, first, rest) {
        return identity::answer(cx, endpoint, &parts, body).await;
    }
    match first {
        "healthz" if rest.is_empty() => health(cx).await,
        "adfs" => Err(ArmError::not_found("There is no such identity endpoint.")),
        "graph" => graph::answer(cx, rest, &parts, body).await,
        first if first.eq_ignore_ascii_case("metadata") => metadata::answer(cx, rest),
        "console" => console(cx, rest, parts, body).await,
        blob::ACCOUNT => blob(cx, &parts).await,
        _ if blob::leads_here(cx, &parts).await? => blob(cx, &parts).await,
        _ => {
            let limits = cx.state.config.limits.clone();
            let head = parts.clone();
            let read = async move {
                let body = body::read(&head, body, limits.body, limits.body_read).await?;
                body::check_json(&head, &body).map(|()| body)
            };
            let reply = pipeline::handle(cx, read).await?;
            send(cx, reply, parts).await
        }
    }
}

async fn blob(cx: &Cx, parts: &Parts) -> Result<Response, ArmError> {
    let request = blob::BlobRequest::new(blob::address::of_host(&cx.facts.base_url), parts);
    Ok(answer::stream(cx, blob::serve(cx, &request).await))
}

/// `/console/sessions/{session}/client` and `/console/sessions/{session}/adminCommand/{command}`.
async fn console(cx: &Cx, rest: &str, parts: Parts, body: &mut Unread) -> Result<Response, ArmError> {
    let segments: Vec<&str> = rest.split('/').collect();
    match segments.as_slice() {
        ["sessions", session, "client"] => {
            only(cx, &Method::GET)?;
            let reply = serial::open_session(cx, session).await?;
            send(cx, reply, parts).await
        }
        ["sessions", session, command, name] if command.eq_ignore_ascii_case("adminCommand") => {
            only(cx, &Method::POST)?;
            let limits = &cx.state.config.limits;
            let bytes = body::read(&parts, body, limits.body, limits.body_read).await?;
            let reply = serial::admin_command(cx, session, name, bytes).await?;
            send(cx, reply, parts).await
        }
        _ => Err(ArmError::not_found("There is no such console session.")),
    }
}

fn only(cx: &Cx, allowed: &Method) -> Result<(), ArmError> {
    if cx.facts.method == *allowed {
        return Ok(());
    }
    Err(ArmError::method_not_allowed(&cx.facts.method, std::slice::from_ref(allowed)))
}

async fn send(cx: &Cx, reply: Reply, parts: Parts) -> Result<Response, ArmError> {
    match reply {
        Reply::Arm(response) => Ok(answer::arm(response)),
        Reply::Stream(response) => Ok(answer::stream(cx, response)),
        Reply::Upgrade(upgrade) => websocket::upgrade(&cx.state, parts, upgrade).await,
    }
}

async fn health(cx: &Cx) -> Result<Response, ArmError> {
    only(cx, &Method::GET)?;
    let (status, word) = match tokio::time::timeout(PATIENCE, cx.state.store.ping()).await {
        Ok(Ok(())) => (StatusCode::OK, "ok"),
        Ok(Err(_)) | Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer"),
    };
    Ok(answer::arm(ArmResponse::json(status, json!({ "status": word }))))
}
