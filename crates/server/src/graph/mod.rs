//! A minimal Microsoft Graph, read only: what `az role assignment`, `az ad user`, `az ad sp` and `az ad group` ask to turn
//! names into object ids and back (contract section 7).
//!
//! Whoever is signed in may read the directory, as members may in Entra; what it shows are names and ids. A token must be
//! meant for the Graph: one for ARM does not open it, nor the other way round.

mod directory;
mod filter;

use self::directory::Kind;
use self::filter::Filter;
use crate::auth::{self, Caller};
use crate::pipeline::{Cx, store_error};
use crate::reply::ArmResponse;
use hardline_arm::error::ArmError;
use hardline_arm::models::{document, paging};
use hardline_store::db::groups;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

/// Objects in one page.
const PAGE: usize = 100;
/// Most objects in one page, and most ids in one question.
const MOST: usize = 1000;

/// Answers what is below `/graph/`; `path` is decoded, `body` read.
pub async fn answer(cx: &Cx, path: &str, body: &[u8]) -> Result<ArmResponse, ArmError> {
    let caller = auth::authenticate_graph(cx)?;
    let segments: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let ["v1.0" | "beta", rest @ ..] = segments.as_slice() else { return Err(unknown(path)) };
    if let ["directoryObjects", verb] = rest
        && verb.eq_ignore_ascii_case("getByIds")
    {
        only(cx, &Method::POST)?;
        return by_ids(cx, body).await.map(ArmResponse::ok);
    }
    let found = match rest {
        ["me"] => {
            only(cx, &Method::GET)?;
            me(cx, &caller).await?
        }
        ["directoryObjects", oid] => {
            only(cx, &Method::GET)?;
            let found = directory::get(cx, oid).await?;
            found.map(|(kind, object)| typed(kind, object)).ok_or_else(|| not_found(oid))?
        }
        [collection, more @ ..] => {
            let (kind, app) = kind_of(collection).ok_or_else(|| unknown(path))?;
            let known = matches!((app, more), (_, []) | (None, [_]))
                || matches!((app, more), (None, [_, "members"]) if kind == Kind::Group);
            if !known {
                return Err(unknown(path));
            }
            only(cx, &Method::GET)?;
            match (app, more) {
                (Some(app), _) => one(cx, kind, app).await?,
                (None, [name]) => one(cx, kind, name).await?,
                (None, [name, ..]) => members(cx, name).await?,
                (None, []) => page(cx, kind, directory::list(cx, kind).await?)?,
            }
        }
        [] => return Err(unknown(path)),
    };
    Ok(ArmResponse::ok(selected(cx, found)))
}

/// The kind of a collection's segment, and the application id of `servicePrincipals(appId='…')`.
fn kind_of(segment: &str) -> Option<(Kind, Option<&str>)> {
    if let Some(kind) = Kind::ALL.into_iter().find(|kind| segment.eq_ignore_ascii_case(kind.collection())) {
        return Some((kind, None));
    }
    let (name, key) = segment.split_once('(')?;
    let key = key.strip_suffix("')")?;
    let (field, value) = key.split_once("='")?;
    let applies = name.eq_ignore_ascii_case("servicePrincipals") && field.eq_ignore_ascii_case("appId");
    applies.then_some((Kind::ServicePrincipal, Some(value)))
}

/// Who calls. Only people have a `me`.
async fn me(cx: &Cx, caller: &Caller) -> Result<Value, ArmError> {
    match directory::get(cx, &caller.oid).await? {
        Some((Kind::User, object)) => Ok(object),
        _ => Err(ArmError::new(
            StatusCode::BAD_REQUEST,
            "BadRequest",
            "/me request is only valid with a person's sign-in.",
        )),
    }
}

/// One object by its id; a person by the UPN, a program by its application id too.
async fn one(cx: &Cx, kind: Kind, name: &str) -> Result<Value, ArmError> {
    let found = match directory::get(cx, name).await? {
        Some(found) => Some(found),
        None => directory::by_name(cx, name).await?,
    };
    found.filter(|(k, _)| *k == kind).map(|(_, object)| object).ok_or_else(|| not_found(name))
}

/// Who is directly in a group.
async fn members(cx: &Cx, group: &str) -> Result<Value, ArmError> {
    let group = one(cx, Kind::Group, group).await?;
    let listed = groups::members(&cx.state.store, directory::id(&group)).await.map_err(store_error)?;
    let mut objects = Vec::with_capacity(listed.len());
    for member in listed {
        if let Some((kind, object)) = directory::get(cx, &member.oid).await? {
            objects.push(typed(kind, object));
        }
    }
    objects.sort_by(|a, b| directory::id(a).cmp(directory::id(b)));
    page(cx, Kind::Group, objects)
}

/// `POST directoryObjects/getByIds`: those of the ids that are there.
async fn by_ids(cx: &Cx, body: &[u8]) -> Result<Value, ArmError> {
    let bad = |text: &str| ArmError::new(StatusCode::BAD_REQUEST, "Request_BadRequest", text);
    let body = document::object(body).map_err(|error| bad(&error.message))?;
    let texts = |name: &str| -> Result<Option<Vec<&str>>, ArmError> {
        match body.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(list)) => {
                let read = list.iter().map(Value::as_str).collect::<Option<Vec<_>>>();
                read.map(Some).ok_or_else(|| bad(&format!("Every entry of '{name}' must be a string.")))
            }
            Some(_) => Err(bad(&format!("'{name}' must be a list of strings."))),
        }
    };
    let ids = texts("ids")?.ok_or_else(|| bad("The property 'ids' is missing."))?;
    if ids.len() > MOST {
        return Err(bad(&format!("'ids' holds more than {MOST} entries.")));
    }
    if let Some(wrong) = ids.iter().find(|id| Uuid::try_parse(id).is_err()) {
        let shown: String = wrong.chars().take(64).collect();
        return Err(bad(&format!("Invalid GUID: {shown}")));
    }
    let types = texts("types")?;
    let mut value = Vec::with_capacity(ids.len());
    let mut seen = std::collections::HashSet::new();
    for oid in ids {
        let Some((kind, object)) = directory::get(cx, oid).await? else { continue };
        let wanted = types.as_ref().is_none_or(|types| {
            types
                .iter()
                .any(|t| t.eq_ignore_ascii_case(kind.word()) || t.eq_ignore_ascii_case("directoryObject"))
        });
        if wanted && seen.insert(directory::id(&object).to_owned()) {
            value.push(typed(kind, object));
        }
    }
    Ok(json!({ "@odata.context": context(cx, "directoryObjects"), "value": value }))
}

/// A page of a list: filtered, from `$skiptoken` on, `$top` at most.
fn page(cx: &Cx, kind: Kind, all: Vec<Value>) -> Result<Value, ArmError> {
    for option in ["$search", "$orderby", "$expand", "$skip"] {
        if cx.query.get(option).is_some() {
            let text = format!("The query option '{option}' is not supported.");
            return Err(ArmError::new(StatusCode::BAD_REQUEST, "Request_UnsupportedQuery", text));
        }
    }
    let filter = cx.query.filter().map(Filter::parse).transpose()?;
    let after = paging::cursor(&cx.query)?;
    let size = cx.query.top()?.unwrap_or(PAGE).clamp(1, MOST);
    let mut found = Vec::new();
    for object in all {
        let shown = match &filter {
            Some(filter) => filter.matches(&object)?,
            None => true,
        };
        if shown && after.as_deref().is_none_or(|after| directory::id(&object) > after) {
            found.push(object);
        }
    }
    let more = found.len() > size;
    found.truncate(size);
    let next = found
        .last()
        .filter(|_| more)
        .map(|last| paging::next_link(&cx.facts.base_url, &cx.facts.path, &cx.query, directory::id(last)));
    let mut page = json!({ "@odata.context": context(cx, kind.collection()), "value": found });
    if let (Some(next), Some(map)) = (next, page.as_object_mut()) {
        map.insert("@odata.nextLink".into(), next.into());
    }
    Ok(page)
}

/// What `$select` asks for of every object; an object's id and type stay.
fn selected(cx: &Cx, mut found: Value) -> Value {
    let Some(names) = cx.query.select() else { return found };
    let keep = |object: &mut Value| {
        if let Some(map) = object.as_object_mut() {
            map.retain(|key, _| {
                key == "id" || key.starts_with('@') || names.iter().any(|name| name.eq_ignore_ascii_case(key))
            });
        }
    };
    match found.get_mut("value").and_then(Value::as_array_mut) {
        Some(list) => list.iter_mut().for_each(keep),
        None => keep(&mut found),
    }
    found
}

fn typed(kind: Kind, mut object: Value) -> Value {
    if let Some(map) = object.as_object_mut() {
        map.insert("@odata.type".into(), format!("#microsoft.graph.{}", kind.word()).into());
    }
    object
}

fn context(cx: &Cx, what: &str) -> String {
    format!("{}/v1.0/$metadata#{what}", auth::graph_url(&cx.facts.base_url))
}

fn only(cx: &Cx, allowed: &Method) -> Result<(), ArmError> {
    if cx.facts.method == *allowed {
        return Ok(());
    }
    Err(ArmError::method_not_allowed(&cx.facts.method, std::slice::from_ref(allowed)))
}

fn unknown(path: &str) -> ArmError {
    let shown: String = path.chars().take(120).collect();
    let text = format!("This directory has no '{shown}'.");
    ArmError::new(StatusCode::NOT_FOUND, "ResourceNotFound", text)
}

fn not_found(name: &str) -> ArmError {
    let shown: String = name.chars().take(120).collect();
    let text = format!(
        "Resource '{shown}' does not exist or one of its queried reference-property objects are not present."
    );
    ArmError::new(StatusCode::NOT_FOUND, "Request_ResourceNotFound", text)
}
