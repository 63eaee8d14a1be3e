//! The resource providers: one folder for each namespace, one function for each row of the table.

/// Handlers that are still to be written.
macro_rules! unbuilt {
    ($($name:ident,)*) => {
        $(
            /// Not built yet.
            pub async fn $name(
                _cx: &crate::pipeline::Cx,
                allowed: &crate::auth::Allowed,
                _body: &bytes::Bytes,
            ) -> Result<crate::pipeline::Recorded, hardline_arm::error::ArmError> {
                Err(hardline_arm::error::ArmError::new(
                    http::StatusCode::NOT_IMPLEMENTED,
                    "NotImplemented",
                    allowed.operation.name,
                ))
            }
        )*
    };
}
pub(crate) use unbuilt;

pub mod authorization;
pub mod compute;
pub mod hardline;
pub mod insights;
pub mod resources;
pub mod serial_console;
