//! Functions that take a `lambda('name', …, expression)`.

use super::unexpected;
use crate::template::evaluate::{Outcome, Scope, Stop};
use crate::template::expression::{Expression, Kind};
use serde_json::{Map, Value, json};

/// The names and the body of a lambda.
struct Lambda<'e> {
    names: Vec<&'e str>,
    body: &'e Expression,
}

fn fault(name: &str, what: &str) -> Stop {
    Stop::Fault(format!(
        "Unable to evaluate template language function '{name}': {what} Please see https://aka.ms/arm-functions for usage details."
    ))
}

impl<'e> Lambda<'e> {
    /// The argument at `n` as a lambda with one of these numbers of names.
    fn of(name: &str, arguments: &'e [Expression], n: usize, names: &[usize]) -> Result<Self, Stop> {
        let wrong = || {
            let wanted: Vec<_> = names.iter().map(ToString::to_string).collect();
            let wanted = wanted.join(" or ");
            fault(name, &format!("its argument {} must be a lambda of {wanted} variable(s).", n + 1))
        };
        let Some(Kind::Call { namespace: None, name: called, arguments: inside }) =
            arguments.get(n).map(|a| &a.kind)
        else {
            return Err(wrong());
        };
        let Some((body, before)) = inside.split_last().filter(|_| called.eq_ignore_ascii_case("lambda"))
        else {
            return Err(wrong());
        };
        let texts: Option<Vec<&str>> = before
            .iter()
            .map(|e| match &e.kind {
                Kind::Text(text) => Some(text.as_str()),
                _ => None,
            })
            .collect();
        match texts.filter(|t| names.contains(&t.len())) {
            Some(names) => Ok(Self { names, body }),
            None => Err(wrong()),
        }
    }

    fn call(&self, scope: &mut Scope<'_>, values: &[&Value]) -> Outcome {
        let before = scope.lambdas.len();
        for (name, value) in self.names.iter().zip(values) {
            scope.budget.weigh(value)?;
            scope.lambdas.push(((*name).into(), (*value).clone()));
        }
        let result = scope.evaluate(self.body);
        scope.lambdas.truncate(before);
        result
    }
}

/// A lambda somewhere else.
pub(super) fn misplaced(_: &mut Scope<'_>, name: &str, _: &[Expression]) -> Outcome {
    Err(unexpected(name))
}

pub(super) fn variables(scope: &mut Scope<'_>, name: &str, v: &[Value]) -> Outcome {
    let wanted = super::arguments::text(v, 0)?;
    let found = scope.lambdas.iter().rev().find(|(n, _)| n.eq_ignore_ascii_case(wanted));
    found.map(|(_, value)| value.clone()).ok_or_else(|| fault(name, "there is no such lambda variable."))
}

fn evaluated(scope: &mut Scope<'_>, arguments: &[Expression], n: usize) -> Outcome {
    arguments.get(n).map_or(Ok(Value::Null), |a| scope.evaluate(a))
}

fn items(scope: &mut Scope<'_>, name: &str, arguments: &[Expression]) -> Result<Vec<Value>, Stop> {
    match evaluated(scope, arguments, 0)? {
        Value::Array(items) => Ok(items),
        _ => Err(fault(name, "its argument 1 must be of type 'Array'.")),
    }
}

fn key(value: &Value, name: &str) -> Result<String, Stop> {
    value.as_str().map(Into::into).ok_or_else(|| fault(name, "a key must be of type 'String'."))
}

pub(super) fn map(scope: &mut Scope<'_>, name: &str, arguments: &[Expression]) -> Outcome {
    let lambda = Lambda::of(name, arguments, 1, &[1, 2])?;
    let items = items(scope, name, arguments)?;
    let mut made = Vec::with_capacity(items.len());
    for (n, item) in items.iter().enumerate() {
        made.push(lambda.call(scope, &[item, &json!(n)])?);
    }
    Ok(Value::Array(made))
}

pub(super) fn filter(scope: &mut Scope<'_>, name: &str, arguments: &[Expression]) -> Outcome {
    let lambda = Lambda::of(name, arguments, 1, &[1, 2])?;
    let mut made = Vec::new();
    for (n, item) in items(scope, name, arguments)?.into_iter().enumerate() {
        match lambda.call(scope, &[&item, &json!(n)])? {
            Value::Bool(true) => made.push(item),
            Value::Bool(false) => {}
            _ => return Err(fault(name, "its lambda must give a 'Boolean'.")),
        }
    }
    Ok(Value::Array(made))
}

pub(super) fn reduce(scope: &mut Scope<'_>, name: &str, arguments: &[Expression]) -> Outcome {
    let lambda = Lambda::of(name, arguments, 2, &[2, 3])?;
    let items = items(scope, name, arguments)?;
    let mut sum = evaluated(scope, arguments, 1)?;
    for (n, item) in items.iter().enumerate() {
        sum = lambda.call(scope, &[&sum, item, &json!(n)])?;
    }
    Ok(sum)
}

/// The lambda says whether its first variable comes before its second.
pub(super) fn sort(scope: &mut Scope<'_>, name: &str, arguments: &[Expression]) -> Outcome {
    let lambda = Lambda::of(name, arguments, 1, &[2])?;
    let mut runs: Vec<Vec<Value>> =
        items(scope, name, arguments)?.into_iter().map(|item| vec![item]).collect();
    // Merging by hand: the lambda can fail, and an order that contradicts itself must not matter.
    while runs.len() > 1 {
        let mut merged = Vec::with_capacity(runs.len().div_ceil(2));
        let mut pairs = runs.into_iter();
        while let Some(left) = pairs.next() {
            let Some(right) = pairs.next() else {
                merged.push(left);
                break;
            };
            let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
            let mut run = Vec::new();
            while let (Some(l), Some(r)) = (left.peek(), right.peek()) {
                match lambda.call(scope, &[r, l])? {
                    Value::Bool(true) => run.extend(right.next()),
                    Value::Bool(false) => run.extend(left.next()),
                    _ => return Err(fault(name, "its lambda must give a 'Boolean'.")),
                }
            }
            run.extend(left);
            run.extend(right);
            merged.push(run);
        }
        runs = merged;
    }
    Ok(Value::Array(runs.pop().unwrap_or_default()))
}

pub(super) fn to_object(scope: &mut Scope<'_>, name: &str, arguments: &[Expression]) -> Outcome {
    let keys = Lambda::of(name, arguments, 1, &[1])?;
    let values = (arguments.len() > 2).then(|| Lambda::of(name, arguments, 2, &[1])).transpose()?;
    let mut made = Map::new();
    for item in items(scope, name, arguments)? {
        let key = key(&keys.call(scope, &[&item])?, name)?;
        let value = match &values {
            Some(values) => values.call(scope, &[&item])?,
            None => item,
        };
        made.insert(key, value);
    }
    Ok(Value::Object(made))
}

pub(super) fn group_by(scope: &mut Scope<'_>, name: &str, arguments: &[Expression]) -> Outcome {
    let keys = Lambda::of(name, arguments, 1, &[1])?;
    let mut made = Map::new();
    for item in items(scope, name, arguments)? {
        let key = key(&keys.call(scope, &[&item])?, name)?;
        if let Value::Array(group) = made.entry(key).or_insert_with(|| json!([])) {
            group.push(item);
        }
    }
    Ok(Value::Object(made))
}

pub(super) fn map_values(scope: &mut Scope<'_>, name: &str, arguments: &[Expression]) -> Outcome {
    let lambda = Lambda::of(name, arguments, 1, &[1])?;
    let Value::Object(map) = evaluated(scope, arguments, 0)? else {
        return Err(fault(name, "its argument 1 must be of type 'Object'."));
    };
    let mut made = Map::new();
    for (key, value) in &map {
        made.insert(key.clone(), lambda.call(scope, &[value])?);
    }
    Ok(Value::Object(made))
}
