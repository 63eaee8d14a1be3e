//! Tests from outside, in other languages: each kind runs against a `hardline dev` of its own with real guests.

use crate::runner::{Runner, tail};
use crate::web;
use anyhow::{Context as _, bail};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// A guest under TCG on a busy machine takes a while to its first prompt.
const READY_WITHIN: Duration = Duration::from_secs(300);
/// From SIGINT to the end of the process: guests are given time for their own shutdown.
const STOPPED_WITHIN: Duration = Duration::from_secs(120);

/// Starts the program, runs `tests` with what its dev.env holds, stops it and checks that nothing of it stays behind.
pub fn against(runner: &Runner, step: &str, tests: Command) -> anyhow::Result<()> {
    let data = crate::target().join(format!("xtask-{}-{}", step.replace(' ', "-"), std::process::id()));
    std::fs::create_dir_all(&data)?;
    let outcome = run(runner, step, &data, tests);
    if outcome.is_ok() {
        std::fs::remove_dir_all(&data).ok();
    }
    outcome
}

fn run(runner: &Runner, step: &str, data: &Path, mut tests: Command) -> anyhow::Result<()> {
    web::build(runner)?;
    // The same build that the Rust tests used.
    runner.step("hardline", Command::new("cargo").args(["build", "--workspace", "--bins"]))?;
    let log = runner.log(&format!("hardline dev for {step}"));
    runner.say("hardline dev with guests");
    let (mut dev, exited) = start(data, &log)?;
    let outcome = wait_ready(&exited, data, &log).and_then(|env| runner.step(step, tests.envs(env)));
    let stopped = stop(&mut dev, &exited, data);
    if let Err(error) = &stopped {
        runner.say(&format!("hardline dev: {error:#}; its output: {}", log.display()));
    }
    outcome.and(stopped)
}

/// What the program's two watchers tell.
enum News {
    /// It printed a line.
    Line,
    /// It closed its output: it has ended, or is about to.
    End,
}

fn start(data: &Path, log: &Path) -> anyhow::Result<(Child, mpsc::Receiver<News>)> {
    let program = crate::target().join("debug/hardline");
    let mut child = Command::new(&program)
        .args(["dev", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(data)
        .arg("--image-dir")
        .arg(crate::guest_dir())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {}", program.display()))?;
    let (news, receiver) = mpsc::channel();
    let file = File::create(log)?;
    let outputs: [Option<Box<dyn std::io::Read + Send>>; 2] =
        [child.stdout.take().map(|o| Box::new(o) as _), child.stderr.take().map(|o| Box::new(o) as _)];
    for output in outputs.into_iter().flatten() {
        let (news, mut file) = (news.clone(), file.try_clone()?);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = writeln!(file, "{line}");
                let _ = news.send(News::Line);
            }
            let _ = news.send(News::End);
        });
    }
    Ok((child, receiver))
}

fn wait_ready(
    news: &mpsc::Receiver<News>,
    data: &Path,
    log: &Path,
) -> anyhow::Result<BTreeMap<String, String>> {
    let began = Instant::now();
    let file = data.join("dev.env");
    while !file.is_file() {
        let left = READY_WITHIN.saturating_sub(began.elapsed());
        match news.recv_timeout(left.min(Duration::from_secs(1))) {
            Ok(News::Line) => {}
            Err(mpsc::RecvTimeoutError::Timeout) if !left.is_zero() => {}
            _ => {
                bail!("not ready:\n    {}\n    (all of it: {})", tail(log, 20).join("\n    "), log.display())
            }
        }
    }
    Ok(exports(&std::fs::read_to_string(file)?))
}

/// The `export NAME='value'` lines of a file.
fn exports(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|l| l.strip_prefix("export ")?.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.trim_matches('\'').replace("'\\''", "'")))
        .collect()
}

fn stop(dev: &mut Child, news: &mpsc::Receiver<News>, data: &Path) -> anyhow::Result<()> {
    if let Some(pid) = rustix::process::Pid::from_raw(i32::try_from(dev.id())?) {
        // An error means that it has ended already; its exit code says the rest.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
    }
    let began = Instant::now();
    loop {
        match news.recv_timeout(STOPPED_WITHIN.saturating_sub(began.elapsed())) {
            Ok(News::Line) => {}
            Ok(News::End) | Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                dev.kill()?;
                bail!("still running {} s after SIGINT", STOPPED_WITHIN.as_secs());
            }
        }
    }
    let status = dev.wait()?;
    let left = processes_in(data);
    if !status.success() || !left.is_empty() {
        bail!("SIGINT ended it with {status}, processes left behind: {left:?}");
    }
    Ok(())
}

/// Processes whose working folder is below `data`: guests that outlived their host.
fn processes_in(data: &Path) -> Vec<String> {
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten().map(|e| e.path());
    let lives_in = |p: &PathBuf| std::fs::read_link(p.join("cwd")).is_ok_and(|cwd| cwd.starts_with(data));
    all.filter(lives_in).filter_map(|p| Some(p.file_name()?.to_str()?.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::exports;

    #[test]
    fn quoted_values() {
        let env = exports("# a comment\nexport A='it'\\''s'\nexport B='x=y'\n");
        assert_eq!(env.get("A").map(String::as_str), Some("it's"));
        assert_eq!(env.get("B").map(String::as_str), Some("x=y"));
    }
}
