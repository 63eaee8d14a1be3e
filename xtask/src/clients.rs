//! The clients that others wrote, unmodified, against a `hardline dev` with real guests: `tests/clients`.

use crate::dev;
use crate::packages;
use crate::runner::Runner;
use crate::web;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Runs az and the SDKs for Python. Their environment is made once, and again when its requirements change.
pub fn python(runner: &Runner, step: &str) -> anyhow::Result<()> {
    let python = environment(runner)?;
    let mut tests = Command::new(python);
    tests
        .args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", "tests/clients"])
        .current_dir(crate::root())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    dev::against(runner, step, tests)
}

/// Runs the SDKs for JavaScript.
pub fn javascript(runner: &Runner, step: &str) -> anyhow::Result<()> {
    let dir = crate::root().join("tests/clients/javascript");
    web::packages_in(runner, &dir, "the Azure SDKs for JavaScript")?;
    dev::against(runner, step, web::npm_in(&dir, &["test"]))
}

/// The interpreter of an environment that holds what tests/clients/requirements.txt names.
fn environment(runner: &Runner) -> anyhow::Result<PathBuf> {
    let dir = crate::target().join("clients-python");
    let requirements = crate::root().join("tests/clients/requirements.txt");
    let (wanted, stamp, python) =
        (std::fs::read(&requirements)?, dir.join("made-from"), dir.join("bin/python"));
    if std::fs::read(&stamp).is_ok_and(|made_from| made_from == wanted) && python.is_file() {
        return Ok(python);
    }
    if !can_make_environments() {
        packages::install(runner, packages::PYTHON)?;
    }
    std::fs::remove_dir_all(&dir).ok();
    runner.step("Python environment", Command::new("python3").args(["-m", "venv"]).arg(&dir))?;
    let mut install = Command::new(&python);
    install
        .args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input", "-r"])
        .arg(&requirements);
    runner.step("az and the Azure SDKs for Python", &mut install)?;
    std::fs::write(stamp, wanted)?;
    Ok(python)
}

/// Debian's python3 alone lacks what fills a new environment.
fn can_make_environments() -> bool {
    let mut probe = Command::new("python3");
    probe.args(["-c", "import ensurepip, venv"]).stdout(Stdio::null()).stderr(Stdio::null());
    probe.status().is_ok_and(|status| status.success())
}
