//! The control plane: one request pipeline, the resource providers behind it, the hosts in front of it.
//!
//! Read [`pipeline`] first: it is the way of every request. [`state`] is what all of it shares; [`server`] starts and
//! stops it.

pub mod auth;
pub mod blob;
pub mod clock;
pub mod config;
pub mod detection;
pub mod export;
pub mod graph;
pub mod hosts;
pub mod http;
pub mod jobs;
mod outward;
pub mod pipeline;
pub mod places;
pub mod providers;
pub mod random;
pub mod record;
pub mod reply;
pub mod seed;
pub mod serial;
pub mod server;
pub mod state;

pub use config::Config;
pub use server::{Running, Server};
pub use state::{AppState, State};
