//! `hardline log`: the serial log, raw into a pipe, made harmless for a terminal.

use crate::args::LogArgs;
use crate::error::Error;
use crate::escape::Filter;
use crate::session::Session;
use std::io::{IsTerminal as _, Write as _};

/// The api-version of our own namespaces.
pub const OWN: &str = "api-version=2026-11-01";

/// Runs the verb.
pub async fn run(args: &LogArgs) -> Result<(), Error> {
    let session = Session::open(&args.vm.scope).await?;
    let id = session.vm(&args.vm).await?;
    let mut path = format!("{id}/providers/Hardline.Diagnostics/serialLogs/0/content?{OWN}");
    for (key, value) in [("offset", args.offset), ("tail", args.tail), ("length", args.length)] {
        if let Some(value) = value {
            path.push_str(&format!("&{key}={value}"));
        }
    }
    if args.follow {
        path.push_str("&follow=true");
    }
    let mut answer = session.http.bytes(&path, &session.token).await?;
    let mut out = std::io::stdout().lock();
    let mut filter = (out.is_terminal() && !args.raw).then(Filter::default);
    let mut last = b'\n';
    while let Some(bytes) = answer.chunk().await.map_err(|e| session.http.unreachable(&e))? {
        let shown = match &mut filter {
            Some(filter) => filter.pass(&bytes),
            None => bytes.to_vec(),
        };
        last = shown.last().copied().unwrap_or(last);
        out.write_all(&shown).and_then(|()| out.flush()).map_err(Error::Output)?;
    }
    if filter.is_some() && last != b'\n' {
        // The shell's prompt belongs on a line of its own, in its own colours.
        out.write_all(b"\x1b[0m\n").map_err(Error::Output)?;
    }
    Ok(())
}
