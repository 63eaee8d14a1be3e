//! `Microsoft.Resources/deployments`: what a client sends, and the documents that it gets (contract section 9).

mod document;
mod request;
mod what_if;

pub use document::{Facts, Target, document, duration, failure, operation, outcome_operation, template_hash};
pub use request::{Mode, Parameters, Request, ResultFormat, Source, check_name};
pub use what_if::{Change, ChangeType, change, conceal, reduced};

/// The type.
pub const TYPE: &str = "Microsoft.Resources/deployments";
