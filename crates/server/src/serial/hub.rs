//! Who is on which port in this process: the writer and the viewers of every port, and how they are told what concerns
//! them.
//!
//! Who may hold what: a session holds its [`Seat`] (dropping it takes the session off the list) and the receiving end of
//! its [`Command`]s; everybody else only ever sends commands. No lock is held across an await, and nobody waits for a
//! session: its queue has no bound because nothing but takeovers, state changes and endings goes into it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;
use uuid::Uuid;

/// A serial port of a virtual machine.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Port {
    /// The machine's own id.
    pub vm: String,
    /// The port's number.
    pub index: u32,
}

/// What a session is told from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Somebody else has the seat now: the session ends.
    Taken {
        /// Who.
        by: String,
        /// From where.
        address: String,
    },
    /// The seat changed hands; this session only watches.
    Holder {
        /// The seat's epoch.
        epoch: u64,
        /// Who has it now.
        name: Option<String>,
    },
    /// Somebody's rights changed: check again whether this session may go on.
    CheckRights,
}

/// A session's place on a port.
#[derive(Debug)]
pub struct Seat {
    hub: Hub,
    port: Port,
    id: Uuid,
    /// What the session is told.
    pub commands: mpsc::UnboundedReceiver<Command>,
}

/// The registry. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Hub {
    ports: Arc<Mutex<HashMap<Port, HashMap<Uuid, Member>>>>,
}

#[derive(Debug)]
struct Member {
    /// Of the seat that this session holds; none for a viewer.
    epoch: Option<u64>,
    commands: mpsc::UnboundedSender<Command>,
}

impl Hub {
    /// Nobody is there.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a session on a port, as a viewer.
    pub fn join(&self, port: Port, id: Uuid) -> Seat {
        let (sender, commands) = mpsc::unbounded_channel();
        self.lock().entry(port.clone()).or_default().insert(id, Member { epoch: None, commands: sender });
        Seat { hub: self.clone(), port, id, commands }
    }

    /// Makes session `id` the writer of `port` and tells the others: a writer of an older epoch that it has lost the seat,
    /// viewers who has it. Called only after the host refuses older epochs.
    pub fn seated(&self, port: &Port, id: Uuid, epoch: u64, name: &str, address: &str) {
        let mut ports = self.lock();
        for (other, member) in ports.get_mut(port).into_iter().flatten() {
            if *other == id {
                member.epoch = Some(epoch);
                continue;
            }
            let command = match member.epoch {
                Some(older) if older < epoch => Command::Taken { by: name.into(), address: address.into() },
                Some(_) => continue,
                None => Command::Holder { epoch, name: Some(name.into()) },
            };
            // A session that is ending no longer listens; that is all there is to it.
            let _ = member.commands.send(command);
        }
    }

    /// Tells the viewers of `port` that the seat is empty.
    pub fn vacated(&self, port: &Port, epoch: u64) {
        for member in self.lock().get(port).into_iter().flat_map(HashMap::values) {
            if member.epoch.is_none() {
                let _ = member.commands.send(Command::Holder { epoch, name: None });
            }
        }
    }

    /// Has every session check its right again.
    pub fn check_rights(&self) {
        for member in self.lock().values().flat_map(HashMap::values) {
            let _ = member.commands.send(Command::CheckRights);
        }
    }

    /// Sessions on `port`.
    pub fn count(&self, port: &Port) -> usize {
        self.lock().get(port).map_or(0, HashMap::len)
    }

    /// Sessions on all ports.
    pub fn sessions(&self) -> usize {
        self.lock().values().map(HashMap::len).sum()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Port, HashMap<Uuid, Member>>> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut ports = self.hub.lock();
        if let Some(members) = ports.get_mut(&self.port) {
            members.remove(&self.id);
            if members.is_empty() {
                ports.remove(&self.port);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port() -> Port {
        Port { vm: "vm".into(), index: 0 }
    }

    #[test]
    fn a_takeover_is_told_to_everybody_it_concerns() {
        let hub = Hub::new();
        let (ann, bob, eve) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        let mut first = hub.join(port(), ann);
        hub.seated(&port(), ann, 1, "ann", "192.0.2.1");
        let mut viewer = hub.join(port(), eve);
        let mut second = hub.join(port(), bob);
        hub.seated(&port(), bob, 2, "bob", "192.0.2.2");
        let taken = Command::Taken { by: "bob".into(), address: "192.0.2.2".into() };
        assert_eq!(first.commands.try_recv(), Ok(taken));
        assert_eq!(viewer.commands.try_recv(), Ok(Command::Holder { epoch: 2, name: Some("bob".into()) }));
        assert!(second.commands.try_recv().is_err());
        // A late call of the one who lost the race takes nothing back.
        hub.seated(&port(), ann, 1, "ann", "192.0.2.1");
        assert!(second.commands.try_recv().is_err());
        drop((first, second, viewer));
        assert_eq!((hub.count(&port()), hub.sessions()), (0, 0));
    }
}
