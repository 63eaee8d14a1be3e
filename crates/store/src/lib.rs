//! Everything durable: records in SQLite or PostgreSQL ([`db`]), bytes in an object store ([`objects`]).
//!
//! One SQL text serves both databases. Reads take the [`Db`] or an open [`Tx`]; every change takes a [`Tx`], and nothing
//! of it is there until [`Tx::commit`].

pub mod db;
pub mod dialect;
pub mod error;
mod migrations;
pub mod objects;

pub use db::{Db, Reader, Tx};
pub use error::{Result, StoreError};
pub use objects::Objects;
