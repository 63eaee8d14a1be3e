//! What others may see of a machine at any moment without waiting for its supervisor.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hardline_agent_api::v1::{Observation, VmObservation, observation};
use tokio::sync::broadcast;

use crate::{hypervisor::Machine, serial::Port};

/// The last observation of a virtual machine, and the machine itself while it is up.
pub struct Slot {
    /// Its serial port.
    pub port: Arc<Port>,
    seen: Mutex<VmObservation>,
    machine: Mutex<Option<Arc<dyn Machine>>>,
    changes: broadcast::Sender<Observation>,
}

impl Slot {
    /// A slot whose changes go to `changes`.
    pub fn new(vm_id: String, port: Arc<Port>, changes: broadcast::Sender<Observation>) -> Self {
        let seen = VmObservation { vm_id, ..Default::default() };
        Self { port, seen: Mutex::new(seen), machine: Mutex::new(None), changes }
    }

    /// The last observation, with the port's present end.
    pub fn observation(&self) -> VmObservation {
        let mut seen = lock(&self.seen).clone();
        seen.ports = vec![self.port.state()];
        seen
    }

    /// Tells a new observation, if it is one. Ports are filled in here.
    pub fn observe(&self, new: VmObservation) {
        {
            let mut seen = lock(&self.seen);
            if *seen == new {
                return;
            }
            *seen = new;
        }
        // No listener is no error.
        let _ = self.changes.send(Observation { what: Some(observation::What::Vm(self.observation())) });
    }

    /// The machine, while it is up.
    pub fn machine(&self) -> Option<Arc<dyn Machine>> {
        lock(&self.machine).clone()
    }

    /// Says which machine is up.
    pub fn set_machine(&self, machine: Option<Arc<dyn Machine>>) {
        *lock(&self.machine) = machine;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
