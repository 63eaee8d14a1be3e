//! The resource provider `Microsoft.Compute`. Each function answers one row of the table.
//!
//! A VM is two records: its resource (the document) and its row in `vms` (what its host is told). Both change in one
//! transaction with the activity events and the long-running operation; then the hosts' sessions are woken. An instance of a
//! scale set is a VM in this sense (`scale_sets`).

mod boot_diagnostics;
mod delete;
mod images;
mod list;
mod new_machine;
mod operation;
mod password;
mod power;
mod put;
mod scale_sets;
mod virtual_machine;

pub use boot_diagnostics::{refresh as refresh_boot_diagnostics, vm_retrieve_boot_diagnostics_data};
pub use delete::{delete_group_vms, vm_delete};
pub use images::{
    compute_sku_list, image_offer_list, image_publisher_list, image_sku_list, image_version_get,
    image_version_list, vm_resize_option_list, vm_size_list,
};
pub use list::{vm_get, vm_instance_view, vm_list};
pub use operation::operation_get;
pub use power::{vm_deallocate, vm_power_off, vm_restart, vm_start};
pub use put::{vm_patch, vm_put};
pub use scale_sets::{
    instance_get, instance_instance_view, instance_list, scale_set_deallocate, scale_set_delete,
    scale_set_delete_instances, scale_set_get, scale_set_instance_view, scale_set_list,
    scale_set_manual_upgrade, scale_set_patch, scale_set_power_off, scale_set_put, scale_set_restart,
    scale_set_start,
};
pub use virtual_machine::{VirtualMachine, find};
