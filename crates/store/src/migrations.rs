//! The tables' history: one folder for each database, embedded in the binary.
//!
//! To add a migration: write the same file in both folders and name it here. A test compares the two schemas.

use crate::dialect::Dialect;
use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// (version, description, SQLite, PostgreSQL)
type Step = (i64, &'static str, &'static str, &'static str);

const STEPS: &[Step] = &[
    (
        1,
        "init",
        include_str!("../migrations/sqlite/0001_init.sql"),
        include_str!("../migrations/postgres/0001_init.sql"),
    ),
    (
        2,
        "groups",
        include_str!("../migrations/sqlite/0002_groups.sql"),
        include_str!("../migrations/postgres/0002_groups.sql"),
    ),
    (
        3,
        "answered",
        include_str!("../migrations/sqlite/0003_answered.sql"),
        include_str!("../migrations/postgres/0003_answered.sql"),
    ),
    (
        4,
        "storage_accounts",
        include_str!("../migrations/sqlite/0004_storage_accounts.sql"),
        include_str!("../migrations/postgres/0004_storage_accounts.sql"),
    ),
    (
        5,
        "scale_sets",
        include_str!("../migrations/sqlite/0005_scale_sets.sql"),
        include_str!("../migrations/postgres/0005_scale_sets.sql"),
    ),
    (
        6,
        "deployments",
        include_str!("../migrations/sqlite/0006_deployments.sql"),
        include_str!("../migrations/postgres/0006_deployments.sql"),
    ),
    (
        7,
        "authorization_codes",
        include_str!("../migrations/sqlite/0007_authorization_codes.sql"),
        include_str!("../migrations/postgres/0007_authorization_codes.sql"),
    ),
    (
        8,
        "diagnostic_settings",
        include_str!("../migrations/sqlite/0008_diagnostic_settings.sql"),
        include_str!("../migrations/postgres/0008_diagnostic_settings.sql"),
    ),
    (
        9,
        "detection",
        include_str!("../migrations/sqlite/0009_detection.sql"),
        include_str!("../migrations/postgres/0009_detection.sql"),
    ),
];

/// The migrations of one database. One that was released is never changed: a store knows it by its checksum.
pub(crate) fn of(dialect: Dialect) -> Migrator {
    let steps = STEPS.iter().map(|&(version, description, sqlite, postgres)| {
        let sql = match dialect {
            Dialect::Sqlite => sqlite,
            Dialect::Postgres => postgres,
        };
        Migration::new(version, description.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(steps.collect())
}
