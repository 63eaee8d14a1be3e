//! Virtual machine scale sets over real HTTP. The guests are played by fake hosts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod documents;
mod flexible;
mod guests;
mod power;
mod upgrade;
mod world;
