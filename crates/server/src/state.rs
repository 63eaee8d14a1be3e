//! What every request and every background task shares.

use crate::auth::Auth;
use crate::blob::Refusals;
use crate::clock::Clock;
use crate::config::Config;
use crate::detection::Detection;
use crate::hosts::Hosts;
use crate::places::Places;
use crate::random::Random;
use crate::serial::Serial;
use hardline_store::{Db, Objects};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The shared state, as it is handed around.
pub type State = Arc<AppState>;

/// Everything shared; made once by [`crate::Server::start`].
pub struct AppState {
    /// The operator's decisions.
    pub config: Config,
    /// `https://localhost:8443`, with the port that was really bound and no slash at the end. URLs that outlive a request
    /// (SAS, long-running operations) are built on the request's own base, which defaults to this.
    pub public_url: String,
    /// The records.
    pub store: Db,
    /// The objects.
    pub objects: Objects,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Ids and secrets.
    pub random: Arc<dyn Random>,
    /// Tokens, principals, roles.
    pub auth: Auth,
    /// The hosts' lines and what they last said.
    pub hosts: Hosts,
    /// The serial ports: seats, sessions, logs.
    pub serial: Serial,
    /// The detection rules.
    pub detection: Detection,
    /// Where addresses are.
    pub places: Places,
    /// How often refusals at storage accounts were recorded.
    pub refusals: Refusals,
    /// Cancelled when the server is to stop.
    pub shutdown: CancellationToken,
    /// Every background task; the server waits for them when it stops.
    pub tasks: TaskTracker,
}

impl AppState {
    /// Runs a task until it ends or the server stops, and has the server wait for it.
    pub fn spawn<F>(&self, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = task => {}
            }
        });
    }
}

impl std::fmt::Debug for AppState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AppState").field("public_url", &self.public_url).finish_non_exhaustive()
    }
}
