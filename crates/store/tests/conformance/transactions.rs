//! Transactions: all or nothing, also while others write.

use hardline_store::Db;
use hardline_store::db::secrets;
use std::collections::BTreeSet;

pub async fn what_is_not_committed_is_not_there(db: &Db) {
    let mut tx = db.begin().await.unwrap();
    secrets::put(&mut tx, "a", b"1", 0).await.unwrap();
    drop(tx);
    let mut tx = db.begin().await.unwrap();
    secrets::put(&mut tx, "b", b"2", 0).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(secrets::get(db, "a").await.unwrap(), None);
    assert_eq!(secrets::get(db, "b").await.unwrap(), None);
}

pub async fn a_reader_in_the_transaction_sees_its_writes(db: &Db) {
    let mut tx = db.begin().await.unwrap();
    secrets::put(&mut tx, "a", b"\0\xff", 0).await.unwrap();
    assert_eq!(secrets::get(&mut tx, "a").await.unwrap().unwrap(), b"\0\xff");
    assert_eq!(secrets::get(db, "a").await.unwrap(), None, "others do not see it yet");
    tx.commit().await.unwrap();
    assert_eq!(secrets::get(db, "a").await.unwrap().unwrap(), b"\0\xff");
}

/// On SQLite a deferred transaction fails with "locked" here; ours take the write lock at once.
pub async fn writers_that_read_first_never_fail(db: &Db) {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let db = db.clone();
        tasks.spawn(async move {
            let mut taken = Vec::new();
            for _ in 0..20 {
                let mut tx = db.begin().await.unwrap();
                // The event lock makes this read-then-write safe on PostgreSQL as it is on SQLite.
                let event = super::activity::event("/subscriptions/s", 1, "Started");
                let seq = hardline_store::db::activity_events::insert(&mut tx, &event, || event.time)
                    .await
                    .unwrap();
                let name = "counter";
                let before = secrets::get(&mut tx, name).await.unwrap().map_or(0, |v| v[0]);
                secrets::put(&mut tx, name, &[before + 1], 0).await.unwrap();
                tx.commit().await.unwrap();
                taken.push((seq, before));
            }
            taken
        });
    }
    let mut all = BTreeSet::new();
    while let Some(taken) = tasks.join_next().await {
        all.extend(taken.unwrap());
    }
    assert_eq!(all.len(), 160);
    // The order of the events is the order of the commits.
    let counters: Vec<u8> = all.iter().map(|(_, counter)| *counter).collect();
    assert_eq!(counters, (0..160).collect::<Vec<u8>>());
}

pub async fn opening_again_keeps_everything(db: &Db) {
    let mut tx = db.begin().await.unwrap();
    secrets::put(&mut tx, "a", b"1", 0).await.unwrap();
    tx.commit().await.unwrap();
    db.ping().await.unwrap();
    assert_eq!(secrets::get(db, "a").await.unwrap().unwrap(), b"1");
}

#[tokio::test]
async fn a_file_is_opened_again_with_its_records() {
    let directory = tempfile::TempDir::new().unwrap();
    let file = directory.path().join("x.db");
    let db = Db::open_sqlite(&file).await.unwrap();
    opening_again_keeps_everything(&db).await;
    db.close().await;
    let db = Db::open_sqlite(&file).await.unwrap();
    assert_eq!(secrets::get(&db, "a").await.unwrap().unwrap(), b"1");
    db.close().await;
}
