//! Everything printed so far, stored: what a clean stop waits for.

use crate::hosts::vm_line;
use crate::state::State;
use hardline_store::db::vms;
use std::time::Duration;

/// Has every connected host seal its logs, and returns when they are stored, or after `limit`. What is not stored then is
/// not lost: the hosts keep it until it is.
pub async fn settle(state: &State, limit: Duration) {
    let all = async {
        let Ok(machines) = vms::list(&state.store).await else { return };
        for machine in machines {
            let Ok(line) = vm_line(state, &machine.vm_id).await else { continue };
            if let Ok(end) = line.seal(0).await {
                state.serial.stored(state, &machine.vm_id, 0, end).await;
            }
        }
    };
    if tokio::time::timeout(limit, all).await.is_err() {
        tracing::warn!("not every serial log could be stored in time; the hosts keep the rest");
    }
}
