//! `hardline agent`: a host's half alone; it dials the server.

use std::path::Path;

/// Runs until the first Ctrl+C or SIGTERM.
pub async fn run(_file: &Path) -> anyhow::Result<()> {
    anyhow::bail!("not built yet")
}
