//! The resource provider `hardline`. Each function answers one row of the table.

mod hosts;

pub use hosts::host_list;

super::unbuilt! {
    console_stream,
    console_nmi,
    console_reset,
    console_sysrq,
    console_break,
    serial_log_get,
    serial_log_content,
    screenshot_content,
}
