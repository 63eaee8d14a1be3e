//! Detection: what an event document says (`document`, `fields`) and which documents a query means (`kql`). Pure: no
//! I/O, no clock, no async. Documents are ECS events as JSON, whoever made them.

pub mod document;
pub mod engine;
pub mod fields;
pub mod kql;
pub mod rule;
