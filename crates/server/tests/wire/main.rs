//! The wire, as a client sees it: headers, errors, limits, shutdown; what is recorded of each request.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod at_once;
mod bad_bodies;
mod bad_input;
mod bad_names;
mod changes;
mod connections;
mod headers;
mod portal;
mod recorded;
mod resources;
mod start_stop;
mod table;
