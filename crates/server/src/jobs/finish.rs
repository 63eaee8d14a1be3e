//! What ends a long-running operation.

use crate::clock::micros;
use crate::record::{self, Outcome};
use crate::state::State;
use hardline_arm::activity::Deed;
use hardline_arm::error::ArmError;
use hardline_store::db::async_operations::{self, AsyncOperation, Waiting};
use hardline_store::{StoreError, Tx};
use http::StatusCode;
use std::time::Duration;

/// How long the state of an operation that has ended can be asked for: a day, microseconds.
const KEPT: i64 = 24 * 3600 * 1_000_000;

/// How often deadlines are looked at.
const SWEEP: Duration = Duration::from_secs(15);

/// Ends the operation `id` in a transaction of its own. One that has ended before is left as it is.
pub async fn finish(state: &State, id: &str, outcome: Outcome) -> Result<(), StoreError> {
    let mut tx = state.store.begin().await?;
    if let Some(operation) = async_operations::get(&mut tx, id).await? {
        finish_in(state, &mut tx, &operation, &outcome).await?;
    }
    tx.commit().await
}

/// Ends `operation` inside a transaction, with its end event. One that has ended before is left as it is.
pub async fn finish_in(
    state: &State,
    tx: &mut Tx,
    operation: &AsyncOperation,
    outcome: &Outcome,
) -> Result<(), StoreError> {
    let now = state.clock.now();
    let (status, error) = match outcome {
        Outcome::Succeeded(_) => ("Succeeded", None),
        Outcome::Failed(error) => ("Failed", Some(error.body().to_string())),
    };
    if !async_operations::finish(tx, &operation.id, status, error.as_deref(), micros(now)).await? {
        return Ok(());
    }
    let deed: Deed = serde_json::from_str(&operation.deed)
        .map_err(|e| StoreError::Damaged(format!("the deed of operation {}: {e}", operation.id)))?;
    record::end(state, tx, &deed, now, outcome).await
}

/// Tells the operations that wait for `vm_id` what was observed of it: `state` is the run state in the words of
/// [`super::Awaits::state`], `generation` what it answers. `failure` is set when the VM cannot be brought there. An operation
/// on several VMs ends when the last one is there, or the first one cannot be. Returns how many operations ended.
pub async fn observed(
    state: &State,
    tx: &mut Tx,
    vm_id: &str,
    generation: i64,
    run_state: &str,
    failure: Option<&str>,
) -> Result<usize, StoreError> {
    let mut ended = 0;
    for Waiting { operation, wait } in async_operations::waiting_for(&mut *tx, vm_id).await? {
        if wait.generation > generation {
            continue;
        }
        let outcome = match failure {
            Some(message) => Outcome::Failed(ArmError::new(StatusCode::CONFLICT, "VMStartFailed", message)),
            None if wait.state.is_empty() || wait.state == run_state => {
                if async_operations::arrived(&mut *tx, &operation.id, vm_id).await? > 0 {
                    continue;
                }
                Outcome::Succeeded(StatusCode::OK)
            }
            None => continue,
        };
        finish_in(state, tx, &operation, &outcome).await?;
        ended += 1;
    }
    Ok(ended)
}

/// Starts the task that fails operations past their deadline and forgets those that ended long ago.
pub fn start(state: &State) {
    let shared = state.clone();
    state.spawn(async move {
        let mut timer = tokio::time::interval(SWEEP);
        loop {
            timer.tick().await;
            if let Err(error) = sweep(&shared).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "deadlines could not be looked at");
            }
        }
    });
}

async fn sweep(state: &State) -> Result<(), StoreError> {
    let now = micros(state.clock.now());
    let mut tx = state.store.begin().await?;
    async_operations::forget(&mut tx, now.saturating_sub(KEPT)).await?;
    tx.commit().await?;
    let late = async_operations::overdue(&state.store, now).await?;
    for operation in late {
        tracing::warn!(
            operation = operation.id,
            kind = operation.kind,
            "a long-running operation passed its deadline"
        );
        let error = ArmError::new(
            StatusCode::CONFLICT,
            "OperationTimedOut",
            "The operation did not finish in time. The host may be away; the desired state is kept and will be reached when it is back.",
        );
        finish(state, &operation.id, Outcome::Failed(error)).await?;
    }
    Ok(())
}
