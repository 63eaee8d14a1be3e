//! Measures Hardline beside its peers on loopback, and prints ratios.
//!
//! `hardline-bench run --hardline PATH [--rounds N] [--only NAME] [--peer NAME] [--out DIR]` starts fake guests and each peer in turn, rounds
//! interleaved, and prints medians and their ratio to the named peer. Trust the ratios, not the microseconds.
#![allow(clippy::disallowed_methods, reason = "a measuring tool reads the clock; that is its work")]

mod child;
mod detection;
mod events;
mod guest;
mod http;
mod lines;
mod measure;
mod peer;
mod report;
mod rules;
mod viewer;

use anyhow::{Context as _, Result, bail};
use measure::{Figures, Guests};
use peer::{Kind, Peer};
use std::path::PathBuf;

struct Plan {
    hardline: PathBuf,
    out: PathBuf,
    rounds: usize,
    only: Option<String>,
    peer: Option<String>,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("guests") => {
            let dir = arguments.next().context("guests DIR COUNT")?;
            let count = arguments.next().context("guests DIR COUNT")?.parse()?;
            guest::serve(dir.as_ref(), count)
        }
        Some("run") => {
            let mut plan = Plan {
                hardline: "target/release/hardline".into(),
                out: "target/bench".into(),
                rounds: 3,
                only: None,
                peer: None,
            };
            while let Some(option) = arguments.next() {
                let value = arguments.next().with_context(|| format!("{option} needs a value"))?;
                match option.as_str() {
                    "--hardline" => plan.hardline = value.into(),
                    "--out" => plan.out = value.into(),
                    "--rounds" => plan.rounds = value.parse()?,
                    "--only" => plan.only = Some(value),
                    "--peer" => plan.peer = Some(value),
                    _ => bail!("unknown option {option}"),
                }
            }
            run(&plan)
        }
        _ => bail!(
            "usage: hardline-bench run [--hardline PATH] [--rounds N] [--only NAME] [--peer NAME] [--out DIR]"
        ),
    }
}

type Measurement = fn(&mut Peer, &mut Guests) -> Result<Figures>;

fn run(plan: &Plan) -> Result<()> {
    use Kind::{Conserver, Hardline, Socat};
    let tests: &[(&str, usize, &[Kind], Measurement)] = &[
        ("G1 echo", 1, &[Socat, Conserver, Hardline], |p, g| measure::echo(p, g, 5_000)),
        ("G2 one byte a write", 1, &[Socat, Conserver, Hardline], |p, g| measure::drip(p, g, 400_000)),
        ("G3 capture", 1, &[Conserver, Hardline], |p, g| measure::capture(p, g, 512_000_000)),
        ("G4 flood, one viewer", 1, &[Socat, Conserver, Hardline], |p, g| {
            measure::flood(p, g, 512_000_000, 1)
        }),
        ("G4 flood, ten viewers", 1, &[Conserver, Hardline], |p, g| measure::flood(p, g, 128_000_000, 10)),
        ("G4 stuck viewer", 1, &[Conserver, Hardline], |p, g| measure::stuck(p, g, 256_000_000)),
        ("G5 1,000 ports", 1_000, &[Conserver, Hardline], |p, g| measure::scale(p, g, 1_000, 20)),
        ("G7 reattach 100", 100, &[Hardline, Conserver], |_, g| measure::reattach(g)),
        ("G8 log reads", 1, &[Hardline], |p, g| measure::reads(p, g, 256_000_000)),
        ("D1 record with 45 rules", 1, &[Hardline], detection::record),
        ("D2 dry run of a million events", 1, &[Hardline], detection::dry_run),
        ("D3 rules catching up", 1, &[Hardline], detection::catch_up),
    ];
    let _ = std::fs::remove_dir_all(&plan.out);
    std::fs::create_dir_all(&plan.out)?;
    let out = plan.out.canonicalize()?;
    let mut report = report::Report::default();
    for (name, count, kinds, measurement) in tests {
        if plan.only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        let wanted = |name: &str| plan.peer.as_ref().is_none_or(|peer| peer == name);
        // A slow peer's minute-long reattach is measured once, and so is what takes minutes and has no peer; everything else
        // in interleaved rounds.
        let rounds = if *count >= 100 || name.starts_with('D') { 1 } else { plan.rounds };
        for round in 0..rounds {
            for kind in kinds.iter().filter(|kind| wanted(kind.name())) {
                eprintln!("{name}, {}, round {} of {rounds}", kind.name(), round + 1);
                let scratch = tempfile::Builder::new().prefix("run").tempdir_in(&out)?;
                let work = scratch.path().to_owned();
                let one = || -> Result<Figures> {
                    // Sockets' paths are short: 108 bytes are all the kernel takes.
                    let sockets = tempfile::Builder::new().prefix("hb").tempdir()?;
                    let mut guests = Guests::start(sockets.path(), *count)?;
                    let mut peer = Peer::start(*kind, &plan.hardline, sockets.path(), &work, *count)?;
                    if measure::keeps_log(*kind) {
                        guests.ask("wait")?;
                    }
                    measurement(&mut peer, &mut guests)
                };
                match one() {
                    Ok(figures) => report.add(name, kind.name(), figures),
                    Err(e) => {
                        // What failed stays on disk for a look.
                        eprintln!("  failed: {e:#} (kept: {})", scratch.keep().display());
                        report.fail(name, kind.name(), &e);
                    }
                }
            }
            if name.starts_with("G8") && wanted("nginx") {
                eprintln!("{name}, nginx, round {} of {rounds}", round + 1);
                let scratch = tempfile::Builder::new().prefix("run").tempdir_in(&out)?;
                match measure::nginx_reads(scratch.path(), 256_000_000) {
                    Ok(figures) => report.add(name, "nginx", figures),
                    Err(e) => report.fail(name, "nginx", &e),
                }
            }
        }
    }
    let text = report.markdown();
    std::fs::write(out.join("report.md"), &text)?;
    println!("{text}");
    Ok(())
}
