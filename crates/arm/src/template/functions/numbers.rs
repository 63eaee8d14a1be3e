//! Functions of numbers.

use super::arguments::{at, integer, number_of, text, wrong};
use crate::template::evaluate::{Outcome, Scope, Stop};
use serde_json::{Number, Value};

const OVERFLOW: &str = "the result does not fit into 64 bits.";

fn calculate(v: &[Value], how: fn(i64, i64) -> Option<i64>) -> Result<Value, String> {
    how(integer(v, 0)?, integer(v, 1)?).map(Value::from).ok_or_else(|| OVERFLOW.into())
}

pub(super) fn add(v: &[Value]) -> Result<Value, String> {
    calculate(v, i64::checked_add)
}

pub(super) fn sub(v: &[Value]) -> Result<Value, String> {
    calculate(v, i64::checked_sub)
}

pub(super) fn mul(v: &[Value]) -> Result<Value, String> {
    calculate(v, i64::checked_mul)
}

fn divisor(v: &[Value]) -> Result<(), String> {
    match integer(v, 1)? {
        0 => Err("its argument 2 must not be zero.".into()),
        _ => Ok(()),
    }
}

pub(super) fn div(v: &[Value]) -> Result<Value, String> {
    divisor(v)?;
    calculate(v, i64::checked_div)
}

pub(super) fn modulo(v: &[Value]) -> Result<Value, String> {
    divisor(v)?;
    calculate(v, i64::checked_rem)
}

pub(super) fn int(v: &[Value]) -> Result<Value, String> {
    match at(v, 0) {
        Value::String(text) => {
            text.trim().parse::<i64>().map(Value::from).map_err(|_| "its argument is not an integer.".into())
        }
        Value::Number(number) => {
            let whole = number.as_f64().map(|f| Value::from(f.trunc()));
            let whole = number.as_i64().or_else(|| number_of(&whole?));
            whole.map(Value::from).ok_or_else(|| OVERFLOW.into())
        }
        _ => Err(wrong(v, 0, "String, Integer")),
    }
}

pub(super) fn float(v: &[Value]) -> Result<Value, String> {
    let number = match at(v, 0) {
        Value::String(text) => text.trim().parse::<f64>().ok(),
        Value::Number(number) => number.as_f64(),
        _ => return Err(wrong(v, 0, "String, Integer")),
    };
    let number = number.and_then(Number::from_f64).ok_or("its argument is not a number.")?;
    Ok(Value::Number(number))
}

/// The numbers of one array, or all arguments.
fn several(v: &[Value]) -> Result<Vec<i64>, String> {
    let items = match v {
        [Value::Array(items)] => items,
        _ => v,
    };
    (0..items.len()).map(|n| integer(items, n)).collect()
}

pub(super) fn min(v: &[Value]) -> Result<Value, String> {
    several(v)?.into_iter().min().map(Value::from).ok_or_else(|| "the array is empty.".into())
}

pub(super) fn max(v: &[Value]) -> Result<Value, String> {
    several(v)?.into_iter().max().map(Value::from).ok_or_else(|| "the array is empty.".into())
}

/// `copyIndex()`, `copyIndex(offset)`, `copyIndex('loop')`, `copyIndex('loop', offset)`. Without a name the loop of the
/// resource is meant, where there is none the innermost.
pub(super) fn copy_index(scope: &mut Scope<'_>, name: &str, v: &[Value]) -> Outcome {
    let named = at(v, 0).is_string();
    let offset = match v.get(usize::from(named)) {
        Some(_) => integer(v, usize::from(named))?,
        None => 0,
    };
    let mut loops = scope.loops.iter().rev();
    let found = if named {
        let wanted = text(v, 0)?;
        loops.find(|l| l.name.eq_ignore_ascii_case(wanted))
    } else {
        loops.clone().find(|l| l.of_resource).or_else(|| loops.next())
    };
    match found {
        Some(found) => {
            Ok(found.index.checked_add(offset).map(Value::from).ok_or_else(|| OVERFLOW.to_owned())?)
        }
        None => Err(Stop::Fault(format!(
            "The template function '{name}' is not expected at this location. The function can only be used in a resource, property, variable or output with copy specified. Please see https://aka.ms/arm-copy for usage details."
        ))),
    }
}
