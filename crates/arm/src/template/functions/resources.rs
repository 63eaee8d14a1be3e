//! Ids, scopes, and the state of resources.

use super::arguments::{at, text, wrong};
use super::unexpected;
use crate::provider;
use crate::resource_id::ResourceId;
use crate::template::evaluate::{Outcome, Scope, Stop};
use crate::template::surroundings::Need;
use serde_json::{Value, json};

/// `Namespace/type/type` and its names as `Namespace/type/name/type/name`.
pub(crate) fn interleave(kind: &str, names: &[&str]) -> Result<String, String> {
    let mut parts = kind.split('/');
    let mut path = parts.next().unwrap_or_default().to_owned();
    let types: Vec<_> = parts.collect();
    if path.is_empty() || types.is_empty() || types.iter().any(|t| t.is_empty()) {
        return Err("the resource type must be of the form 'namespace/type'.".into());
    }
    if types.len() != names.len() {
        return Err(format!("the type '{kind}' requires '{}' resource name argument(s).", types.len()));
    }
    for (kind, name) in types.iter().zip(names) {
        path = format!("{path}/{kind}/{name}");
    }
    Ok(path)
}

fn told<T>(name: &str, result: Result<T, String>) -> Result<T, Stop> {
    result.map_err(|message| {
        Stop::Fault(format!(
            "Unable to evaluate template language function '{name}': {message} Please see https://aka.ms/arm-functions for usage details."
        ))
    })
}

/// The texts before the type (the first with a slash, from `skip` on), the type, and the names.
fn split(v: &[Value], skip: usize) -> Result<(Vec<&str>, &str, Vec<&str>), String> {
    let texts = (0..v.len()).map(|n| text(v, n)).collect::<Result<Vec<_>, _>>()?;
    let at =
        texts.iter().skip(skip).position(|t| t.contains('/')).ok_or("no argument is a resource type.")?;
    let (before, rest) = texts.split_at_checked(at + skip).ok_or("no argument is a resource type.")?;
    let (kind, names) = rest.split_first().ok_or("no argument is a resource type.")?;
    Ok((before.to_vec(), kind, names.to_vec()))
}

fn path(
    v: &[Value],
    most: usize,
    prefix: impl FnOnce(&[&str]) -> Result<String, String>,
) -> Result<Value, String> {
    let (before, kind, names) = split(v, 0)?;
    if before.len() > most {
        return Err(format!("at most '{most}' argument(s) may stand before the resource type."));
    }
    Ok(format!("{}/providers/{}", prefix(&before)?, interleave(kind, &names)?).into())
}

/// `providers(namespace)` and `providers(namespace, type)`, from the table of operations.
pub(super) fn providers(scope: &mut Scope<'_>, name: &str, v: &[Value]) -> Outcome {
    let location = scope.surroundings.resource_group.get("location").cloned();
    let locations: Vec<Value> = location.into_iter().collect();
    let made = (|| {
        let asked = text(v, 0)?;
        let namespace =
            provider::namespace(asked).ok_or_else(|| format!("there is no resource provider '{asked}'."))?;
        let shown = |kind: &str| json!({ "resourceType": kind, "locations": locations, "apiVersions": provider::api_versions(namespace) });
        let kinds = provider::resource_types(namespace);
        if v.len() == 1 {
            let types: Vec<_> = kinds.into_iter().map(shown).collect();
            return Ok(json!({ "namespace": namespace, "resourceTypes": types }));
        }
        let wanted = text(v, 1)?;
        let kind = kinds.into_iter().find(|kind| kind.eq_ignore_ascii_case(wanted));
        kind.map(shown).ok_or_else(|| format!("'{namespace}' has no type '{wanted}'."))
    })();
    told(name, made)
}

/// `pickZones(namespace, type, location, …)`.
pub(super) fn pick_zones(v: &[Value]) -> Result<Value, String> {
    for place in 0..3 {
        text(v, place)?;
    }
    Ok(json!([]))
}

pub(super) fn resource_id(scope: &mut Scope<'_>, name: &str, v: &[Value]) -> Outcome {
    let here = &scope.surroundings.scope;
    let subscription = || here.subscription().ok_or("the deployment has no subscription.");
    let made = path(v, 2, |before| match before {
        [subscription, group] => Ok(ResourceId::of_group(subscription, group).to_string()),
        // One text is a group; where the deployment has none, the subscription.
        [one] if here.group().is_none() => Ok(ResourceId::of_subscription(one).to_string()),
        [group] => Ok(ResourceId::of_group(subscription()?, group).to_string()),
        _ => Ok(scope.surroundings.prefix()),
    });
    told(name, made)
}

pub(super) fn subscription_resource_id(scope: &mut Scope<'_>, name: &str, v: &[Value]) -> Outcome {
    let here = &scope.surroundings.scope;
    let made = path(v, 1, |before| match (before.first(), here.subscription()) {
        (Some(given), _) => Ok(ResourceId::of_subscription(given).to_string()),
        (None, Some(own)) => Ok(ResourceId::of_subscription(own).to_string()),
        (None, None) => Err("the deployment has no subscription.".into()),
    });
    told(name, made)
}

pub(super) fn tenant_resource_id(_: &mut Scope<'_>, name: &str, v: &[Value]) -> Outcome {
    told(name, path(v, 0, |_| Ok(String::new())))
}

pub(super) fn management_group_resource_id(scope: &mut Scope<'_>, name: &str, v: &[Value]) -> Outcome {
    let here = scope.surroundings.management_group.get("id").and_then(Value::as_str);
    let made = path(v, 1, |before| match (before.first(), here) {
        (Some(given), _) => Ok(format!("/providers/Microsoft.Management/managementGroups/{given}")),
        (None, Some(own)) => Ok(own.into()),
        (None, None) => Err("the deployment has no management group.".into()),
    });
    told(name, made)
}

pub(super) fn extension_resource_id(_: &mut Scope<'_>, name: &str, v: &[Value]) -> Outcome {
    let made = split(v, 1).and_then(|(before, kind, names)| {
        let [base] = before.as_slice() else {
            return Err("its argument 2 must be a resource type.".to_owned());
        };
        Ok(format!("{}/providers/{}", base.trim_end_matches('/'), interleave(kind, &names)?).into())
    });
    told(name, made)
}

/// The id and the version that an argument means: a name or a symbolic name of the template, or an id.
fn target(scope: &Scope<'_>, name: &str, v: &[Value]) -> Result<(String, Option<String>), Stop> {
    let wanted = told(name, text(v, 0))?;
    let known = scope.resources.and_then(|r| r.get(&wanted.to_lowercase()));
    let id = match known {
        Some(known) => known.id.clone(),
        None if wanted.starts_with('/') => match ResourceId::parse(wanted) {
            Ok(id) => id.to_string(),
            Err(_) => return told(name, Err("its argument 1 is not a resource id.".into())),
        },
        None => {
            let fault =
                "The resource that it names is not defined in the template; a full resource id is needed.";
            return told(name, Err(fault.into()));
        }
    };
    let version = match at(v, 1) {
        Value::Null => None,
        Value::String(version) => Some(version.clone()),
        _ => return told(name, Err(wrong(v, 1, "String"))),
    };
    if version.is_none() && known.is_none() {
        let fault =
            "its argument 2 must be an API version, because the resource is not defined in the template.";
        return told(name, Err(fault.into()));
    }
    Ok((id, version))
}

pub(super) fn reference(scope: &mut Scope<'_>, name: &str, v: &[Value]) -> Outcome {
    let Some(runtime) = scope.runtime else { return Err(unexpected(name)) };
    let (id, api_version) = target(scope, name, v)?;
    let full = match at(v, 2) {
        Value::Null => false,
        Value::String(word) if word.eq_ignore_ascii_case("full") => true,
        _ => return told(name, Err("its argument 3 can only be 'Full'.".into())),
    };
    let need = Need::Reference { id, api_version, full };
    runtime.answer(&need).ok_or_else(|| Stop::Pending(vec![need]))
}

pub(super) fn list(scope: &mut Scope<'_>, name: &str, v: &[Value]) -> Outcome {
    let Some(runtime) = scope.runtime else { return Err(unexpected(name)) };
    let (id, api_version) = target(scope, name, v)?;
    let api_version = api_version.unwrap_or_default();
    let need = Need::List { function: name.into(), id, api_version, body: v.get(2).cloned() };
    runtime.answer(&need).ok_or_else(|| Stop::Pending(vec![need]))
}

/// A value that is there at some scopes only.
fn given(name: &str, value: &Value) -> Outcome {
    if value.is_null() { Err(unexpected(name)) } else { Ok(value.clone()) }
}

pub(super) fn subscription(scope: &mut Scope<'_>, name: &str, _: &[Value]) -> Outcome {
    given(name, &scope.surroundings.subscription)
}

pub(super) fn resource_group(scope: &mut Scope<'_>, name: &str, _: &[Value]) -> Outcome {
    given(name, &scope.surroundings.resource_group)
}

pub(super) fn management_group(scope: &mut Scope<'_>, name: &str, _: &[Value]) -> Outcome {
    given(name, &scope.surroundings.management_group)
}

pub(super) fn tenant(scope: &mut Scope<'_>, name: &str, _: &[Value]) -> Outcome {
    given(name, &scope.surroundings.tenant)
}

pub(super) fn deployment(scope: &mut Scope<'_>, name: &str, _: &[Value]) -> Outcome {
    given(name, &scope.surroundings.deployment)
}

pub(super) fn deployer(scope: &mut Scope<'_>, name: &str, _: &[Value]) -> Outcome {
    given(name, &scope.surroundings.deployer)
}

pub(super) fn environment(scope: &mut Scope<'_>, name: &str, _: &[Value]) -> Outcome {
    given(name, &scope.surroundings.environment)
}
