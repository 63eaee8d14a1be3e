//! The agent with real guests: QEMU and the image that `cargo xtask guest` builds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod attached;
mod guest;
mod kills;
mod link;
mod support;
