//! Serial ports: the seat and who is on it ([`hub`], [`seat`]), sessions on sockets ([`sessions`], [`session`]), and the log
//! ([`ingest`] writes it, [`log`] reads it).

pub mod hub;
pub mod ingest;
mod input;
pub mod line;
pub mod log;
pub mod machine;
pub mod protocol;
pub mod seat;
pub mod session;
pub mod sessions;
mod settle;
pub mod switch;
pub mod target;

pub use sessions::{admin_command, open as open_session};
pub use settle::settle;

use crate::blob::content::Layouts;
use crate::server::StartError;
use crate::state::State;
use hardline_store::StoreError;
use hardline_store::db::serial_logs;
use hub::Hub;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// How often sessions that are over are forgotten.
const SWEEP_EVERY: Duration = Duration::from_secs(600);

/// What is known of every port in this process.
#[derive(Debug, Default)]
pub struct Serial {
    hub: Hub,
    trouble: Mutex<Option<String>>,
    /// Moves with every batch that was stored.
    batches: watch::Sender<u64>,
    layouts: Layouts,
}

impl Serial {
    /// Nothing is open yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Who is on which port.
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// The logs that were read last.
    pub fn layouts(&self) -> &Layouts {
        &self.layouts
    }

    /// Has every session check at once whether it may go on: somebody's rights have changed.
    pub fn check_rights(&self) {
        self.hub.check_rights();
    }

    /// Why serial logs are not stored at present; none when they are.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns when the log of a port is stored up to `end`. For ever, if that never comes: give it a deadline.
    pub async fn stored(&self, state: &State, vm_id: &str, port: u32, end: u64) {
        let mut batches = self.batches.subscribe();
        loop {
            batches.mark_unchanged();
            if log::stored_end(state, vm_id, port).await.is_ok_and(|stored| stored >= end) {
                return;
            }
            // The sender lives as long as we do.
            let _ = batches.changed().await;
        }
    }

    fn batch_stored(&self) {
        self.set_trouble(None);
        self.batches.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn set_trouble(&self, words: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = words;
    }
}

/// Forgets a deleted machine's logs and screenshots: rows first, so that nothing names an object that is gone.
///
/// # Errors
/// When the store fails. What is left then is no longer named by anything.
pub async fn forget(state: &State, vm_id: &str) -> Result<(), StoreError> {
    let mut tx = state.store.begin().await?;
    let keys = serial_logs::forget(&mut tx, vm_id).await?;
    tx.commit().await?;
    state.serial.layouts.forget(vm_id);
    for key in keys {
        state.objects.delete(&key).await?;
    }
    crate::blob::content::forget_screenshots(state, vm_id).await
}

/// Starts the background tasks. Called once, when the state is made.
///
/// # Errors
/// When the store fails.
pub async fn start(state: &State) -> Result<(), StartError> {
    sessions::tidy(state).await?;
    state.spawn(ingest::follow(state.clone()));
    let sweeper = state.clone();
    state.spawn(async move {
        let mut every = tokio::time::interval(SWEEP_EVERY);
        loop {
            every.tick().await;
            if let Err(error) = sessions::sweep(&sweeper).await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "old console sessions could not be forgotten"
                );
            }
        }
    });
    Ok(())
}
