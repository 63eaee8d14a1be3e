//! Serial bytes: offsets, ring, segments, screen, seats, frames. Pure.

pub mod frame;
pub mod lease;
pub mod utf8;
