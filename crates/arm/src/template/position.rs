//! Where something stands in a text, and what is wrong there.

use crate::error::ArmError;
use http::StatusCode;
use std::fmt;

/// A place in a text: line and column, both counted from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

impl Position {
    /// The first character of a text.
    pub const START: Self = Self { line: 1, column: 1 };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line '{}' and column '{}'", self.line, self.column)
    }
}

/// Something that is wrong with a template. Never holds the value of a parameter of a secure type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// One sentence in Azure's words; it names the position where Azure's would.
    pub message: String,
    /// Where in the body; of an expression the string that holds it.
    pub position: Position,
    /// The same place as a JSON pointer into the template.
    pub pointer: String,
}

/// How many errors of one template are told.
pub const ERRORS_LIMIT: usize = 20;

/// All that is wrong with a template as one answer: 400 `InvalidTemplate`, the first error in the message, and when there
/// are more, each in `details`.
pub fn invalid_template(errors: &[TemplateError]) -> ArmError {
    let sentence = |e: &TemplateError| format!("Deployment template validation failed: '{}'.", e.message);
    let message = errors.first().map_or_else(|| "Deployment template validation failed.".into(), sentence);
    let mut error = ArmError::new(StatusCode::BAD_REQUEST, "InvalidTemplate", message);
    if errors.len() > 1 {
        for cause in errors {
            error = error.with_detail("InvalidTemplate", sentence(cause));
        }
    }
    match errors.first() {
        // The members that Azure's portal and editors read.
        Some(first) => error.with_inner(serde_json::json!({
            "type": "TemplateViolation",
            "info": {
                "lineNumber": first.position.line,
                "linePosition": first.position.column,
                "path": dotted(&first.pointer),
            }
        })),
        None => error,
    }
}

/// A JSON pointer as Azure writes paths: `/resources/0/name` as `resources[0].name`.
pub fn dotted(pointer: &str) -> String {
    let mut text = String::new();
    for part in pointer.split('/').skip(1) {
        if !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) {
            text.push('[');
            text.push_str(part);
            text.push(']');
        } else {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(&part.replace("~1", "/").replace("~0", "~"));
        }
    }
    text
}

/// A character as a message shows it.
pub(crate) fn shown(c: char) -> String {
    if c.is_control() { c.escape_debug().to_string() } else { c.to_string() }
}

/// A JSON pointer one level deeper.
pub(crate) fn below(pointer: &str, part: &dyn fmt::Display) -> String {
    let part = part.to_string().replace('~', "~0").replace('/', "~1");
    format!("{pointer}/{part}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_error_stands_in_the_message_several_also_in_details() {
        let error = |message: &str, line| TemplateError {
            message: message.into(),
            position: Position { line, column: 2 },
            pointer: below("/resources/0", &"a/b"),
        };
        let one = invalid_template(&[error("No", 1)]);
        insta::assert_snapshot!(one.envelope(), @r#"{"error":{"code":"InvalidTemplate","message":"Deployment template validation failed: 'No'.","innererror":{"type":"TemplateViolation","info":{"lineNumber":1,"linePosition":2,"path":"resources[0].a/b"}}}}"#);
        let two = invalid_template(&[error("No", 1), error("Nor", 2)]);
        assert_eq!(two.details.len(), 2);
        assert_eq!(two.details[1].message, "Deployment template validation failed: 'Nor'.");
    }
}
