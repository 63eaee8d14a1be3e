//! Serial ports: seats, sessions, the log's segments.

use crate::pipeline::Cx;
use crate::reply::Reply;
use crate::state::State;
use bytes::Bytes;
use hardline_arm::error::ArmError;

/// What is known of every port.
#[derive(Debug, Default)]
pub struct Serial {}

impl Serial {
    /// Nothing is open yet.
    pub fn new() -> Self {
        Self {}
    }
}

/// Starts the background tasks. Called once, when the state is made.
pub async fn start(_state: &State) -> Result<(), crate::server::StartError> {
    Ok(())
}

/// `GET /console/sessions/{session}/client` as a WebSocket.
pub async fn open_session(_cx: &Cx, _session: &str) -> Result<Reply, ArmError> {
    Err(ArmError::not_found("not built yet"))
}

/// `POST /console/sessions/{session}/adminCommand/{command}`.
pub async fn admin_command(_cx: &Cx, _session: &str, _command: &str, _body: Bytes) -> Result<Reply, ArmError> {
    Err(ArmError::not_found("not built yet"))
}
