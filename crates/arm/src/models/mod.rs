//! Request and response bodies, one file for each resource type.

pub mod vm;
