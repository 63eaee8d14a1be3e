//! The local terminal: its mode, size, keyboard, screen and signals.

use crate::error::Error;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// What a terminal is put back to, after which the guest's colours, hidden cursor, mouse or other screen end.
const PLAIN: &[u8] =
    b"\x1b[0m\x1b[?25h\x1b[?1049l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1l\x1b>";

/// The terminal in raw mode; dropping it, or a panic, gives the former mode back.
pub struct Raw {
    former: Arc<Mutex<Option<Termios>>>,
}

impl Raw {
    /// Every key goes through from now on. None when standard input is no terminal.
    pub fn enter() -> Option<Self> {
        let stdin = std::io::stdin();
        let termios = stdin.is_terminal().then(|| tcgetattr(&stdin).ok()).flatten()?;
        let mut raw = termios.clone();
        raw.make_raw();
        tcsetattr(&stdin, OptionalActions::Flush, &raw).ok()?;
        let former = Arc::new(Mutex::new(Some(termios)));
        let (for_panic, hook) = (former.clone(), std::panic::take_hook());
        std::panic::set_hook(Box::new(move |info| {
            restore(&for_panic);
            hook(info);
        }));
        Some(Self { former })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        restore(&self.former);
    }
}

fn restore(former: &Mutex<Option<Termios>>) {
    if let Some(termios) = former.lock().unwrap_or_else(PoisonError::into_inner).take() {
        let mut out = std::io::stdout();
        if out.is_terminal() {
            let _ = out.write_all(PLAIN).and_then(|()| out.flush());
        }
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Drain, &termios);
    }
}

/// Columns and rows; none when standard output is no terminal or does not know.
pub fn size() -> Option<(u16, u16)> {
    let size = tcgetwinsize(std::io::stdout()).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col.min(1000), size.ws_row.min(1000)))
}

/// What is typed, read by a thread of its own: a read cannot be called off.
pub struct Keyboard {
    input: mpsc::Receiver<Vec<u8>>,
}

impl Keyboard {
    /// Starts reading.
    pub fn start() -> Self {
        let (sender, input) = mpsc::channel(16);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            let mut stdin = std::io::stdin().lock();
            while let Ok(count @ 1..) = stdin.read(&mut buffer) {
                let typed = buffer.get(..count).unwrap_or_default().to_vec();
                if sender.blocking_send(typed).is_err() {
                    return;
                }
            }
        });
        Self { input }
    }

    /// The next bytes; none at the end of the input.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        self.input.recv().await
    }
}

/// Where guest output goes.
#[derive(Debug, Default)]
pub struct Screen;

impl Screen {
    /// Guest bytes, as they are.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let mut out = std::io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush()).map_err(Error::Output)
    }

    /// A whole screen in place of what is shown.
    pub fn replace(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if std::io::stdout().is_terminal() {
            self.write(b"\x1b[!p\x1b[0m\x1b[2J\x1b[H")?;
        }
        self.write(bytes)
    }

    /// A line of our own: on standard error, so that it is no part of the guest's output.
    pub fn line(&mut self, text: &str) -> Result<(), Error> {
        let tame: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let mut err = std::io::stderr().lock();
        let line = match err.is_terminal() {
            true => format!("\r\n\x1b[7m[hardline: {tame}]\x1b[27m\r\n"),
            false => format!("[hardline: {tame}]\n"),
        };
        err.write_all(line.as_bytes()).and_then(|()| err.flush()).map_err(Error::Output)
    }
}

/// What the system tells.
pub enum Signal {
    /// The terminal has another size.
    Resized,
    /// We are to end.
    End,
}

/// The signals that matter here.
pub struct Signals {
    resized: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

impl Signals {
    /// Starts listening.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self {
            resized: signal(SignalKind::window_change())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// The next one.
    pub async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.resized.recv() => Signal::Resized,
            _ = self.interrupt.recv() => Signal::End,
            _ = self.terminate.recv() => Signal::End,
            _ = self.hangup.recv() => Signal::End,
        }
    }
}
