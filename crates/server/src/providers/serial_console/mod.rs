//! The resource provider `Microsoft.SerialConsole`: the door that Azure's clients use.

mod connect;
mod ports;
mod service;

pub use connect::connect;
pub(crate) use connect::mode;
pub use ports::{port_delete, port_get, port_list, port_put};
pub use service::{service_disable, service_enable, service_get};
