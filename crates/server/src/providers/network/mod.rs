//! The resource provider `Microsoft.Network`: documents, each function for every type ([`Kind`]) that the row names.
//!
//! One thing has another for itself - a machine its interfaces, an interface its public addresses - and that stands at the one
//! that is had (`virtualMachine`, `ipConfiguration`), written in the transaction of the one that has it. What many may use
//! (subnets, security groups, route tables) is looked up among those who name it (`links`).

mod availability;
mod children;
mod delete;
mod groups;
mod links;
mod machines;
mod put;
mod read;

pub use availability::check_address;
pub use children::{child_delete, child_get, child_list, child_put};
pub use delete::delete;
pub(super) use groups::release_group;
pub(super) use machines::{attach, check_join, detach};
pub use put::{patch, put};
pub use read::{get, list};

use crate::auth::Allowed;
use hardline_arm::error::ArmError;
use hardline_arm::models::network::Kind;

/// The type that a row is about.
fn kind(allowed: &Allowed) -> Result<Kind, ArmError> {
    let resource_type = allowed.operation.target.resource_type();
    Kind::of(resource_type)
        .ok_or_else(|| ArmError::internal(format!("{resource_type} is no network resource")))
}
