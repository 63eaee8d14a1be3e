//! What a rule remembers from run to run. Written in the transaction of the run's alerts, or not at all.

use super::terms::Key;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Groups that were alerted on, with the time of the last event that the alert counted. Events of a group up to then are not
/// counted again; an entry older than a window says nothing and goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleState {
    /// Milliseconds since 1970, by the group's key.
    #[serde(default)]
    pub groups: BTreeMap<String, i64>,
}

impl RuleState {
    /// What was counted already, as of `from`.
    pub(super) fn covered(&self, key: Key) -> Option<Timestamp> {
        self.groups.get(&key.hex()).and_then(|ms| Timestamp::from_millisecond(*ms).ok())
    }

    pub(super) fn cover(&mut self, key: Key, last: Timestamp) {
        let entry = self.groups.entry(key.hex()).or_insert(i64::MIN);
        *entry = (*entry).max(last.as_millisecond());
    }

    /// Forgets what ends before `from`.
    pub(super) fn prune(&mut self, from: Timestamp) {
        let from = from.as_millisecond();
        self.groups.retain(|_, last| *last >= from);
    }
}
