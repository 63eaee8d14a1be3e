//! The ARM vocabulary: resource ids, operations, roles, errors, SAS. Pure: no I/O, no clock, no async.

pub mod operation;
pub mod operations;
pub mod resource_id;
