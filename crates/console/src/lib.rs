//! Serial bytes: offsets, ring, segments, screen, seats, frames. Pure.
