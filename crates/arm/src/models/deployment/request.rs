//! The body of `PUT`, `validate` and `whatIf`, in the not-quite-JSON of the CLI.

use crate::error::ArmError;
use crate::models::document as shared;
use crate::template::json::Document;
use http::StatusCode;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// Longest name of a deployment, characters: Azure's limit.
const NAME_LIMIT: usize = 64;

/// A deployment as it was asked for.
#[derive(Clone)]
pub struct Request {
    /// The body; the template's positions are those in it.
    pub document: Arc<Document>,
    /// Where the template is.
    pub source: Source,
    /// What its parameters are.
    pub parameters: Parameters,
    /// What happens to resources that the template does not name.
    pub mode: Mode,
    /// Where the record is kept; only deployments to a subscription have one.
    pub location: Option<String>,
    /// Tags of the deployment itself.
    pub tags: Option<Map<String, Value>>,
    /// How much `whatIf` tells.
    pub result_format: ResultFormat,
}

/// Without the content: parameters may be secrets.
impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("source", &self.source)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

/// Where a template is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// In the document, at this JSON pointer.
    Here(&'static str),
    /// At an address.
    Link(String),
}

/// What the parameters are.
#[derive(Clone, PartialEq)]
pub enum Parameters {
    /// `{"name": {"value": …}}`.
    Given(Value),
    /// A parameter file at an address.
    Link(String),
}

/// What happens to resources of the group that the template does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They stay.
    Incremental,
    /// They are deleted.
    Complete,
}

impl Mode {
    /// Azure's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Incremental => "Incremental",
            Self::Complete => "Complete",
        }
    }
}

/// How much `whatIf` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultFormat {
    /// Every property.
    FullResourcePayloads,
    /// Ids and what happens to them.
    ResourceIdOnly,
}

impl Request {
    /// Reads a body.
    ///
    /// # Errors
    /// 400 in Azure's words, with the place where the text stops being a document.
    pub fn parse(body: &[u8]) -> Result<Self, ArmError> {
        let document = Document::parse_bytes(body).map_err(|error| ArmError::invalid_content(&error))?;
        let Some(body) = document.value.as_object() else {
            return Err(ArmError::invalid_content(&"the body must be a JSON object"));
        };
        let location = shared::text(body, "location")?.map(str::to_owned);
        let tags = shared::tags(body)?;
        let Some(properties) = body.get("properties").and_then(Value::as_object) else {
            return Err(ArmError::missing_property("properties"));
        };
        if let Some(rollback) = properties.get("onErrorDeployment").filter(|v| !v.is_null()) {
            return Err(unsupported("onErrorDeployment", &rollback.to_string()));
        }
        let mode = match shared::text(properties, "mode")? {
            None => return Err(ArmError::missing_property("properties.mode")),
            Some(mode) if mode.eq_ignore_ascii_case("incremental") => Mode::Incremental,
            Some(mode) if mode.eq_ignore_ascii_case("complete") => Mode::Complete,
            Some(other) => {
                let text = format!(
                    "The deployment mode '{other}' is invalid. The modes are 'Incremental, Complete'."
                );
                return Err(invalid(text).with_target("properties.mode"));
            }
        };
        let template = properties.get("template").filter(|v| !v.is_null());
        let source = match (template, link(properties, "templateLink")?) {
            (Some(_), None) => Source::Here("/properties/template"),
            (None, Some(uri)) => Source::Link(uri),
            (None, None) => return Err(invalid("The deployment has neither 'template' nor 'templateLink'.")),
            (Some(_), Some(_)) => {
                return Err(invalid(
                    "The deployment has both 'template' and 'templateLink'; it can have only one.",
                ));
            }
        };
        let given = properties.get("parameters").filter(|v| !v.is_null());
        let parameters = match (given, link(properties, "parametersLink")?) {
            (given, None) => {
                Parameters::Given(given.map_or_else(|| json!({}), |v| file_parameters(v).clone()))
            }
            (None, Some(uri)) => Parameters::Link(uri),
            (Some(_), Some(_)) => {
                return Err(invalid(
                    "The deployment has both 'parameters' and 'parametersLink'; it can have only one.",
                ));
            }
        };
        let result_format = match properties.get("whatIfSettings").and_then(|s| s.get("resultFormat")) {
            Some(Value::String(word)) if word.eq_ignore_ascii_case("ResourceIdOnly") => {
                ResultFormat::ResourceIdOnly
            }
            _ => ResultFormat::FullResourcePayloads,
        };
        Ok(Self { source, parameters, mode, location, tags, result_format, document: Arc::new(document) })
    }
}

/// The parameters of a value that may be a whole parameter file.
pub fn file_parameters(value: &Value) -> &Value {
    let is_file = value.get("$schema").is_some_and(Value::is_string);
    value.get("parameters").filter(|_| is_file).unwrap_or(value)
}

/// `{"uri": …}`; template specs and relative paths are refused.
fn link(properties: &Map<String, Value>, name: &str) -> Result<Option<String>, ArmError> {
    let Some(link) = properties.get(name).filter(|v| !v.is_null()) else { return Ok(None) };
    let Some(link) = link.as_object() else {
        return Err(ArmError::invalid_content(&format!("'{name}' must be an object")));
    };
    for other in ["id", "relativePath", "queryString"] {
        if let Some(value) = link.get(other).filter(|v| !v.is_null()) {
            return Err(unsupported(&format!("{name}.{other}"), &value.to_string()));
        }
    }
    match shared::text(link, "uri")? {
        Some(uri) => Ok(Some(uri.to_owned())),
        None => Err(ArmError::missing_property(&format!("properties.{name}.uri"))),
    }
}

fn unsupported(name: &str, value: &str) -> ArmError {
    let shown: String = value.chars().take(80).collect();
    invalid(format!("'{name}' ({shown}) is not supported here."))
}

fn invalid(message: impl Into<String>) -> ArmError {
    ArmError::new(StatusCode::BAD_REQUEST, "InvalidDeployment", message)
}

/// A deployment's name: 1 to 64 letters, digits, `-`, `_`, `.`, `(`, `)`.
///
/// # Errors
/// 400 `InvalidDeployment`.
pub fn check_name(name: &str) -> Result<(), ArmError> {
    let length = name.chars().count();
    if length > NAME_LIMIT {
        let text = format!(
            "The deployment name '{name}' has a length of '{length}'; it can have at most '{NAME_LIMIT}'."
        );
        return Err(invalid(text));
    }
    let good = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '(' | ')');
    if !name.chars().all(good) {
        let text = format!(
            "The deployment name '{name}' is invalid. It can have letters, digits, '-', '_', '.', '(' and ')'."
        );
        return Err(invalid(text));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_cli_sends() {
        let body = "{\"properties\": {\"parameters\": {\"a\": {\"value\": 1}}, \"mode\": \"incremental\", template:{ // mine\n \"resources\": [] }}}";
        let request = Request::parse(body.as_bytes()).unwrap();
        assert_eq!(request.source, Source::Here("/properties/template"));
        assert_eq!(request.mode, Mode::Incremental);
        assert!(request.parameters == Parameters::Given(json!({"a": {"value": 1}})));
        assert!(!format!("{request:?}").contains("value"));
        let linked = r#"{"properties": {"templateLink": {"uri": "https://h/t.json"}, "mode": "Complete",
            "parameters": {"$schema": "x", "contentVersion": "1.0.0.0", "parameters": {"b": {"value": 2}}},
            "whatIfSettings": {"resultFormat": "ResourceIdOnly"}}}"#;
        let request = Request::parse(linked.as_bytes()).unwrap();
        assert_eq!(request.source, Source::Link("https://h/t.json".into()));
        assert!(request.parameters == Parameters::Given(json!({"b": {"value": 2}})));
        assert_eq!((request.mode, request.result_format), (Mode::Complete, ResultFormat::ResourceIdOnly));
    }

    #[test]
    fn what_is_refused() {
        let cases = [
            ("{\n  template: {]}", "Line 2, position 14"),
            ("[]", "must be a JSON object"),
            ("{}", "'properties'"),
            (r#"{"properties": {"template": {}}}"#, "'properties.mode'"),
            (r#"{"properties": {"mode": "Sideways", "template": {}}}"#, "'Sideways' is invalid"),
            (r#"{"properties": {"mode": "Incremental"}}"#, "neither 'template' nor 'templateLink'"),
            (
                r#"{"properties": {"mode": "Incremental", "template": {}, "templateLink": {"uri": "u"}}}"#,
                "both",
            ),
            (r#"{"properties": {"mode": "Incremental", "templateLink": {"id": "/x"}}}"#, "'templateLink.id'"),
            (
                r#"{"properties": {"mode": "Incremental", "template": {}, "onErrorDeployment": {}}}"#,
                "not supported",
            ),
        ];
        for (body, says) in cases {
            let error = Request::parse(body.as_bytes()).unwrap_err();
            assert_eq!(error.status, StatusCode::BAD_REQUEST);
            assert!(error.message.contains(says), "{body}: {}", error.message);
        }
    }

    #[test]
    fn names() {
        for good in ["a", "vm_deploy_AbC", "x.y-z(1)"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        for bad in ["a b", "a'b", &"x".repeat(65)] {
            assert_eq!(check_name(bad).unwrap_err().code, "InvalidDeployment", "{bad}");
        }
    }
}
