//! Runs on each hypervisor host: virtual machines, serial capture, input, screen.
//!
//! Start reading at [`agent`]; the promises are in `agent.proto`, which [`service`] answers.

pub mod agent;
pub mod clock;
pub mod host;
pub mod hypervisor;
pub mod images;
pub mod link;
pub mod screen;
pub mod serial;
pub mod service;
pub mod vm;

pub use agent::{Agent, AgentConfig, AgentError};
