//! The project's own commands: everything a developer or a build machine runs, in one place.
//!
//! Few dependencies on purpose: `cargo xtask --help` has to answer before anything else is built.

mod bench;
mod clients;
mod counts;
mod demo;
mod dev;
mod guest;
mod packages;
mod runner;
mod test;
mod web;

use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
The project's own commands

Usage: cargo xtask <COMMAND>

Commands:
  demo [-- ARGS]   Install what is missing, build portal, binary and guest image, and run `hardline dev ARGS`
  test [STEP]...   Install what the tests need and run all of them (or only the steps named; --list shows them)
  bench [-- ARGS]  Install the peers, build, measure Hardline beside them (--rounds N, --only NAME) and print ratios
  guest            Build the demo guest image into target/guest/hardline-demo
  help             Show this text

The demo prints the portal's address and the sign-in when it is ready, and stops cleanly on Ctrl+C.
`hardline dev` takes, after the `--`: --data-dir DIR, --listen ADDR:PORT, --no-guest and others.
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match run(&args) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &[String]) -> anyhow::Result<ExitCode> {
    let (verb, rest) = match args.split_first() {
        Some((verb, rest)) => (verb.as_str(), rest),
        None => ("help", &[][..]),
    };
    let own: Vec<&str> = rest.iter().take_while(|a| *a != "--").map(String::as_str).collect();
    if matches!(verb, "help" | "--help" | "-h") || own.iter().any(|a| matches!(*a, "--help" | "-h")) {
        print!("{HELP}");
        return Ok(ExitCode::SUCCESS);
    }
    std::env::set_current_dir(root())?;
    match (verb, own.as_slice()) {
        ("demo", []) => demo::run(rest.get(1..).unwrap_or_default()),
        ("bench", []) => bench::run(rest.get(1..).unwrap_or_default()),
        ("test", steps) => test::run(steps),
        ("guest", []) => guest::build(&guest_dir()).map(|()| ExitCode::SUCCESS),
        ("bench" | "demo" | "guest", [other, ..]) => {
            anyhow::bail!("{verb} takes no '{other}' (arguments for what it runs go behind `--`)")
        }
        (other, _) => anyhow::bail!("no command '{other}'; `cargo xtask --help` lists them"),
    }
}

/// The workspace's root folder.
fn root() -> PathBuf {
    let xtask = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().map(PathBuf::from).unwrap_or(xtask)
}

/// Cargo's target folder.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Where guest images stand, one folder each.
fn guest_dir() -> PathBuf {
    target().join("guest")
}
