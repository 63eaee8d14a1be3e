//! The resource provider `compute`. Each function answers one row of the table.

super::unbuilt! {
    vm_list,
    vm_get,
    vm_put,
    vm_patch,
    vm_delete,
    vm_instance_view,
    vm_start,
    vm_power_off,
    vm_restart,
    vm_deallocate,
    vm_retrieve_boot_diagnostics_data,
    operation_get,
}
