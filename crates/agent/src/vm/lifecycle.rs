//! The decision what to do with a machine: desired state against what is seen. No I/O, no clock.
//!
//! ```text
//!              want on                      up                     want off
//!    STOPPED ───────────> STARTING ─────────────────> RUNNING ─────────────────> STOPPING
//!     ^  ^                 ^    │                      │ │ ^ \                     │  │
//!     │  │      a pause,   │    │ five quick deaths    │ │ │  \ guest resets,      │  │ power button, then
//!     │  │    then again   │    v                      │ │ │   \ reset demanded:   │  │ the grace, then quit
//!     │  │                 │  FAILED <─ never comes up │ │ │    \_ a new boot      │  │
//!     │  │                 │    │  (a new demand       │ │ └──── PAUSED            │  │
//!     │  │                 └────┴───── tries again)    │ │       (from outside)    │  │
//!     │  │                 crash: gone unasked <───────┘ │                         │  │
//!     │  └── guest_shutdown: stays off until demanded <──┘                         │  │
//!     └────────────────────────────────────────────────────────────────────────────┴──┘
//! ```

use std::time::Duration;

use hardline_agent_api::v1::{Power, VmSpec};
use serde::{Deserialize, Serialize};

/// What somebody asked for, by number: each rises with every new wish.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Demand {
    /// Of the specification.
    pub generation: u64,
    /// Of starts and stops.
    pub power: u64,
    /// Of restarts.
    pub reset: u64,
}

impl Demand {
    /// The demand that a specification makes.
    pub fn of(spec: &VmSpec) -> Self {
        Self { generation: spec.generation, power: spec.power_generation, reset: spec.reset_generation }
    }

    /// Whether power or reset were asked for anew since `earlier`.
    fn asks_power_since(self, earlier: Self) -> bool {
        self.power != earlier.power || self.reset != earlier.reset
    }
}

/// All that the decision depends on.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    /// What is desired.
    pub power: Power,
    /// The demand as a whole.
    pub demand: Demand,
    /// The newest demand that was answered.
    pub answered: Demand,
    /// The guest switched itself off under this demand.
    pub guest_off: Option<Demand>,
    /// Bringing it up was given up under this demand.
    pub failed: Option<Demand>,
    /// The host is about to stop: nothing is to run, whatever is desired.
    pub held: bool,
    /// There is a machine.
    pub up: bool,
    /// It is being stopped.
    pub stopping: bool,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: the state answers the demand.
    Settled,
    /// Wait for what is under way.
    Wait,
    /// Bring the machine up.
    Start,
    /// Take it down.
    Stop,
    /// Reset it once; or, where what it is launched with was changed, stop it, so that it is launched anew.
    Reset,
}

/// Compares and decides.
pub fn step(s: &Situation) -> Step {
    if s.stopping {
        return if s.up { Step::Wait } else { Step::Settled };
    }
    let stays_off = s.guest_off.is_some_and(|at| !s.demand.asks_power_since(at));
    let given_up = s.failed == Some(s.demand);
    let wanted = s.power == Power::Running && !s.held && !stays_off;
    match (wanted, s.up) {
        (true, true) if s.demand.reset != s.answered.reset => Step::Reset,
        (true, false) if !given_up => Step::Start,
        (false, true) => Step::Stop,
        _ => Step::Settled,
    }
}

/// Counts deaths that follow a start too soon.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deaths {
    in_a_row: u32,
}

impl Deaths {
    /// A machine that lived shorter than this died quickly.
    pub const QUICK: Duration = Duration::from_secs(30);
    /// So many quick deaths in a row and the agent gives up.
    pub const LIMIT: u32 = 5;

    /// A machine died after having lived so long. Gives the pause before the next start, or `None` to give up.
    pub fn died_after(&mut self, lived: Duration) -> Option<Duration> {
        self.in_a_row = if lived < Self::QUICK { self.in_a_row + 1 } else { 1 };
        // The first time at once, then 1, 2, 4 seconds.
        let pause = self.in_a_row.checked_sub(2).map_or(0, |n| 1 << n.min(6));
        (self.in_a_row < Self::LIMIT).then(|| Duration::from_secs(pause))
    }

    /// Forgets: somebody demands a new try.
    pub fn forget(&mut self) {
        self.in_a_row = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(generation: u64, power: u64, reset: u64) -> Demand {
        Demand { generation, power, reset }
    }

    fn settled_on() -> Situation {
        Situation {
            power: Power::Running,
            demand: demand(5, 2, 1),
            answered: demand(5, 2, 1),
            guest_off: None,
            failed: None,
            held: false,
            up: true,
            stopping: false,
        }
    }

    #[test]
    fn each_situation_has_its_step() {
        let on = settled_on();
        let off = Situation { power: Power::Stopped, up: false, ..on };
        let now = Some(on.demand);
        let check = |words: &str, situation: Situation, expected: Step| {
            assert_eq!(step(&situation), expected, "{words}");
        };
        check("runs and should", on, Step::Settled);
        check("off and should be", off, Step::Settled);
        check("to be created, crashed, or the host was booted", Situation { up: false, ..on }, Step::Start);
        check("to be stopped", Situation { up: true, ..off }, Step::Stop);
        check("a stop is under way", Situation { up: true, stopping: true, ..off }, Step::Wait);
        check("started again during the stop", Situation { stopping: true, ..on }, Step::Wait);
        check("guest switched itself off", Situation { up: false, guest_off: now, ..on }, Step::Settled);
        let asked_again = Situation { up: false, guest_off: Some(demand(5, 1, 1)), ..on };
        check("and somebody started it", asked_again, Step::Start);
        let restarted = Situation { up: false, guest_off: Some(demand(5, 2, 0)), ..on };
        check("and somebody restarted it", restarted, Step::Start);
        let edited = Situation { up: false, guest_off: Some(demand(4, 2, 1)), ..on };
        check("and its size was changed", edited, Step::Settled);
        check("a restart is asked", Situation { answered: demand(5, 2, 0), ..on }, Step::Reset);
        check(
            "restart of a machine that is off",
            Situation { answered: demand(5, 2, 0), ..off },
            Step::Settled,
        );
        check("given up", Situation { up: false, failed: now, ..on }, Step::Settled);
        check(
            "given up, new demand",
            Situation { up: false, failed: Some(demand(4, 2, 1)), ..on },
            Step::Start,
        );
        check("the host stops", Situation { held: true, ..on }, Step::Stop);
        check("the host stops, machine down", Situation { held: true, up: false, ..on }, Step::Settled);
    }

    #[test]
    fn quick_deaths_are_counted_and_paused_for() {
        let mut deaths = Deaths::default();
        let quick = Duration::from_secs(1);
        let pauses: Vec<_> = (0..5).map(|_| deaths.died_after(quick).map(|pause| pause.as_secs())).collect();
        assert_eq!(pauses, [Some(0), Some(1), Some(2), Some(4), None]);
        assert_eq!(deaths.died_after(Deaths::QUICK), Some(Duration::ZERO), "one that lived counts anew");
        deaths.forget();
        assert_eq!(deaths.died_after(quick), Some(Duration::ZERO));
    }
}
