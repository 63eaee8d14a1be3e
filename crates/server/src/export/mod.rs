//! Events leave: to every sink that a diagnostic setting names, each at least once, in the order of writing per resource.
//!
//! ```text
//! activity_events ── runner: after the setting's place ──► items ──► sink ──► verdicts ──► place, counts, dead letters
//!                       ▲                                             │
//!                       └──── pause, longer each time ◄── failure ────┘
//! ```
//!
//! A setting has one runner, on one server at a time (its holder). The place is written after the sink has taken what is before
//! it, so that whatever dies, nothing is lost; what was sent and not noted is sent again. A sink that is away holds up nothing
//! but its own runner: the log is the queue.

mod elasticsearch;
mod file;
mod item;
mod profile;
mod runner;
mod sink;
mod syslog;
mod webhook;

pub use profile::{Authentication, Kind, Mode, Profile};

use crate::state::State;
use hardline_store::StoreError;
use hardline_store::db::diagnostic_settings;
use std::collections::HashMap;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A runner, by its setting's id.
struct Running {
    revision: i64,
    task: JoinHandle<()>,
    _stop: DropGuard,
}

/// Starts the task that keeps a runner for each setting.
pub fn start(state: &State) {
    let shared = state.clone();
    state.spawn(async move {
        let mut runners = HashMap::new();
        let mut timer = tokio::time::interval(shared.config.limits.sink_look);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            timer.tick().await;
            if let Err(error) = tend(&shared, &mut runners).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "diagnostic settings could not be read"
                );
            }
        }
    });
}

/// Stops the runners of settings that are gone or were changed, and starts those that are missing.
async fn tend(state: &State, runners: &mut HashMap<String, Running>) -> Result<(), StoreError> {
    let settings = diagnostic_settings::all(&state.store).await?;
    runners.retain(|id, running| {
        let current = settings.iter().any(|s| s.id == *id && s.revision == running.revision);
        current && !running.task.is_finished()
    });
    for setting in settings {
        if runners.contains_key(&setting.id) {
            continue;
        }
        let stop = CancellationToken::new();
        let (id, revision) = (setting.id.clone(), setting.revision);
        let task = state.tasks.spawn(runner::run(state.clone(), setting, stop.clone()));
        runners.insert(id, Running { revision, task, _stop: stop.drop_guard() });
    }
    Ok(())
}
