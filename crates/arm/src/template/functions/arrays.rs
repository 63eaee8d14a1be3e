//! Functions of arrays, and of texts where both are meant.

use super::arguments::{array, at, integer, shown, text, wrong};
use crate::template::evaluate::member;
use serde_json::Value;

/// Most items of a range: Azure's limit.
const RANGE_LIMIT: i64 = 10_000;

#[allow(clippy::unnecessary_wraps, reason = "a row of the table")]
pub(super) fn array_or_one(v: &[Value]) -> Result<Value, String> {
    Ok(match at(v, 0) {
        Value::Array(items) => Value::Array(items.clone()),
        other => Value::Array(vec![other.clone()]),
    })
}

#[allow(clippy::unnecessary_wraps, reason = "a row of the table")]
pub(super) fn create(v: &[Value]) -> Result<Value, String> {
    Ok(Value::Array(v.to_vec()))
}

/// All arrays, or all texts and numbers.
pub(super) fn concat(v: &[Value]) -> Result<Value, String> {
    if v.iter().any(Value::is_array) {
        let mut all = Vec::new();
        for n in 0..v.len() {
            all.extend(array(v, n)?.iter().cloned());
        }
        return Ok(Value::Array(all));
    }
    let mut all = String::new();
    for (n, value) in v.iter().enumerate() {
        if value.is_object() || value.is_null() {
            return Err(wrong(v, n, "String, Integer, Boolean, Array"));
        }
        all.push_str(&shown(value));
    }
    Ok(all.into())
}

pub(super) fn contains(v: &[Value]) -> Result<Value, String> {
    Ok(match at(v, 0) {
        Value::Array(items) => items.contains(at(v, 1)),
        Value::Object(map) => member(map, text(v, 1)?).is_some(),
        Value::String(source) => source.contains(&shown(at(v, 1))),
        _ => return Err(wrong(v, 0, "Array, Object, String")),
    }
    .into())
}

pub(super) fn empty(v: &[Value]) -> Result<Value, String> {
    Ok(match at(v, 0) {
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::String(source) => source.is_empty(),
        Value::Null => true,
        _ => return Err(wrong(v, 0, "Array, Object, String")),
    }
    .into())
}

pub(super) fn length(v: &[Value]) -> Result<Value, String> {
    Ok(match at(v, 0) {
        Value::Array(items) => items.len(),
        Value::Object(map) => map.len(),
        Value::String(source) => source.chars().count(),
        _ => return Err(wrong(v, 0, "Array, Object, String")),
    }
    .into())
}

pub(super) fn first(v: &[Value]) -> Result<Value, String> {
    match at(v, 0) {
        Value::Array(items) => items.first().cloned().ok_or_else(|| "the array is empty.".into()),
        Value::String(source) => Ok(source.chars().next().map(String::from).unwrap_or_default().into()),
        _ => Err(wrong(v, 0, "Array, String")),
    }
}

pub(super) fn last(v: &[Value]) -> Result<Value, String> {
    match at(v, 0) {
        Value::Array(items) => items.last().cloned().ok_or_else(|| "the array is empty.".into()),
        Value::String(source) => Ok(source.chars().next_back().map(String::from).unwrap_or_default().into()),
        _ => Err(wrong(v, 0, "Array, String")),
    }
}

pub(super) fn flatten(v: &[Value]) -> Result<Value, String> {
    let mut all = Vec::new();
    for item in array(v, 0)? {
        match item {
            Value::Array(inner) => all.extend(inner.iter().cloned()),
            _ => return Err("its argument 1 must be an array of arrays.".into()),
        }
    }
    Ok(Value::Array(all))
}

fn from_end(v: &[Value]) -> Result<Option<Value>, String> {
    let items = array(v, 0)?;
    let back = usize::try_from(integer(v, 1)?).ok();
    Ok(back.and_then(|n| items.len().checked_sub(n)).and_then(|n| items.get(n)).cloned())
}

/// The item that is the n-th from the end, from 1.
pub(super) fn index_from_end(v: &[Value]) -> Result<Value, String> {
    from_end(v)?.ok_or_else(|| "the index is out of bounds.".into())
}

pub(super) fn try_index_from_end(v: &[Value]) -> Result<Value, String> {
    Ok(from_end(v)?.unwrap_or_default())
}

/// The place of a text in a text, in any case; or of an item in an array.
fn place(v: &[Value], from_behind: bool) -> Result<Value, String> {
    let found = match at(v, 0) {
        Value::Array(items) if from_behind => items.iter().rposition(|i| i == at(v, 1)),
        Value::Array(items) => items.iter().position(|i| i == at(v, 1)),
        Value::String(source) => {
            let (source, wanted) = (source.to_lowercase(), text(v, 1)?.to_lowercase());
            let byte = if from_behind { source.rfind(&wanted) } else { source.find(&wanted) };
            byte.and_then(|b| source.get(..b)).map(|before| before.chars().count())
        }
        _ => return Err(wrong(v, 0, "Array, String")),
    };
    Ok(found.map_or_else(|| (-1).into(), Value::from))
}

pub(super) fn index_of(v: &[Value]) -> Result<Value, String> {
    place(v, false)
}

pub(super) fn last_index_of(v: &[Value]) -> Result<Value, String> {
    place(v, true)
}

pub(super) fn range(v: &[Value]) -> Result<Value, String> {
    let (start, count) = (integer(v, 0)?, integer(v, 1)?);
    if !(0..=RANGE_LIMIT).contains(&count) {
        return Err(format!("its argument 2 must be between '0' and '{RANGE_LIMIT}'."));
    }
    match start.checked_add(count) {
        Some(end) if end <= i64::from(i32::MAX) => Ok((start..end).collect()),
        _ => Err("the sum of its arguments must not exceed '2147483647'.".into()),
    }
}

pub(super) fn take(v: &[Value]) -> Result<Value, String> {
    let number = usize::try_from(integer(v, 1)?).unwrap_or(0);
    match at(v, 0) {
        Value::Array(items) => Ok(items.iter().take(number).cloned().collect()),
        Value::String(source) => Ok(source.chars().take(number).collect::<String>().into()),
        _ => Err(wrong(v, 0, "Array, String")),
    }
}

pub(super) fn skip(v: &[Value]) -> Result<Value, String> {
    let number = usize::try_from(integer(v, 1)?).unwrap_or(0);
    match at(v, 0) {
        Value::Array(items) => Ok(items.iter().skip(number).cloned().collect()),
        Value::String(source) => Ok(source.chars().skip(number).collect::<String>().into()),
        _ => Err(wrong(v, 0, "Array, String")),
    }
}
