//! The rules that ship with the program.

/// A rule as it ships.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shipped {
    /// The file's name.
    pub file: &'static str,
    /// Its text.
    pub text: &'static str,
    /// Whether it is on from the first start; the others wait to be switched on.
    pub on: bool,
}

macro_rules! rule {
    ($file:literal, $on:literal) => {
        Shipped { file: $file, text: include_str!(concat!("../../rules/", $file)), on: $on }
    };
}

/// All of them.
pub const SHIPPED: &[Shipped] = &[
    rule!("boot_diagnostics_retrieved.toml", true),
    rule!("boot_diagnostics_retrieved_new_identity.toml", true),
    rule!("scale_set_boot_diagnostics_retrieved.toml", false),
    rule!("serial_console_new_identity.toml", false),
    rule!("console_taken_over.toml", false),
    rule!("boot_diagnostics_disabled.toml", false),
    rule!("console_enabled_at_subscription.toml", false),
    rule!("storage_firewall_opened.toml", false),
    rule!("many_serial_logs_read.toml", false),
];
