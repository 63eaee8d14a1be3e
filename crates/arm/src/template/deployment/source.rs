//! A template in its document: reading members, telling positions, and what can be checked without evaluating.

use crate::template::evaluate::{Stop, member, member_key};
use crate::template::expression::{self, Text};
use crate::template::functions;
use crate::template::json::Document;
use crate::template::position::{ERRORS_LIMIT, Position, TemplateError, below};
use crate::template::surroundings::{OwnFunction, Surroundings};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

/// A template inside a document.
#[derive(Clone, Debug)]
pub struct Template {
    document: Arc<Document>,
    root: String,
}

impl Template {
    /// The template at a JSON pointer of a document: `/properties/template` of a deployment's body, or all with an empty one.
    pub fn new(document: Arc<Document>, root: &str) -> Self {
        Self { document, root: root.into() }
    }
}

/// Versions of the schema that are known.
const SCHEMAS: &[&str] = &["2014-04-01-preview", "2015-01-01", "2018-05-01", "2019-04-01", "2019-08-01"];
/// Members of a template.
const MEMBERS: &[&str] = &[
    "$schema",
    "languageVersion",
    "contentVersion",
    "apiProfile",
    "metadata",
    "definitions",
    "functions",
    "parameters",
    "variables",
    "resources",
    "outputs",
];
/// Members that are for people and never evaluated.
const PROSE: &[&str] = &["metadata", "comments", "$schema", "contentVersion"];

/// A template that is read.
#[derive(Clone)]
pub(super) struct Source {
    document: Arc<Document>,
    root: String,
}

static EMPTY: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

impl Source {
    pub fn of(template: &Template) -> Self {
        Self { document: Arc::clone(&template.document), root: template.root.clone() }
    }

    /// A template that stands in this one, by its pointer from the document's root.
    pub fn template_at(&self, pointer: &str) -> Template {
        Template { document: Arc::clone(&self.document), root: pointer.into() }
    }

    /// A value by its pointer from the document's root.
    pub fn at(&self, pointer: &str) -> &Value {
        self.document.value.pointer(pointer).unwrap_or(&Value::Null)
    }

    pub fn object(&self, pointer: &str) -> &Map<String, Value> {
        self.at(pointer).as_object().unwrap_or_else(|| &EMPTY)
    }

    pub fn position(&self, pointer: &str) -> Position {
        self.document.position(pointer)
    }

    /// The pointer of one of the template's members, its name in any case.
    pub fn member(&self, name: &str) -> String {
        let key = member_key(self.object(&self.root), name);
        below(&self.root, &key.as_deref().unwrap_or(name))
    }

    /// An error whose sentence is complete.
    pub fn plain(&self, pointer: &str, message: String) -> TemplateError {
        TemplateError { message, position: self.position(pointer), pointer: self.relative(pointer) }
    }

    /// A pointer from the template's own root.
    pub fn relative(&self, pointer: &str) -> String {
        pointer.strip_prefix(&self.root).unwrap_or(pointer).into()
    }

    /// An error of an expression, with the name and the place of what holds it.
    pub fn fault(&self, pointer: &str, message: &str) -> TemplateError {
        let position = self.position(pointer);
        let relative = self.relative(pointer);
        let mut parts = relative.split('/').skip(1);
        let (group, name) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let name = name.replace("~1", "/").replace("~0", "~");
        let what = match group.to_ascii_lowercase().as_str() {
            "parameters" => format!(" parameter '{name}'"),
            "variables" => format!(" variable '{name}'"),
            "outputs" => format!(" output '{name}'"),
            "resources" => {
                let resource = self.object(&below(&below(&self.root, &group), &name));
                let shown = member(resource, "name").and_then(Value::as_str).unwrap_or(&name);
                format!(" resource '{shown}'")
            }
            _ => String::new(),
        };
        self.plain(pointer, format!("The template{what} at {position} is not valid: {message}"))
    }

    /// The members that every template must have.
    pub fn check_members(&self) -> Result<(), Vec<TemplateError>> {
        let Some(template) = self.at(&self.root).as_object() else {
            let message = "The template must be a JSON object.".into();
            return Err(vec![self.plain(&self.root, message)]);
        };
        let mut errors = Vec::new();
        for key in template.keys().filter(|key| !MEMBERS.iter().any(|m| m.eq_ignore_ascii_case(key))) {
            let pointer = below(&self.root, key);
            let at = self.position(&pointer);
            let message = format!(
                "Could not find member '{key}' on object of type 'Template'. Path '{key}', line {}, position {}.",
                at.line, at.column
            );
            errors.push(self.plain(&pointer, message));
        }
        for name in ["$schema", "contentVersion", "resources"] {
            if member(template, name).is_none() {
                let at = self.position(&self.root);
                let message = format!(
                    "Required property '{name}' not found in JSON. Path '', line {}, position {}.",
                    at.line, at.column
                );
                errors.push(self.plain(&self.root, message));
            }
        }
        for (name, wanted) in
            [("parameters", "object"), ("variables", "object"), ("outputs", "object"), ("functions", "array")]
        {
            let value = member(template, name).unwrap_or(&Value::Null);
            if !(value.is_null()
                || value.is_object() && wanted == "object"
                || value.is_array() && wanted == "array")
            {
                let message = format!("The template's '{name}' must be a JSON {wanted}.");
                errors.push(self.plain(&self.member(name), message));
            }
        }
        errors.truncate(ERRORS_LIMIT);
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    /// Members and schema.
    pub fn check_frame(&self, around: &Surroundings) -> Result<(), Vec<TemplateError>> {
        self.check_members()?;
        let pointer = self.member("$schema");
        let refuse = |message: String| Err(vec![self.plain(&pointer, message)]);
        let schema = self.at(&pointer).as_str().unwrap_or_default();
        let path = schema.trim_end_matches('#').to_ascii_lowercase();
        let parts = path.split_once("/schemas/").and_then(|(_, rest)| rest.split_once('/'));
        let kind = parts.filter(|(version, _)| SCHEMAS.contains(version)).and_then(|(_, file)| match file {
            "deploymenttemplate.json" => Some("ResourceGroup"),
            "subscriptiondeploymenttemplate.json" => Some("Subscription"),
            "managementgroupdeploymenttemplate.json" => Some("ManagementGroup"),
            "tenantdeploymenttemplate.json" => Some("Tenant"),
            _ => None,
        });
        let Some(kind) = kind else {
            return refuse(format!(
                "The template schema '{schema}' is not supported. Supported versions are '{}'. Please see https://aka.ms/arm-template for usage details.",
                SCHEMAS.join(",")
            ));
        };
        let here = match &around.scope {
            s if s.group().is_some() => "ResourceGroup",
            s if s.subscription().is_some() => "Subscription",
            s if s.namespace().is_some() => "ManagementGroup",
            _ => "Tenant",
        };
        if kind != here {
            return refuse(format!(
                "The template schema '{schema}' is for deployments of scope '{kind}' and cannot be deployed at scope '{here}'. Please see https://aka.ms/arm-template for usage details."
            ));
        }
        Ok(())
    }

    /// Parses every expression and checks its calls, also in branches that are not taken.
    pub fn check_calls(&self, own: &HashMap<String, OwnFunction>) -> Result<(), Vec<TemplateError>> {
        let mut errors = Vec::new();
        let count = |key: &str| own.get(key).map(|f| f.parameters.len());
        self.check_value(self.at(&self.root), &self.root, &count, &mut errors);
        if errors.is_empty() { Ok(()) } else { Err(errors) }
    }

    fn check_value(
        &self,
        value: &Value,
        pointer: &str,
        own: &dyn Fn(&str) -> Option<usize>,
        errors: &mut Vec<TemplateError>,
    ) {
        if errors.len() >= ERRORS_LIMIT {
            return;
        }
        match value {
            Value::String(text) => {
                if let Text::Expression(inside) = expression::classify(text) {
                    let checked = expression::parse(inside)
                        .map_err(|e| Stop::Fault(e.to_string()))
                        .and_then(|e| functions::check(&e, own));
                    if let Err(Stop::Fault(message)) = checked {
                        errors.push(self.fault(pointer, &message));
                    }
                }
            }
            Value::Array(items) => {
                for (n, item) in items.iter().enumerate() {
                    self.check_value(item, &below(pointer, &n), own, errors);
                }
            }
            Value::Object(map) => {
                for (key, value) in map.iter().filter(|(k, _)| !PROSE.contains(&k.as_str())) {
                    let nested = key == "template" && value.get("resources").is_some();
                    // A nested template may have functions of its own; its plan checks it.
                    if !nested {
                        self.check_value(value, &below(pointer, key), own, errors);
                    }
                }
            }
            _ => {}
        }
    }
}
