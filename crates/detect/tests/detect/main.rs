//! Rules, read and run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]
#![recursion_limit = "256"]

mod corpus;
mod lint;
mod past;
mod properties;
mod reading;
mod runs;
mod shipped;
mod suppression;
mod trials;
