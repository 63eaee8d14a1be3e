//! Virtual machine scale sets.
//!
//! ```text
//!   set:       resource (the document, with the model) + row in `scale_sets` (next number, hash of the password)
//!   instance:  resource + row in `vms` that names the set, like any VM; its id is
//!                Uniform    {set}/virtualMachines/{number}
//!                Flexible   …/virtualMachines/{set}_{8 hex digits}, and below the set an alias of that
//! ```
//!
//! The set's capacity is the number of its instances; no document says it. What reaches a guest (boot data, consoles) knows ids of
//! resources only: of a Flexible set's instances those of the VMs, at which rights to VMs are given.

mod create;
mod delete;
mod instances;
mod power;
mod put;
mod read;
mod scale;
mod scale_set;

pub use delete::{scale_set_delete, scale_set_delete_instances};
pub use instances::{instance_get, instance_instance_view, instance_list};
pub use power::{
    scale_set_deallocate, scale_set_manual_upgrade, scale_set_power_off, scale_set_restart, scale_set_start,
};
pub use put::{scale_set_patch, scale_set_put};
pub use read::{scale_set_get, scale_set_instance_view, scale_set_list};

pub(super) use instances::{find_machine, load_machine};
pub(super) use scale_set::{check_set, joined};
