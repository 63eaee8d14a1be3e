//! Hardline.Identity: users, service principals, groups and their members, at the tenant's scope. A principal goes by its
//! name (a user's UPN, a service principal's application id, a group's name) or by its object id.

mod groups;
mod members;
mod principals;

pub use groups::{group_delete, group_get, group_list, group_put};
pub use members::{member_delete, member_list, member_put};
pub use principals::{
    service_principal_delete, service_principal_get, service_principal_list, service_principal_put,
    user_delete, user_get, user_list, user_put,
};

use hardline_arm::error::ArmError;
use hardline_arm::models::document;
use http::StatusCode;
use serde_json::{Map, Value};

/// Longest name of a user, a group, or anything's name for people, characters.
const NAME_LIMIT: usize = 256;

/// The `properties` of a body; an empty body has none.
fn properties(body: &[u8]) -> Result<Map<String, Value>, ArmError> {
    match document::object(body)?.remove("properties") {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(properties)) => Ok(properties),
        Some(_) => Err(ArmError::invalid_content(&"'properties' must be an object")),
    }
}

/// Text for people: not too long, and nothing in it that a terminal would obey.
fn plain(name: &str, text: &str, limit: usize) -> Result<(), ArmError> {
    if text.chars().count() <= limit && !text.chars().any(char::is_control) {
        return Ok(());
    }
    let reason = format!("it has at most {limit} characters, none of them a control character.");
    Err(ArmError::invalid_parameter(name, &reason))
}

fn no_such(what: &str, name: &str) -> ArmError {
    ArmError::not_found(format!("The {what} '{name}' was not found."))
}

/// Who removes or shuts out themselves may find nobody to let them in again.
fn not_oneself() -> ArmError {
    let text = "Nobody can delete or disable themselves; somebody else has to.";
    ArmError::new(StatusCode::CONFLICT, "OperationNotAllowed", text)
}
