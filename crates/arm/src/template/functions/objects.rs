//! Functions of objects, and of arrays where both are meant.

use super::arguments::{array, at, number_of, object, text, wrong};
use crate::template::evaluate::member;
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};

/// Names and values by turns.
pub(super) fn create(v: &[Value]) -> Result<Value, String> {
    if !v.len().is_multiple_of(2) {
        return Err("it needs a value for every name.".into());
    }
    let mut map = Map::new();
    for n in (0..v.len()).step_by(2) {
        map.insert(text(v, n)?.into(), at(v, n + 1).clone());
    }
    Ok(Value::Object(map))
}

#[allow(clippy::unnecessary_wraps, reason = "a row of the table")]
pub(super) fn null(_: &[Value]) -> Result<Value, String> {
    Ok(Value::Null)
}

/// Names in order.
fn sorted(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut members: Vec<_> = map.iter().collect();
    members.sort_by_cached_key(|(name, _)| name.to_lowercase());
    members
}

pub(super) fn items(v: &[Value]) -> Result<Value, String> {
    Ok(sorted(object(v, 0)?).into_iter().map(|(k, v)| json!({"key": k, "value": v})).collect())
}

pub(super) fn keys(v: &[Value]) -> Result<Value, String> {
    Ok(sorted(object(v, 0)?).into_iter().map(|(k, _)| k.as_str()).collect())
}

/// The names that the members of an object really have, by their lower case.
fn spelled(map: &Map<String, Value>) -> HashMap<String, String> {
    map.keys().map(|key| (key.to_ascii_lowercase(), key.clone())).collect()
}

pub(super) fn shallow_merge(v: &[Value]) -> Result<Value, String> {
    let mut all = Map::new();
    let mut spellings = HashMap::new();
    let parts = array(v, 0)?;
    for n in 0..parts.len() {
        for (key, value) in object(parts, n).map_err(|_| "its argument 1 must be an array of objects.")? {
            let key = spellings.entry(key.to_ascii_lowercase()).or_insert_with(|| key.clone());
            all.insert(key.clone(), value.clone());
        }
    }
    Ok(Value::Object(all))
}

/// The value behind names and indexes; null when one of them is not there.
pub(super) fn try_get(v: &[Value]) -> Result<Value, String> {
    let mut value = at(v, 0);
    for (n, step) in v.iter().enumerate().skip(1) {
        let next = match (value, step) {
            (Value::Object(map), Value::String(name)) => member(map, name),
            (Value::Array(items), step) => {
                let index = number_of(step).ok_or_else(|| wrong(v, n, "Integer"))?;
                usize::try_from(index).ok().and_then(|i| items.get(i))
            }
            (Value::Null, _) => None,
            _ => return Err(wrong(v, n, "String, Integer")),
        };
        match next {
            Some(next) => value = next,
            None => return Ok(Value::Null),
        }
    }
    Ok(value.clone())
}

/// Arrays: every item once. Objects: all members; objects within are united, of other values the last counts.
pub(super) fn union(v: &[Value]) -> Result<Value, String> {
    if at(v, 0).is_array() {
        let mut all: Vec<Value> = Vec::new();
        let mut seen = HashSet::new();
        for n in 0..v.len() {
            all.extend(array(v, n)?.iter().filter(|item| seen.insert(item.to_string())).cloned());
        }
        return Ok(Value::Array(all));
    }
    let mut all = object(v, 0).map_err(|_| wrong(v, 0, "Array, Object"))?.clone();
    for n in 1..v.len() {
        unite(&mut all, object(v, n)?);
    }
    Ok(Value::Object(all))
}

fn unite(into: &mut Map<String, Value>, from: &Map<String, Value>) {
    let spellings = spelled(into);
    for (key, value) in from {
        let key = spellings.get(&key.to_ascii_lowercase()).unwrap_or(key);
        match (into.get_mut(key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => unite(old, new),
            _ => {
                into.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Arrays: the items that all have. Objects: the members that are equal in all.
pub(super) fn intersection(v: &[Value]) -> Result<Value, String> {
    if at(v, 0).is_array() {
        let mut seen = HashSet::new();
        let mut all: Vec<Value> =
            array(v, 0)?.iter().filter(|item| seen.insert(item.to_string())).cloned().collect();
        for n in 1..v.len() {
            let other: HashSet<String> = array(v, n)?.iter().map(Value::to_string).collect();
            all.retain(|item| other.contains(&item.to_string()));
        }
        return Ok(Value::Array(all));
    }
    let mut all = object(v, 0).map_err(|_| wrong(v, 0, "Array, Object"))?.clone();
    for n in 1..v.len() {
        let other = object(v, n)?;
        all.retain(|key, value| other.get(key) == Some(value));
    }
    Ok(Value::Object(all))
}
