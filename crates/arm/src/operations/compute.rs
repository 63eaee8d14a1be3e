//! Microsoft.Compute: virtual machines and their long-running operations.

use super::*;

const VMS: &str = "Microsoft.Compute/virtualMachines";
const READ: &str = "Microsoft.Compute/virtualMachines/read";
const WRITE: &str = "Microsoft.Compute/virtualMachines/write";

pub(super) fn rows() -> Vec<Operation> {
    use Audit::{Always, Refusals};
    use OperationId::*;
    use Target::{Collection, Item, Verb};
    let post = |id, name, verb, summary| row(id, name, Method::POST, Verb(VMS, verb), Always, summary);
    vec![
        Operation {
            requires: Require::Visible(READ),
            ..row(
                VmList,
                "Microsoft.Compute/virtualMachines/list/read",
                Method::GET,
                Collection(VMS),
                Refusals,
                "List virtual machines",
            )
        },
        row(VmGet, READ, Method::GET, Item(VMS), Refusals, "Get a virtual machine"),
        row(VmPut, WRITE, Method::PUT, Item(VMS), Always, "Create or update a virtual machine"),
        row(VmPatch, WRITE, Method::PATCH, Item(VMS), Always, "Change parts of a virtual machine"),
        row(
            VmDelete,
            "Microsoft.Compute/virtualMachines/delete",
            Method::DELETE,
            Item(VMS),
            Always,
            "Delete a virtual machine",
        ),
        row(
            VmInstanceView,
            "Microsoft.Compute/virtualMachines/instanceView/read",
            Method::GET,
            Verb(VMS, "instanceView"),
            Refusals,
            "The run-time state of a virtual machine",
        ),
        post(VmStart, "Microsoft.Compute/virtualMachines/start/action", "start", "Start a virtual machine"),
        post(
            VmPowerOff,
            "Microsoft.Compute/virtualMachines/powerOff/action",
            "powerOff",
            "Power a virtual machine off",
        ),
        post(
            VmRestart,
            "Microsoft.Compute/virtualMachines/restart/action",
            "restart",
            "Restart a virtual machine",
        ),
        post(
            VmDeallocate,
            "Microsoft.Compute/virtualMachines/deallocate/action",
            "deallocate",
            "Power a virtual machine off and release its host",
        ),
        post(
            VmRetrieveBootDiagnosticsData,
            "Microsoft.Compute/virtualMachines/retrieveBootDiagnosticsData/action",
            "retrieveBootDiagnosticsData",
            "SAS URIs of the boot screenshot and serial log",
        ),
        row(
            ComputeOperationGet,
            "Microsoft.Compute/locations/operations/read",
            Method::GET,
            Item("Microsoft.Compute/locations/operations"),
            Refusals,
            "The state of a long-running operation",
        ),
    ]
}
