//! Detection: rules, how far they came, alerts, deliveries, and the events that they read.

use super::activity::event;
use hardline_store::db::activity_events::Order;
use hardline_store::db::alert_deliveries::{self, AlertDelivery};
use hardline_store::db::alerts::{self, Alert, AlertFilter};
use hardline_store::db::detection_rules::{self, DetectionRule};
use hardline_store::db::{activity_events, detection_runs};
use hardline_store::{Db, StoreError};

fn rule(name: &str) -> DetectionRule {
    DetectionRule {
        subscription: "s".into(),
        name: name.into(),
        source: "[rule]".into(),
        enabled: true,
        exceptions: "[]".into(),
        etag: "1".into(),
        created: 1,
        updated: 1,
    }
}

pub async fn rules_are_found_in_any_case(db: &Db) {
    let mut tx = db.begin().await.unwrap();
    detection_rules::insert(&mut tx, &rule("Ab-1")).await.unwrap();
    let twice = detection_rules::insert(&mut tx, &rule("aB-1")).await;
    assert!(matches!(twice, Err(StoreError::Conflict)));
    let changed = DetectionRule { enabled: false, etag: "2".into(), ..rule("Ab-1") };
    detection_rules::update(&mut tx, &changed, "1").await.unwrap();
    let late = detection_rules::update(&mut tx, &changed, "1").await;
    assert!(matches!(late, Err(StoreError::Conflict)));
    tx.commit().await.unwrap();
    assert_eq!(detection_rules::get(db, "S", "AB-1").await.unwrap(), Some(changed.clone()));
    assert_eq!(detection_rules::list(db, "S", 10).await.unwrap(), [changed]);
    assert_eq!(detection_rules::list(db, "t", 10).await.unwrap(), []);
    let mut tx = db.begin().await.unwrap();
    assert!(detection_rules::delete(&mut tx, "s", "ab-1").await.unwrap());
    assert!(!detection_rules::delete(&mut tx, "s", "ab-1").await.unwrap());
    tx.commit().await.unwrap();
}

pub async fn a_run_counts_once(db: &Db) {
    let lease = async |now: i64, until: i64| {
        let mut tx = db.begin().await.unwrap();
        let run = detection_runs::lease(&mut tx, "s", "R", now, until, now + 1000).await.unwrap();
        tx.commit().await.unwrap();
        run
    };
    let first = lease(100, 200).await.unwrap();
    assert_eq!((first.generation, first.started, first.due), (0, 0, 0));
    assert_eq!(lease(150, 250).await, None, "somebody has it");
    // Whoever had it has gone: another one begins the same run.
    let second = lease(200, 300).await.unwrap();
    assert_eq!(second.generation, 0);
    let finish = async |of: &detection_runs::DetectionRun, started: i64| {
        let run = detection_runs::DetectionRun {
            generation: of.generation + 1,
            started,
            due: started + 300,
            state: "{}".into(),
            report: "{}".into(),
            ..of.clone()
        };
        let mut tx = db.begin().await.unwrap();
        let counts = detection_runs::finish(&mut tx, &run).await.unwrap();
        tx.commit().await.unwrap();
        counts
    };
    assert!(finish(&second, 200).await);
    assert!(!finish(&first, 100).await, "the one who came back too late changes nothing");
    assert_eq!(lease(499, 600).await, None, "not due");
    assert_eq!(lease(500, 600).await.unwrap().generation, 1);
    assert!(finish(&lease(700, 800).await.unwrap(), 9000).await);
    assert_eq!(lease(8500, 8600).await.map(|run| run.generation), None, "not due");
    assert_eq!(lease(100, 200).await.unwrap().generation, 2, "the clock went back");
    assert_eq!(detection_runs::list(db, "s", 10).await.unwrap().len(), 1);
    let mut tx = db.begin().await.unwrap();
    detection_runs::forget(&mut tx, "s", "r").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(detection_runs::get(db, "s", "r").await.unwrap(), None);
}

fn alert(id: &str, time: i64, severity: &str) -> Alert {
    Alert {
        subscription: "s".into(),
        id: id.into(),
        rule: "r".into(),
        instance: "i".into(),
        time,
        severity: severity.into(),
        status: "open".into(),
        body: "{}".into(),
        updated: time,
    }
}

pub async fn an_alert_is_written_once(db: &Db) {
    let mut tx = db.begin().await.unwrap();
    for (id, time, severity) in [("a", 1, "low"), ("b", 2, "high"), ("c", 2, "low"), ("d", 3, "low")] {
        assert!(alerts::insert(&mut tx, &alert(id, time, severity)).await.unwrap());
        assert!(!alerts::insert(&mut tx, &alert(id, time + 9, severity)).await.unwrap());
    }
    let closed = Alert { status: "closed".into(), updated: 7, ..alert("a", 1, "low") };
    alerts::update(&mut tx, &closed, 1).await.unwrap();
    assert!(matches!(alerts::update(&mut tx, &closed, 1).await, Err(StoreError::Conflict)));
    tx.commit().await.unwrap();
    let found = async |filter: AlertFilter| -> String {
        alerts::list(db, "S", &filter, 10).await.unwrap().into_iter().map(|a| a.id).collect()
    };
    let all = AlertFilter::default;
    assert_eq!(found(all()).await, "dcba");
    assert_eq!(found(AlertFilter { severity: Some("Low".into()), ..all() }).await, "dca");
    assert_eq!(found(AlertFilter { status: Some("open".into()), ..all() }).await, "dcb");
    assert_eq!(
        found(AlertFilter { rule: Some("R".into()), from: Some(2), to: Some(2), ..all() }).await,
        "cb"
    );
    assert_eq!(found(AlertFilter { before: Some((2, "c".into())), ..all() }).await, "ba");
    assert_eq!(alerts::get(db, "s", "a").await.unwrap(), Some(closed));
    assert_eq!(alerts::get(db, "t", "a").await.unwrap(), None);
    let ids = |text: &str| -> Vec<String> { text.chars().map(String::from).collect() };
    let many: Vec<_> = (0..1200).map(|n| n.to_string()).chain(ids("dxa")).collect();
    assert_eq!(alerts::known(db, "S", &many).await.unwrap(), ids("ad").into_iter().collect());
    assert!(alerts::known(db, "t", &many).await.unwrap().is_empty());
    let latest = alerts::latest(db, "S", "R", &ids("hij")).await.unwrap();
    assert_eq!(latest.into_values().map(|a| a.id).collect::<String>(), "d");
}

pub async fn deliveries_are_taken_by_one(db: &Db) {
    let delivery = |id: &str, due: i64| AlertDelivery {
        id: id.into(),
        subscription: "s".into(),
        alert: "a".into(),
        action: "pager".into(),
        attempts: 0,
        due,
        error: String::new(),
    };
    let mut tx = db.begin().await.unwrap();
    for (id, due) in [("x", 5), ("y", 3), ("z", 50)] {
        alert_deliveries::insert(&mut tx, &delivery(id, due)).await.unwrap();
    }
    alert_deliveries::insert(&mut tx, &delivery("x", 40)).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = db.begin().await.unwrap();
    let taken = alert_deliveries::take(&mut tx, "pager", 10, 20, 10).await.unwrap();
    assert_eq!(taken.iter().map(|d| d.id.as_str()).collect::<Vec<_>>(), ["y", "x"]);
    assert_eq!(alert_deliveries::take(&mut tx, "pager", 10, 20, 10).await.unwrap(), []);
    alert_deliveries::delete(&mut tx, "y").await.unwrap();
    alert_deliveries::failed(&mut tx, "x", 15, "503").await.unwrap();
    let again = alert_deliveries::take(&mut tx, "pager", 15, 20, 10).await.unwrap();
    assert_eq!(again, [AlertDelivery { attempts: 1, due: 15, error: "503".into(), ..delivery("x", 0) }]);
    assert_eq!(alert_deliveries::take(&mut tx, "chat", 99, 100, 10).await.unwrap(), []);
    assert_eq!(alert_deliveries::outstanding(&mut tx, "S").await.unwrap(), [("pager".into(), 2)]);
    assert_eq!(alert_deliveries::outstanding(&mut tx, "t").await.unwrap(), []);
    assert_eq!(alert_deliveries::keep(&mut tx, &["chat".into(), "pager".into()]).await.unwrap(), 0);
    assert_eq!(alert_deliveries::keep(&mut tx, &["chat".into()]).await.unwrap(), 2);
    assert_eq!(alert_deliveries::keep(&mut tx, &[]).await.unwrap(), 0);
    tx.commit().await.unwrap();
}

pub async fn events_are_read_in_the_order_of_ingestion(db: &Db) {
    let vm = "/subscriptions/S/resourceGroups/RG/providers/Microsoft.Compute/virtualMachines/vm1";
    let mut tx = db.begin().await.unwrap();
    for (time, ingested) in [(90, 10), (80, 20), (70, 20), (60, 30)] {
        let new = event(vm, time, "Succeeded");
        activity_events::insert(&mut tx, &new, || ingested).await.unwrap();
    }
    activity_events::insert(&mut tx, &event("/subscriptions/T", 5, "Succeeded"), || 20).await.unwrap();
    activity_events::settle(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    let read = async |from: i64, to: i64, after: Option<(i64, i64)>, limit: i64| {
        activity_events::ascending(db, "s", Order::Ingested, (from, to), after, limit).await.unwrap()
    };
    let bodies = |events: &[activity_events::IngestedEvent]| -> Vec<String> {
        events.iter().map(|e| e.body.clone()).collect()
    };
    assert_eq!(bodies(&read(10, 30, None, 10).await), ["90", "80", "70", "60"]);
    assert_eq!(bodies(&read(11, 29, None, 10).await), ["80", "70"]);
    let seqs: Vec<i64> = read(10, 30, None, 10).await.iter().map(|event| event.seq).collect();
    let waiting = async |after: i64| {
        let waiting = activity_events::waiting(db, "S", after).await.unwrap();
        (waiting.events, waiting.since)
    };
    assert_eq!((waiting(0).await, waiting(seqs[0]).await), ((4, Some(10)), (3, Some(20))));
    assert_eq!(waiting(seqs[3]).await, (0, None));
    let first = read(10, 30, None, 2).await;
    let last = first.last().unwrap();
    let happened = activity_events::ascending(db, "s", Order::Happened, (60, 85), None, 10).await.unwrap();
    assert_eq!(bodies(&happened), ["60", "70", "80"]);
    assert_eq!(bodies(&read(10, 30, Some((last.ingested, last.seq)), 10).await), ["70", "60"]);
    let of = async |names: &[&str]| {
        let names: Vec<_> = names.iter().map(|name| name.to_lowercase()).collect();
        let read = activity_events::ascending_of(db, "s", Order::Ingested, (11, 30), None, &names, 2);
        bodies(&read.await.unwrap())
    };
    let named = event(vm, 0, "Succeeded").operation_name;
    assert_eq!(of(&["x/y/read", &named]).await, ["80", "70"]);
    assert_eq!(of(&["x/y/read"]).await, [""; 0]);
    assert_eq!(of(&[]).await, ["80", "70"]);
    let ahead = async |after, events| {
        activity_events::time_ahead(db, "s", Order::Ingested, (10, 25), after, events).await.unwrap()
    };
    assert_eq!(
        (ahead(None, 0).await, ahead(None, 1).await, ahead(None, 3).await),
        (Some(10), Some(20), None)
    );
    assert_eq!(
        (ahead(Some((10, i64::MAX)), 1).await, ahead(Some((20, i64::MAX)), 0).await),
        (Some(20), None)
    );
    assert_eq!(activity_events::count_between(db, "S", Order::Ingested, (11, 30)).await.unwrap(), 3);
    assert_eq!(activity_events::count_between(db, "s", Order::Happened, (60, 80)).await.unwrap(), 3);
}
