//! `cargo xtask bench`: Hardline beside its peers, real processes on loopback, one table of ratios.

use crate::packages;
use crate::runner::Runner;
use crate::web;
use anyhow::Context as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

/// Builds the binary and the measuring program and becomes the latter; `args` are its own (`--rounds N`, `--only NAME`).
pub fn run(args: &[String]) -> anyhow::Result<ExitCode> {
    let runner = Runner::new()?;
    packages::install(&runner, packages::BENCH)?;
    web::packages(&runner)?;
    web::build(&runner)?;
    let mut build = Command::new("cargo");
    build.args(["build", "--release", "-p", "hardline", "-p", "hardline-bench"]);
    runner.step("hardline and hardline-bench, release build", &mut build)?;
    let release = crate::target().join("release");
    let program = release.join("hardline-bench");
    let mut bench = Command::new(&program);
    bench.arg("run").arg("--hardline").arg(release.join("hardline"));
    bench.arg("--out").arg(crate::target().join("bench")).args(args);
    Err(bench.exec()).with_context(|| format!("cannot run {}", program.display()))
}
