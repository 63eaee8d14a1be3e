//! Where events are sent, and how far that has come.

use hardline_store::Db;
use hardline_store::db::diagnostic_settings::{self as settings, DEAD_LETTERS, DeadLetter, NewSetting};

const ID: &str = "/subscriptions/S/providers/Microsoft.Insights/diagnosticSettings/One";

fn setting(body: &str, secret: Option<&str>) -> NewSetting {
    NewSetting {
        id: ID.into(),
        subscription: "S".into(),
        name: "One".into(),
        body: body.into(),
        secret: secret.map(Into::into),
        now: 5,
    }
}

async fn put(db: &Db, setting: &NewSetting, from: i64) {
    let mut tx = db.begin().await.unwrap();
    settings::put(&mut tx, setting, from).await.unwrap();
    tx.commit().await.unwrap();
}

pub async fn settings_are_kept_with_their_secret(db: &Db) {
    put(db, &setting("{}", Some("key")), 7).await;
    put(db, &setting("{\"a\":1}", None), 99).await;
    let found = settings::get(db, &ID.to_uppercase()).await.unwrap().unwrap();
    assert_eq!((found.body.as_str(), found.secret.as_deref(), found.revision), ("{\"a\":1}", None, 2));
    assert_eq!(found.progress.place, 7, "a change begins nothing anew");
    put(db, &setting("{}", Some("key")), 0).await;
    let found = settings::list(db, "s").await.unwrap();
    assert_eq!((found.len(), found[0].secret.as_deref()), (1, Some("key")));
    assert!(!format!("{found:?} {:?}", setting("{}", Some("key"))).contains("key\""));
    assert!(settings::list(db, "t").await.unwrap().is_empty());
    assert_eq!(settings::all(db).await.unwrap().len(), 1);
    let mut tx = db.begin().await.unwrap();
    assert!(settings::delete(&mut tx, ID).await.unwrap());
    assert!(!settings::delete(&mut tx, ID).await.unwrap());
    tx.commit().await.unwrap();
}

pub async fn one_server_at_a_time_sends(db: &Db) {
    put(db, &setting("{}", None), 0).await;
    let mut tx = db.begin().await.unwrap();
    assert!(settings::hold(&mut tx, ID, "a", 10, 20).await.unwrap());
    assert!(settings::hold(&mut tx, ID, "a", 15, 25).await.unwrap());
    assert!(!settings::hold(&mut tx, ID, "b", 24, 40).await.unwrap());
    assert!(!settings::advance(&mut tx, ID, "b", 9, 9, 24).await.unwrap());
    assert!(settings::hold(&mut tx, ID, "b", 25, 40).await.unwrap());
    assert!(!settings::advance(&mut tx, ID, "a", 9, 9, 26).await.unwrap());
    settings::release(&mut tx, ID, "a").await.unwrap();
    assert!(!settings::hold(&mut tx, ID, "a", 26, 40).await.unwrap());
    settings::release(&mut tx, ID, "b").await.unwrap();
    assert!(settings::hold(&mut tx, ID, "a", 26, 40).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(settings::get(db, ID).await.unwrap().unwrap().progress.place, 0);
}

pub async fn progress_failures_and_dead_letters(db: &Db) {
    put(db, &setting("{}", None), 0).await;
    let mut tx = db.begin().await.unwrap();
    settings::hold(&mut tx, ID, "a", 1, 9).await.unwrap();
    for time in [2, 3] {
        settings::fail(&mut tx, ID, "a", "away", time).await.unwrap();
    }
    let found = settings::get(&mut tx, ID).await.unwrap().unwrap().progress;
    assert_eq!((found.failures, found.failed, found.error.as_deref()), (2, Some(3), Some("away")));
    assert!(settings::advance(&mut tx, ID, "a", 4, 3, 5).await.unwrap());
    let letter = |seq| DeadLetter { seq, event: format!("e{seq}"), reason: "no".into(), time: 6 };
    for seq in (1..=DEAD_LETTERS + 2).chain([DEAD_LETTERS]) {
        settings::bury(&mut tx, ID, &letter(seq)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let found = settings::get(db, ID).await.unwrap().unwrap().progress;
    assert_eq!((found.place, found.sent, found.dead), (4, 3, DEAD_LETTERS + 2));
    assert_eq!((found.failures, found.succeeded, found.error), (0, Some(5), None));
    let letters = settings::dead_letters(db, ID, i64::MAX).await.unwrap();
    assert_eq!((letters.len() as i64, &letters[0]), (DEAD_LETTERS, &letter(DEAD_LETTERS + 2)));
}
