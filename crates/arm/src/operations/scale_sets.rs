//! Microsoft.Compute: virtual machine scale sets and their instances.

use super::*;

const SETS: &str = "Microsoft.Compute/virtualMachineScaleSets";
const SET_READ: &str = "Microsoft.Compute/virtualMachineScaleSets/read";
const SET_WRITE: &str = "Microsoft.Compute/virtualMachineScaleSets/write";
const INSTANCES: &str = "Microsoft.Compute/virtualMachineScaleSets/virtualMachines";
const INSTANCE_READ: &str = "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/read";
/// The action that every way to an instance's serial log and display requires.
pub(super) const INSTANCE_BOOT_DATA: &str =
    "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/retrieveBootDiagnosticsData/action";

pub(super) fn rows() -> Vec<Operation> {
    [sets(), instances()].concat()
}

fn sets() -> Vec<Operation> {
    use Audit::{Always, Refusals};
    use OperationId::*;
    use Target::{Collection, Item, Verb};
    let post = |id, name, verb, summary| row(id, name, Method::POST, Verb(SETS, verb), Always, summary);
    vec![
        Operation {
            requires: Require::Visible(SET_READ),
            ..row(
                ScaleSetList,
                "Microsoft.Compute/virtualMachineScaleSets/list/read",
                Method::GET,
                Collection(SETS),
                Refusals,
                "List scale sets",
            )
        },
        row(ScaleSetGet, SET_READ, Method::GET, Item(SETS), Refusals, "Get a scale set"),
        row(ScaleSetPut, SET_WRITE, Method::PUT, Item(SETS), Always, "Create, scale or update a scale set"),
        row(ScaleSetPatch, SET_WRITE, Method::PATCH, Item(SETS), Always, "Change parts of a scale set"),
        row(
            ScaleSetDelete,
            "Microsoft.Compute/virtualMachineScaleSets/delete",
            Method::DELETE,
            Item(SETS),
            Always,
            "Delete a scale set with its instances",
        ),
        row(
            ScaleSetInstanceView,
            "Microsoft.Compute/virtualMachineScaleSets/instanceView/read",
            Method::GET,
            Verb(SETS, "instanceView"),
            Refusals,
            "How many instances of a scale set are in which state",
        ),
        post(
            ScaleSetStart,
            "Microsoft.Compute/virtualMachineScaleSets/start/action",
            "start",
            "Start instances of a scale set",
        ),
        post(
            ScaleSetPowerOff,
            "Microsoft.Compute/virtualMachineScaleSets/powerOff/action",
            "powerOff",
            "Power instances of a scale set off",
        ),
        post(
            ScaleSetRestart,
            "Microsoft.Compute/virtualMachineScaleSets/restart/action",
            "restart",
            "Restart instances of a scale set",
        ),
        post(
            ScaleSetDeallocate,
            "Microsoft.Compute/virtualMachineScaleSets/deallocate/action",
            "deallocate",
            "Power instances of a scale set off and release their hosts",
        ),
        post(
            ScaleSetDeleteInstances,
            "Microsoft.Compute/virtualMachineScaleSets/delete/action",
            "delete",
            "Delete instances of a scale set",
        ),
        post(
            ScaleSetManualUpgrade,
            "Microsoft.Compute/virtualMachineScaleSets/manualUpgrade/action",
            "manualupgrade",
            "Give instances the scale set's present model",
        ),
    ]
}

fn instances() -> Vec<Operation> {
    use Audit::{Always, Refusals};
    use OperationId::*;
    use Target::{Collection, Item, Verb};
    let post = |id, name, verb, summary| row(id, name, Method::POST, Verb(INSTANCES, verb), Always, summary);
    vec![
        Operation {
            requires: Require::Action(INSTANCE_READ),
            ..row(
                InstanceList,
                "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/list/read",
                Method::GET,
                Collection(INSTANCES),
                Refusals,
                "List the instances of a scale set",
            )
        },
        row(InstanceGet, INSTANCE_READ, Method::GET, Item(INSTANCES), Refusals, "Get an instance"),
        row(
            InstanceDelete,
            "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/delete",
            Method::DELETE,
            Item(INSTANCES),
            Always,
            "Delete an instance",
        ),
        row(
            InstanceInstanceView,
            "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/instanceView/read",
            Method::GET,
            Verb(INSTANCES, "instanceView"),
            Refusals,
            "The run-time state of an instance",
        ),
        post(
            InstanceStart,
            "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/start/action",
            "start",
            "Start an instance",
        ),
        post(
            InstancePowerOff,
            "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/powerOff/action",
            "powerOff",
            "Power an instance off",
        ),
        post(
            InstanceRestart,
            "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/restart/action",
            "restart",
            "Restart an instance",
        ),
        post(
            InstanceDeallocate,
            "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/deallocate/action",
            "deallocate",
            "Power an instance off and release its host",
        ),
        post(
            InstanceRetrieveBootDiagnosticsData,
            INSTANCE_BOOT_DATA,
            "retrieveBootDiagnosticsData",
            "SAS URIs of an instance's boot screenshot and serial log",
        ),
    ]
}
