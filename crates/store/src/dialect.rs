//! The few places where the two databases differ: how they are opened, how a write begins, what their errors mean.

use sqlx::error::{DatabaseError, ErrorKind};

/// Which database is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite, in WAL mode, one writer at a time.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

impl Dialect {
    /// The statement that begins a write. SQLite takes its write lock at once: a transaction that reads first and
    /// upgrades later fails with "locked" when another has written in between (measured).
    pub(crate) fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            Self::Postgres => "BEGIN",
        }
    }
}

/// What a database error means to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Conflict,
    Full,
    Unavailable,
    Other,
}

// SQLite's primary result codes (the low byte of an extended one).
const SQLITE_BUSY: i64 = 5;
const SQLITE_LOCKED: i64 = 6;
const SQLITE_IOERR: i64 = 10;
const SQLITE_FULL: i64 = 13;
const SQLITE_CANTOPEN: i64 = 14;

pub(crate) fn classify(dialect: Dialect, error: &dyn DatabaseError) -> Kind {
    match error.kind() {
        ErrorKind::UniqueViolation => return Kind::Conflict,
        ErrorKind::Other => {}
        _ => return Kind::Other,
    }
    match (dialect, error.code()) {
        (Dialect::Sqlite, Some(code)) => code.parse().map_or(Kind::Other, sqlite),
        (Dialect::Postgres, Some(code)) => postgres(&code),
        (_, None) => Kind::Other,
    }
}

fn sqlite(code: i64) -> Kind {
    match code & 0xff {
        SQLITE_FULL => Kind::Full,
        // The WAL's shared-memory file cannot be grown on a full disk; SQLite says "I/O error" then.
        SQLITE_IOERR if matches!(code >> 8, 19 | 20) => Kind::Full,
        SQLITE_BUSY | SQLITE_LOCKED | SQLITE_CANTOPEN => Kind::Unavailable,
        _ => Kind::Other,
    }
}

fn postgres(state: &str) -> Kind {
    match state {
        "53100" => Kind::Full,
        "23505" | "40001" => Kind::Conflict,
        "40P01" | "55P03" | "57P01" | "57P02" | "57P03" => Kind::Unavailable,
        _ if state.starts_with("08") || state.starts_with("53") => Kind::Unavailable,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_both_databases() {
        assert_eq!(sqlite(13), Kind::Full);
        assert_eq!(sqlite(5), Kind::Unavailable);
        assert_eq!(sqlite(10 | (19 << 8)), Kind::Full);
        assert_eq!(postgres("53100"), Kind::Full);
        assert_eq!(postgres("23505"), Kind::Conflict);
        assert_eq!(postgres("08006"), Kind::Unavailable);
        assert_eq!(postgres("42601"), Kind::Other);
    }
}
