//! The hosts: their lines, desired against observed state.
//!
//! ```text
//!   agent ──dials──> listener ──┐
//!   agent in this process ──────┴─> session ──┬─> observe ──> store: vms.observation, long-running operations end
//!                                             └─> reconcile <── store: vms.{power, generation, spec}
//!   handlers:  change a row, commit, wake();   vm_line(vm) for acts, screenshots, consoles, logs
//! ```
//!
//! Desired state is in the store only, observed state comes from the hosts only. A host that is away keeps doing what it was
//! told last; what was changed meanwhile reaches it when it is back.

mod line;
mod listener;
mod observed;
mod placement;
mod reconcile;
mod registry;
mod session;
mod spec;

pub use line::{HostError, VmLine};
pub use observed::Observed;
pub use placement::{images, place};
pub use registry::{ConnectedHost, Hosts, Live};
pub use session::TakeError;
pub use spec::{Desired, DesiredDriver, PasswordHash, STOP_GRACE};

use crate::server::StartError;
use crate::state::State;
use hardline_agent_api::HostAgentClient;
use hardline_store::StoreError;
use hardline_store::db::vms;

/// Starts the background tasks (the agents' listener among them, when configured). Called once, when the state is made.
pub async fn start(state: &State) -> Result<(), StartError> {
    if let Some(config) = &state.config.agent_listen {
        let address = listener::listen(state, config).await?;
        state.hosts.set_agent_address(address);
    }
    reap(state).await?;
    Ok(())
}

/// Takes a host that is reached without a socket. When this returns it is on the list, and its VMs are being looked after
/// until [`ConnectedHost::gone`].
pub async fn adopt(state: &State, client: HostAgentClient) -> Result<ConnectedHost, TakeError> {
    session::take(state, client, None).await
}

/// The line to the host of a VM.
pub async fn vm_line(state: &State, vm_id: &str) -> Result<VmLine, HostError> {
    let row = vms::get(&state.store, vm_id).await?.ok_or(HostError::NoHost)?;
    let host_id = row.host_id.ok_or(HostError::NoHost)?;
    let host = state.hosts.host(&host_id).ok_or(HostError::Away)?;
    Ok(VmLine { vm_id: row.vm_id, client: host.client })
}

/// Forgets deleted VMs that were never placed: no host will answer for them.
async fn reap(state: &State) -> Result<(), StoreError> {
    let unplaced = vms::list(&state.store)
        .await?
        .into_iter()
        .filter(|r| r.resource_key.is_none() && r.host_id.is_none());
    for row in unplaced {
        reconcile::forget(state, &row.vm_id).await?;
    }
    Ok(())
}
