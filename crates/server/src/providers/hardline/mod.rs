//! The resource providers that are ours: `Hardline.Console`, `Hardline.Diagnostics`, `Hardline.Fleet`,
//! `Hardline.Identity`.

mod console;
mod device_codes;
mod diagnostics;
mod hosts;

pub use console::{console_break, console_nmi, console_reset, console_stream, console_sysrq};
pub use device_codes::{device_code_answer, device_code_find};
pub use diagnostics::{screenshot_content, serial_log_content, serial_log_get};
pub use hosts::host_list;
