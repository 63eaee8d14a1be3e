//! For tests only: a server under test, a fake host, guests, a PostgreSQL of one's own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod authority;
pub mod boot_sector;
pub mod bulk_receiver;
pub mod console;
pub mod fake_host;
pub mod identity_provider;
pub mod place_database;
pub mod postgres;
pub mod request;
pub mod server;
pub mod syslog_receiver;

pub use bulk_receiver::{BulkReceiver, Fault};
pub use fake_host::FakeHost;
pub use identity_provider::IdentityProvider;
pub use postgres::Postgres;
pub use request::{Answer, As};
pub use server::TestServer;
pub use syslog_receiver::SyslogReceiver;
