//! The measurements. Each takes a running peer and its guests and gives named figures.

use crate::child::Child;
use crate::lines::{Check, Checker, LINE};
use crate::peer::{Kind, Peer};
use crate::viewer::{TYPING, Viewer, WATCHING};
use anyhow::{Context as _, Result, bail};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Named figures of one run.
pub type Figures = BTreeMap<&'static str, f64>;

/// The fake guests' process (this same binary) and its command pipe.
pub struct Guests {
    pipes: (std::process::ChildStdin, BufReader<std::process::ChildStdout>),
    // Dropped after the pipe is closed, which ends it.
    _child: Child,
}

impl Guests {
    /// Starts `count` consoles in `dir`.
    pub fn start(dir: &Path, count: usize) -> Result<Self> {
        std::fs::create_dir_all(dir)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("guests").arg(dir).arg(count.to_string());
        let mut child = Child::start_piped(&mut command)?;
        let (stdin, stdout) = child.pipes()?;
        let mut guests = Self { pipes: (stdin, BufReader::new(stdout)), _child: child };
        guests.answer()?;
        Ok(guests)
    }

    /// Sends a command without waiting for its answer.
    pub fn send(&mut self, command: &str) -> Result<()> {
        writeln!(self.pipes.0, "{command}")?;
        Ok(())
    }

    /// The next answer's numbers.
    pub fn answer(&mut self) -> Result<Vec<f64>> {
        let mut line = String::new();
        if self.pipes.1.read_line(&mut line)? == 0 {
            bail!("the fake guests ended");
        }
        Ok(line.split_whitespace().filter_map(|w| w.parse().ok()).collect())
    }

    /// A command and its answer's numbers.
    pub fn ask(&mut self, command: &str) -> Result<Vec<f64>> {
        self.send(command)?;
        self.answer()
    }
}

const QUIET: Duration = Duration::from_millis(400);

/// Keystrokes back to back: one byte, wait for its echo.
pub fn echo(peer: &Peer, guests: &mut Guests, keys: usize) -> Result<Figures> {
    guests.ask("echo on")?;
    let mut viewer = Viewer::attach(&peer.address(0, true), TYPING)?;
    viewer.drain(QUIET)?;
    let mut times = Vec::with_capacity(keys);
    let mut out = Vec::new();
    let mut cpu = Duration::ZERO;
    for key in 0..keys + 500 {
        if key == 500 {
            cpu = peer.child.cpu();
        }
        out.clear();
        let started = Instant::now();
        viewer.send(b"k")?;
        while out.is_empty() {
            if viewer.receive(&mut out, Duration::from_secs(5))? == 0 && started.elapsed().as_secs() > 5 {
                bail!("{}: no echo of key {key} in 5 s", peer.kind.name());
            }
        }
        if key >= 500 {
            times.push(started.elapsed().as_secs_f64() * 1e6);
        }
    }
    let cpu = peer.child.cpu().saturating_sub(cpu);
    guests.ask("echo off")?;
    times.sort_by(f64::total_cmp);
    let at = |q: f64| times.get(((times.len() - 1) as f64 * q) as usize).copied().unwrap_or(0.0);
    Ok(Figures::from([
        ("p50 us", at(0.5)),
        ("p99 us", at(0.99)),
        ("cpu us/key", cpu.as_secs_f64() * 1e6 / keys as f64),
    ]))
}

/// A guest that hands over one byte a write every 12 us, with a viewer and (where there is one) a log.
pub fn drip(peer: &Peer, guests: &mut Guests, bytes: u64) -> Result<Figures> {
    let mut viewer = Viewer::attach(&peer.address(0, false), TYPING)?;
    viewer.drain(QUIET)?;
    let next = guests.ask("next 0")?.first().copied().unwrap_or(0.0) as u64;
    let before = peer.child.cpu();
    let bytes = bytes / LINE as u64 * LINE as u64;
    guests.send(&format!("drip 0 0 {bytes} 12000"))?;
    let check = collect(&mut viewer, next, bytes / LINE as u64)?;
    let held = guests.answer()?.get(1).copied().unwrap_or(0.0);
    let cpu = peer.child.cpu().saturating_sub(before);
    Ok(Figures::from([
        ("cpu us/byte", cpu.as_secs_f64() * 1e6 / bytes as f64),
        ("guest held up ms", held / 1e6),
        ("faults", faults(&check)),
    ]))
}

/// A guest that prints as fast as it is read, to `viewers` viewers.
pub fn flood(peer: &Peer, guests: &mut Guests, bytes: u64, viewers: usize) -> Result<Figures> {
    let mut attached = (0..viewers)
        .map(|_| {
            let mut viewer = Viewer::attach(&peer.address(0, false), WATCHING)?;
            viewer.drain(QUIET)?;
            Ok(viewer)
        })
        .collect::<Result<Vec<_>>>()?;
    let next = guests.ask("next 0")?.first().copied().unwrap_or(0.0) as u64;
    let lines = bytes.div_ceil(LINE as u64);
    let before = peer.child.cpu();
    let started = Instant::now();
    guests.send(&format!("flood 0 0 {bytes}"))?;
    let checks = std::thread::scope(|scope| {
        let threads: Vec<_> =
            attached.iter_mut().map(|viewer| scope.spawn(move || collect(viewer, next, lines))).collect();
        threads
            .into_iter()
            .map(|t| t.join().map_err(|_| anyhow::anyhow!("a viewer's thread died"))?)
            .collect::<Result<Vec<Check>>>()
    })?;
    let seconds = started.elapsed().as_secs_f64();
    guests.answer()?;
    let cpu = peer.child.cpu().saturating_sub(before);
    let received: u64 = checks.iter().map(|c| c.lines * LINE as u64).sum();
    Ok(Figures::from([
        ("MB/s", received as f64 / 1e6 / seconds),
        ("cpu s/GB", cpu.as_secs_f64() / (bytes as f64 / 1e9)),
        ("faults", checks.iter().map(faults).sum()),
    ]))
}

/// Output to the log with nobody attached.
pub fn capture(peer: &Peer, guests: &mut Guests, bytes: u64) -> Result<Figures> {
    let before = peer.child.cpu();
    let rate = to_log(peer, guests, bytes)?;
    let cpu = peer.child.cpu().saturating_sub(before);
    Ok(Figures::from([
        ("MB/s", rate),
        ("cpu s/GB", cpu.as_secs_f64() / (bytes as f64 / 1e9)),
        ("faults", whole_log(peer)?),
    ]))
}

/// The same with one viewer that never reads, beside the rate and the memory without it in the same process.
pub fn stuck(peer: &Peer, guests: &mut Guests, bytes: u64) -> Result<Figures> {
    // Once for what capture itself keeps in memory, once for the rate.
    to_log(peer, guests, bytes)?;
    let own = to_log(peer, guests, bytes)?;
    let memory = peer.child.usage().pss_kib;
    let mut viewer = Viewer::attach(&peer.address(0, false), TYPING)?;
    viewer.drain(QUIET)?;
    let rate = to_log(peer, guests, bytes)?;
    let grown = peer.child.usage().pss_kib as f64 - memory as f64;
    drop(viewer);
    Ok(Figures::from([
        ("MB/s", rate),
        ("x own rate", rate / own),
        ("grown MB", grown / 1024.0),
        ("faults", whole_log(peer)?),
    ]))
}

/// A flood, until the last byte of it stands in the log; MB/s.
fn to_log(peer: &Peer, guests: &mut Guests, bytes: u64) -> Result<f64> {
    let end = peer.log_end(0)?;
    let lines = bytes.div_ceil(LINE as u64);
    let started = Instant::now();
    guests.ask(&format!("flood 0 0 {bytes}"))?;
    while peer.log_end(0)? < end + lines * LINE as u64 {
        if started.elapsed() > Duration::from_secs(120) {
            bail!("{}: the log stops at {}", peer.kind.name(), peer.log_end(0)?);
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
    Ok(bytes as f64 / 1e6 / started.elapsed().as_secs_f64())
}

/// What is wrong with the log of console 0.
fn whole_log(peer: &Peer) -> Result<f64> {
    let mut checker = Checker::from(0);
    checker.feed(&peer.log(0)?.body);
    Ok(faults(&checker.check()))
}

/// Every console prints one line a second for `seconds`, nobody attached.
pub fn scale(peer: &Peer, guests: &mut Guests, count: usize, seconds: u64) -> Result<Figures> {
    guests.ask("wait")?;
    let before = peer.child.usage();
    let started = Instant::now();
    guests.ask(&format!("rate 1 {seconds}"))?;
    let elapsed = started.elapsed().as_secs_f64();
    let cpu = peer.child.cpu().saturating_sub(before.cpu);
    let after = peer.child.usage();
    let expected = guests.ask("next 0")?.first().copied().unwrap_or(0.0) as u64 * LINE as u64;
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut bad = 0.0;
    for n in 0..count {
        while peer.log_end(n)? < expected {
            if Instant::now() > deadline {
                bail!("{}: c{n}'s log ends at {} of {expected}", peer.kind.name(), peer.log_end(n)?);
            }
        }
        if n % (count / 50).max(1) == 0 {
            let mut checker = Checker::from(0);
            checker.feed(&peer.log(n)?.body);
            bad += faults(&checker.check());
        }
    }
    Ok(Figures::from([
        ("ready s", peer.ready.as_secs_f64()),
        ("processes", after.processes as f64),
        ("PSS KiB/console", after.pss_kib as f64 / count as f64),
        ("cpu %", cpu.as_secs_f64() * 100.0 / elapsed),
        ("faults", bad),
    ]))
}

/// All guests go away and come back 0.3 s later.
pub fn reattach(guests: &mut Guests) -> Result<Figures> {
    guests.ask("wait")?;
    let times = guests.ask("restart 300")?;
    let at = |n: usize| times.get(n).copied().context("no figure");
    Ok(Figures::from([("half ms", at(0)?), ("all ms", at(1)?), ("never", at(2)?)]))
}

/// Requests for a log's end; the median counts.
const TAILS: usize = 200;
/// Downloads of a whole log; the median counts.
const WHOLES: usize = 5;

/// First byte of the last 64 KiB of a log, and the whole log.
pub fn reads(peer: &Peer, guests: &mut Guests, bytes: u64) -> Result<Figures> {
    to_log(peer, guests, bytes)?;
    let faults = whole_log(peer)?;
    let mut figures = downloads(|tail| peer.log_measured(0, tail.then_some(TAIL)))?;
    figures.insert("faults", faults);
    Ok(figures)
}

/// The end of a log that is asked for, bytes.
const TAIL: u64 = 65_536;

fn downloads(get: impl Fn(bool) -> Result<crate::http::Measured>) -> Result<Figures> {
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(0.0)
    };
    let mut first = Vec::new();
    for _ in 0..TAILS {
        let tail = get(true)?;
        if tail.length != TAIL {
            bail!("{} bytes instead of {TAIL}", tail.length);
        }
        first.push(tail.first_byte.as_secs_f64() * 1e6);
    }
    let mut rates = Vec::new();
    for _ in 0..WHOLES {
        let whole = get(false)?;
        rates.push(whole.length as f64 / 1e6 / whole.took.as_secs_f64());
    }
    Ok(Figures::from([("tail first byte us", median(first)), ("whole MB/s", median(rates))]))
}

/// The same file through nginx.
pub fn nginx_reads(work: &Path, bytes: u64) -> Result<Figures> {
    std::fs::create_dir_all(work.join("www"))?;
    let mut text = Vec::new();
    for n in 0..bytes.div_ceil(LINE as u64) {
        crate::lines::push(&mut text, 0, n);
    }
    std::fs::write(work.join("www/log"), &text)?;
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let conf = work.join("nginx.conf");
    std::fs::write(
        &conf,
        format!(
            "user root; worker_processes 1; daemon off; pid {0}/pid; error_log {0}/error;\n\
             events {{}} http {{ access_log off; sendfile on; tcp_nopush on; server {{ listen 127.0.0.1:{port}; root {0}/www; }} }}\n",
            work.display()
        ),
    )?;
    let mut command = Command::new("nginx");
    command.arg("-c").arg(&conf).arg("-p").arg(work);
    let _nginx = Child::start(&mut command, &work.join("nginx.log"))?;
    let at = format!("127.0.0.1:{port}");
    let deadline = Instant::now() + Duration::from_secs(10);
    while std::net::TcpStream::connect(&at).is_err() {
        if Instant::now() > deadline {
            bail!("nginx did not start: see {}", work.join("nginx.log").display());
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    let range = [format!("Range: bytes={}-{}", text.len() as u64 - TAIL, text.len() - 1)];
    downloads(|tail| crate::http::measure(&at, "/log", if tail { &range } else { &[] }))
}

/// Whether a peer can be asked for a measurement that reads logs.
pub fn keeps_log(kind: Kind) -> bool {
    kind != Kind::Socat
}

fn collect(viewer: &mut Viewer, next: u64, lines: u64) -> Result<Check> {
    let mut checker = Checker::from(next);
    let mut out = Vec::with_capacity(1 << 19);
    let mut last = Instant::now();
    while checker.check().next < next + lines {
        out.clear();
        if viewer.receive(&mut out, Duration::from_secs(1))? > 0 {
            last = Instant::now();
            checker.feed(&out);
        } else if last.elapsed() > Duration::from_secs(20) {
            break;
        }
    }
    let mut check = checker.check();
    check.lost += (next + lines).saturating_sub(check.next);
    Ok(check)
}

fn faults(check: &Check) -> f64 {
    (check.lost + check.repeated + check.damaged) as f64
}
