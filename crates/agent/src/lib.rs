//! Runs on each hypervisor host: virtual machines, serial capture, input, screen.

pub mod clock;
pub mod serial;
