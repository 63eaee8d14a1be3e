//! The program's own log, on standard error.

use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// Starts it. `default` is a filter as `HARDLINE_LOG` takes it: `warn`, `info,hardline_agent=debug`.
pub fn start(default: &str) {
    let filter = EnvFilter::try_from_env("HARDLINE_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    // Colours are for a person at a terminal: in a file or a journal they are rubbish between the words.
    let colours =
        std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let log =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours);
    let json = std::env::var("HARDLINE_LOG_FORMAT").is_ok_and(|f| f == "json");
    // A second start, as in tests, changes nothing.
    let _ = if json { log.json().try_init() } else { log.try_init() };
}
