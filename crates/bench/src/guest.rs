//! Fake guests: many serial consoles from one thread, each a unix socket with QEMU's manners (one peer at a time, output
//! thrown away while nobody is attached), except that they wait for a slow reader for ever: a line that is missing
//! afterwards was lost by the peer. Driven by lines on standard input, one answer line each.
//!
//! ```text
//! echo on|off            what is typed comes back | is thrown away
//! flood FIRST LAST BYTES each of these consoles prints that much as fast as it is read
//! drip FIRST LAST BYTES GAP_NS   one byte a write, one write every GAP_NS (as an emulated UART does)
//! rate LINES SECONDS     every console prints that many lines a second
//! restart MS             all sockets vanish and come back on fresh listeners; answers when all are attached again
//! wait                   answers when all consoles are attached
//! next N                 the number of the next line of console N
//! quit
//! ```

use crate::lines;
use anyhow::{Context as _, Result, bail};
use rustix::event::{PollFd, PollFlags, Timespec, epoll, poll};
use std::io::{BufRead as _, ErrorKind, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const CHUNK_LINES: u64 = 800;

struct Console {
    path: PathBuf,
    listener: Option<UnixListener>,
    peer: Option<UnixStream>,
    next: u64,
    pending: Vec<u8>,
}

struct Guests {
    consoles: Vec<Console>,
    echo: bool,
    epoll: rustix::fd::OwnedFd,
    scratch: Vec<u8>,
}

/// Serves `count` consoles as `dir/c{n}.sock` until `quit` or the end of standard input.
pub fn serve(dir: &Path, count: usize) -> Result<()> {
    let mut guests = Guests {
        consoles: Vec::new(),
        echo: false,
        epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
        scratch: vec![0; 1 << 16],
    };
    for n in 0..count {
        let path = dir.join(format!("c{n}.sock"));
        guests.consoles.push(Console { path, listener: None, peer: None, next: 0, pending: Vec::new() });
        guests.listen(n)?;
    }
    println!("ready");
    // Standard input is read unbuffered by lines: the loop must see when a command is there.
    let (send, commands) = std::sync::mpsc::channel::<String>();
    let (reader, mut writer) = std::os::unix::net::UnixStream::pair()?;
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { break };
            if send.send(line).is_err() || writer.write_all(b"x").is_err() {
                break;
            }
        }
    });
    reader.set_nonblocking(true)?;
    epoll::add(
        &guests.epoll,
        &reader,
        epoll::EventData::new_u64(u64::MAX),
        epoll::EventFlags::IN | epoll::EventFlags::RDHUP,
    )?;
    loop {
        if guests.turn(Some(&reader), None)? {
            let mut byte = [0; 64];
            if matches!((&reader).read(&mut byte), Ok(0)) {
                return Ok(());
            }
            while let Ok(command) = commands.try_recv() {
                let words: Vec<&str> = command.split_whitespace().collect();
                if words.first() == Some(&"quit") {
                    return Ok(());
                }
                let answer = guests.command(&words).with_context(|| command.clone())?;
                println!("{answer}");
            }
        }
    }
}

impl Guests {
    fn listen(&mut self, n: usize) -> Result<()> {
        let console = self.consoles.get_mut(n).context("no such console")?;
        let _ = std::fs::remove_file(&console.path);
        let listener =
            UnixListener::bind(&console.path).with_context(|| console.path.display().to_string())?;
        listener.set_nonblocking(true)?;
        epoll::add(
            &self.epoll,
            &listener,
            epoll::EventData::new_u64((n as u64) << 1),
            epoll::EventFlags::IN,
        )?;
        console.listener = Some(listener);
        Ok(())
    }

    /// Handles what is ready. True when a command waits.
    fn turn(&mut self, commands: Option<&UnixStream>, limit: Option<Duration>) -> Result<bool> {
        let mut events = Vec::with_capacity(1024);
        let timeout =
            limit.map(|d| Timespec { tv_sec: d.as_secs() as i64, tv_nsec: i64::from(d.subsec_nanos()) });
        epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), timeout.as_ref())?;
        let mut command = false;
        for event in events {
            match event.data.u64() {
                u64::MAX => command = commands.is_some(),
                data if data & 1 == 0 => self.accept((data >> 1) as usize)?,
                data => self.read((data >> 1) as usize)?,
            }
        }
        Ok(command)
    }

    fn accept(&mut self, n: usize) -> Result<()> {
        let Some(console) = self.consoles.get_mut(n) else { return Ok(()) };
        if console.peer.is_some() {
            return Ok(());
        }
        let Some(Ok((peer, _))) = console.listener.as_ref().map(UnixListener::accept) else { return Ok(()) };
        peer.set_nonblocking(true)?;
        epoll::add(
            &self.epoll,
            &peer,
            epoll::EventData::new_u64(((n as u64) << 1) | 1),
            epoll::EventFlags::IN | epoll::EventFlags::RDHUP,
        )?;
        console.peer = Some(peer);
        Ok(())
    }

    fn read(&mut self, n: usize) -> Result<()> {
        let Some(console) = self.consoles.get_mut(n) else { return Ok(()) };
        let Some(peer) = &mut console.peer else { return Ok(()) };
        match peer.read(&mut self.scratch) {
            Ok(0) => console.peer = None,
            Ok(len) if self.echo => write_all(peer, self.scratch.get(..len).unwrap_or_default())?,
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::WouldBlock => {}
            Err(_) => console.peer = None,
        }
        // One peer at a time: whoever waited is let in now.
        if self.consoles.get(n).is_some_and(|c| c.peer.is_none()) { self.accept(n) } else { Ok(()) }
    }

    fn command(&mut self, words: &[&str]) -> Result<String> {
        let number = |at: usize| -> Result<u64> {
            words.get(at).context("a number is missing")?.parse::<u64>().map_err(Into::into)
        };
        match words.first().copied().unwrap_or_default() {
            "echo" => self.echo = words.get(1) == Some(&"on"),
            "flood" => return self.flood(number(1)? as usize, number(2)? as usize, number(3)?),
            "drip" => return self.drip(number(1)? as usize, number(2)? as usize, number(3)?, number(4)?),
            "rate" => return self.rate(number(1)?, number(2)?),
            "restart" => return self.restart(Duration::from_millis(number(1)?)),
            "wait" => self.all_attached()?,
            "next" => {
                let n = number(1)? as usize;
                return Ok(self.consoles.get(n).context("no such console")?.next.to_string());
            }
            other => bail!("unknown command {other}"),
        }
        Ok("ok".into())
    }

    fn all_attached(&mut self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(120);
        while self.consoles.iter().any(|c| c.peer.is_none()) {
            if Instant::now() > deadline {
                bail!(
                    "{} consoles are not attached",
                    self.consoles.iter().filter(|c| c.peer.is_none()).count()
                );
            }
            self.turn(None, Some(Duration::from_millis(20)))?;
        }
        Ok(())
    }

    fn flood(&mut self, first: usize, last: usize, bytes: u64) -> Result<String> {
        let started = Instant::now();
        let lines_each = bytes.div_ceil(lines::LINE as u64);
        let mut left: Vec<(usize, u64)> = (first..=last).map(|n| (n, lines_each)).collect();
        while !left.is_empty() {
            let mut progressed = false;
            for (n, lines_left) in &mut left {
                let Some(console) = self.consoles.get_mut(*n) else { continue };
                if console.pending.is_empty() && *lines_left > 0 {
                    for _ in 0..CHUNK_LINES.min(*lines_left) {
                        lines::push(&mut console.pending, *n, console.next);
                        console.next += 1;
                    }
                    *lines_left -= CHUNK_LINES.min(*lines_left);
                }
                progressed |= push_pending(console)?;
            }
            left.retain(|(n, l)| *l > 0 || self.consoles.get(*n).is_some_and(|c| !c.pending.is_empty()));
            if !progressed {
                let consoles = &self.consoles;
                let mut fds: Vec<PollFd<'_>> = left
                    .iter()
                    .filter_map(|(n, _)| consoles.get(*n)?.peer.as_ref())
                    .map(|peer| PollFd::from_borrowed_fd(peer.as_fd(), PollFlags::OUT))
                    .collect();
                poll(&mut fds, Some(&Timespec { tv_sec: 1, tv_nsec: 0 }))?;
            }
        }
        Ok(format!("{}", started.elapsed().as_nanos()))
    }

    /// Answers with nanoseconds taken and the nanoseconds for which a full socket held the guest up.
    fn drip(&mut self, first: usize, last: usize, bytes: u64, gap_ns: u64) -> Result<String> {
        let (started, mut held) = (Instant::now(), Duration::ZERO);
        let mut text = Vec::new();
        for step in 0..bytes {
            let due = Duration::from_nanos(step * gap_ns);
            while started.elapsed() < due {
                std::hint::spin_loop();
            }
            for n in first..=last {
                let Some(console) = self.consoles.get_mut(n) else { continue };
                text.clear();
                let at = (step % lines::LINE as u64) as usize;
                lines::push(&mut text, n, console.next);
                if at == lines::LINE - 1 {
                    console.next += 1;
                }
                let Some(peer) = &mut console.peer else { continue };
                let byte = text.get(at..=at).unwrap_or_default();
                let before = Instant::now();
                while matches!(peer.write(byte), Err(e) if e.kind() == ErrorKind::WouldBlock) {
                    std::hint::spin_loop();
                }
                let took = before.elapsed();
                if took > Duration::from_micros(100) {
                    held += took;
                }
            }
        }
        Ok(format!("{} {}", started.elapsed().as_nanos(), held.as_nanos()))
    }

    fn rate(&mut self, lines_per_second: u64, seconds: u64) -> Result<String> {
        let started = Instant::now();
        let (count, mut dropped) = (self.consoles.len() as u64, 0u64);
        let total = lines_per_second * seconds * count;
        let mut done = 0;
        while done < total {
            let due =
                ((started.elapsed().as_secs_f64() * (lines_per_second * count) as f64) as u64).min(total);
            while done < due {
                let n = (done % count) as usize;
                done += 1;
                let Some(console) = self.consoles.get_mut(n) else { continue };
                lines::push(&mut console.pending, n, console.next);
                console.next += 1;
                if !push_pending(console)? {
                    dropped += 1;
                }
            }
            self.turn(None, Some(Duration::from_millis(2)))?;
        }
        Ok(dropped.to_string())
    }

    /// Answers with the milliseconds from the sockets' return until half, and until all, are attached again.
    fn restart(&mut self, pause: Duration) -> Result<String> {
        for console in &mut self.consoles {
            console.peer = None;
            console.listener = None;
            console.pending.clear();
            let _ = std::fs::remove_file(&console.path);
        }
        let back = Instant::now() + pause;
        while let Some(left) = back.checked_duration_since(Instant::now()) {
            self.turn(None, Some(left))?;
        }
        let started = Instant::now();
        for n in 0..self.consoles.len() {
            self.listen(n)?;
        }
        let (mut half, deadline) = (None, Instant::now() + Duration::from_secs(180));
        loop {
            let attached = self.consoles.iter().filter(|c| c.peer.is_some()).count();
            if half.is_none() && attached * 2 >= self.consoles.len() {
                half = Some(started.elapsed());
            }
            if attached == self.consoles.len() || Instant::now() > deadline {
                let ms = |d: Duration| d.as_secs_f64() * 1000.0;
                return Ok(format!(
                    "{} {} {}",
                    ms(half.unwrap_or_else(|| started.elapsed())),
                    ms(started.elapsed()),
                    self.consoles.len() - attached
                ));
            }
            self.turn(None, Some(Duration::from_millis(5)))?;
        }
    }
}

/// Writes what waits. True when anything went out (or nobody is attached and it was thrown away).
fn push_pending(console: &mut Console) -> Result<bool> {
    let Some(peer) = &mut console.peer else {
        console.pending.clear();
        return Ok(true);
    };
    match peer.write(&console.pending) {
        Ok(len) => {
            console.pending.drain(..len);
            Ok(len > 0)
        }
        Err(e) if e.kind() == ErrorKind::WouldBlock => Ok(false),
        Err(_) => {
            console.peer = None;
            console.pending.clear();
            Ok(true)
        }
    }
}

fn write_all(peer: &mut UnixStream, mut bytes: &[u8]) -> Result<()> {
    while !bytes.is_empty() {
        match peer.write(bytes) {
            Ok(len) => bytes = bytes.get(len..).unwrap_or_default(),
            Err(e) if e.kind() == ErrorKind::WouldBlock => std::hint::spin_loop(),
            Err(_) => return Ok(()),
        }
    }
    Ok(())
}
