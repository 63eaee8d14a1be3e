//! `hardline user`, `hardline sp`, `hardline group`: who there is at the server.

use crate::args::{OutputArgs, ScopeArgs};
use crate::directory_args::{CommonArgs, GroupVerb, MemberVerb, NamedArgs, ProgramVerb, UserVerb};
use crate::error::Error;
use crate::login::ask_password;
use crate::output;
use crate::session::Session;
use hardline_arm::resource_id::ResourceId;
use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};
use uuid::Uuid;

const VERSION: &str = "api-version=2026-11-01";
const USERS: &str = "users";
const PROGRAMS: &str = "servicePrincipals";
const GROUPS: &str = "groups";

/// `hardline user …`.
pub async fn user(verb: &UserVerb) -> Result<(), Error> {
    match verb {
        UserVerb::Create { name, display_name, password, common } => {
            let session = open(common).await?;
            let path = path(USERS, name)?;
            not_there(&session, &path, name).await?;
            let password = match password {
                Some(password) => password.clone(),
                None => ask_password(name)?.expose_secret().to_owned(),
            };
            let properties = json!({ "displayName": display_name, "password": password });
            put(&session, &path, properties, &common.output).await
        }
        UserVerb::List(common) => list(common, &format!("/providers/Hardline.Identity/{USERS}")).await,
        UserVerb::Show(named) => show(named, USERS).await,
        UserVerb::Update { user, display_name, enabled, new_password } => {
            let session = open(&user.common).await?;
            let path = path(USERS, &user.name)?;
            // A PUT would make one.
            session.get(&format!("{path}?{VERSION}")).await?;
            let mut properties = Map::new();
            if let Some(name) = display_name {
                properties.insert("displayName".into(), name.as_str().into());
            }
            if let Some(enabled) = enabled {
                properties.insert("enabled".into(), (*enabled).into());
            }
            if *new_password {
                let password = ask_password(&user.name)?;
                properties.insert("password".into(), password.expose_secret().into());
            }
            put(&session, &path, Value::Object(properties), &user.common.output).await
        }
        UserVerb::Delete(named) => delete(named, USERS).await,
    }
}

/// `hardline sp …`.
pub async fn program(verb: &ProgramVerb) -> Result<(), Error> {
    match verb {
        ProgramVerb::Create { name, common } => {
            let session = open(common).await?;
            let path = path(PROGRAMS, &Uuid::new_v4().to_string())?;
            put(&session, &path, json!({ "displayName": name }), &common.output).await
        }
        ProgramVerb::List(common) => list(common, &format!("/providers/Hardline.Identity/{PROGRAMS}")).await,
        ProgramVerb::Show(named) => show(named, PROGRAMS).await,
        ProgramVerb::Delete(named) => delete(named, PROGRAMS).await,
    }
}

/// `hardline group …`.
pub async fn group(verb: &GroupVerb) -> Result<(), Error> {
    match verb {
        GroupVerb::Create { name, description, common } => {
            let session = open(common).await?;
            let path = path(GROUPS, name)?;
            not_there(&session, &path, name).await?;
            put(&session, &path, json!({ "description": description }), &common.output).await
        }
        GroupVerb::List(common) => list(common, &format!("/providers/Hardline.Identity/{GROUPS}")).await,
        GroupVerb::Show(named) => show(named, GROUPS).await,
        GroupVerb::Delete(named) => delete(named, GROUPS).await,
        GroupVerb::Member { verb } => match verb {
            MemberVerb::Add(args) => {
                let session = open(&args.common).await?;
                let path = member(&args.group, &args.member)?;
                put(&session, &path, json!({}), &args.common.output).await
            }
            MemberVerb::Remove(args) => {
                let session = open(&args.common).await?;
                let path = member(&args.group, &args.member)?;
                gone(&session, &path, &args.member).await
            }
            MemberVerb::List(named) => {
                list(&named.common, &format!("{}/members", path(GROUPS, &named.name)?)).await
            }
        },
    }
}

async fn open(common: &CommonArgs) -> Result<Session, Error> {
    let scope = ScopeArgs { server: common.server.clone(), resource_group: None, subscription: None };
    Session::open(&scope).await
}

/// The path of a principal; what could not be one segment of it is wrong usage.
fn path(collection: &str, name: &str) -> Result<String, Error> {
    checked(&format!("/providers/Hardline.Identity/{collection}/{name}"), name, 1)
}

fn member(group: &str, oid: &str) -> Result<String, Error> {
    checked(&format!("/providers/Hardline.Identity/{GROUPS}/{group}/members/{oid}"), oid, 2)
}

fn checked(path: &str, name: &str, names: usize) -> Result<String, Error> {
    match ResourceId::parse(path) {
        Ok(id) if id.names().len() == names && id.name() == name => Ok(id.to_string()),
        _ => Err(Error::Usage(format!("'{name}' cannot be a name"))),
    }
}

async fn not_there(session: &Session, path: &str, name: &str) -> Result<(), Error> {
    match session.get(&format!("{path}?{VERSION}")).await {
        Ok(_) => Err(Error::Usage(format!("'{name}' exists already"))),
        Err(Error::Refused { status: 404, .. }) => Ok(()),
        Err(other) => Err(other),
    }
}

async fn put(session: &Session, path: &str, properties: Value, output: &OutputArgs) -> Result<(), Error> {
    let body = json!({ "properties": properties });
    let after = session.http.put_document(&format!("{path}?{VERSION}"), &session.token, &body).await?;
    output::print(output, &flat(after), Value::clone)
}

async fn list(common: &CommonArgs, path: &str) -> Result<(), Error> {
    let session = open(common).await?;
    let items = session.http.list(&format!("{path}?{VERSION}"), &session.token).await?;
    let items = items.into_iter().map(flat).collect();
    output::print(&common.output, &Value::Array(items), Value::clone)
}

async fn show(named: &NamedArgs, collection: &str) -> Result<(), Error> {
    let path = path(collection, &named.name)?;
    let session = open(&named.common).await?;
    let found = session.get(&format!("{path}?{VERSION}")).await?;
    output::print(&named.common.output, &flat(found), Value::clone)
}

async fn delete(named: &NamedArgs, collection: &str) -> Result<(), Error> {
    let path = path(collection, &named.name)?;
    let session = open(&named.common).await?;
    gone(&session, &path, &named.name).await
}

async fn gone(session: &Session, path: &str, name: &str) -> Result<(), Error> {
    if session.http.delete(&format!("{path}?{VERSION}"), &session.token).await? {
        return Ok(());
    }
    let message = format!("'{name}' was not found.");
    Err(Error::Refused { status: 404, code: "NotFound".into(), message })
}

/// The properties at the top, without what says nothing to people.
fn flat(document: Value) -> Value {
    let Value::Object(mut document) = document else { return document };
    let mut shown = Map::new();
    shown.extend(document.remove_entry("name"));
    if let Some(Value::Object(properties)) = document.remove("properties") {
        shown.extend(properties);
    }
    Value::Object(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_segment_of_a_path() {
        assert_eq!(path(USERS, "ann@b").unwrap(), "/providers/Hardline.Identity/users/ann@b");
        assert!(path(GROUPS, "night shift").is_ok());
        for bad in ["", "a/b", "..", "a?b", "a#b", "a%2fb", "a/members/b", "providers"] {
            assert!(path(GROUPS, bad).is_err(), "{bad}");
        }
        assert!(member("g", "o").is_ok());
        assert!(member("g/members/x", "o").is_err());
    }

    #[test]
    fn what_is_shown() {
        let user = json!({ "id": "/x", "name": "ann", "type": "t", "properties": { "objectId": "o" } });
        assert_eq!(flat(user), json!({ "name": "ann", "objectId": "o" }));
    }
}
