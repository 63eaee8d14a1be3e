//! The seat: who may type into a port.
//!
//! ```text
//!            acquire (epoch + 1)             acquire (epoch + 1), the former holder is displaced
//!   empty ------------------------> held ------------------------> held by another
//!     ^                              |                                |
//!     +------ release of the --------+--------------------------------+
//!             present epoch (a release of an older one changes nothing)
//! ```
//!
//! The epoch only ever rises, also over an empty seat: an epoch belongs to one holder for ever. The store changes the row
//! by compare-and-swap on the epoch; the host refuses input of an epoch below the highest one it was told
//! (`HostAgent.Fence`). So a former holder that has not heard of its loss cannot type.

/// Who sits, or sat, in the seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The console session.
    pub session: String,
    /// The person's name, as others are told it.
    pub name: String,
    /// The address from which the session came.
    pub address: String,
}

/// The state of a port's seat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lease {
    /// Of the present holder, or of the last one; 0 before the first.
    pub epoch: u64,
    /// Who has the seat.
    pub holder: Option<Holder>,
}

/// A seat that changed hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acquired {
    /// The new state.
    pub lease: Lease,
    /// Who lost the seat.
    pub displaced: Option<Holder>,
}

impl Lease {
    /// The seat with `newcomer` in it. Whoever may connect may take it: the one before is displaced, not asked.
    pub fn acquire(&self, newcomer: Holder) -> Acquired {
        Acquired {
            lease: Self { epoch: self.epoch.saturating_add(1), holder: Some(newcomer) },
            displaced: self.holder.clone(),
        }
    }

    /// The seat after its holder of `epoch` has left; none when that epoch is no longer the present one, or the seat is
    /// empty already.
    pub fn release(&self, epoch: u64) -> Option<Self> {
        (self.epoch == epoch && self.holder.is_some()).then_some(Self { epoch, holder: None })
    }

    /// Whether input of `epoch` may reach the guest.
    pub fn may_type(&self, epoch: u64) -> bool {
        self.holder.is_some() && self.epoch == epoch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn person(name: &str) -> Holder {
        Holder { session: format!("session of {name}"), name: name.into(), address: "192.0.2.1".into() }
    }

    #[test]
    fn a_newcomer_takes_the_seat() {
        let first = Lease::default().acquire(person("ann"));
        assert_eq!((first.lease.epoch, &first.displaced), (1, &None));
        let second = first.lease.acquire(person("bob"));
        assert_eq!((second.lease.epoch, second.displaced), (2, Some(person("ann"))));
        assert!(second.lease.may_type(2) && !second.lease.may_type(1));
    }

    #[test]
    fn a_late_release_changes_nothing() {
        let lease = Lease::default().acquire(person("ann")).lease.acquire(person("bob")).lease;
        assert_eq!(lease.release(1), None);
        let empty = lease.release(2).unwrap();
        assert_eq!((empty.epoch, &empty.holder), (2, &None));
        assert!(!empty.may_type(2));
        assert_eq!(empty.release(2), None);
        assert_eq!(empty.acquire(person("cem")).lease.epoch, 3);
    }

    proptest! {
        /// Whatever happens, epochs never fall, and no epoch is ever given to two people.
        #[test]
        fn epochs_only_rise(steps in proptest::collection::vec((any::<bool>(), 0u64..8), 1..60)) {
            let mut lease = Lease::default();
            let mut given = std::collections::BTreeSet::new();
            for (acquire, epoch) in steps {
                let next = if acquire {
                    let acquired = lease.acquire(person("p"));
                    prop_assert!(given.insert(acquired.lease.epoch));
                    acquired.lease
                } else {
                    lease.release(epoch).unwrap_or(lease.clone())
                };
                prop_assert!(next.epoch >= lease.epoch);
                let typing = (0..70).filter(|e| next.may_type(*e)).count();
                prop_assert_eq!(typing, usize::from(next.holder.is_some()));
                lease = next;
            }
        }
    }
}
