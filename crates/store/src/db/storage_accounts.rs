//! Storage accounts' names and keys. The account itself is a resource; its row here goes with it, the keys too.

use super::sql::{number, text};
use crate::db::{Reader, Tx};
use crate::error::{Result, StoreError};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use std::fmt;

/// One of an account's two keys. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    /// The bytes.
    pub value: Vec<u8>,
    /// When it was made, microseconds.
    pub created: i64,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("created", &self.created).finish_non_exhaustive()
    }
}

/// A storage account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageAccount {
    /// Its name: lower case, unique over all subscriptions.
    pub name: String,
    /// The id of its resource, in lower case.
    pub resource_key: String,
    /// `key1` and `key2`.
    pub keys: [Key; 2],
}

const SELECT: &str =
    "SELECT name, resource_key, key1, key1_created, key2, key2_created FROM storage_accounts WHERE";

/// Writes a new account, whose resource is there; [`StoreError::Conflict`] when the name is taken.
pub async fn insert(tx: &mut Tx, account: &StorageAccount) -> Result<()> {
    let [first, second] = &account.keys;
    let statement = sqlx::query(
        "INSERT INTO storage_accounts (name, resource_key, key1, key1_created, key2, key2_created) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(account.name.as_str())
    .bind(account.resource_key.to_ascii_lowercase())
    .bind(first.value.as_slice())
    .bind(first.created)
    .bind(second.value.as_slice())
    .bind(second.created);
    tx.run(statement).await.map(|_| ())
}

/// By name.
pub async fn get<'a>(from: impl Into<Reader<'a>>, name: &str) -> Result<Option<StorageAccount>> {
    let statement =
        sqlx::query(sqlx::AssertSqlSafe(format!("{SELECT} name = $1"))).bind(name.to_ascii_lowercase());
    from.into().optional(statement).await?.as_ref().map(read).transpose()
}

/// Replaces a key, counted from 0; [`StoreError::NotFound`] when the account (or such a key) is not there.
pub async fn set_key(tx: &mut Tx, name: &str, index: usize, key: &Key) -> Result<()> {
    let sql = match index {
        0 => "UPDATE storage_accounts SET key1 = $2, key1_created = $3 WHERE name = $1",
        1 => "UPDATE storage_accounts SET key2 = $2, key2_created = $3 WHERE name = $1",
        _ => return Err(StoreError::NotFound),
    };
    let statement =
        sqlx::query(sql).bind(name.to_ascii_lowercase()).bind(key.value.as_slice()).bind(key.created);
    match tx.run(statement).await? {
        1 => Ok(()),
        _ => Err(StoreError::NotFound),
    }
}

fn read(row: &AnyRow) -> Result<StorageAccount> {
    let key = |value: &str, created: &str| -> Result<Key> {
        Ok(Key { value: row.try_get(value)?, created: number(row, created)? })
    };
    Ok(StorageAccount {
        name: text(row, "name")?,
        resource_key: text(row, "resource_key")?,
        keys: [key("key1", "key1_created")?, key("key2", "key2_created")?],
    })
}
