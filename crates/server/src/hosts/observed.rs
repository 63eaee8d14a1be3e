//! What a host said of a VM, as it is kept in the store and told to waiters.

use hardline_agent_api::v1::{RunState, VmObservation};
use hardline_arm::models::vm::Step;
use serde::{Deserialize, Serialize};

/// The last word of a host on one VM.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Observed {
    /// The generation of the spec that this answers; 0: none yet.
    pub generation: i64,
    /// The power generation that this answers.
    pub power_generation: i64,
    /// The reset generation that this answers.
    pub reset_generation: i64,
    /// `starting`, `running`, `stopping`, `stopped`, `paused`, `failed`, `detached`; empty: never heard of.
    pub state: String,
    /// For people.
    pub message: String,
    /// Stopped because the guest powered itself off.
    pub guest_shutdown: bool,
    /// The present or last boot.
    pub boot_id: String,
    /// When that boot began, microseconds since 1970.
    pub boot_time_us: i64,
    /// The guest reported a panic in this boot.
    pub panicked: bool,
    /// The generation that the host refused to take, with its reason in `message`; 0: none.
    pub refused: i64,
}

impl Observed {
    /// Reads a host's message. Numbers beyond `i64` are not sent by anybody and are cut.
    pub fn from_message(message: &VmObservation) -> Self {
        let cut = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        Self {
            generation: cut(message.generation),
            power_generation: cut(message.power_generation),
            reset_generation: cut(message.reset_generation),
            state: word(message.state()).into(),
            message: message.message.clone(),
            guest_shutdown: message.guest_shutdown,
            boot_id: message.boot_id.clone(),
            boot_time_us: message.boot_time_us,
            panicked: message.panicked,
            refused: 0,
        }
    }

    /// Reads the store's text; what is not there or not readable is "never heard of".
    pub fn from_text(text: Option<&str>) -> Self {
        text.and_then(|t| serde_json::from_str(t).ok()).unwrap_or_default()
    }

    /// The text for the store.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Keeps a refusal that is newer than what this observation answers.
    #[must_use]
    pub fn after(mut self, before: &Self) -> Self {
        if before.refused > self.generation {
            self.refused = before.refused;
            self.message.clone_from(&before.message);
        }
        self
    }

    /// Whether this is about `generation` or a newer one.
    pub fn answers(&self, generation: i64) -> bool {
        self.generation.max(self.refused) >= generation
    }

    /// The step, as the instance view names it.
    pub fn step(&self) -> Step {
        if self.refused > 0 {
            return Step::Failed;
        }
        match self.state.as_str() {
            "starting" => Step::Starting,
            "running" => Step::Running,
            "paused" => Step::Paused,
            "stopping" => Step::Stopping,
            "stopped" => Step::Stopped,
            "failed" => Step::Failed,
            "detached" => Step::Detached,
            _ => Step::Unseen,
        }
    }

    /// The state that long-running operations wait for, where `wanted` is the desired power. A guest that was started and has
    /// powered itself off since was started all the same.
    pub fn reached(&self, wanted: &str) -> &'static str {
        match self.step() {
            Step::Running | Step::Paused => "running",
            Step::Stopped if self.guest_shutdown && wanted == "running" => "running",
            Step::Stopped => "stopped",
            Step::Detached => "detached",
            Step::Unseen | Step::Starting | Step::Stopping | Step::Failed => "",
        }
    }

    /// The message of a VM that cannot be brought to its desired state.
    pub fn failure(&self) -> Option<&str> {
        match (self.step(), self.message.as_str()) {
            (Step::Failed, "") => Some("The host could not bring the virtual machine to its desired state."),
            (Step::Failed, message) => Some(message),
            _ => None,
        }
    }
}

fn word(state: RunState) -> &'static str {
    match state {
        RunState::Unspecified => "",
        RunState::Starting => "starting",
        RunState::Running => "running",
        RunState::Stopping => "stopping",
        RunState::Stopped => "stopped",
        RunState::Paused => "paused",
        RunState::Failed => "failed",
        RunState::Detached => "detached",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_gives_back_what_was_put_in() {
        let observed = Observed {
            generation: 3,
            state: "running".into(),
            boot_id: "b".into(),
            panicked: true,
            ..Observed::default()
        };
        assert_eq!(Observed::from_text(Some(&observed.to_text())), observed);
        assert_eq!(Observed::from_text(Some("{")), Observed::default());
        assert_eq!(Observed::from_text(None).step(), Step::Unseen);
    }

    #[test]
    fn a_refusal_stays_until_something_newer_is_answered() {
        let refused = Observed { refused: 4, message: "no such image".into(), ..Observed::default() };
        let old = Observed { generation: 3, state: "running".into(), ..Observed::default() };
        let kept = old.after(&refused);
        assert_eq!((kept.failure(), kept.answers(4)), (Some("no such image"), true));
        let newer =
            Observed { generation: 4, state: "running".into(), ..Observed::default() }.after(&refused);
        assert_eq!((newer.failure(), newer.reached("running")), (None, "running"));
    }
}
