//! The wire, as a client sees it: headers, errors, limits, shutdown; what is recorded of each request.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod bad_input;
mod changes;
mod connections;
mod headers;
mod portal;
mod recorded;
mod start_stop;
mod table;
