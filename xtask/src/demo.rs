//! `cargo xtask demo`: from a fresh clone to a running `hardline dev`.

use crate::runner::Runner;
use crate::{guest, packages, web};
use anyhow::Context as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

/// Builds what is not built yet and becomes `hardline dev`. Ends only when that cannot be started: signals and the exit
/// code are the program's own.
pub fn run(args: &[String]) -> anyhow::Result<ExitCode> {
    let runner = Runner::new()?;
    packages::install(&runner, packages::DEMO)?;
    web::packages(&runner)?;
    web::build(&runner)?;
    let without_guest = args.iter().any(|a| a == "--no-guest");
    if !without_guest {
        runner.say("guest image");
        guest::build(&crate::guest_dir()).context("the guest image cannot be built")?;
    }
    let mut build = Command::new("cargo");
    build.args(["build", "--release", "-p", "hardline"]);
    runner.step("hardline, release build", &mut build)?;
    let program = crate::target().join("release/hardline");
    runner.say(&format!("{} dev {}", program.display(), args.join(" ")));
    let error =
        Command::new(&program).arg("dev").arg("--image-dir").arg(crate::guest_dir()).args(args).exec();
    Err(error).with_context(|| format!("cannot run {}", program.display()))
}
