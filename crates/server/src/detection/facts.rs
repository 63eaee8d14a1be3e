//! Who did what to which resource, from where: what a person looks for first in a document.

use hardline_detect::document::values;
use serde_json::{Map, Value};

const EVIDENCE: &str = "azure.activitylogs.identity.authorization.evidence.principal_id";
/// The person by the best name that there is.
const NAMES: [&str; 5] =
    ["user.email", "user.name", "user.full_name", "azure.activitylogs.identity.claims.appid", EVIDENCE];
/// The resource in its own spelling, else in capitals.
const RESOURCES: [&str; 2] = ["azure.activitylogs.identity.authorization.scope", "azure.resource.id"];

/// The facts of a document, an event's or an alert's; what it does not have is null.
pub fn facts(document: &Value) -> Map<String, Value> {
    let first = |path: &str| values(document, path).first().map_or(Value::Null, |value| (*value).clone());
    let one =
        |paths: &[&str]| paths.iter().map(|path| first(path)).find(|v| !v.is_null()).unwrap_or_default();
    [
        ("principal", one(&NAMES)),
        ("principalId", dashed(&first(EVIDENCE))),
        ("resource", one(&RESOURCES)),
        ("sourceAddress", first("source.ip")),
        ("operation", first("event.action")),
        ("correlationId", first("azure.correlation_id")),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// An id of 32 hex digits with its dashes.
fn dashed(id: &Value) -> Value {
    let id = id.as_str().and_then(|text| uuid::Uuid::try_parse(text).ok());
    id.map_or(Value::Null, |id| id.hyphenated().to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_best_name_counts_and_ids_have_dashes() {
        let evidence = json!({ "principal_id": "0123456789abcdef0123456789abcdef" });
        let identity = json!({ "authorization": { "evidence": evidence }, "claims": { "appid": "az" } });
        let found = facts(&json!({ "azure": { "activitylogs": { "identity": identity } } }));
        assert_eq!((&found["principal"], &found["sourceAddress"]), (&json!("az"), &Value::Null));
        assert_eq!(found["principalId"], "01234567-89ab-cdef-0123-456789abcdef");
        assert_eq!(facts(&json!({ "user": { "name": "a", "email": "a@b" } }))["principal"], "a@b");
    }
}
