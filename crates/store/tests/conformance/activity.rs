//! The activity log.

use hardline_store::Db;
use hardline_store::db::activity_events::{self, EventFilter, NewEvent};
use std::sync::atomic::{AtomicU32, Ordering};

static NUMBER: AtomicU32 = AtomicU32::new(0);

pub fn event(resource: &str, time: i64, status: &str) -> NewEvent {
    let resource = resource.to_lowercase();
    let part = |n: usize| resource.split('/').nth(n).unwrap_or("").to_owned();
    NewEvent {
        id: format!("event{}", NUMBER.fetch_add(1, Ordering::Relaxed)),
        correlation: format!("c{time}"),
        operation: "o".into(),
        operation_name: "x/y/action".into(),
        time,
        subscription: part(2),
        group_key: part(4),
        resource_key: resource.clone(),
        provider: part(6),
        caller: "Ann@Example".into(),
        status: status.into(),
        body: format!("{time}"),
    }
}

async fn write(db: &Db, events: &[NewEvent]) {
    let mut tx = db.begin().await.unwrap();
    for event in events {
        activity_events::insert(&mut tx, event, || event.time).await.unwrap();
    }
    tx.commit().await.unwrap();
}

async fn found(db: &Db, filter: EventFilter) -> Vec<String> {
    let events = activity_events::list(db, &filter, 100).await.unwrap();
    events.into_iter().map(|e| e.body).collect()
}

pub async fn filters(db: &Db) {
    let vm = "/subscriptions/S/resourceGroups/RG/providers/Microsoft.Compute/virtualMachines/vm1";
    let port = format!("{vm}/providers/Microsoft.SerialConsole/serialPorts/0");
    let namesake = format!("{vm}0");
    write(
        db,
        &[
            event(vm, 10, "Started"),
            event(&port, 20, "Succeeded"),
            event(&namesake, 30, "Failed"),
            event("/subscriptions/T", 40, "Started"),
        ],
    )
    .await;
    let of = |change: &dyn Fn(&mut EventFilter)| {
        let mut filter = EventFilter { subscription: Some("s".into()), ..Default::default() };
        change(&mut filter);
        filter
    };
    let text = |t: &str| Some(t.to_owned());
    assert_eq!(found(db, of(&|_| ())).await, ["30", "20", "10"]);
    assert_eq!(found(db, of(&|f| f.resource = text(&vm.to_uppercase()))).await, ["20", "10"]);
    assert_eq!(found(db, of(&|f| f.group = text("rg"))).await, ["30", "20", "10"]);
    assert_eq!(found(db, of(&|f| f.provider = text("microsoft.SERIALconsole"))).await, Vec::<String>::new());
    assert_eq!(found(db, of(&|f| f.provider = text("microsoft.COMPUTE"))).await, ["30", "20", "10"]);
    assert_eq!(found(db, of(&|f| f.caller = text("ANN@example"))).await, ["30", "20", "10"]);
    assert_eq!(found(db, of(&|f| f.status = text("failed"))).await, ["30"]);
    assert_eq!(found(db, of(&|f| f.correlation = text("C20"))).await, ["20"]);
    assert_eq!(found(db, of(&|f| (f.from, f.to) = (Some(20), Some(30)))).await, ["30", "20"]);
    assert_eq!(found(db, of(&|f| f.from = Some(31))).await, Vec::<String>::new());
    assert_eq!(found(db, EventFilter::default()).await, ["40", "30", "20", "10"]);
}

pub async fn pages_go_back_in_time(db: &Db) {
    let scope = "/subscriptions/s/resourceGroups/rg";
    // Three of the same microsecond: the place in the log decides.
    write(db, &[event(scope, 5, "a"), event(scope, 5, "b"), event(scope, 5, "c"), event(scope, 4, "d")])
        .await;
    let mut filter = EventFilter { subscription: Some("S".into()), ..Default::default() };
    let mut seen = Vec::new();
    loop {
        let page = activity_events::list(db, &filter, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        filter.before = Some((last.time, last.seq));
        seen.extend(page.iter().map(|e| e.seq));
        assert!(seen.len() <= 4);
    }
    assert_eq!(seen.len(), 4);
    assert!(seen[0] > seen[1] && seen[1] > seen[2] && seen[3] > seen[0], "{seen:?}");
}

pub async fn followed_in_the_order_of_writing(db: &Db) {
    let group = "/subscriptions/S/resourceGroups/RG";
    assert_eq!(activity_events::newest(db).await.unwrap(), 0);
    let events =
        [event(group, 30, "Started"), event("/subscriptions/T", 1, "Started"), event(group, 10, "Failed")];
    write(db, &events).await;
    let all = activity_events::following(db, "s", 0, 10).await.unwrap();
    assert_eq!(all.iter().map(|e| e.body.as_str()).collect::<Vec<_>>(), ["30", "10"]);
    assert_eq!(
        (all[0].id.as_str(), all[0].resource_key.as_str()),
        (events[0].id.as_str(), &*group.to_lowercase())
    );
    let rest = activity_events::following(db, "S", all[0].seq, 10).await.unwrap();
    assert_eq!(rest, all[1..]);
    assert_eq!(activity_events::newest(db).await.unwrap(), all[1].seq);
    let count = async |after, most| activity_events::count_after(db, "S", after, most).await.unwrap();
    assert_eq!((count(0, 10).await, count(all[0].seq, 10).await, count(0, 1).await), (2, 1, 1));
}
