//! `Microsoft.Resources/deployments`: templates, checked and carried out (contract section 9).
//!
//! ```text
//!  body ─► request ─► plan ─► preflight ─► row, 201 ─► runner ─► nodes in order ─► outputs ─► row, end event
//!           400        400      403 404                  │  each node: resolve ─► PUT as the caller ─► wait
//!                                                        └─ a nested deployment is a runner inside
//! ```
//!
//! Everything that a template does or reads goes through the pipeline as a request of whoever deploys it: a template gives
//! nobody a right. What is kept of a deployment holds no value of a secure parameter; so a deployment whose server went away
//! is not gone on with, but fails, and is simply deployed again.

mod deployment;
mod errand;
mod link;
mod lookup;
mod operations;
mod preflight;
mod prepared;
mod put;
mod runner;
mod silent;
mod what_if;

pub use deployment::{
    deployment_cancel, deployment_delete, deployment_get, deployment_head, deployment_list,
};
pub use operations::{deployment_operation_get, deployment_operation_list, deployment_status_get};
pub use put::{deployment_put, deployment_validate};
pub use silent::start;
pub use what_if::deployment_what_if;
