//! Serial ports on real files, FIFOs, sockets and ptys.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod attached;
mod console;
mod host;
mod input;
mod killed;
mod losses;
mod real_guest;
mod stored;
