//! Serial logs: segments, gaps, boots.

use hardline_store::Db;
use hardline_store::db::serial_logs::{self, Boot, Gap, Segment};

fn segment(start: i64, length: i64) -> Segment {
    Segment {
        start,
        length,
        object_key: format!("serial/v1/{start}"),
        first_time: start,
        sealed_time: start + 1,
    }
}

async fn filled(db: &Db, segments: &[(i64, i64)]) {
    let mut tx = db.begin().await.unwrap();
    for &(start, length) in segments {
        assert!(serial_logs::insert_segment(&mut tx, "v1", 0, &segment(start, length)).await.unwrap());
    }
    tx.commit().await.unwrap();
}

pub async fn segments_are_replayed_without_harm(db: &Db) {
    filled(db, &[(0, 100), (100, 50)]).await;
    let mut tx = db.begin().await.unwrap();
    assert!(!serial_logs::insert_segment(&mut tx, "v1", 0, &segment(100, 50)).await.unwrap());
    let boot = Boot { start: 0, boot_id: "b1".into(), time: 5, cause: "start".into() };
    assert!(serial_logs::insert_boot(&mut tx, "v1", 0, &boot).await.unwrap());
    assert!(!serial_logs::insert_boot(&mut tx, "v1", 0, &boot).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(serial_logs::boots(db, "v1", 0).await.unwrap(), [boot]);
    assert_eq!(serial_logs::stored_end(db, "v1", 0).await.unwrap(), 150);
    assert_eq!(serial_logs::stored_end(db, "v1", 1).await.unwrap(), 0);
    assert_eq!(serial_logs::stored_extent(db, "v1", 0).await.unwrap(), (0, 150));
    assert_eq!(serial_logs::stored_extent(db, "v9", 0).await.unwrap(), (0, 0));
}

pub async fn reading_from_an_offset(db: &Db) {
    filled(db, &[(0, 100), (100, 50), (150, 1)]).await;
    let starts = async |offset: i64, limit: i64| {
        let found = serial_logs::segments(db, "v1", 0, offset, limit).await.unwrap();
        found.into_iter().map(|s| s.start).collect::<Vec<_>>()
    };
    assert_eq!(starts(0, 10).await, [0, 100, 150]);
    assert_eq!(starts(99, 10).await, [0, 100, 150]);
    assert_eq!(starts(100, 10).await, [100, 150]);
    assert_eq!(starts(120, 1).await, [100]);
    assert_eq!(starts(151, 10).await, Vec::<i64>::new());

    let mut tx = db.begin().await.unwrap();
    let expired = serial_logs::expire(&mut tx, "v1", 0, 100).await.unwrap();
    assert_eq!(expired, [segment(0, 100)]);
    tx.commit().await.unwrap();
    assert_eq!(starts(0, 10).await, [100, 150]);
    let mut tx = db.begin().await.unwrap();
    let mut keys = serial_logs::forget(&mut tx, "v1").await.unwrap();
    keys.sort();
    assert_eq!(keys, ["serial/v1/100", "serial/v1/150"]);
    tx.commit().await.unwrap();
}

pub async fn gaps_count_as_stored(db: &Db) {
    filled(db, &[(0, 100)]).await;
    let known = Gap { start: 100, length: Some(30), reason: "spoolFull".into(), time: 1 };
    let unknown = Gap { start: 130, length: None, reason: "detached".into(), time: 2 };
    let mut tx = db.begin().await.unwrap();
    for gap in [&known, &unknown] {
        assert!(serial_logs::insert_gap(&mut tx, "v1", 0, gap).await.unwrap());
        assert!(!serial_logs::insert_gap(&mut tx, "v1", 0, gap).await.unwrap());
    }
    tx.commit().await.unwrap();
    assert_eq!(serial_logs::gaps(db, "v1", 0).await.unwrap(), [known, unknown]);
    assert_eq!(serial_logs::stored_end(db, "v1", 0).await.unwrap(), 130);
    assert_eq!(serial_logs::stored_ends(db, "v1").await.unwrap(), [(0, 130)]);
    assert_eq!(serial_logs::stored_ends(db, "v2").await.unwrap(), []);
}
