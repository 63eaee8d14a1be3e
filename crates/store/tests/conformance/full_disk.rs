//! A database that has no room left.

use super::sqlite;
use hardline_store::StoreError;
use hardline_store::db::secrets;

#[tokio::test]
async fn a_full_database_keeps_nothing_of_the_change() {
    let (_directory, db) = sqlite().await;
    db.limit_growth(4).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    secrets::put(&mut tx, "small", b"1", 0).await.unwrap();
    let large = vec![7; 1 << 20];
    let result = secrets::put(&mut tx, "large", &large, 0).await;
    assert!(matches!(result, Err(StoreError::Full(_))), "{result:?}");
    drop(tx);
    assert_eq!(secrets::get(&db, "small").await.unwrap(), None);
    assert_eq!(secrets::get(&db, "large").await.unwrap(), None);

    // The store lives on, and what fits is kept.
    let mut tx = db.begin().await.unwrap();
    secrets::put(&mut tx, "small", b"1", 0).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(secrets::get(&db, "small").await.unwrap().unwrap(), b"1");
    db.close().await;
}

#[tokio::test]
async fn no_connection_stays_unusable_after_a_full_disk() {
    let (_directory, db) = sqlite().await;
    db.limit_growth(0).await.unwrap();
    let (mut number, mut refused) = (0, 0);
    while refused < 40 {
        let mut tx = db.begin().await.unwrap();
        let value = vec![7; 700 + number % 9000];
        number += 1;
        assert!(number < 10_000, "the disk never filled up");
        match secrets::put(&mut tx, &format!("key {number}"), &value, 0).await {
            Ok(()) => refused += usize::from(tx.commit().await.is_err()),
            Err(error) => {
                assert!(matches!(error, StoreError::Full(_)), "{error:?}");
                refused += 1;
            }
        }
    }
    db.limit_growth(1_000_000).await.unwrap();
    for number in 0..40 {
        let mut tx = db.begin().await.unwrap();
        secrets::put(&mut tx, &format!("after {number}"), b"1", 0).await.unwrap();
        tx.commit().await.unwrap();
    }
    db.close().await;
}
