//! Comparisons and truth values.

use super::arguments::{at, boolean as truth, number_of, wrong};
use crate::template::evaluate::{Outcome, Scope, Stop};
use crate::template::expression::Expression;
use serde_json::Value;
use std::cmp::Ordering;

#[allow(clippy::unnecessary_wraps, reason = "a row of the table")]
pub(super) fn yes(_: &[Value]) -> Result<Value, String> {
    Ok(true.into())
}

#[allow(clippy::unnecessary_wraps, reason = "a row of the table")]
pub(super) fn no(_: &[Value]) -> Result<Value, String> {
    Ok(false.into())
}

pub(super) fn not(v: &[Value]) -> Result<Value, String> {
    Ok((!truth(v, 0)?).into())
}

pub(super) fn boolean(v: &[Value]) -> Result<Value, String> {
    match at(v, 0) {
        Value::Bool(value) => Ok((*value).into()),
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Ok(true.into()),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Ok(false.into()),
        Value::String(text) if text.trim() == "1" => Ok(true.into()),
        Value::String(text) if text.trim() == "0" => Ok(false.into()),
        Value::String(_) => Err("its argument is neither 'true' nor 'false'.".into()),
        number => match number_of(number) {
            Some(number) => Ok((number != 0).into()),
            None => Err(wrong(v, 0, "Boolean, String, Integer")),
        },
    }
}

/// Only the branch that is chosen is evaluated.
pub(super) fn choose(scope: &mut Scope<'_>, name: &str, arguments: &[Expression]) -> Outcome {
    let [condition, then, otherwise] = arguments else { return Err(super::wrong_count(name, "'3'", 0)) };
    let chosen = if decide(scope, name, condition)? { then } else { otherwise };
    scope.evaluate(chosen)
}

/// Ends at the first that is false.
pub(super) fn and(scope: &mut Scope<'_>, name: &str, arguments: &[Expression]) -> Outcome {
    for argument in arguments {
        if !decide(scope, name, argument)? {
            return Ok(false.into());
        }
    }
    Ok(true.into())
}

/// Ends at the first that is true.
pub(super) fn or(scope: &mut Scope<'_>, name: &str, arguments: &[Expression]) -> Outcome {
    for argument in arguments {
        if decide(scope, name, argument)? {
            return Ok(true.into());
        }
    }
    Ok(false.into())
}

fn decide(scope: &mut Scope<'_>, name: &str, argument: &Expression) -> Result<bool, Stop> {
    scope.evaluate(argument)?.as_bool().ok_or_else(|| {
        Stop::Fault(format!(
            "Unable to evaluate template language function '{name}': a condition must be of type 'Boolean'. Please see https://aka.ms/arm-functions for usage details."
        ))
    })
}

/// The first that is not null.
#[allow(clippy::unnecessary_wraps, reason = "a row of the table")]
pub(super) fn coalesce(v: &[Value]) -> Result<Value, String> {
    Ok(v.iter().find(|value| !value.is_null()).cloned().unwrap_or_default())
}

/// Whether two values are the same: numbers by value, objects in any order of members.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            a == b || a.as_f64() == b.as_f64() && (a.is_f64() || b.is_f64())
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

#[allow(clippy::unnecessary_wraps, reason = "a row of the table")]
pub(super) fn equals(v: &[Value]) -> Result<Value, String> {
    Ok(same(at(v, 0), at(v, 1)).into())
}

fn compare(v: &[Value]) -> Result<Ordering, String> {
    match (at(v, 0), at(v, 1)) {
        (Value::String(a), Value::String(b)) => Ok(a.cmp(b)),
        (Value::Number(a), Value::Number(b)) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => Ok(a.cmp(&b)),
            _ => a.as_f64().partial_cmp(&b.as_f64()).ok_or_else(|| wrong(v, 0, "Integer")),
        },
        (Value::String(_) | Value::Number(_), _) => Err(wrong(v, 1, "that of argument 1")),
        _ => Err(wrong(v, 0, "String, Integer")),
    }
}

pub(super) fn less(v: &[Value]) -> Result<Value, String> {
    Ok(compare(v)?.is_lt().into())
}

pub(super) fn less_or_equals(v: &[Value]) -> Result<Value, String> {
    Ok(compare(v)?.is_le().into())
}

pub(super) fn greater(v: &[Value]) -> Result<Value, String> {
    Ok(compare(v)?.is_gt().into())
}

pub(super) fn greater_or_equals(v: &[Value]) -> Result<Value, String> {
    Ok(compare(v)?.is_ge().into())
}
