//! `checkNameAvailability`: names of accounts are unique over all subscriptions.

use crate::auth::Allowed;
use crate::blob::address;
use crate::pipeline::{Cx, Recorded, store_error};
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::{document, storage};
use hardline_store::db::storage_accounts;

/// `POST /subscriptions/{subscription}/providers/Microsoft.Storage/checkNameAvailability`
pub async fn check_name_availability(
    cx: &Cx,
    _allowed: &Allowed,
    body: &Bytes,
) -> Result<Recorded, ArmError> {
    let input = document::object(body)?;
    let name = storage::asked_name(&input)?;
    let taken = address::is_reserved(name)
        || storage_accounts::get(&cx.state.store, name).await.map_err(store_error)?.is_some();
    Ok(cx.read(ArmResponse::ok(storage::name_answer(name, taken))))
}
