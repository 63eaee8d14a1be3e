//! For tests only: a server under test, a fake host, guests, a PostgreSQL of one's own.
