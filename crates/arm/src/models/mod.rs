//! Request and response bodies, one file for each resource type.

pub mod deployment;
pub mod document;
pub mod network;
pub mod paging;
pub mod scale_set;
pub mod storage;
pub mod vm;
