//! The resource provider `serial_console`. Each function answers one row of the table.

super::unbuilt! {
    connect,
}
