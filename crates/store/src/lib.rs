//! Everything durable: records in SQLite or PostgreSQL, bytes in an object store.
