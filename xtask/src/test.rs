//! `cargo xtask test`: every check there is, with one summary.

use crate::counts::{self, Counts};
use crate::runner::Runner;
use crate::{clients, dev, guest, packages, web};
use anyhow::bail;
use std::process::{Command, ExitCode};
use std::time::Instant;

/// One check.
struct Step {
    name: &'static str,
    run: fn(&Runner, &str) -> anyhow::Result<()>,
    /// Its log holds a test runner's closing line.
    counted: bool,
}

const STEPS: &[Step] = &[
    Step { name: "fmt", run: fmt, counted: false },
    Step { name: "portal types", run: portal_types, counted: false },
    Step { name: "portal unit tests", run: portal_units, counted: true },
    Step { name: "portal", run: portal, counted: false },
    Step { name: "guest image", run: guest_image, counted: false },
    Step { name: "clippy", run: clippy, counted: false },
    Step { name: "rust tests", run: rust_tests, counted: true },
    Step { name: "doc tests", run: doc_tests, counted: true },
    Step { name: "rustdoc", run: rustdoc, counted: false },
    Step { name: "browser tests", run: browser_tests, counted: true },
    Step { name: "az and Python SDKs", run: clients::python, counted: true },
    Step { name: "JavaScript SDKs", run: clients::javascript, counted: true },
];

/// Runs the steps named (all when none is), tells each one's outcome, ends with 'N passed, N failed'.
pub fn run(only: &[&str]) -> anyhow::Result<ExitCode> {
    if only == ["--list"] {
        STEPS.iter().for_each(|s| println!("{}", s.name));
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(unknown) = only.iter().find(|o| STEPS.iter().all(|s| s.name != **o)) {
        bail!("no step '{unknown}'; `cargo xtask test --list` shows them");
    }
    let runner = Runner::new()?;
    packages::install(&runner, packages::TEST)?;
    packages::nextest(&runner)?;
    web::packages(&runner)?;

    let mut table = Vec::new();
    for step in STEPS.iter().filter(|s| only.is_empty() || only.contains(&s.name)) {
        let began = Instant::now();
        let outcome = (step.run)(&runner, step.name);
        if let Err(error) = &outcome {
            runner.say(&format!("{}: {error:#}", step.name));
        }
        let mut counts = Counts::default();
        if step.counted {
            counts = counts::read(&std::fs::read_to_string(runner.log(step.name)).unwrap_or_default());
        }
        if outcome.is_err() && counts.failed == 0 {
            counts.failed = 1;
        }
        let ran_nothing = step.counted && outcome.is_ok() && counts.passed == 0 && step.name != "doc tests";
        if ran_nothing {
            runner.say(&format!("{}: no test was run", step.name));
            counts.failed = 1;
        }
        table.push((step, began.elapsed().as_secs(), counts));
    }

    println!("\n{:<20} {:>7} {:>8} {:>8}", "step", "seconds", "passed", "failed");
    let mut sum = Counts::default();
    for (step, seconds, counts) in table {
        let passed = match (step.counted, counts.failed) {
            (true, _) => counts.passed.to_string(),
            (false, 0) => "ok".to_owned(),
            (false, _) => "-".to_owned(),
        };
        println!("{:<20} {seconds:>7} {passed:>8} {:>8}", step.name, counts.failed);
        sum += counts;
    }
    println!("\n{} passed, {} failed", sum.passed, sum.failed);
    Ok(if sum.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn cargo(args: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(args).env("HARDLINE_IMAGE_DIR", crate::guest_dir());
    command
}

fn fmt(runner: &Runner, step: &str) -> anyhow::Result<()> {
    runner.step(step, &mut cargo(&["fmt", "--all", "--check"]))
}

fn portal_types(runner: &Runner, step: &str) -> anyhow::Result<()> {
    runner.step(step, &mut web::npm(&["run", "check"]))
}

fn portal_units(runner: &Runner, step: &str) -> anyhow::Result<()> {
    runner.step(step, &mut web::npm(&["test"]))
}

fn portal(runner: &Runner, _step: &str) -> anyhow::Result<()> {
    web::build(runner)
}

fn guest_image(runner: &Runner, step: &str) -> anyhow::Result<()> {
    runner.say(step);
    guest::build(&crate::guest_dir())
}

fn clippy(runner: &Runner, step: &str) -> anyhow::Result<()> {
    let args = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    runner.step(step, &mut cargo(&args))
}

fn rust_tests(runner: &Runner, step: &str) -> anyhow::Result<()> {
    runner.step(step, &mut cargo(&["nextest", "run", "--workspace", "--no-fail-fast"]))
}

fn doc_tests(runner: &Runner, step: &str) -> anyhow::Result<()> {
    runner.step(step, &mut cargo(&["test", "--workspace", "--doc"]))
}

fn rustdoc(runner: &Runner, step: &str) -> anyhow::Result<()> {
    let mut doc = cargo(&["doc", "--workspace", "--no-deps"]);
    runner.step(step, doc.env("RUSTDOCFLAGS", "-D warnings"))
}

fn browser_tests(runner: &Runner, step: &str) -> anyhow::Result<()> {
    dev::against(runner, step, web::npm(&["run", "e2e"]))
}
