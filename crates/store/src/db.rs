//! The database: opening, migrating, transactions. The tables' own functions are in the modules below, one for each
//! table family.
//!
//! Who may hold what: any number of tasks read through the pool; a [`Tx`] is the only way to write. On SQLite a `Tx`
//! holds the one write permit of the process, so writers queue in order instead of polling a locked file. Never hold a
//! `Tx` across a call to a host, and never open a second one while holding the first.

pub mod activity_events;
pub mod alert_deliveries;
pub mod alerts;
pub mod async_operations;
pub mod authorization_codes;
pub mod console_sessions;
pub mod deployments;
pub mod detection_rules;
pub mod detection_runs;
pub mod diagnostic_settings;
pub mod groups;
pub mod hosts;
pub mod port_leases;
pub mod principals;
pub mod resource_groups;
pub mod resources;
pub mod role_assignments;
pub mod role_definitions;
pub mod scale_sets;
pub mod secrets;
pub mod serial_logs;
mod sql;
pub mod storage_accounts;
pub mod subscriptions;
pub mod vms;

use crate::dialect::Dialect;
use crate::error::{Result, StoreError};
use sqlx::any::{AnyArguments, AnyPoolOptions, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AnyPool, Connection as _, Transaction};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a statement waits for SQLite's lock that another process holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a caller waits for a connection of the pool.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// The database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Db {
    pool: AnyPool,
    dialect: Dialect,
    /// SQLite: one permit, the right to write.
    writer: Option<Arc<Semaphore>>,
    /// SQLite: most pages of the file, 0 for no limit ([`Db::limit_growth`]).
    page_limit: Arc<AtomicI64>,
}

/// An open write transaction. Dropping it undoes everything.
#[derive(Debug)]
pub struct Tx {
    inner: Transaction<'static, Any>,
    dialect: Dialect,
    // Declared after `inner`: the transaction is gone before the next writer may begin.
    _permit: Option<OwnedSemaphorePermit>,
}

/// Where a read runs: on any connection of the pool, or inside a transaction (and sees what that has written).
#[derive(Debug)]
pub enum Reader<'a> {
    /// The pool.
    Db(&'a Db),
    /// The transaction.
    Tx(&'a mut Tx),
}

impl<'a> From<&'a Db> for Reader<'a> {
    fn from(db: &'a Db) -> Self {
        Self::Db(db)
    }
}

impl<'a> From<&'a mut Tx> for Reader<'a> {
    fn from(tx: &'a mut Tx) -> Self {
        Self::Tx(tx)
    }
}

/// A statement with its parameters bound.
pub(crate) type Statement<'q> = Query<'q, Any, AnyArguments>;

impl Reader<'_> {
    pub(crate) async fn optional(self, statement: Statement<'_>) -> Result<Option<AnyRow>> {
        Ok(match self {
            Self::Db(db) => statement.fetch_optional(&db.pool).await?,
            Self::Tx(tx) => statement.fetch_optional(&mut *tx.inner).await?,
        })
    }

    pub(crate) async fn one(self, statement: Statement<'_>) -> Result<AnyRow> {
        self.optional(statement).await?.ok_or(StoreError::NotFound)
    }

    pub(crate) async fn all(self, statement: Statement<'_>) -> Result<Vec<AnyRow>> {
        Ok(match self {
            Self::Db(db) => statement.fetch_all(&db.pool).await?,
            Self::Tx(tx) => statement.fetch_all(&mut *tx.inner).await?,
        })
    }
}

impl Db {
    /// Opens the SQLite file, creates it if it is not there, and brings its tables up to date.
    pub async fn open_sqlite(file: &Path) -> Result<Self> {
        let name =
            file.to_str().ok_or_else(|| StoreError::Damaged(format!("{} is not UTF-8", file.display())))?;
        Self::open(&format!("sqlite:{}?mode=rwc", escape(name))).await
    }

    /// Opens a database by its URL, `sqlite:FILE?mode=rwc` or `postgres://…`, and brings its tables up to date.
    pub async fn open(url: &str) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let dialect = if url.starts_with("sqlite:") { Dialect::Sqlite } else { Dialect::Postgres };
        let page_limit = Arc::new(AtomicI64::new(0));
        let limit = page_limit.clone();
        let pool = AnyPoolOptions::new()
            .max_connections(16)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            // A file does not go away; a server may, and the ping finds out before a request does.
            .test_before_acquire(dialect == Dialect::Postgres)
            .after_connect(move |connection, _| {
                let pages = limit.load(Ordering::Acquire);
                Box::pin(prepare(connection, dialect, pages))
            })
            // SQLite ends a transaction by itself when the disk is full; the driver does not notice and would begin no
            // other on that connection. Such a one is thrown away.
            .before_acquire(move |connection, _| {
                let stuck = dialect == Dialect::Sqlite && connection.is_in_transaction();
                Box::pin(async move { Ok(!stuck) })
            })
            .connect(url)
            .await?;
        crate::migrations::of(dialect).run(&pool).await.map_err(|e| match e {
            sqlx::migrate::MigrateError::Execute(cause) => cause.into(),
            other => StoreError::Other(Box::new(other)),
        })?;
        let writer = (dialect == Dialect::Sqlite).then(|| Arc::new(Semaphore::new(1)));
        Ok(Self { pool, dialect, writer, page_limit })
    }

    /// Which database this is.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Begins a write.
    pub async fn begin(&self) -> Result<Tx> {
        let permit = match &self.writer {
            Some(writer) => {
                let permit = writer.clone().acquire_owned().await;
                Some(permit.map_err(|closed| StoreError::Unavailable(Box::new(closed)))?)
            }
            None => None,
        };
        Ok(Tx {
            inner: self.pool.begin_with(self.dialect.begin()).await?,
            dialect: self.dialect,
            _permit: permit,
        })
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        Reader::Db(self).optional(sqlx::query("SELECT 1")).await.map(|_| ())
    }

    /// Closes every connection; what is running ends first.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// For tests of a full disk: SQLite may not grow beyond its present size plus `pages` pages.
    #[doc(hidden)]
    pub async fn limit_growth(&self, pages: i64) -> Result<()> {
        use sqlx::Row as _;
        // The limit belongs to a connection: it is set on every one the pool can hand out, and on those it opens later.
        let mut held = Vec::new();
        for _ in 0..self.pool.options().get_max_connections() {
            held.push(self.pool.acquire().await?);
        }
        for connection in &mut held {
            let row = sqlx::query("PRAGMA page_count").fetch_one(&mut **connection).await?;
            let limit = row.try_get::<i64, _>(0)? + pages;
            self.page_limit.store(limit, Ordering::Release);
            sqlx::query(sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {limit}")))
                .execute(&mut **connection)
                .await?;
        }
        Ok(())
    }
}

impl Tx {
    /// Makes everything that was written durable and visible, or nothing.
    pub async fn commit(self) -> Result<()> {
        Ok(self.inner.commit().await?)
    }

    /// Undoes everything now (dropping does so too, in the background).
    pub async fn rollback(self) -> Result<()> {
        Ok(self.inner.rollback().await?)
    }

    /// Waits for the lock `key` and holds it until the end of the transaction. SQLite's one writer holds every lock.
    pub(crate) async fn lock(&mut self, key: i64) -> Result<()> {
        if self.dialect == Dialect::Postgres {
            self.run(sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(key)).await?;
        }
        Ok(())
    }

    /// Runs a statement; the number of rows it changed.
    pub(crate) async fn run(&mut self, statement: Statement<'_>) -> Result<u64> {
        Ok(statement.execute(&mut *self.inner).await?.rows_affected())
    }
}

async fn prepare(
    connection: &mut AnyConnection,
    dialect: Dialect,
    pages: i64,
) -> std::result::Result<(), sqlx::Error> {
    if dialect == Dialect::Sqlite {
        let busy = format!("PRAGMA busy_timeout = {}", BUSY_TIMEOUT.as_millis());
        sqlx::query(sqlx::AssertSqlSafe(busy)).execute(&mut *connection).await?;
        for pragma in ["PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON"] {
            sqlx::query(pragma).execute(&mut *connection).await?;
        }
        if pages > 0 {
            let limit = format!("PRAGMA max_page_count = {pages}");
            sqlx::query(sqlx::AssertSqlSafe(limit)).execute(&mut *connection).await?;
        }
    }
    Ok(())
}

/// Escapes what has a meaning in a URL. sqlx decodes it again.
fn escape(path: &str) -> String {
    path.chars()
        .map(|c| match c {
            '%' => "%25".into(),
            '?' => "%3F".into(),
            '#' => "%23".into(),
            ' ' => "%20".into(),
            other => other.to_string(),
        })
        .collect()
}
