//! Our own namespaces: Hardline.Console, Hardline.Diagnostics, Hardline.Insights, Hardline.Fleet, Hardline.Identity.
//!
//! What reaches a guest or reads its output requires the same action as Azure's own door to it, so that Azure's roles
//! mean here what they mean there.

use super::scale_sets::INSTANCE_BOOT_DATA;
use super::serial_console::CONNECT;
use super::*;

const PORTS: &str = "Hardline.Console/serialPorts";
const LOGS: &str = "Hardline.Diagnostics/serialLogs";
const SCREENS: &str = "Hardline.Diagnostics/screenshots";
const BOOT_DATA: &str = "Microsoft.Compute/virtualMachines/retrieveBootDiagnosticsData/action";

pub(super) fn rows() -> Vec<Operation> {
    use Audit::{Always, Refusals};
    use OperationId::*;
    use Target::{Collection, Elsewhere, Item, Verb};
    let console = |id, name, method, target, summary| Operation {
        requires: Require::Action(CONNECT),
        ..row(id, name, method, target, Always, summary)
    };
    let diagnostics = |id, name, target, summary| Operation {
        requires: Require::Guest(BOOT_DATA, INSTANCE_BOOT_DATA),
        ..row(id, name, Method::GET, target, Always, summary)
    };
    vec![
        console(
            ConsoleStream,
            "Hardline.Console/serialPorts/stream/action",
            Method::GET,
            Verb(PORTS, "stream"),
            "Open a serial port as a WebSocket",
        ),
        console(
            ConsoleSession,
            "Hardline.Console/serialPorts/session/action",
            Method::GET,
            Elsewhere,
            "A console session, from its first byte to its end",
        ),
        console(
            ConsoleNmi,
            "Hardline.Console/serialPorts/nmi/action",
            Method::POST,
            Verb(PORTS, "nmi"),
            "Send a non-maskable interrupt",
        ),
        console(
            ConsoleReset,
            "Hardline.Console/serialPorts/reset/action",
            Method::POST,
            Verb(PORTS, "reset"),
            "Reset the machine at once",
        ),
        console(
            ConsoleSysRq,
            "Hardline.Console/serialPorts/sysrq/action",
            Method::POST,
            Verb(PORTS, "sysrq"),
            "Send a SysRq key",
        ),
        console(
            ConsoleBreak,
            "Hardline.Console/serialPorts/break/action",
            Method::POST,
            Verb(PORTS, "break"),
            "Send a BREAK on the serial line",
        ),
        diagnostics(
            SerialLogGet,
            "Hardline.Diagnostics/serialLogs/read",
            Item(LOGS),
            "What is kept of a serial log: offsets, boots, gaps",
        ),
        diagnostics(
            SerialLogContent,
            "Hardline.Diagnostics/serialLogs/content/action",
            Verb(LOGS, "content"),
            "The bytes of a serial log, with its live end",
        ),
        diagnostics(
            ScreenshotContent,
            "Hardline.Diagnostics/screenshots/content/action",
            Verb(SCREENS, "content"),
            "The display as it is now",
        ),
        Operation {
            requires: Require::Action("Microsoft.Insights/eventtypes/values/read"),
            ..row(
                EventRecordList,
                "Hardline.Insights/eventRecords/read",
                Method::GET,
                Collection("Hardline.Insights/eventRecords"),
                Refusals,
                "Fetch activity events as an Event Hub's records",
            )
        },
        row(
            MetricsGet,
            "Hardline.Insights/metrics/read",
            Method::GET,
            Collection("Hardline.Insights/metrics"),
            Refusals,
            "How far exports and detection rules have come, for Prometheus",
        ),
        row(
            HostList,
            "Hardline.Fleet/hosts/read",
            Method::GET,
            Collection("Hardline.Fleet/hosts"),
            Refusals,
            "List the hosts and what they can do",
        ),
        Operation {
            requires: Require::SignedIn,
            ..row(
                DeviceCodeFind,
                "Hardline.Identity/findDeviceCode/action",
                Method::POST,
                Verb("Hardline.Identity", "findDeviceCode"),
                Refusals,
                "Who waits for a device code to be answered",
            )
        },
        Operation {
            requires: Require::SignedIn,
            ..row(
                DeviceCodeAnswer,
                "Hardline.Identity/answerDeviceCode/action",
                Method::POST,
                Verb("Hardline.Identity", "answerDeviceCode"),
                Always,
                "Sign a waiting device in as oneself, or refuse it",
            )
        },
    ]
}
