//! Descriptors that tokio tells us about.

use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// What owns one descriptor for as long as it lives.
pub(crate) trait Descriptor: AsRawFd {}
impl Descriptor for Arc<OwnedFd> {}
impl Descriptor for inotify::Inotify {}

/// Hands `inner` to tokio. Must be called inside a runtime.
#[allow(unsafe_code)]
pub(crate) fn register<T: Descriptor>(inner: T, interest: Interest) -> std::io::Result<AsyncFd<T>> {
    // SAFETY: a `Descriptor` owns an open descriptor, always gives the same one, and closes it only when it is dropped,
    // which `AsyncFd` does after it has given the registration up. Nobody here swaps what `get_mut` gives out.
    unsafe { AsyncFd::register_with_interest(inner, interest) }.map_err(Into::into)
}
