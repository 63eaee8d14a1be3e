//! The ARM vocabulary: resource ids, operations, roles, errors, SAS. Pure: no I/O, no clock, no async.

pub mod activity;
pub mod api_version;
pub mod error;
pub mod filter;
pub mod models;
pub mod operation;
pub mod operations;
pub mod provider;
pub mod query;
pub mod rbac;
pub mod resource_id;
pub mod sas;
pub mod shared_key;
pub mod template;
