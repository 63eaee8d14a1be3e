//! `hardline console`: a serial port in this terminal.
//!
//! Who may hold what: [`terminal::Raw`] owns the terminal's mode and gives it back however the verb ends; one thread
//! reads the keyboard; everything else happens in one task, [`run`].

mod keys;
mod socket;
mod terminal;

use crate::args::ConsoleArgs;
use crate::error::Error;
use crate::log::OWN;
use crate::session::Session;
use hardline_arm::resource_id::ResourceId;
use hardline_console::frame::{
    ClientFrame, ClientNotice, RefusedReason, Role, ServerFrame, ServerNotice, gap_line,
};
use keys::{Keys, Press};
use serde_json::json;
use socket::Socket;
use std::time::Duration;
use terminal::{Keyboard, Raw, Screen};

/// Without a terminal, the answer to the last input gets this long without a byte before the verb ends.
const QUIET: Duration = Duration::from_secs(1);
/// The server hears from us this often, so that a connection that died is noticed.
const PING: Duration = Duration::from_secs(15);

/// Runs the verb until the user leaves or the server ends the session.
pub async fn run(args: &ConsoleArgs) -> Result<(), Error> {
    let session = Session::open(&args.vm.scope).await?;
    let id = session.vm(&args.vm).await?;
    let mode = if args.view { "view" } else { "write" };
    let port = format!("{id}/providers/Hardline.Console/serialPorts/0");
    let socket = Socket::open(&session, &format!("{port}/stream?{OWN}&mode={mode}")).await?;

    let raw = Raw::enter();
    let mut console = Console {
        socket,
        session,
        port,
        vm: id,
        screen: Screen,
        keys: Keys::new(raw.is_some()),
        welcome: false,
    };
    let outcome = console.talk(Keyboard::start()).await;
    console.socket.close().await;
    drop(raw);
    match &outcome {
        Ok(()) => eprintln!("\r\n[hardline: left {}]", console.vm.name()),
        Err(_) => eprintln!("\r"),
    }
    outcome
}

struct Console {
    socket: Socket,
    session: Session,
    port: String,
    vm: ResourceId,
    screen: Screen,
    keys: Keys,
    /// The server has told our part; what is typed before waits.
    welcome: bool,
}

/// Whether the session goes on.
enum Next {
    Go,
    Leave,
}

impl Console {
    async fn talk(&mut self, mut keyboard: Keyboard) -> Result<(), Error> {
        let mut signals = terminal::Signals::new().map_err(Error::Output)?;
        let mut ping = tokio::time::interval(PING);
        let mut input_ended = false;
        self.resize().await?;
        loop {
            tokio::select! {
                frame = self.socket.next() => {
                    if let Next::Leave = self.show(frame?)? {
                        return Ok(());
                    }
                }
                input = keyboard.next(), if self.welcome && !input_ended => match input {
                    Some(bytes) => {
                        if let Next::Leave = self.typed(&bytes).await? {
                            return Ok(());
                        }
                    }
                    None => input_ended = true,
                },
                // Restarted by every frame: quiet means that nothing came for so long.
                () = tokio::time::sleep(QUIET), if input_ended => return Ok(()),
                _ = ping.tick() => self.notice(ClientNotice::Ping).await?,
                signal = signals.next() => match signal {
                    terminal::Signal::Resized => self.resize().await?,
                    terminal::Signal::End => return Ok(()),
                },
            }
        }
    }

    fn show(&mut self, frame: ServerFrame) -> Result<Next, Error> {
        match frame {
            ServerFrame::Output { data, .. } => self.screen.write(&data)?,
            ServerFrame::Snapshot { data, .. } => self.screen.replace(&data)?,
            ServerFrame::Notice(notice) => {
                self.welcome |= matches!(notice, ServerNotice::Welcome { .. });
                return self.told(notice);
            }
        }
        Ok(Next::Go)
    }

    fn told(&mut self, notice: ServerNotice) -> Result<Next, Error> {
        match notice {
            ServerNotice::Welcome { role: Role::Writer, vm, .. } => {
                self.screen.line(&format!("connected to {vm}; Ctrl+] opens the menu, Ctrl+] q leaves"))?;
            }
            ServerNotice::Welcome { role: Role::Viewer, vm, holder, .. } => {
                let holder = holder.map_or_else(|| "nobody types".to_owned(), |h| format!("{h} types"));
                self.screen
                    .line(&format!("watching {vm}: {holder}; Ctrl+] t takes the seat, Ctrl+] q leaves"))?;
            }
            ServerNotice::Gap { length, reason, .. } => {
                self.screen.write(gap_line(length, reason).as_bytes())?;
            }
            ServerNotice::Taken { by, address } => {
                return Err(Error::Console(format!(
                    "{by} ({address}) has taken the seat; you are disconnected"
                )));
            }
            ServerNotice::InputRefused { reason, bytes } => {
                let why = match reason {
                    RefusedReason::StaleEpoch => "somebody else has the seat",
                    RefusedReason::GuestNotReading => "the guest does not read its input",
                    RefusedReason::NotRunning => "the machine is not running",
                    RefusedReason::NotWriter => "you only watch; Ctrl+] t takes the seat",
                };
                self.screen.line(&format!("{bytes} bytes did not reach the guest: {why}"))?;
            }
            ServerNotice::State { state } => self.screen.line(&format!("the machine is {state}"))?,
            ServerNotice::Ended { reason } => return Err(Error::Console(reason)),
            ServerNotice::Pong => {}
        }
        Ok(Next::Go)
    }

    async fn typed(&mut self, bytes: &[u8]) -> Result<Next, Error> {
        for press in self.keys.take(bytes) {
            match press {
                Press::Send(bytes) => self.socket.send(&ClientFrame::Input(bytes.into())).await?,
                Press::Say(text) => self.screen.line(text)?,
                Press::Quit => return Ok(Next::Leave),
                Press::Take => self.notice(ClientNotice::Take).await?,
                Press::Nmi => self.act("nmi", "an NMI", None).await?,
                Press::Break => self.act("break", "a BREAK", None).await?,
                Press::Reset => self.act("reset", "a reset", None).await?,
                Press::SysRq(key) => self.act("sysrq", "the SysRq key", Some(key)).await?,
            }
        }
        Ok(Next::Go)
    }

    /// One of the menu's acts; that it is refused does not end the session.
    async fn act(&mut self, verb: &str, what: &str, key: Option<char>) -> Result<(), Error> {
        let body = key.map(|key| json!({"SysRqCommand": key.to_string()}));
        let path = format!("{}/{verb}?{OWN}", self.port);
        match self.session.http.post(&path, &self.session.token, body.as_ref()).await {
            Ok(()) => self.screen.line(&format!("sent {what}")),
            Err(error) => self.screen.line(&error.to_string()),
        }
    }

    async fn resize(&mut self) -> Result<(), Error> {
        match terminal::size() {
            Some((cols, rows)) => self.notice(ClientNotice::Resize { cols, rows }).await,
            None => Ok(()),
        }
    }

    async fn notice(&mut self, notice: ClientNotice) -> Result<(), Error> {
        self.socket.send(&ClientFrame::Notice(notice)).await
    }
}
