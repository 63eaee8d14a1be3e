//! A store that an earlier version made opens, and what was under way in it goes on.

use hardline_store::Db;
use hardline_store::db::{async_operations, vms};
use sqlx::SqlSafeStr as _;
use sqlx::any::AnyPoolOptions;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use tempfile::TempDir;

/// The migrations of the first versions, as they were released.
fn released() -> Migrator {
    let files = [
        (1, "init", include_str!("../../migrations/sqlite/0001_init.sql")),
        (2, "groups", include_str!("../../migrations/sqlite/0002_groups.sql")),
        (3, "answered", include_str!("../../migrations/sqlite/0003_answered.sql")),
    ];
    let step = |(version, name, sql): (i64, &'static str, &'static str)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(files.into_iter().map(step).collect())
}

#[tokio::test]
async fn an_operation_under_way_still_waits_for_its_machine() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("old.db");
    sqlx::any::install_default_drivers();
    let url = format!("sqlite:{}?mode=rwc", file.display());
    let old = AnyPoolOptions::new().max_connections(1).connect(&url).await.unwrap();
    released().run(&old).await.unwrap();
    let rows = "INSERT INTO async_operations (id, kind, subscription_key, resource_key, status, vm_id, awaits_generation, \
                awaits_state, started, deadline, deed) VALUES \
                ('running', 'start', 's', '/x', 'InProgress', 'v1', 3, 'running', 1, 9, '{}'), \
                ('any', 'update', 's', '/x', 'InProgress', 'v1', 4, NULL, 2, 9, '{}'), \
                ('over', 'start', 's', '/x', 'Succeeded', 'v1', 2, 'running', 0, 9, '{}'), \
                ('free', 'other', 's', '/x', 'InProgress', NULL, 0, NULL, 1, 9, '{}')";
    sqlx::query(rows).execute(&old).await.unwrap();
    let machine = "INSERT INTO vms (vm_id, resource_key, name, power, generation, power_generation, reset_generation, spec, \
                   created, updated) VALUES ('v1', '/x', 'x', 'running', 3, 1, 0, '{}', 1, 1)";
    sqlx::query(machine).execute(&old).await.unwrap();
    old.close().await;

    let db = Db::open_sqlite(&file).await.unwrap();
    let waiting = async_operations::waiting_for(&db, "v1").await.unwrap();
    let told: Vec<_> =
        waiting.iter().map(|w| (w.operation.id.as_str(), w.wait.generation, w.wait.state.as_str())).collect();
    assert_eq!(told, [("running", 3, "running"), ("any", 4, "")]);
    assert_eq!(async_operations::overdue(&db, 9).await.unwrap().len(), 3);
    let vm = vms::get(&db, "v1").await.unwrap().unwrap();
    assert_eq!((vm.scale_set_key, vm.generation), (None, 3));
    db.close().await;
}
