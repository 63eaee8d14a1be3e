//! The resource providers: one folder for each namespace, one function for each row of the table.

pub mod authorization;
pub mod compute;
pub mod deployments;
pub mod detection;
pub mod directory;
mod documents;
pub mod hardline;
pub mod insights;
pub mod network;
pub mod resources;
pub mod serial_console;
pub mod storage;
