//! The portal's packages and its build, done again only when their inputs changed.

use crate::runner::Runner;
use std::hash::{DefaultHasher, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the portal's sources stand.
pub fn dir() -> PathBuf {
    crate::root().join("web")
}

/// One of the portal's npm scripts.
pub fn npm(args: &[&str]) -> Command {
    npm_in(&dir(), args)
}

/// npm in the folder of a package.
pub fn npm_in(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new("npm");
    command.args(args).current_dir(dir).env("NO_COLOR", "1");
    command
}

/// The portal's packages.
pub fn packages(runner: &Runner) -> anyhow::Result<()> {
    packages_in(runner, &dir(), "web packages")
}

/// `npm ci`, when package-lock.json is not the one that node_modules was made from.
pub fn packages_in(runner: &Runner, dir: &Path, step: &str) -> anyhow::Result<()> {
    let lock = std::fs::read(dir.join("package-lock.json"))?;
    let stamp = dir.join("node_modules/.hardline-lock");
    if std::fs::read(&stamp).is_ok_and(|made_from| made_from == lock) {
        return Ok(());
    }
    let mut install = npm_in(dir, &["ci", "--no-audit", "--no-fund", "--prefer-offline"]);
    runner.step(step, &mut install)?;
    Ok(std::fs::write(stamp, lock)?)
}

/// Builds web/dist, when a source changed since it was built.
pub fn build(runner: &Runner) -> anyhow::Result<()> {
    let stamp = crate::target().join("xtask-stamps/web-dist");
    let sources = fingerprint(&dir())?;
    if std::fs::read_to_string(&stamp).is_ok_and(|s| s == sources) && dir().join("dist/index.html").is_file()
    {
        return Ok(());
    }
    runner.step("portal build", &mut npm(&["run", "build"]))?;
    if let Some(parent) = stamp.parent() {
        std::fs::create_dir_all(parent)?;
    }
    Ok(std::fs::write(stamp, sources)?)
}

/// Changes when a source's name or content does.
fn fingerprint(dir: &Path) -> anyhow::Result<String> {
    let mut files = Vec::new();
    collect(dir, true, &mut files)?;
    files.sort();
    let mut hash = DefaultHasher::new();
    for file in &files {
        hash.write(file.as_os_str().as_encoded_bytes());
        hash.write(&std::fs::read(file)?);
    }
    Ok(format!("{} files {:016x}", files.len(), hash.finish()))
}

fn collect(dir: &Path, top: bool, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let skipped = ["node_modules", "dist", "e2e", "test-results", "shots"];
        if entry.file_type()?.is_dir() {
            if !(top && skipped.iter().any(|s| name == *s)) {
                collect(&entry.path(), false, files)?;
            }
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
