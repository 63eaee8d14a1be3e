//! What every resource shares that is a document over the table `resources`: its place (group, location), conditions, reading,
//! pages, writing. A type adds only what its own properties mean.
//!
//! ```text
//! PUT     Writing::begin ──> location ──> the type's own checks ──> save ──> finish
//! PATCH   Writing::begin ──> existing ──> …                     ──> save ──> finish
//! DELETE  Writing::begin ──> before?  ──> is it in use?         ──> remove > finish
//! ```
//!
//! From `begin` to `finish` is one transaction that holds the right to write resources: what a check looked at is still so
//! when the change is durable.

mod conditions;
mod place;
mod read;
mod write;

pub(super) use conditions::{check_conditions, new_etag};
pub(super) use place::{check_group, check_group_open, check_location};
pub(super) use read::{Stored, find, load, page};
pub(super) use write::{Writing, delete, patch_tags, rewrite};
