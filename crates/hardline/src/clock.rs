//! The time, read in this one place.

/// Seconds since 1970.
#[allow(clippy::disallowed_methods, reason = "this is the clock")]
pub fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs())
}
