//! What can go wrong under the store: few kinds, each of which a caller treats differently.

use crate::dialect::{Dialect, Kind, classify};

/// The store's result.
pub type Result<T> = std::result::Result<T, StoreError>;

/// A failure of the database or of the object store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no such record or object.
    #[error("not found")]
    NotFound,
    /// A unique key is taken, or the record has changed since it was read.
    #[error("the record exists already or has changed")]
    Conflict,
    /// No room is left on the disk under the store. Nothing of the change was kept.
    #[error("the disk under the store is full")]
    Full(#[source] BoxError),
    /// The store cannot be reached or is too busy; the same call may succeed later.
    #[error("the store is unavailable")]
    Unavailable(#[source] BoxError),
    /// What is stored cannot be read as what it should be.
    #[error("a stored record is damaged: {0}")]
    Damaged(String),
    /// Anything else: a defect or a broken disk.
    #[error("the store failed")]
    Other(#[source] BoxError),
}

/// A cause, whatever its type.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::RowNotFound => Self::NotFound,
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => {
                Self::Unavailable(Box::new(error))
            }
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Damaged(error.to_string()),
            sqlx::Error::Database(cause) => match classify(dialect_of(cause.as_ref()), cause.as_ref()) {
                Kind::Conflict => Self::Conflict,
                Kind::Full => Self::Full(Box::new(error)),
                Kind::Unavailable => Self::Unavailable(Box::new(error)),
                Kind::Other => Self::Other(Box::new(error)),
            },
            _ => Self::Other(Box::new(error)),
        }
    }
}

/// Whose error it is: PostgreSQL's codes (SQLSTATE) have five characters, SQLite's largest number has four.
fn dialect_of(error: &dyn sqlx::error::DatabaseError) -> Dialect {
    match error.code() {
        Some(code) if code.len() == 5 => Dialect::Postgres,
        _ => Dialect::Sqlite,
    }
}
