//! `GET /providers/{namespace}/operations`: the table, as its readers know it from Azure.

use crate::auth::Allowed;
use crate::pipeline::{Cx, Recorded};
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::paging::page;
use hardline_arm::operation::{Operation, Require};
use hardline_arm::operations;
use http::StatusCode;
use serde_json::{Value, json};

/// The operations of one namespace, without doubles.
pub async fn provider_operations(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let asked = allowed.path.id.namespace().unwrap_or("");
    let mine = |row: &&Operation| namespace(row).eq_ignore_ascii_case(asked);
    let mut rows: Vec<_> = operations::all().iter().filter(mine).collect();
    if rows.is_empty() {
        return Err(unknown(asked));
    }
    rows.sort_by_key(|row| row.name);
    rows.dedup_by_key(|row| row.name);
    Ok(cx.read(ArmResponse::ok(page(rows.into_iter().map(document).collect(), None))))
}

/// What a namespace that nobody has is answered.
pub(super) fn unknown(namespace: &str) -> ArmError {
    let text = format!("The resource namespace '{namespace}' is invalid.");
    ArmError::new(StatusCode::NOT_FOUND, "InvalidResourceNamespace", text)
}

fn namespace(row: &Operation) -> &'static str {
    row.name.split('/').next().unwrap_or("")
}

fn document(row: &Operation) -> Value {
    let mut parts: Vec<_> = row.name.split('/').skip(1).collect();
    if row.name.ends_with("/action") {
        parts.pop();
    }
    parts.pop();
    json!({
        "name": row.name,
        "isDataAction": row.requires == Require::Sas,
        "origin": "user,system",
        "display": {
            "provider": namespace(row),
            "resource": parts.join("/"),
            "operation": row.summary,
            "description": row.summary,
        },
    })
}
