//! For tests only: a server under test, a fake host, guests, a PostgreSQL of one's own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

pub mod fake_host;

pub use fake_host::FakeHost;
