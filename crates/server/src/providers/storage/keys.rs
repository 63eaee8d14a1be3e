//! The keys of an account: shown, and replaced. Both leave events; neither leaves a key in them.

use super::accounts::{find, new_key};
use crate::auth::Allowed;
use crate::clock::from_micros;
use crate::pipeline::{Cx, Recorded, store_error};
use crate::reply::ArmResponse;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::{document, storage};
use hardline_store::db::storage_accounts::{self, Key};
use serde_json::Value;

/// `POST …/listKeys`. (`$expand=kerb` asks for keys of Active Directory, too: there are none.)
pub async fn list_keys(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let account = find(cx, &allowed.path.id).await?;
    let answer = answer(&account.row.keys);
    cx.begin(allowed).await?.commit(ArmResponse::ok(answer)).await
}

/// `POST …/regenerateKey` with `{"keyName": "key1"}`. What was signed with the old key is refused from then on.
pub async fn regenerate_key(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let account = find(cx, &allowed.path.id).await?;
    let index = storage::key_index(&document::object(body)?)?;
    let mut change = cx.begin(allowed).await?;
    storage_accounts::set_key(change.tx(), account.name(), index, &new_key(cx)).await.map_err(store_error)?;
    // Read again: somebody else may have replaced the other one.
    let row = storage_accounts::get(change.tx(), account.name()).await.map_err(store_error)?;
    let row = row.ok_or_else(|| ArmError::resource_not_found(&allowed.path.id))?;
    change.commit(ArmResponse::ok(answer(&row.keys))).await
}

fn answer(keys: &[Key; 2]) -> Value {
    let shown = |key: &Key| (STANDARD.encode(&key.value), from_micros(key.created).to_string());
    let [first, second] = keys;
    storage::keys_answer(&[shown(first), shown(second)])
}
