//! Names of accounts: part of an address, so they are unique over all subscriptions.

use super::TYPE;
use crate::error::ArmError;
use http::StatusCode;
use serde_json::{Map, Value, json};

/// Refuses what no account can be called.
///
/// # Errors
/// 400 `AccountNameInvalid`.
pub fn check_name(name: &str) -> Result<(), ArmError> {
    if is_name(name) {
        return Ok(());
    }
    Err(ArmError::new(StatusCode::BAD_REQUEST, "AccountNameInvalid", invalid_text(name)))
}

/// The name is another account's.
pub fn already_taken(name: &str) -> ArmError {
    ArmError::new(StatusCode::CONFLICT, "StorageAccountAlreadyTaken", taken_text(name))
}

/// The name is that of an account in another group of the subscription.
pub fn in_another_group(name: &str) -> ArmError {
    let text = format!("The account {name} is already in another resource group in this subscription.");
    ArmError::new(StatusCode::CONFLICT, "StorageAccountInAnotherResourceGroup", text)
}

/// The name that a body of `checkNameAvailability` asks for.
///
/// # Errors
/// 400 for a body without a name, or of another type.
pub fn asked_name(body: &Map<String, Value>) -> Result<&str, ArmError> {
    let text = |member: &str| body.get(member).and_then(Value::as_str);
    let name = text("name").ok_or_else(|| ArmError::missing_property("name"))?;
    if !text("type").is_some_and(|kind| kind.eq_ignore_ascii_case(TYPE)) {
        return Err(super::invalid("type"));
    }
    Ok(name)
}

/// The answer of `checkNameAvailability`; `taken` says whether the name is in use.
pub fn name_answer(name: &str, taken: bool) -> Value {
    let refused = |reason: &str, message: String| json!({ "nameAvailable": false, "reason": reason, "message": message });
    match name {
        name if !is_name(name) => refused("AccountNameInvalid", invalid_text(name)),
        name if taken => refused("AlreadyExists", taken_text(name)),
        _ => json!({ "nameAvailable": true }),
    }
}

fn is_name(name: &str) -> bool {
    (3..=24).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

fn invalid_text(name: &str) -> String {
    let shown: String = name.chars().take(80).collect();
    format!(
        "{shown} is not a valid storage account name. Storage account name must be between 3 and 24 characters in length and use numbers and lower-case letters only."
    )
}

fn taken_text(name: &str) -> String {
    format!("The storage account named {name} is already taken.")
}
