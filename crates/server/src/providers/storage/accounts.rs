//! Creating, reading, changing and deleting storage accounts.

use super::Account;
use crate::auth::Allowed;
use crate::blob::address;
use crate::clock::micros;
use crate::pipeline::{Cx, Recorded, store_error};
use crate::providers::documents::{self, Stored, Writing};
use crate::reply::ArmResponse;
use bytes::Bytes;
use hardline_arm::error::ArmError;
use hardline_arm::models::{document, storage};
use hardline_arm::resource_id::ResourceId;
use hardline_store::Tx;
use hardline_store::db::storage_accounts::{self, Key, StorageAccount};

/// Bytes of a key, as Azure's.
const KEY_LENGTH: usize = 64;

/// `PUT …/storageAccounts/{name}`: a new account with two new keys, or the merge of the body into the one that is there. 200 in
/// both cases: clients take 201 for a fault.
pub async fn account_put(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let input = document::object(body)?;
    storage::check_name(allowed.path.id.name())?;
    let mut writing = Writing::begin_at(cx, allowed, spelled(&allowed.path.id)?, storage::TYPE).await?;
    documents::check_conditions(cx, writing.before().map(|b| b.resource.etag.as_str()))?;
    let location = writing.location(&input)?;
    let account = match writing.before() {
        Some(before) => {
            let kept = storage::change(&before.body, &input)?;
            let stored = writing.save(&location, kept).await?;
            with_keys(writing.tx(), stored).await?
        }
        None => {
            let kept = storage::create(&input)?;
            let id = writing.id();
            check_free(writing.tx(), &id).await?;
            let stored = writing.save(&location, kept).await?;
            let row = StorageAccount {
                name: id.name().to_owned(),
                resource_key: id.key(),
                keys: [new_key(cx), new_key(cx)],
            };
            storage_accounts::insert(writing.tx(), &row).await.map_err(store_error)?;
            Account { stored, row }
        }
    };
    let answer = account.document(&cx.state, &cx.facts.base_url);
    writing.finish(ArmResponse::ok(answer)).await
}

/// `PATCH …/storageAccounts/{name}`
pub async fn account_patch(cx: &Cx, allowed: &Allowed, body: &Bytes) -> Result<Recorded, ArmError> {
    let input = document::object(body)?;
    let mut writing = Writing::begin(cx, allowed).await?;
    let before = writing.existing()?;
    let location = before.resource.location.clone();
    let kept = storage::change(&before.body, &input)?;
    let stored = writing.save(&location, kept).await?;
    let account = with_keys(writing.tx(), stored).await?;
    let answer = account.document(&cx.state, &cx.facts.base_url);
    writing.finish(ArmResponse::ok(answer)).await
}

/// `GET …/storageAccounts/{name}`
pub async fn account_get(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let account = find(cx, &allowed.path.id).await?;
    Ok(cx.read(ArmResponse::ok(account.document(&cx.state, &cx.facts.base_url))))
}

/// The accounts of a group or a subscription.
pub async fn account_list(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    let page = documents::page(cx, allowed).await?;
    let mut accounts = Vec::with_capacity(page.resources.len());
    for resource in &page.resources {
        // Deleted since the page was read.
        let Some(row) = storage_accounts::get(&cx.state.store, &resource.name).await.map_err(store_error)?
        else {
            continue;
        };
        let account = Account { stored: Stored::new(resource.clone())?, row };
        accounts.push(account.document(&cx.state, &cx.facts.base_url));
    }
    Ok(cx.read(page.answer(accounts)))
}

/// `DELETE …/storageAccounts/{name}`, with its keys; 204 when it is not there. Machines that name it keep doing so, as in
/// Azure: their boot diagnostics are unreachable until they name another.
pub async fn account_delete(cx: &Cx, allowed: &Allowed, _body: &Bytes) -> Result<Recorded, ArmError> {
    documents::delete(cx, allowed).await
}

/// Clients compare the type in an account's id letter by letter, so it is written as Azure does, however it came.
fn spelled(id: &ResourceId) -> Result<ResourceId, ArmError> {
    match (id.subscription(), id.group()) {
        (Some(subscription), Some(group)) => {
            Ok(ResourceId::of_group(subscription, group).extension(storage::TYPE, id.name()))
        }
        _ => Err(ArmError::resource_not_found(id)),
    }
}

/// The account at `id`; 404 in Azure's words.
pub(super) async fn find(cx: &Cx, id: &ResourceId) -> Result<Account, ArmError> {
    let stored = documents::find(cx, id).await?;
    let row = storage_accounts::get(&cx.state.store, &stored.resource.name).await.map_err(store_error)?;
    let row = row.ok_or_else(|| ArmError::resource_not_found(id))?;
    Ok(Account { stored, row })
}

pub(super) fn new_key(cx: &Cx) -> Key {
    let mut value = vec![0; KEY_LENGTH];
    cx.state.random.fill(&mut value);
    Key { value, created: micros(cx.now) }
}

async fn with_keys(tx: &mut Tx, stored: Stored) -> Result<Account, ArmError> {
    let row = storage_accounts::get(tx, &stored.resource.name).await.map_err(store_error)?;
    let row = row.ok_or_else(|| ArmError::internal("a storage account has no keys"))?;
    Ok(Account { stored, row })
}

/// 409 when the name is another account's, or a path of this server.
async fn check_free(tx: &mut Tx, id: &ResourceId) -> Result<(), ArmError> {
    let name = id.name();
    if address::is_reserved(name) {
        return Err(storage::already_taken(name));
    }
    let Some(other) = storage_accounts::get(tx, name).await.map_err(store_error)? else { return Ok(()) };
    let other = ResourceId::parse(&other.resource_key).unwrap_or_default();
    let same = other.subscription().unwrap_or("").eq_ignore_ascii_case(id.subscription().unwrap_or(""));
    Err(if same { storage::in_another_group(name) } else { storage::already_taken(name) })
}
