//! The one place of the agent where the time of day is read.

/// Tells the time of day; a parameter everywhere, so that tests can hold it still.
pub trait Clock: Send + Sync + 'static {
    /// Microseconds since 1970-01-01 00:00 UTC.
    fn now_us(&self) -> i64;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)]
    fn now_us(&self) -> i64 {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        i64::try_from(since.unwrap_or_default().as_micros()).unwrap_or(i64::MAX)
    }
}
