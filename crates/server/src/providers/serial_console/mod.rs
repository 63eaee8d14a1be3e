//! The resource provider `Microsoft.SerialConsole`: the door that Azure's clients use.

mod connect;

pub use connect::connect;
pub(crate) use connect::mode;
