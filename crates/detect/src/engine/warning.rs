//! What a run could not do completely. Nothing is left out without one of these.

use jiff::Timestamp;
use std::fmt;

/// Something that whoever looks after the rule should know of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// More alerts than the rule may make in a run; the rest is made by the next run whose window still holds it.
    MaxSignals {
        /// The limit.
        limit: usize,
    },
    /// More distinct combinations of values than are kept; events after this moment were not looked at for further ones.
    TooManyTerms {
        /// The limit.
        limit: usize,
        /// The first event that was not looked at.
        since: Timestamp,
    },
    /// An event whose lists make more combinations than are taken from one event.
    TooManyCombinations {
        /// The limit for one event.
        limit: usize,
        /// How many events.
        events: u64,
    },
    /// More groups than are kept; events of further groups were not counted.
    TooManyGroups {
        /// The limit.
        limit: usize,
        /// How many events were not counted.
        events: u64,
    },
    /// More distinct values than are kept; groups may have more than was counted.
    TooManyValues {
        /// The limit, over all groups.
        limit: usize,
    },
    /// Events without a time that can be read belong to no window.
    Undated {
        /// How many.
        events: u64,
    },
    /// The events did not come in the order of their times: what is the oldest may be told wrong.
    OutOfOrder,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MaxSignals { limit } => write!(
                f,
                "The run made its {limit} alerts and stopped; further matches become alerts in the next run, as long as they \
                 are in its window. Make the query narrower or raise max_signals."
            ),
            Self::TooManyTerms { limit, since } => write!(
                f,
                "The window holds more than {limit} distinct combinations of values; those that first appear from {since} on \
                 were not looked at. Make the query narrower."
            ),
            Self::TooManyCombinations { limit, events } => write!(
                f,
                "{events} events have lists that make more than {limit} combinations of values; only the first {limit} of \
                 each were looked at."
            ),
            Self::TooManyGroups { limit, events } => write!(
                f,
                "There are more than {limit} groups; {events} events of further groups were not counted. Make the query \
                 narrower."
            ),
            Self::TooManyValues { limit } => write!(
                f,
                "There are more than {limit} distinct values to count; some groups may have more than was counted."
            ),
            Self::Undated { events } => {
                write!(f, "{events} events have no time that can be read and belong to no window.")
            }
            Self::OutOfOrder => f.write_str("The events did not come in the order of their times."),
        }
    }
}
