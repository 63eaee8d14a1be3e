//! The hosts: their lines, desired against observed state.

use crate::state::State;
use hardline_agent_api::HostAgentClient;

/// The hosts that are connected.
#[derive(Debug, Default)]
pub struct Hosts {}

impl Hosts {
    /// No host is connected yet.
    pub fn new() -> Self {
        Self {}
    }
}

/// Starts the background tasks (the agents' listener among them, when configured). Called once, when the state is made.
pub async fn start(_state: &State) -> Result<(), crate::server::StartError> {
    Ok(())
}

/// Takes a connected host: describes it, keeps its VMs as desired, listens to its observations until the line breaks.
pub async fn adopt(_state: &State, _client: HostAgentClient) -> Result<(), tonic::Status> {
    Ok(())
}
