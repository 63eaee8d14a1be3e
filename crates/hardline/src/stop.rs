//! Ctrl+C and SIGTERM: the first asks for a clean stop, the second ends the process at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The exit code of a process that was interrupted.
const INTERRUPTED: i32 = 130;

/// A token that the first signal cancels.
pub fn on_signal() -> std::io::Result<CancellationToken> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let token = CancellationToken::new();
    let first = token.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if first.is_cancelled() {
                eprintln!("hardline: stopped at once");
                std::process::exit(INTERRUPTED);
            }
            first.cancel();
        }
    });
    Ok(token)
}
