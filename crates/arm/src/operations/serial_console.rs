//! Microsoft.SerialConsole: the right to type, and the switch of a whole subscription.

use super::*;

/// The action that every way to a guest's serial port requires.
pub(super) const CONNECT: &str = "Microsoft.SerialConsole/serialPorts/connect/action";

const SERVICE_READ: &str = "Microsoft.SerialConsole/consoleServices/read";
const READ: &str = "Microsoft.SerialConsole/serialPorts/read";
const PORTS: &str = "Microsoft.SerialConsole/serialPorts";
const SERVICES: &str = "Microsoft.SerialConsole/consoleServices";

pub(super) fn rows() -> Vec<Operation> {
    vec![
        // Whoever may open a console somewhere in the subscription asks this first (contract 4.2).
        Operation {
            requires: Require::Member(SERVICE_READ),
            ..row(
                OperationId::ConsoleServiceGet,
                SERVICE_READ,
                Method::GET,
                Target::Item(SERVICES),
                Audit::Refusals,
                "Whether consoles may be opened in a subscription",
            )
        },
        row(
            OperationId::ConsoleServiceEnable,
            "Microsoft.SerialConsole/consoleServices/enableConsole/action",
            Method::POST,
            Target::Verb(SERVICES, "enableConsole"),
            Audit::Always,
            "Consoles may be opened in a subscription",
        ),
        row(
            OperationId::ConsoleServiceDisable,
            "Microsoft.SerialConsole/consoleServices/disableConsole/action",
            Method::POST,
            Target::Verb(SERVICES, "disableConsole"),
            Audit::Always,
            "No console may be opened in a subscription; open ones end",
        ),
        Operation {
            requires: Require::Action(READ),
            ..row(
                OperationId::SerialPortList,
                "Microsoft.SerialConsole/serialPorts/list/read",
                Method::GET,
                Target::Collection(PORTS),
                Audit::Refusals,
                "The serial ports of a virtual machine",
            )
        },
        row(
            OperationId::SerialPortGet,
            READ,
            Method::GET,
            Target::Item(PORTS),
            Audit::Refusals,
            "A serial port",
        ),
        row(
            OperationId::SerialPortPut,
            "Microsoft.SerialConsole/serialPorts/write",
            Method::PUT,
            Target::Item(PORTS),
            Audit::Always,
            "Whether consoles may be opened at a serial port",
        ),
        row(
            OperationId::SerialPortDelete,
            "Microsoft.SerialConsole/serialPorts/delete",
            Method::DELETE,
            Target::Item(PORTS),
            Audit::Always,
            "A serial port is as it was before it was set: consoles may be opened at it",
        ),
        row(
            OperationId::SerialPortConnect,
            CONNECT,
            Method::POST,
            Target::Verb(PORTS, "connect"),
            Audit::Always,
            "A connection string for a serial port",
        ),
    ]
}
