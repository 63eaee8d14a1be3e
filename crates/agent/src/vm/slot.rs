//! What others may see of a machine at any moment without waiting for its supervisor.

use std::sync::{Arc, Mutex, PoisonError};

use hardline_agent_api::v1::{Observation, RunState, VmObservation, observation};
use tokio::sync::{broadcast, watch};

use crate::{hypervisor::Machine, serial::Port};

/// The last observation of a virtual machine, and the machine itself while it is up.
pub struct Slot {
    /// Its serial port.
    pub port: Arc<Port>,
    /// State "unspecified" until the supervisor has looked for the first time.
    seen: watch::Sender<VmObservation>,
    machine: Mutex<Option<Arc<dyn Machine>>>,
    changes: broadcast::Sender<Observation>,
}

impl Slot {
    /// A slot whose changes go to `changes`.
    pub fn new(vm_id: String, port: Arc<Port>, changes: broadcast::Sender<Observation>) -> Self {
        let seen = watch::Sender::new(VmObservation { vm_id, ..Default::default() });
        Self { port, seen, machine: Mutex::new(None), changes }
    }

    /// The last observation, with the port's present end.
    pub fn observation(&self) -> VmObservation {
        let mut seen = self.seen.borrow().clone();
        seen.ports = vec![self.port.state()];
        seen
    }

    /// As [`Self::observation`], once there is one: a supervisor that has just begun looks first.
    pub async fn first_observation(&self) -> VmObservation {
        let looked = |seen: &VmObservation| seen.state() != RunState::Unspecified;
        // An error cannot be: the sender is here.
        let _ = self.seen.subscribe().wait_for(looked).await;
        self.observation()
    }

    /// Tells a new observation, if it is one. Ports are filled in here.
    pub fn observe(&self, new: VmObservation) {
        let changed = self.seen.send_if_modified(|seen| {
            let changed = *seen != new;
            *seen = new;
            changed
        });
        if changed {
            // No listener is no error.
            let _ = self.changes.send(Observation { what: Some(observation::What::Vm(self.observation())) });
        }
    }

    /// The machine, while it is up.
    pub fn machine(&self) -> Option<Arc<dyn Machine>> {
        self.machine.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says which machine is up.
    pub fn set_machine(&self, machine: Option<Arc<dyn Machine>>) {
        *self.machine.lock().unwrap_or_else(PoisonError::into_inner) = machine;
    }
}
