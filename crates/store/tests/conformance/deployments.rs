//! Template deployments.

use hardline_store::db::deployments::{self, Deployment, DeploymentOperation};
use hardline_store::{Db, StoreError};

fn deployment(name: &str, run: &str) -> Deployment {
    Deployment {
        id: format!("/subscriptions/S/resourceGroups/G/providers/Microsoft.Resources/deployments/{name}"),
        subscription: "s".into(),
        group: "g".into(),
        name: name.into(),
        run: run.into(),
        state: "Running".into(),
        body: "{}".into(),
        beat: 10,
        created: 10,
        updated: 10,
    }
}

fn operation(id: &str, place: i64, body: &str) -> DeploymentOperation {
    DeploymentOperation { id: id.into(), place, body: body.into() }
}

pub async fn one_run_at_a_time(db: &Db) {
    let first = deployment("D1", "r1");
    let mut tx = db.begin().await.unwrap();
    deployments::put(&mut tx, &first).await.unwrap();
    for step in [operation("b", 2, "two"), operation("a", 1, "one"), operation("b", 2, "two again")] {
        deployments::put_operation(&mut tx, &first.id, &step).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(deployments::get(db, &first.id.to_lowercase()).await.unwrap().as_ref(), Some(&first));
    let steps = deployments::operations(db, &first.id).await.unwrap();
    assert_eq!(steps, [operation("a", 1, "one"), operation("b", 2, "two again")]);

    let mut tx = db.begin().await.unwrap();
    let second = Deployment { created: 50, updated: 50, ..deployment("d1", "r2") };
    let taken = deployments::put(&mut tx, &second).await;
    assert!(matches!(taken, Err(StoreError::Conflict)), "{taken:?}");
    drop(tx);

    let mut tx = db.begin().await.unwrap();
    assert!(!deployments::update(&mut tx, &first.id, "r2", "Failed", "{}", 20).await.unwrap(), "not its run");
    assert!(deployments::update(&mut tx, &first.id, "r1", "Failed", "{\"a\":1}", 20).await.unwrap());
    assert!(!deployments::update(&mut tx, &first.id, "r1", "Succeeded", "{}", 30).await.unwrap(), "it ended");
    assert!(!deployments::beat(&mut tx, &first.id, "r1", 30).await.unwrap());
    deployments::put(&mut tx, &second).await.unwrap();
    tx.commit().await.unwrap();
    let now = deployments::get(db, &first.id).await.unwrap().unwrap();
    assert_eq!((now.name.as_str(), now.run.as_str(), now.created, now.updated), ("D1", "r2", 10, 50));
    assert_eq!(deployments::operations(db, &first.id).await.unwrap(), []);
}

pub async fn silent_ones_are_found_and_scopes_emptied(db: &Db) {
    let mut tx = db.begin().await.unwrap();
    let of_subscription = Deployment {
        id: "/subscriptions/s/providers/Microsoft.Resources/deployments/x".into(),
        group: String::new(),
        ..deployment("x", "r3")
    };
    for d in [&deployment("b", "r1"), &deployment("a", "r2"), &of_subscription] {
        deployments::put(&mut tx, d).await.unwrap();
    }
    assert!(deployments::beat(&mut tx, &deployment("b", "r1").id, "r1", 99).await.unwrap());
    tx.commit().await.unwrap();
    let names = |found: Vec<Deployment>| found.into_iter().map(|d| d.name).collect::<Vec<_>>();
    assert_eq!(names(deployments::silent(db, 11).await.unwrap()), ["x", "a"]);
    assert_eq!(names(deployments::silent(db, 10).await.unwrap()), [""; 0]);
    assert_eq!(names(deployments::list(db, "S", "G", None, 9).await.unwrap()), ["a", "b"]);
    let after = deployment("a", "").id;
    assert_eq!(names(deployments::list(db, "S", "G", Some(&after), 9).await.unwrap()), ["b"]);
    assert_eq!(names(deployments::list(db, "S", "", None, 9).await.unwrap()), ["x"]);

    let mut tx = db.begin().await.unwrap();
    deployments::put_operation(&mut tx, &after, &operation("o", 1, "{}")).await.unwrap();
    deployments::delete_below(&mut tx, "/subscriptions/s/resourceGroups/g").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(names(deployments::list(db, "S", "G", None, 9).await.unwrap()), [""; 0]);
    assert_eq!(deployments::operations(db, &after).await.unwrap(), []);
    let mut tx = db.begin().await.unwrap();
    assert!(deployments::delete(&mut tx, &of_subscription.id).await.unwrap());
    assert!(!deployments::delete(&mut tx, &of_subscription.id).await.unwrap());
}
