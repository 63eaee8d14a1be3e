//! Variables, with their loops, and a template's own functions.

use super::source::Source;
use crate::template::evaluate::{Budget, Names, Scope, Walk, is_copy, member};
use crate::template::expression::{self, Text};
use crate::template::position::{ERRORS_LIMIT, TemplateError, below};
use crate::template::surroundings::{OwnFunction, OwnOutput, Surroundings};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};

/// Most variables: Azure's limit.
const LIMIT: usize = 256;

/// Evaluates all of `keys`, which stand at the pointers beside them, into `names`, each after those that it names.
/// `evaluate` gives the value of one key.
pub(super) fn settle_all(
    source: &Source,
    keys: &[(String, String)],
    names: &mut Names,
    evaluate: &mut dyn FnMut(&Names, &str, &mut Walk) -> Value,
) -> Result<(), Vec<TemplateError>> {
    let (mut errors, mut failed) = (Vec::new(), HashSet::new());
    for (key, pointer) in keys {
        let mut stack = vec![key.clone()];
        while let Some(key) = stack.last().cloned() {
            if names.settled.contains_key(&key) || failed.contains(&key) {
                stack.pop();
                continue;
            }
            let mut walk = Walk::default();
            let value = evaluate(names, &key, &mut walk);
            if let Some((_, other)) = walk.wanted {
                if stack.contains(&other) {
                    let message = format!("Circular reference detected on '{other}'.");
                    errors.push(source.fault(pointer, &message));
                    failed.extend(stack.drain(..));
                } else if failed.contains(&other) {
                    failed.insert(key);
                } else {
                    stack.push(other);
                }
                continue;
            }
            stack.pop();
            if walk.faults.is_empty() {
                names.settled.insert(key, value);
            } else {
                errors.extend(walk.faults.iter().map(|(pointer, message)| source.fault(pointer, message)));
                failed.insert(key);
            }
        }
    }
    errors.truncate(ERRORS_LIMIT);
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// Evaluates the variables.
pub(super) fn settle(
    source: &Source,
    around: &Surroundings,
    budget: &Budget,
    parameters: &Names,
    names: &mut Names,
    functions: &HashMap<String, OwnFunction>,
) -> Result<(), Vec<TemplateError>> {
    let root = source.member("variables");
    // Pointers, and whether there stands an entry of a `copy` list.
    let mut declared: Vec<(String, String, bool)> = Vec::new();
    for (name, value) in source.object(&root) {
        let pointer = below(&root, name);
        match value {
            Value::Array(loops) if name.eq_ignore_ascii_case("copy") && is_copy(loops) => {
                for (n, copy) in loops.iter().enumerate() {
                    let name = copy.get("name").and_then(Value::as_str).unwrap_or_default();
                    declared.push((name.to_lowercase(), below(&pointer, &n), true));
                }
            }
            _ => declared.push((name.to_lowercase(), pointer, false)),
        }
    }
    if declared.len() > LIMIT {
        let message = format!(
            "The number of template variables limit exceeded. Limit: '{LIMIT}' and actual: '{}'. Please see https://aka.ms/arm-deploy for usage details.",
            declared.len()
        );
        return Err(vec![source.plain(&root, message)]);
    }
    let mut places = HashMap::new();
    for (key, pointer, is_loop) in &declared {
        names.declared.insert(key.clone());
        if places.insert(key.as_str(), (pointer.as_str(), *is_loop)).is_some() {
            return Err(vec![source.fault(pointer, "the variable is defined more than once.")]);
        }
    }
    let keys: Vec<_> = declared.iter().map(|(key, pointer, _)| (key.clone(), pointer.clone())).collect();
    settle_all(source, &keys, names, &mut |names, key, walk| {
        let Some((pointer, is_loop)) = places.get(key) else { return Value::Null };
        let mut scope = Scope {
            surroundings: around,
            budget,
            parameters,
            variables: Some(names),
            functions: Some(functions),
            resources: None,
            runtime: None,
            guids: None,
            loops: Vec::new(),
            lambdas: Vec::new(),
        };
        let value = if *is_loop {
            let mut made = Map::new();
            scope.copied(source.at(pointer), pointer, &mut made, walk);
            made.into_iter().next().map(|(_, value)| value).unwrap_or_default()
        } else {
            scope.deep(source.at(pointer), pointer, walk)
        };
        // Keeps the depth of values bounded however long the chain of variables is.
        if let Err(message) = budget.weigh(&value) {
            walk.faults.push(((*pointer).into(), message));
        }
        value
    })
}

/// Reads the template's own functions.
pub(super) fn functions(source: &Source) -> Result<HashMap<String, OwnFunction>, Vec<TemplateError>> {
    let root = source.member("functions");
    let (mut functions, mut errors) = (HashMap::new(), Vec::new());
    for (n, group) in source.at(&root).as_array().into_iter().flatten().enumerate() {
        let pointer = below(&root, &n);
        let namespace = group.get("namespace").and_then(Value::as_str).unwrap_or_default();
        let members = group.get("members").and_then(Value::as_object);
        let (false, Some(members)) = (namespace.is_empty(), members) else {
            errors.push(source.fault(&pointer, "a group of functions needs 'namespace' and 'members'."));
            continue;
        };
        for (name, function) in members {
            let pointer = below(&below(&pointer, &"members"), name);
            match own_function(function) {
                Ok(function) => {
                    functions.insert(format!("{namespace}.{name}").to_lowercase(), function);
                }
                Err(message) => errors.push(source.fault(&pointer, &message)),
            }
        }
    }
    errors.truncate(ERRORS_LIMIT);
    if errors.is_empty() { Ok(functions) } else { Err(errors) }
}

fn own_function(function: &Value) -> Result<OwnFunction, String> {
    let parameters = function.get("parameters").and_then(Value::as_array).into_iter().flatten();
    let parameters: Option<Vec<String>> =
        parameters.map(|p| p.get("name").and_then(Value::as_str).map(str::to_owned)).collect();
    let parameters = parameters.ok_or("a parameter of a function needs a 'name'.")?;
    let output = function.get("output").and_then(Value::as_object).and_then(|o| member(o, "value"));
    let output = output.ok_or("a function needs an 'output' with a 'value'.")?;
    let output = match output {
        Value::String(text) => match expression::classify(text) {
            Text::Expression(inside) => {
                OwnOutput::Expression(expression::parse(inside).map_err(|e| e.to_string())?)
            }
            Text::Literal(text) => OwnOutput::Value(text.into()),
        },
        other => OwnOutput::Value(other.clone()),
    };
    Ok(OwnFunction { parameters, output })
}
