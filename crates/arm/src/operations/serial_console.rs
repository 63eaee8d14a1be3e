//! Microsoft.SerialConsole: the right to type.

use super::*;

/// The action that every way to a guest's serial port requires.
pub(super) const CONNECT: &str = "Microsoft.SerialConsole/serialPorts/connect/action";

pub(super) fn rows() -> Vec<Operation> {
    vec![row(
        OperationId::SerialPortConnect,
        CONNECT,
        Method::POST,
        Target::Verb("Microsoft.SerialConsole/serialPorts", "connect"),
        Audit::Always,
        "A connection string for a serial port",
    )]
}
