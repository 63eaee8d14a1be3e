//! Reading a function's arguments. Faults name types, never values.

use serde_json::{Map, Value};

/// What Azure calls the type of a value.
pub(crate) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "Null",
        Value::Bool(_) => "Boolean",
        Value::Number(n) if n.is_f64() => "Float",
        Value::Number(_) => "Integer",
        Value::String(_) => "String",
        Value::Array(_) => "Array",
        Value::Object(_) => "Object",
    }
}

/// The argument at `n`; null when it is not there.
pub(crate) fn at(values: &[Value], n: usize) -> &Value {
    values.get(n).unwrap_or(&Value::Null)
}

/// The sentence of an argument of a wrong type.
pub(crate) fn wrong(values: &[Value], n: usize, wanted: &str) -> String {
    format!("its argument {} must be of type '{wanted}' and is '{}'.", n + 1, type_of(at(values, n)))
}

pub(crate) fn text(values: &[Value], n: usize) -> Result<&str, String> {
    at(values, n).as_str().ok_or_else(|| wrong(values, n, "String"))
}

pub(crate) fn integer(values: &[Value], n: usize) -> Result<i64, String> {
    number_of(at(values, n)).ok_or_else(|| wrong(values, n, "Integer"))
}

/// An integer that counts or indexes characters or items.
pub(crate) fn count(values: &[Value], n: usize) -> Result<usize, String> {
    usize::try_from(integer(values, n)?).map_err(|_| format!("its argument {} must not be negative.", n + 1))
}

pub(crate) fn boolean(values: &[Value], n: usize) -> Result<bool, String> {
    at(values, n).as_bool().ok_or_else(|| wrong(values, n, "Boolean"))
}

pub(crate) fn array(values: &[Value], n: usize) -> Result<&Vec<Value>, String> {
    at(values, n).as_array().ok_or_else(|| wrong(values, n, "Array"))
}

pub(crate) fn object(values: &[Value], n: usize) -> Result<&Map<String, Value>, String> {
    at(values, n).as_object().ok_or_else(|| wrong(values, n, "Object"))
}

/// The integer that a number is, also one written with a fraction of zero.
pub(crate) fn number_of(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let float = value.as_f64()?;
        // Whole numbers up to 2^53 are exact.
        #[allow(clippy::cast_possible_truncation, reason = "whole and small")]
        (float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0).then_some(float as i64)
    })
}

/// A value as text: of `string`, `concat`, `format` and `join`. Truth values are .NET's `True` and `False`.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
