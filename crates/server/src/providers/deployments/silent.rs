//! Deployments whose server went away: they fail, so that nobody waits for ever.

use super::deployment::end;
use super::runner::BEAT;
use crate::clock::micros;
use crate::state::State;
use hardline_arm::error::ArmError;
use hardline_store::StoreError;
use hardline_store::db::deployments;
use http::StatusCode;
use std::time::Duration;

/// After so long without a beat nobody carries a deployment out any more.
const SILENCE: Duration = Duration::from_secs(30);

/// Starts the task that looks for them.
pub fn start(state: &State) {
    let shared = state.clone();
    state.spawn(async move {
        let mut timer = tokio::time::interval(BEAT);
        loop {
            timer.tick().await;
            if let Err(error) = sweep(&shared).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "deployments could not be looked at"
                );
            }
        }
    });
}

async fn sweep(state: &State) -> Result<(), StoreError> {
    let silence = i64::try_from(SILENCE.as_micros()).unwrap_or(i64::MAX);
    let before = micros(state.clock.now()).saturating_sub(silence);
    for deployment in deployments::silent(&state.store, before).await? {
        let text = "The server that carried out the deployment went away. What was deployed stays; deploy again to go on.";
        let error = ArmError::new(StatusCode::CONFLICT, "DeploymentInterrupted", text);
        let mut tx = state.store.begin().await?;
        if end(state, &mut tx, &deployment, "Failed", error).await? {
            tracing::warn!(deployment = deployment.id, "a deployment was interrupted");
        }
        tx.commit().await?;
    }
    Ok(())
}
