//! Names and keys of storage accounts.

use hardline_store::db::resources::{self, Resource};
use hardline_store::db::storage_accounts::{self, Key, StorageAccount};
use hardline_store::{Db, StoreError};

fn resource(group: &str, name: &str) -> Resource {
    Resource {
        id: format!(
            "/subscriptions/S/resourceGroups/{group}/providers/Microsoft.Storage/storageAccounts/{name}"
        ),
        subscription: "s".into(),
        group: group.to_lowercase(),
        resource_type: "microsoft.storage/storageaccounts".into(),
        name: name.into(),
        location: "local".into(),
        body: "{}".into(),
        etag: "e1".into(),
        created: 1,
        updated: 1,
    }
}

fn key(byte: u8) -> Key {
    Key { value: vec![byte; 64], created: i64::from(byte) }
}

async fn account(db: &Db, group: &str, name: &str) -> Result<StorageAccount, StoreError> {
    let resource = resource(group, name);
    let account = StorageAccount {
        name: name.into(),
        resource_key: resource.id.to_ascii_lowercase(),
        keys: [key(1), key(2)],
    };
    let mut tx = db.begin().await?;
    resources::insert(&mut tx, &resource).await?;
    storage_accounts::insert(&mut tx, &account).await?;
    tx.commit().await?;
    Ok(account)
}

pub async fn names_are_unique_and_keys_are_replaced(db: &Db) {
    let made = account(db, "One", "acct1").await.unwrap();
    assert_eq!(storage_accounts::get(db, "ACCT1").await.unwrap(), Some(made.clone()));
    assert_eq!(storage_accounts::get(db, "acct2").await.unwrap(), None);
    let taken = account(db, "Two", "acct1").await;
    assert!(matches!(taken, Err(StoreError::Conflict)), "{taken:?}");
    let mut tx = db.begin().await.unwrap();
    storage_accounts::set_key(&mut tx, "acct1", 1, &key(9)).await.unwrap();
    for (name, index) in [("acct2", 0), ("acct1", 2)] {
        let missing = storage_accounts::set_key(&mut tx, name, index, &key(9)).await;
        assert!(matches!(missing, Err(StoreError::NotFound)), "{missing:?}");
    }
    tx.commit().await.unwrap();
    let after = storage_accounts::get(db, "acct1").await.unwrap().unwrap();
    assert_eq!(after.keys, [key(1), key(9)]);
    assert!(!format!("{after:?}").contains("9, 9"), "keys are not shown");
}

pub async fn an_account_goes_with_its_resource(db: &Db) {
    let first = account(db, "One", "acct1").await.unwrap();
    account(db, "One", "acct2").await.unwrap();
    account(db, "Two", "acct3").await.unwrap();
    let mut tx = db.begin().await.unwrap();
    assert!(resources::delete(&mut tx, &first.resource_key).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(storage_accounts::get(db, "acct1").await.unwrap(), None);
    let mut tx = db.begin().await.unwrap();
    resources::delete_of_group(&mut tx, "s", "one").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(storage_accounts::get(db, "acct2").await.unwrap(), None);
    assert!(storage_accounts::get(db, "acct3").await.unwrap().is_some());
    account(db, "Two", "acct1").await.unwrap();
}
