//! What a console session needs to know of its virtual machine: whether it runs, and the way to its host.

use crate::hosts::{HostError, Live};
use crate::state::State;
use hardline_agent_api::HostAgentClient;
use tokio::sync::watch;
use tonic::Status;

/// A change that concerns a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It is in this state now; the session goes on.
    State(String),
    /// It stopped; the reason in words.
    Stopped(String),
    /// It was removed.
    Removed,
}

/// Looks for changes of one machine.
#[derive(Debug)]
pub struct Watch {
    live: watch::Receiver<Live>,
    last: String,
    closed: bool,
}

/// Begins with the state that is known now, which is no change - unless the machine has stopped by now.
pub fn watch(state: &State, vm_id: &str) -> Watch {
    let mut live = state.hosts.watch(vm_id);
    let mut last = live.borrow_and_update().observed.state.clone();
    if matches!(last.as_str(), "stopped" | "failed") || live.borrow().removed {
        last.clear();
        live.mark_changed();
    }
    Watch { live, last, closed: false }
}

/// The state in one word.
pub fn state(state: &State, vm_id: &str) -> String {
    state.hosts.live(vm_id).map(|live| live.observed.state).unwrap_or_default()
}

impl Watch {
    /// The next change. Cancel-safe.
    pub async fn changed(&mut self) -> Seen {
        loop {
            if self.closed {
                return std::future::pending().await;
            }
            if self.live.changed().await.is_err() {
                // Nobody can speak of the machine any more: its row was forgotten.
                self.closed = true;
                return Seen::Removed;
            }
            let live = self.live.borrow_and_update().clone();
            if live.removed {
                self.closed = true;
                return Seen::Removed;
            }
            if live.observed.state == self.last || live.observed.state.is_empty() {
                continue;
            }
            self.last.clone_from(&live.observed.state);
            return match (live.observed.state.as_str(), live.observed.guest_shutdown) {
                ("stopped", true) => Seen::Stopped("the guest has powered itself off".into()),
                ("stopped", false) => Seen::Stopped("the virtual machine was stopped".into()),
                ("failed", _) => {
                    Seen::Stopped(format!("the virtual machine cannot run: {}", live.observed.message))
                }
                (word, _) => Seen::State(word.into()),
            };
        }
    }
}

/// A client of the machine's host.
///
/// # Errors
/// `unavailable` while the host is away, `not found` when the machine has none.
pub async fn client(state: &State, vm_id: &str) -> Result<HostAgentClient, Status> {
    match crate::hosts::vm_line(state, vm_id).await {
        Ok(line) => Ok(line.client),
        Err(HostError::NoHost) => Err(Status::not_found("no host has this virtual machine")),
        Err(away) => Err(Status::unavailable(away.to_string())),
    }
}
