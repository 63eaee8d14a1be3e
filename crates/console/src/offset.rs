//! The address of a byte.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Where a byte of a port is: the number of bytes that the port printed before it, over the port's whole life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Offset(pub u64);

impl Offset {
    /// The port's first byte.
    pub const ZERO: Self = Self(0);

    /// The address `bytes` further on; the last possible address when there is none.
    #[must_use]
    pub const fn plus(self, bytes: u64) -> Self {
        Self(self.0.saturating_add(bytes))
    }

    /// The address `bytes` further back; zero when there is none.
    #[must_use]
    pub const fn minus(self, bytes: u64) -> Self {
        Self(self.0.saturating_sub(bytes))
    }

    /// How many bytes lie between `earlier` and this; 0 when `earlier` is not earlier.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
