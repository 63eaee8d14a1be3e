//! One suite for both databases: every function here runs on SQLite and on PostgreSQL, and expects the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod activity;
mod deployments;
mod detection;
mod diagnostic_settings;
mod earlier;
mod full_disk;
mod groups;
mod objects;
mod operations;
mod principals;
mod resources;
mod schema;
mod serial;
mod storage_accounts;
mod transactions;

use hardline_store::Db;
use hardline_testkit::Postgres;
use tempfile::TempDir;

/// A fresh SQLite database; gone with the directory.
pub async fn sqlite() -> (TempDir, Db) {
    let directory = TempDir::new().unwrap();
    let db = Db::open_sqlite(&directory.path().join("test # 1?.db")).await.unwrap();
    (directory, db)
}

macro_rules! suite {
    ($($family:ident::$case:ident,)*) => {
        /// Each on a database of its own.
        mod on_sqlite {
            $(
                #[tokio::test]
                async fn $case() {
                    let (_directory, db) = super::sqlite().await;
                    super::$family::$case(&db).await;
                    db.close().await;
                }
            )*
        }

        /// All on databases of one private cluster, which takes a second to make.
        #[tokio::test]
        async fn on_postgres() {
            let postgres = Postgres::start();
            $(
                eprintln!("{}", stringify!($case));
                let db = Db::open(&postgres.database()).await.unwrap();
                $family::$case(&db).await;
                db.close().await;
            )*
        }
    };
}

suite! {
    transactions::what_is_not_committed_is_not_there,
    transactions::a_reader_in_the_transaction_sees_its_writes,
    transactions::writers_that_read_first_never_fail,
    transactions::opening_again_keeps_everything,
    principals::names_are_unique_in_any_case,
    principals::the_first_secret_stays,
    principals::assignments_are_found_by_principal_and_scope,
    groups::members_of_members_are_members,
    groups::what_counts_for_a_principal,
    groups::custom_roles_have_names_of_their_own,
    resources::groups_and_subscriptions,
    resources::an_update_needs_the_etag,
    resources::lists_are_filtered_and_paged,
    resources::machines_outlive_their_resource,
    storage_accounts::names_are_unique_and_keys_are_replaced,
    storage_accounts::an_account_goes_with_its_resource,
    activity::filters,
    activity::pages_go_back_in_time,
    detection::rules_are_found_in_any_case,
    detection::a_run_counts_once,
    detection::an_alert_is_written_once,
    detection::deliveries_are_taken_by_one,
    detection::events_are_read_in_the_order_of_ingestion,
    activity::followed_in_the_order_of_writing,
    diagnostic_settings::settings_are_kept_with_their_secret,
    diagnostic_settings::one_server_at_a_time_sends,
    diagnostic_settings::progress_failures_and_dead_letters,
    deployments::one_run_at_a_time,
    deployments::silent_ones_are_found_and_scopes_emptied,
    operations::an_operation_ends_once,
    operations::the_last_of_several_machines_is_one,
    operations::instances_go_on_counting,
    operations::a_session_is_used_once,
    operations::an_authorization_code_is_taken_once,
    operations::the_epoch_only_rises,
    serial::segments_are_replayed_without_harm,
    serial::reading_from_an_offset,
    serial::gaps_count_as_stored,
}
