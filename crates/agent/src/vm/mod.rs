//! Virtual machines of this host: desired state against observed state.
//!
//! [`fleet`] holds them all and keeps what is desired on the disk; each has one [`supervisor`], a task that compares
//! and acts; [`lifecycle`] is the comparison, without any I/O; [`record`] is what the agent remembers of a machine over
//! its own restarts. Creating, restarting after a crash, taking over after an agent's restart and coming back after the
//! host's reboot are one path: look at what runs, compare, act.

pub mod files;
pub mod fleet;
pub mod launches;
pub mod lifecycle;
pub mod newc;
pub mod record;
pub mod slot;
pub mod spec;
pub mod supervisor;
