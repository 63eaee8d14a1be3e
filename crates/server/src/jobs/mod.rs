//! Long-running operations: what is pending, what ends it, what a poller is told (contract 1.3).
//!
//! ```text
//!   accept ──> InProgress ──(of each VM an observation reaches what is awaited)──> Succeeded
//!                    └──(the host refuses, the VM fails, the deadline passes)──> Failed
//! ```
//!
//! The end event is written by the transaction that finishes the operation, with the caller, the address and the
//! correlation id of the request that began it.

mod finish;
mod pending;
mod status;

pub use finish::{finish, finish_in, observed, start};
pub use pending::{ASYNC_OPERATION, Awaits, Pending, RETRY_AFTER, id_in};
pub use status::{ended, status};
