//! What has to stand on the machine, in one list, and how it gets there.

use crate::runner::{Runner, on_path};
use anyhow::bail;
use std::path::Path;
use std::process::{Command, Stdio};

/// Something the machine needs.
pub struct Need {
    /// What Debian calls it.
    package: &'static str,
    /// Any one of these being there means that nothing is missing. A name without `/` is looked up in PATH.
    programs: &'static [&'static str],
}

const QEMU: Need = Need { package: "qemu-system-x86", programs: &["qemu-system-x86_64"] };
const CC: Need = Need { package: "gcc", programs: &["cc"] };
const NODE: Need = Need { package: "nodejs", programs: &["node"] };
const NPM: Need = Need { package: "npm", programs: &["npm"] };
const CHROMIUM: Need = Need { package: "chromium", programs: &["chromium"] };
const POSTGRES: Need = Need {
    package: "postgresql",
    programs: &[
        "postgres",
        "/usr/lib/postgresql/15/bin/postgres",
        "/usr/lib/postgresql/16/bin/postgres",
        "/usr/lib/postgresql/17/bin/postgres",
        "/usr/lib/postgresql/18/bin/postgres",
    ],
};

const SOCAT: Need = Need { package: "socat", programs: &["socat"] };
const CONSERVER: Need = Need { package: "conserver-server", programs: &["conserver"] };
const NGINX: Need = Need { package: "nginx-light", programs: &["nginx"] };

/// What makes Python environments, where that is missing: asked for only then, as no program of its own tells.
pub const PYTHON: &[Need] = &[Need { package: "python3-venv", programs: &[] }];

/// What `cargo xtask demo` needs.
pub const DEMO: &[Need] = &[QEMU, CC, NODE, NPM];
/// What `cargo xtask test` needs.
pub const TEST: &[Need] = &[QEMU, CC, NODE, NPM, CHROMIUM, POSTGRES];

/// What `cargo xtask bench` needs: the peers.
pub const BENCH: &[Need] = &[CC, NODE, NPM, SOCAT, CONSERVER, NGINX];

/// Installs what is missing of `needs`. Nothing is asked of the network when nothing is missing. Err: one line that says
/// what is missing and how to get it.
pub fn install(runner: &Runner, needs: &[Need]) -> anyhow::Result<()> {
    let missing: Vec<&str> = needs.iter().filter(|n| !is_there(n)).map(|n| n.package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if !on_path("apt-get") {
        bail!(
            "missing: {list} (Debian's names); this is not a Debian machine: install them with its own tools"
        );
    }
    let Some(prefix) = root_prefix() else {
        bail!("missing: {list}; run `sudo apt-get install {list}` and start again");
    };
    let apt = |args: &[&str]| {
        let mut words = prefix.to_vec();
        words.extend(["apt-get", "-y", "-o", "DPkg::Lock::Timeout=120"]);
        words.extend(args);
        let (program, rest) = words.split_first().map_or(("apt-get", &[][..]), |(p, r)| (*p, r));
        let mut command = Command::new(program);
        command.args(rest).env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    let mut words = vec!["install", "--no-install-recommends"];
    words.extend(&missing);
    // The package lists of a fresh machine are empty or old: the first try may fail for that alone.
    let fresh = std::fs::read_dir("/var/lib/apt/lists").map_or(0, Iterator::count) < 4;
    if fresh || quiet(apt(&[&["--simulate"], words.as_slice()].concat())).is_err() {
        runner.step("Debian's package lists", &mut apt(&["update"]))?;
    }
    runner.step(&format!("installing {list}"), &mut apt(&words)).map_err(|error| {
        anyhow::anyhow!("missing: {list}; `apt-get install {list}` did not succeed: {error}")
    })
}

/// Makes sure that `cargo nextest` runs.
pub fn nextest(runner: &Runner) -> anyhow::Result<()> {
    let mut probe = Command::new("cargo");
    probe.args(["nextest", "--version"]);
    if quiet(probe).is_ok() {
        return Ok(());
    }
    let mut install = Command::new("cargo");
    install.args(["install", "cargo-nextest", "--locked"]);
    runner.step("installing cargo-nextest", &mut install).map_err(|error| {
        anyhow::anyhow!("missing: cargo-nextest; run `cargo install cargo-nextest --locked`: {error}")
    })
}

fn is_there(need: &Need) -> bool {
    need.programs.iter().any(|p| if p.contains('/') { Path::new(p).is_file() } else { on_path(p) })
}

/// What goes before a command that needs root: nothing for root, `sudo -n` where that works, none where neither does.
fn root_prefix() -> Option<&'static [&'static str]> {
    if rustix::process::geteuid().is_root() {
        return Some(&[]);
    }
    let mut sudo = Command::new("sudo");
    sudo.args(["-n", "true"]);
    (on_path("sudo") && quiet(sudo).is_ok()).then_some(&["sudo", "-n"])
}

fn quiet(mut command: Command) -> anyhow::Result<()> {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { bail!("{status}") }
}
