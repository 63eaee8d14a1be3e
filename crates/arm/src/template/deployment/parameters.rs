//! Parameters: types, given values and defaults, limits.

use super::source::Source;
use super::variables::settle_all;
use crate::template::evaluate::{Budget, Names, Scope, Walk, member};
use crate::template::functions::number_of;
use crate::template::functions::type_of;
use crate::template::position::{ERRORS_LIMIT, TemplateError, below};
use crate::template::surroundings::Surroundings;
use serde_json::{Map, Value, json};
use std::cell::Cell;

/// Most parameters: Azure's limit.
const LIMIT: usize = 256;

/// The type of a parameter or an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    String,
    SecureString,
    Int,
    Bool,
    Object,
    SecureObject,
    Array,
}

impl Type {
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text.to_ascii_lowercase().as_str() {
            "string" => Self::String,
            "securestring" => Self::SecureString,
            "int" => Self::Int,
            "bool" => Self::Bool,
            "object" => Self::Object,
            "secureobject" => Self::SecureObject,
            "array" => Self::Array,
            _ => return None,
        })
    }

    /// As a deployment shows it.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::SecureString => "SecureString",
            Self::Int => "Int",
            Self::Bool => "Bool",
            Self::Object => "Object",
            Self::SecureObject => "SecureObject",
            Self::Array => "Array",
        }
    }

    pub fn is_secure(self) -> bool {
        matches!(self, Self::SecureString | Self::SecureObject)
    }

    /// The JSON types that fit, as Azure calls them.
    pub fn expected(self) -> &'static str {
        match self {
            Self::String | Self::SecureString => "String, Uri",
            Self::Int => "Integer",
            Self::Bool => "Boolean",
            Self::Object | Self::SecureObject => "Object",
            Self::Array => "Array",
        }
    }

    pub fn fits(self, value: &Value) -> bool {
        match self {
            Self::String | Self::SecureString => value.is_string(),
            Self::Int => number_of(value).is_some(),
            Self::Bool => value.is_boolean(),
            Self::Object | Self::SecureObject => value.is_object(),
            Self::Array => value.is_array(),
        }
    }
}

/// A declared parameter.
pub(super) struct Parameter {
    pub name: String,
    kind: Type,
    pointer: String,
}

impl Parameter {
    /// As a deployment shows it.
    pub fn shown(&self, names: &Names) -> Value {
        let mut shown = json!({ "type": self.kind.name() });
        if !self.kind.is_secure()
            && let (Some(map), Some(value)) =
                (shown.as_object_mut(), names.settled.get(&self.name.to_lowercase()))
        {
            map.insert("value".into(), value.clone());
        }
        shown
    }

    /// The texts of its value, if it is of a secure type.
    pub fn secrets(&self, names: &Names, found: &mut Vec<String>) {
        if self.kind.is_secure()
            && let Some(value) = names.settled.get(&self.name.to_lowercase())
        {
            texts(value, found);
        }
    }
}

fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if !text.is_empty() => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(map) => map.values().for_each(|item| texts(item, found)),
        _ => {}
    }
}

/// Reads the declarations, takes the given values, evaluates the defaults and checks everything.
pub(super) fn settle(
    source: &Source,
    given: &Value,
    around: &Surroundings,
    budget: &Budget,
    names: &mut Names,
) -> Result<Vec<Parameter>, Vec<TemplateError>> {
    let root = source.member("parameters");
    let (parameters, mut errors) = declarations(source, &root);
    if !given.is_object() && !given.is_null() {
        let message = "The template parameters that are given must be a JSON object.".into();
        errors.push(source.plain(&root, message));
    }
    let nothing = Map::new();
    let given = given.as_object().unwrap_or(&nothing);
    refuse_unknown(source, &root, given, &parameters, &mut errors);
    if !errors.is_empty() {
        return Err(errors);
    }
    let mut defaults = Vec::new();
    for parameter in &parameters {
        let key = parameter.name.to_lowercase();
        names.declared.insert(key.clone());
        match value_of(source, parameter, given) {
            Ok(Some(value)) => {
                names.settled.insert(key, value);
            }
            Ok(None) => defaults.push((key, below(&parameter.pointer, &"defaultValue"))),
            Err(error) => errors.push(error),
        }
    }
    errors.truncate(ERRORS_LIMIT);
    if !errors.is_empty() {
        return Err(errors);
    }
    let guids = Cell::new(0);
    settle_all(source, &defaults, names, &mut |names, key, walk: &mut Walk| {
        let Some((_, pointer)) = defaults.iter().find(|(k, _)| k == key) else { return Value::Null };
        let made = guids.get();
        let mut scope = Scope {
            surroundings: around,
            budget,
            parameters: names,
            variables: None,
            functions: None,
            resources: None,
            runtime: None,
            guids: Some(&guids),
            loops: Vec::new(),
            lambdas: Vec::new(),
        };
        let value = scope.deep(source.at(pointer), pointer, walk);
        if walk.wanted.is_some() {
            // It is evaluated again; its values of newGuid() shall be the same.
            guids.set(made);
        }
        value
    })?;
    for parameter in &parameters {
        let value = names.settled.get(&parameter.name.to_lowercase()).unwrap_or(&Value::Null);
        errors.extend(check(source, parameter, value));
    }
    errors.truncate(ERRORS_LIMIT);
    if errors.is_empty() { Ok(parameters) } else { Err(errors) }
}

fn declarations(source: &Source, root: &str) -> (Vec<Parameter>, Vec<TemplateError>) {
    let (mut parameters, mut errors) = (Vec::<Parameter>::new(), Vec::new());
    let declared = source.object(root);
    if declared.len() > LIMIT {
        let message = format!(
            "The number of template parameters limit exceeded. Limit: '{LIMIT}' and actual: '{}'. Please see https://aka.ms/arm-deploy for usage details.",
            declared.len()
        );
        return (parameters, vec![source.plain(root, message)]);
    }
    for (name, declaration) in declared {
        let pointer = below(root, name);
        let kind = declaration.as_object().and_then(|d| member(d, "type")).and_then(Value::as_str);
        if parameters.iter().any(|p| p.name.eq_ignore_ascii_case(name)) {
            let fault = "the name differs from another parameter's in case only.";
            errors.push(source.fault(&pointer, fault));
        }
        match kind.and_then(Type::parse) {
            Some(kind) => parameters.push(Parameter { name: name.clone(), kind, pointer }),
            None => {
                let fault = format!(
                    "the type '{}' is not one of 'String, SecureString, Int, Bool, Object, SecureObject, Array'.",
                    kind.unwrap_or_default()
                );
                errors.push(source.fault(&pointer, &fault));
            }
        }
    }
    (parameters, errors)
}

fn refuse_unknown(
    source: &Source,
    root: &str,
    given: &Map<String, Value>,
    parameters: &[Parameter],
    errors: &mut Vec<TemplateError>,
) {
    let unknown: Vec<&str> = given
        .keys()
        .filter(|name| !parameters.iter().any(|p| p.name.eq_ignore_ascii_case(name)))
        .map(String::as_str)
        .collect();
    if !unknown.is_empty() {
        let known: Vec<&str> = parameters.iter().map(|p| p.name.as_str()).collect();
        let message = format!(
            "The template parameters '{}' in the parameters file are not valid; they are not present in the original template and can therefore not be provided at deployment time. The only supported parameters for this template are '{}'. Please see https://aka.ms/arm-pass-parameter-values for usage details.",
            unknown.join(", "),
            known.join(", ")
        );
        errors.push(source.plain(root, message));
    }
}

/// The given value; none if the default counts.
fn value_of(
    source: &Source,
    parameter: &Parameter,
    given: &Map<String, Value>,
) -> Result<Option<Value>, TemplateError> {
    let (name, pointer) = (&parameter.name, &parameter.pointer);
    if let Some(entry) = member(given, name) {
        let entry = entry.as_object();
        if entry.is_some_and(|e| member(e, "reference").is_some()) {
            let fault =
                "its value is a reference to a key vault, which is not supported; give the value itself.";
            return Err(source.fault(pointer, fault));
        }
        return match entry.and_then(|e| member(e, "value")) {
            Some(Value::Null) if !nullable(source, pointer) => default(source, parameter),
            Some(value) => Ok(Some(value.clone())),
            None => Err(source.fault(pointer, "what is given for it has no member 'value'.")),
        };
    }
    default(source, parameter)
}

fn nullable(source: &Source, pointer: &str) -> bool {
    member(source.object(pointer), "nullable") == Some(&Value::Bool(true))
}

fn default(source: &Source, parameter: &Parameter) -> Result<Option<Value>, TemplateError> {
    let (name, pointer) = (&parameter.name, &parameter.pointer);
    if source.object(pointer).contains_key("defaultValue") {
        return Ok(None);
    }
    if nullable(source, pointer) {
        return Ok(Some(Value::Null));
    }
    let at = source.position(pointer);
    Err(source.plain(
        pointer,
        format!(
            "The value for the template parameter '{name}' at {at} is not provided. Please see https://aka.ms/arm-create-parameter-file for usage details."
        ),
    ))
}

/// Type, allowed values, and limits. The value is told only if the type is not a secure one.
fn check(source: &Source, parameter: &Parameter, value: &Value) -> Option<TemplateError> {
    let (name, pointer, kind) = (&parameter.name, &parameter.pointer, parameter.kind);
    let at = source.position(pointer);
    if value.is_null() && nullable(source, pointer) {
        return None;
    }
    if !kind.fits(value) {
        return Some(source.plain(
            pointer,
            format!(
                "Template parameter JToken type is not valid. Expected '{}'. Actual '{}' for the parameter '{name}' at {at}. Please see https://aka.ms/arm-deploy/#parameter-file for usage details.",
                kind.expected(),
                type_of(value)
            ),
        ));
    }
    let refuse = |why: String| {
        Some(source.plain(
            pointer,
            format!("The provided value for the template parameter '{name}' at {at} is not valid. {why} Please see https://aka.ms/arm-parameter-ranges for usage details."),
        ))
    };
    let declaration = source.object(pointer);
    if let Some(Value::Array(allowed)) = member(declaration, "allowedValues") {
        let fits = match value {
            Value::Array(items) if !allowed.contains(value) => items.iter().all(|i| allowed.contains(i)),
            other => allowed.contains(other),
        };
        if !fits {
            let list: Vec<_> =
                allowed.iter().map(|v| v.as_str().map_or_else(|| v.to_string(), Into::into)).collect();
            let shown = match value {
                _ if kind.is_secure() => String::new(),
                Value::String(text) => format!(" '{text}'"),
                other => format!(" '{other}'"),
            };
            return Some(source.plain(
                pointer,
                format!(
                    "The provided value{shown} for the template parameter '{name}' at {at} is not valid. The parameter value is not part of the allowed value(s): '{}'.",
                    list.join(",")
                ),
            ));
        }
    }
    let limit = |key: &str| member(declaration, key).and_then(number_of);
    let (size, word, limits) = match value {
        Value::String(text) => {
            (i64::try_from(text.chars().count()).ok()?, "Length of the value", ("minLength", "maxLength"))
        }
        Value::Array(items) => {
            (i64::try_from(items.len()).ok()?, "Length of the value", ("minLength", "maxLength"))
        }
        Value::Number(_) => (number_of(value)?, "The value", ("minValue", "maxValue")),
        _ => return None,
    };
    if let Some(least) = limit(limits.0).filter(|least| size < *least) {
        return refuse(format!("{word} should be greater than or equal to '{least}'."));
    }
    if let Some(most) = limit(limits.1).filter(|most| size > *most) {
        return refuse(format!("{word} should be less than or equal to '{most}'."));
    }
    None
}
