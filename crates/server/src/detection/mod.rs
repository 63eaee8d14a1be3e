//! Detection: rules over the activity log, run on their schedule, and what becomes of their alerts.
//!
//! ```text
//!   rules ──installed──► due? ──lease──► windows ──events──► engine ──┐
//!                                                                     ▼
//!   webhooks ◄──deliveries── one transaction: alerts, deliveries, how far the rule came
//! ```
//!
//! A run that is cut off leaves nothing and is done again; alerts have ids that say what they are about, so that what two
//! windows or two servers find is one alert.

pub mod events;
pub mod facts;
pub mod installed;
pub mod report;
mod runner;
mod surroundings;
mod trial;
mod webhooks;

pub use runner::run_due;
pub use surroundings::lint;
pub use trial::{TrialError, Tried, try_rule};

use crate::state::State;
use tokio::sync::Notify;

/// What wakes the rules.
#[derive(Debug, Default)]
pub struct Detection {
    /// Rules changed.
    changed: Notify,
    /// Alerts were raised.
    raised: Notify,
}

impl Detection {
    /// Something about the rules changed.
    pub fn wake(&self) {
        self.changed.notify_one();
    }
}

/// Starts the tasks that run the rules and deliver the alerts.
pub fn start(state: &State) {
    let shared = state.clone();
    state.spawn(async move {
        let mut timer = tokio::time::interval(shared.config.limits.detection);
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = timer.tick() => {}
                () = shared.detection.changed.notified() => {}
            }
            if let Err(error) = run_due(&shared).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "detection rules could not be run");
            }
        }
    });
    webhooks::start(state);
}
