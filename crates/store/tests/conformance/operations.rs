//! Long-running operations, console sessions, the seat's lease.

use hardline_store::Db;
use hardline_store::db::async_operations::{self, AsyncOperation, Wait, Waiting};
use hardline_store::db::authorization_codes::{self, AuthorizationCode};
use hardline_store::db::console_sessions::{self, ConsoleSession};
use hardline_store::db::port_leases;
use hardline_store::db::scale_sets::{self, ScaleSetRow};

pub async fn an_operation_ends_once(db: &Db) {
    let operation = AsyncOperation {
        id: "op1".into(),
        kind: "start".into(),
        subscription: "s".into(),
        resource_key: "/x".into(),
        status: "InProgress".into(),
        error: None,
        started: 1,
        ended: None,
        deadline: 100,
        deed: "{}".into(),
    };
    let wait = |vm: &str| Wait { vm_id: vm.into(), generation: 3, state: "running".into() };
    let mut tx = db.begin().await.unwrap();
    async_operations::insert(&mut tx, &operation, &[wait("v1"), wait("v2")]).await.unwrap();
    let free = AsyncOperation { id: "op2".into(), ..operation.clone() };
    async_operations::insert(&mut tx, &free, &[]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        async_operations::waiting_for(db, "v1").await.unwrap(),
        [Waiting { operation: operation.clone(), wait: wait("v1") }]
    );
    let mut tx = db.begin().await.unwrap();
    assert_eq!(async_operations::arrived(&mut tx, "op1", "v2").await.unwrap(), 1);
    assert_eq!(async_operations::arrived(&mut tx, "op1", "v2").await.unwrap(), 1, "it arrives once");
    tx.commit().await.unwrap();
    assert_eq!(async_operations::waiting_for(db, "v2").await.unwrap(), []);
    assert_eq!(async_operations::overdue(db, 99).await.unwrap(), []);
    assert_eq!(async_operations::overdue(db, 100).await.unwrap().len(), 2);

    let mut tx = db.begin().await.unwrap();
    assert!(async_operations::finish(&mut tx, "op1", "Failed", Some("{}"), 50).await.unwrap());
    assert!(!async_operations::finish(&mut tx, "op1", "Succeeded", None, 60).await.unwrap());
    tx.commit().await.unwrap();
    let ended = async_operations::get(db, "op1").await.unwrap().unwrap();
    assert_eq!(
        (ended.status.as_str(), ended.ended, ended.error.as_deref()),
        ("Failed", Some(50), Some("{}"))
    );
    assert_eq!(async_operations::waiting_for(db, "v1").await.unwrap(), []);

    let mut tx = db.begin().await.unwrap();
    assert_eq!(async_operations::forget(&mut tx, 50).await.unwrap(), 0);
    assert_eq!(async_operations::forget(&mut tx, 51).await.unwrap(), 1, "op2 is still in progress");
    tx.commit().await.unwrap();
    assert_eq!(async_operations::get(db, "op1").await.unwrap(), None);
}

/// Of two machines that arrive at once, in transactions that do not see each other, one is the last.
pub async fn the_last_of_several_machines_is_one(db: &Db) {
    for round in 0..8 {
        let id = format!("op{round}");
        let operation = AsyncOperation {
            id: id.clone(),
            kind: "start".into(),
            subscription: "s".into(),
            resource_key: "/x".into(),
            status: "InProgress".into(),
            error: None,
            started: 1,
            ended: None,
            deadline: 100,
            deed: "{}".into(),
        };
        let wait = |vm: &str| Wait { vm_id: vm.into(), generation: 1, state: String::new() };
        let mut tx = db.begin().await.unwrap();
        async_operations::insert(&mut tx, &operation, &[wait("v1"), wait("v2"), wait("v3")]).await.unwrap();
        tx.commit().await.unwrap();
        let arrive = async |vm: &str| {
            let mut tx = db.begin().await.unwrap();
            let left = async_operations::arrived(&mut tx, &id, vm).await.unwrap();
            tx.commit().await.unwrap();
            left
        };
        let (a, b, c) = tokio::join!(arrive("v1"), arrive("v2"), arrive("v3"));
        let mut left = [a, b, c];
        left.sort_unstable();
        assert_eq!(left, [0, 1, 2]);
    }
}

pub async fn instances_go_on_counting(db: &Db) {
    let row = ScaleSetRow {
        id_key: "/s1".into(),
        unique_id: "g".into(),
        next_instance: 0,
        admin_password_hash: "$6$x".into(),
    };
    let mut tx = db.begin().await.unwrap();
    scale_sets::insert(&mut tx, &row).await.unwrap();
    assert_eq!(scale_sets::count_on(&mut tx, "/S1", 3).await.unwrap(), 0);
    assert_eq!(scale_sets::count_on(&mut tx, "/s1", 1).await.unwrap(), 3);
    assert!(scale_sets::count_on(&mut tx, "/s2", 1).await.is_err());
    tx.commit().await.unwrap();
    assert_eq!(
        scale_sets::get(db, "/S1").await.unwrap(),
        Some(ScaleSetRow { next_instance: 4, ..row.clone() })
    );
    assert!(!format!("{row:?}").contains("$6$"));
    let mut tx = db.begin().await.unwrap();
    assert!(scale_sets::delete(&mut tx, "/S1").await.unwrap());
    assert!(!scale_sets::delete(&mut tx, "/S1").await.unwrap());
    tx.commit().await.unwrap();
}

pub async fn a_session_is_used_once(db: &Db) {
    let session = ConsoleSession {
        id_hash: "h1".into(),
        resource: "/Subscriptions/x".into(),
        vm_id: "v1".into(),
        port: 0,
        caller: "o1".into(),
        mode: "write".into(),
        created: 10,
        expires: 70,
        used: None,
        closed: None,
    };
    let mut tx = db.begin().await.unwrap();
    console_sessions::insert(&mut tx, &session).await.unwrap();
    let late = ConsoleSession { id_hash: "h2".into(), ..session.clone() };
    console_sessions::insert(&mut tx, &late).await.unwrap();
    assert!(console_sessions::use_once(&mut tx, "h1", 20).await.unwrap());
    assert!(!console_sessions::use_once(&mut tx, "h1", 21).await.unwrap(), "used");
    assert!(!console_sessions::use_once(&mut tx, "h2", 70).await.unwrap(), "expired");
    assert!(!console_sessions::use_once(&mut tx, "h3", 20).await.unwrap(), "unknown");
    tx.commit().await.unwrap();
    let found = console_sessions::get(db, "h1").await.unwrap().unwrap();
    assert_eq!(found, ConsoleSession { used: Some(20), ..session });

    let mut tx = db.begin().await.unwrap();
    assert_eq!(console_sessions::close_all(&mut tx, 80).await.unwrap(), 1);
    assert_eq!(console_sessions::sweep(&mut tx, 75).await.unwrap(), 1, "the one that expired");
    assert_eq!(console_sessions::sweep(&mut tx, 81).await.unwrap(), 1, "the one that was closed");
    tx.commit().await.unwrap();
}

pub async fn an_authorization_code_is_taken_once(db: &Db) {
    let code = AuthorizationCode {
        code_hash: "h1".into(),
        principal: "ann".into(),
        method: "pwd".into(),
        client: "portal".into(),
        redirect_uri: "https://localhost/portal".into(),
        challenge: "c".into(),
        nonce: None,
        audience: "https://localhost".into(),
        expires: 60,
    };
    let other =
        AuthorizationCode { code_hash: "h2".into(), nonce: Some("n".into()), expires: 90, ..code.clone() };
    let mut tx = db.begin().await.unwrap();
    authorization_codes::insert(&mut tx, &code, 0).await.unwrap();
    authorization_codes::insert(&mut tx, &other, 60).await.unwrap();
    assert_eq!(authorization_codes::get(&mut tx, "h1").await.unwrap(), Some(code.clone()));
    assert!(authorization_codes::take(&mut tx, "h1").await.unwrap());
    assert!(!authorization_codes::take(&mut tx, "h1").await.unwrap(), "taken");
    tx.commit().await.unwrap();
    assert_eq!(authorization_codes::get(db, "h1").await.unwrap(), None);
    assert_eq!(authorization_codes::get(db, "h2").await.unwrap(), Some(other));
    let mut tx = db.begin().await.unwrap();
    authorization_codes::insert(&mut tx, &AuthorizationCode { expires: 200, ..code }, 91).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(authorization_codes::get(db, "h2").await.unwrap(), None, "it had ended");
}

pub async fn the_epoch_only_rises(db: &Db) {
    assert_eq!(port_leases::get(db, "v1", 0).await.unwrap().epoch, 0);
    let mut tx = db.begin().await.unwrap();
    assert_eq!(port_leases::take(&mut tx, "v1", 0, "ann", "s1", "::1", 10).await.unwrap(), 1);
    assert_eq!(port_leases::take(&mut tx, "v1", 0, "ben", "s2", "::1", 20).await.unwrap(), 2);
    assert_eq!(port_leases::take(&mut tx, "v1", 1, "ann", "s3", "::1", 20).await.unwrap(), 1);
    assert!(!port_leases::release(&mut tx, "v1", 0, 1, 30).await.unwrap(), "an older holder frees nothing");
    tx.commit().await.unwrap();
    let lease = port_leases::get(db, "v1", 0).await.unwrap();
    assert_eq!((lease.holder_name.as_deref(), lease.since), (Some("ben"), 20));

    let mut tx = db.begin().await.unwrap();
    assert!(port_leases::release(&mut tx, "v1", 0, 2, 30).await.unwrap());
    port_leases::raise(&mut tx, "v1", 0, 7, 40).await.unwrap();
    port_leases::raise(&mut tx, "v1", 0, 5, 40).await.unwrap();
    assert_eq!(port_leases::vacate_all(&mut tx, 50).await.unwrap(), 1, "the other port's");
    assert_eq!(port_leases::take(&mut tx, "v1", 0, "eve", "s4", "::1", 60).await.unwrap(), 8);
    tx.commit().await.unwrap();
}
