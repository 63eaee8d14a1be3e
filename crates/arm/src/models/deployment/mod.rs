//! `Microsoft.Resources/deployments`: what a client sends, and the documents that it gets (contract section 9).

mod document;
mod request;
mod what_if;

pub use document::{Facts, Target, document, duration, failure, operation, outcome_operation, template_hash};
pub use request::{Mode, Parameters, Request, ResultFormat, Source, check_name, file_parameters};
pub use what_if::{Change, ChangeType, change, conceal, conceal_entry, reduced};

/// The type.
pub const TYPE: &str = "Microsoft.Resources/deployments";

/// Sets a member of an object.
fn set(document: &mut serde_json::Value, name: &str, value: serde_json::Value) {
    if let Some(map) = document.as_object_mut() {
        map.insert(name.into(), value);
    }
}
