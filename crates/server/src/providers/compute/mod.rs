//! The resource provider `Microsoft.Compute`. Each function answers one row of the table.
//!
//! A VM is two records: its resource (the document) and its row in `vms` (what its host is told). Both change in one
//! transaction with the activity events and the long-running operation; then the hosts' sessions are woken.

mod boot_diagnostics;
mod delete;
mod list;
mod operation;
mod password;
mod power;
mod put;
mod virtual_machine;

pub use boot_diagnostics::vm_retrieve_boot_diagnostics_data;
pub use delete::{delete_group_vms, vm_delete};
pub use list::{vm_get, vm_instance_view, vm_list};
pub use operation::operation_get;
pub use power::{vm_deallocate, vm_power_off, vm_restart, vm_start};
pub use put::{vm_patch, vm_put};
pub use virtual_machine::{VirtualMachine, find};
