//! Serial bytes: offsets, ring, segments, screen, seats, frames. Pure.

pub mod frame;
pub mod gap;
pub mod lease;
pub mod lines;
pub mod offset;
pub mod ring;
pub mod screen;
pub mod segment;
pub mod utf8;
