//! Where the values of a clause stand in a document.
//!
//! `requestbody` and `responseBody` in an activity log's properties are JSON as text in some documents and objects in
//! others, and rules are written for either. Both are found: a name below the body reads the text as JSON, and the body's
//! own name finds an object as its compact text. Elasticsearch finds only what its pipeline made. Patterns of names and
//! values without a field see a document as it is.

use super::syntax::Name;
use super::wildcard::Wildcard;
use crate::document::{self, Path};
use crate::fields::{self, Kind};
use serde_json::Value;

/// Fields that hold JSON as text or as objects.
const BODIES: [&str; 3] = [
    "azure.activitylogs.properties.requestbody",
    "azure.activitylogs.properties.requestBody",
    "azure.activitylogs.properties.responseBody",
];
/// Longest text that is read as JSON, bytes: longer ones stay text.
const BODY_LIMIT: usize = 256 * 1024;

/// The fields of one clause.
#[derive(Clone, Debug)]
pub enum Place {
    /// One field.
    Field {
        /// Where, from the document or from the object of the braces around.
        path: Path,
        /// What it holds.
        kind: Kind,
        /// For bodies and what is below them.
        body: Option<Body>,
    },
    /// All whose name matches.
    Pattern {
        /// What the names of the braces around begin with; empty or with a dot at its end.
        prefix: String,
        /// What the rest of the name matches.
        names: Wildcard,
    },
}

/// A field that is text or an object.
#[derive(Clone, Debug)]
pub struct Body {
    path: Path,
    /// What is sought below it; none for itself.
    below: Option<Path>,
}

/// The kind of the field with a name behind a prefix.
pub fn kind(prefix: &str, name: &str) -> Kind {
    if prefix.is_empty() { fields::kind(name) } else { fields::kind(&format!("{prefix}{name}")) }
}

impl Place {
    /// The fields with a name behind a prefix.
    pub fn new(name: &Name, prefix: &str) -> Self {
        match name {
            Name::Pattern(names) => Self::Pattern { prefix: prefix.to_owned(), names: names.clone() },
            Name::Exact(name) => {
                let kind = kind(prefix, name);
                // `user.name.text` is a second view of `user.name`.
                let viewed = fields::viewed(&format!("{prefix}{name}")).is_some();
                let path = if viewed { name.strip_suffix(".text").unwrap_or(name) } else { name };
                let body = if prefix.is_empty() { Body::new(name) } else { None };
                Self::Field { path: Path::new(path), kind, body }
            }
        }
    }

    /// Calls `found` with every value and its kind, until it says `true`, and tells whether it did.
    pub fn any(&self, document: &Value, found: &mut dyn FnMut(Kind, &Value) -> bool) -> bool {
        match self {
            Self::Field { path, kind, body } => {
                let direct = path.any(document, &mut |value| match value {
                    // The name of a flattened object finds whatever it holds.
                    Value::Object(_) if *kind == Kind::Flattened => {
                        document::any_leaf(value, &mut |_, leaf| found(*kind, leaf))
                    }
                    Value::Object(_) => false,
                    leaf => found(*kind, leaf),
                });
                direct
                    || body.as_ref().is_some_and(|body| body.any(document, &mut |value| found(*kind, value)))
            }
            Self::Pattern { prefix, names } => document::any_leaf(document, &mut |name, leaf| {
                names.matches(name) && found(self::kind(prefix, name), leaf)
            }),
        }
    }

    /// Whether there is any value: for an object, one inside it.
    pub fn exists(&self, document: &Value) -> bool {
        match self {
            Self::Field { path, body, .. } => {
                path.any(document, &mut |value| document::any_leaf(value, &mut |_, _| true))
                    || body.as_ref().is_some_and(|body| body.any(document, &mut |_| true))
            }
            Self::Pattern { names, .. } => document::any_leaf(document, &mut |name, _| names.matches(name)),
        }
    }
}

impl Body {
    fn new(name: &str) -> Option<Self> {
        BODIES.iter().find_map(|body| {
            let rest = name.strip_prefix(body)?;
            let below = if rest.is_empty() { None } else { Some(Path::new(rest.strip_prefix('.')?)) };
            Some(Self { path: Path::new(*body), below })
        })
    }

    fn any(&self, document: &Value, found: &mut dyn FnMut(&Value) -> bool) -> bool {
        self.path.any(document, &mut |value| match (&self.below, value) {
            (None, Value::Object(members)) if !members.is_empty() => found(&Value::String(value.to_string())),
            (Some(below), Value::String(text)) => {
                let Some(read) = read(text) else { return false };
                below.any(&read, &mut |value| document::any_leaf(value, &mut |_, leaf| found(leaf)))
            }
            _ => false,
        })
    }
}

fn read(text: &str) -> Option<Value> {
    let begins = text.trim_start().starts_with(['{', '[']);
    (begins && text.len() <= BODY_LIMIT).then(|| serde_json::from_str(text).ok()).flatten()
}
