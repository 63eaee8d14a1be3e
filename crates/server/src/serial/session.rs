//! One console session, from the moment its right is proven to its end.
//!
//! ```text
//!            acquire (writer)                     taken, stopped, right lost, silent, going away
//!   begin ──────────────────> seated ──┐       ┌──────────────────────────────────────────> farewell ──> end event
//!     └──────────────────> watching ───┴─ line ┤
//!            (viewer)          └─ take ─> seated└─ the host is away: the line is opened again where it broke
//! ```
//!
//! Two halves run side by side and never wait for each other. The *input* half takes the client's messages and gives its
//! keystrokes to the host; what it has to say goes into a small queue and is dropped when that is full. The *output* half
//! takes the host's replies, commands and the input half's notes, and writes the socket. It holds at most one reply: a
//! client that does not read stops it from asking the host for more, and the host then drops that viewer to a fresh
//! snapshot with a gap mark.

use super::hub::{Command, Port, Seat};
use super::input::{self, Note, Shared};
use super::line::{self, Heard, Line};
use super::protocol::{Encoder, Protocol};
use super::seat;
use super::target::Target;
use crate::auth::{self, Allowed};
use crate::http::websocket::{self, Sender, Socket};
use crate::pipeline::Cx;
use crate::record;
use crate::state::State;
use hardline_arm::activity::Deed;
use hardline_console::frame::{FrameError, Message, RefusedReason, Role, ServerFrame, ServerNotice, close};
use secrecy::SecretString;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::mpsc;
use uuid::Uuid;

/// How often a session's token and right are checked again without being asked to.
const RIGHTS_EVERY: Duration = Duration::from_secs(15);
/// How long the host is left alone after a line to it broke, unless it reports before.
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// What is left for a farewell to a client that does not read.
const FAREWELL: Duration = Duration::from_secs(2);
/// The state of a machine whose host is not connected.
pub const HOST_AWAY: &str = "hostAway";

/// Whether a session types or only watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Takes the seat on arrival.
    Write,
    /// Leaves the seat alone.
    View,
}

impl Mode {
    /// The word in a query and in the store.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "write" => Some(Self::Write),
            "view" => Some(Self::View),
            _ => None,
        }
    }

    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::View => "view",
        }
    }
}

/// What a session needs to begin.
#[derive(Debug)]
pub struct Begin {
    /// The request that opened the socket.
    pub cx: Cx,
    /// Proof of the right.
    pub allowed: Allowed,
    /// The machine.
    pub target: Target,
    /// The serial port's number.
    pub port: u32,
    /// Writer or viewer.
    pub mode: Mode,
    /// The socket's language.
    pub protocol: Protocol,
    /// The offset to go on at, when the client has what came before.
    pub from: Option<u64>,
    /// The token, which clients repeat and which must never reach the guest.
    pub token: Option<SecretString>,
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    /// The client closed the socket, or it broke.
    Left,
    Taken {
        by: String,
        address: String,
    },
    /// The machine was stopped or removed.
    Machine(String),
    /// The token expired or the right was withdrawn.
    RightLost(String),
    GoingAway,
    /// The client does not speak its protocol.
    Broken(FrameError),
    /// Ours, or the host's fault.
    Failed(String),
}

/// Runs a session on its socket; returns when it is over and recorded.
pub async fn run(begin: Begin, socket: Socket) {
    let (sender, receiver) = socket.split();
    let state = begin.cx.state.clone();
    let port = Port { vm: begin.target.vm_id.clone(), index: begin.port };
    let id = state.random.uuid();
    let seat = state.serial.hub().join(port.clone(), id);
    let shared = Shared::new();
    let mut event = record::deed_allowed(&begin.cx, &begin.allowed)
        .with("session", id.to_string())
        .with("port", begin.port.to_string())
        .with("mode", begin.mode.word());
    event.since = Some(state.clock.now());
    let (protocol, token) = (begin.protocol, begin.token.clone());
    let mut output = Output {
        encoder: Encoder::new(begin.protocol),
        sender,
        seat,
        port,
        id,
        epoch: None,
        line: None,
        lost_at: None,
        away: false,
        bytes_out: 0,
        shared: shared.clone(),
        state,
        begin,
    };
    let event = match output.arrive(event).await {
        Ok(event) => event,
        Err((event, end)) => {
            output.farewell(&end).await;
            return output.record(event, &end).await;
        }
    };
    // What the client sent meanwhile waited in its socket: the first keys find the line open.
    let (notes, heard) = mpsc::channel(input::NOTES);
    let input = tokio::spawn(input::run(receiver, protocol, token, notes, shared.clone()));
    let end = output.serve(heard).await;
    output.farewell(&end).await;
    shared.over.cancel();
    // The input half ends at once: it waits for nothing but the socket and the token that was just cancelled.
    let _ = input.await;
    output.record(event, &end).await;
}

/// The output half.
struct Output {
    begin: Begin,
    state: State,
    encoder: Encoder,
    sender: Sender,
    seat: Seat,
    port: Port,
    id: Uuid,
    /// Of the seat, when this session has it.
    epoch: Option<u64>,
    line: Option<Line>,
    /// Where the output goes on after a broken line.
    lost_at: Option<u64>,
    /// The client was told that the host is away.
    away: bool,
    bytes_out: u64,
    shared: Arc<Shared>,
}

impl Output {
    /// Everything between the first and the last message.
    async fn serve(&mut self, mut notes: mpsc::Receiver<Note>) -> End {
        let mut machine = super::machine::watch(&self.state, &self.port.vm);
        let mut rights = tokio::time::interval(RIGHTS_EVERY);
        rights.tick().await;
        let mut retry = tokio::time::interval(RETRY_AFTER);
        retry.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // Made once: every keystroke's echo comes through this loop.
        let shutdown = self.state.shutdown.clone().cancelled_owned();
        let gone = self.shared.gone.clone().cancelled_owned();
        tokio::pin!(shutdown, gone);
        loop {
            let away = self.line.is_none();
            let step = tokio::select! {
                biased;
                () = &mut shutdown => Err(End::GoingAway),
                () = &mut gone => Err(End::Left),
                Some(command) = self.seat.commands.recv() => self.obey(command).await,
                Some(note) = notes.recv() => self.note(note).await,
                state = machine.changed() => self.machine(state).await,
                heard = hear(&mut self.line) => self.hear(heard).await,
                _ = retry.tick(), if away => self.reopen().await,
                _ = rights.tick() => self.check_rights().await,
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    /// Takes the seat (a writer), opens the line, greets. Writes the begin event.
    async fn arrive(&mut self, event: Deed) -> Result<Deed, (Deed, End)> {
        let mut event = event;
        if self.begin.mode == Mode::Write {
            match self.take_seat(&event).await {
                Ok(displaced) => {
                    if let Some(name) = displaced {
                        event = event.with("displaced", name);
                    }
                }
                Err(why) => return Err((event, End::Failed(why))),
            }
        } else if let Err(error) = seat::begin(&self.state, &event).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "a console session cannot be recorded");
            let why = "the session cannot be recorded, so it cannot begin: the server's store does not work";
            return Err((event, End::Failed(why.into())));
        }
        let from = self.begin.from;
        if let Err(status) = self.open(from).await {
            if line::is_gone(&status) {
                return Err((event, End::Machine("the virtual machine is not on its host".into())));
            }
            self.lost_at = from;
            self.away = true;
        }
        match self.welcome().await {
            Ok(()) => Ok(event),
            Err(end) => Err((event, end)),
        }
    }

    /// Takes the seat; the name of whoever lost it. The begin event stands in the same transaction.
    async fn take_seat(&mut self, event: &Deed) -> Result<Option<String>, String> {
        let who = seat::Newcomer {
            session: self.id,
            name: self.begin.allowed.caller.name.clone(),
            address: self.begin.cx.facts.client.to_canonical().to_string(),
        };
        let taken = seat::acquire(&self.state, event, &self.port, &who).await.map_err(|e| e.to_string())?;
        self.epoch = Some(taken.epoch);
        Ok(taken.displaced)
    }

    async fn open(&mut self, from: Option<u64>) -> Result<(), tonic::Status> {
        let client = super::machine::client(&self.state, &self.port.vm).await?;
        let line = Line::open(client, &self.port, self.epoch, from).await?;
        self.shared.set_keys(Some(line.keys()));
        self.line = Some(line);
        Ok(())
    }

    async fn welcome(&mut self) -> Result<(), End> {
        let lease = match seat::present(&self.state, &self.port).await {
            Ok(lease) => lease,
            Err(_) => return Err(End::Failed("the server's store does not answer".into())),
        };
        self.say(ServerNotice::Welcome {
            role: if self.epoch.is_some() { Role::Writer } else { Role::Viewer },
            vm: self.begin.target.name.clone(),
            port: self.port.index,
            epoch: lease.epoch,
            holder: lease.holder.map(|h| h.name),
        })
        .await
    }

    async fn say(&mut self, notice: ServerNotice) -> Result<(), End> {
        self.write(ServerFrame::Notice(notice)).await
    }

    /// Writes one frame. A client that does not take it may hold this up, but not a takeover, a shutdown or its own end.
    async fn write(&mut self, frame: ServerFrame) -> Result<(), End> {
        let Some(message) = self.encoder.encode(frame) else { return Ok(()) };
        let gone = self.shared.gone.clone();
        let shutdown = self.state.shutdown.clone();
        let sending = self.sender.send(wire(message));
        tokio::pin!(sending);
        loop {
            tokio::select! {
                biased;
                sent = &mut sending => return sent.map_err(|_| End::Left),
                () = shutdown.cancelled() => return Err(End::GoingAway),
                () = gone.cancelled() => return Err(End::Left),
                Some(command) = self.seat.commands.recv() => {
                    // Who has the seat is told again with the next welcome; rights are checked again soon.
                    if let Command::Taken { by, address } = command {
                        return Err(End::Taken { by, address });
                    }
                }
            }
        }
    }

    async fn obey(&mut self, command: Command) -> Result<(), End> {
        match command {
            Command::Taken { by, address } => Err(End::Taken { by, address }),
            Command::CheckRights => self.check_rights().await,
            Command::Holder { epoch, name } => {
                self.say(ServerNotice::Welcome {
                    role: Role::Viewer,
                    vm: self.begin.target.name.clone(),
                    port: self.port.index,
                    epoch,
                    holder: name,
                })
                .await
            }
        }
    }

    async fn note(&mut self, note: Note) -> Result<(), End> {
        match note {
            Note::Say(notice) => self.say(notice).await,
            Note::Broken(error) => Err(End::Broken(error)),
            Note::Renew(token) => {
                self.renew(&token).await;
                Ok(())
            }
            Note::Take if self.epoch.is_some() => self.welcome().await,
            Note::Take => self.take_over().await,
        }
    }

    /// Goes on with a fresh token of the same caller; any other one changes nothing.
    async fn renew(&mut self, token: &SecretString) {
        let known = &mut self.begin.allowed.caller;
        if let Ok(caller) = auth::authenticate(&self.state, self.state.clock.now(), token).await
            && caller.oid == known.oid
        {
            known.expires = known.expires.max(caller.expires);
        }
    }

    /// A viewer takes the seat: an event of its own, then a new line with the new epoch, where the old one stopped.
    async fn take_over(&mut self) -> Result<(), End> {
        let mut deed = record::deed_allowed(&self.begin.cx, &self.begin.allowed)
            .with("session", self.id.to_string())
            .with("port", self.port.index.to_string())
            .with("mode", "take");
        deed.since = Some(self.state.clock.now());
        let taken = self.take_seat(&deed).await;
        seat::leave(&self.state, &deed, &self.port, None, taken.as_ref().err().cloned()).await;
        if let Err(why) = taken {
            tracing::info!(vm = %self.port.vm, why, "the seat could not be taken");
            return self.say(ServerNotice::InputRefused { reason: RefusedReason::NotWriter, bytes: 0 }).await;
        }
        self.lost_at = self.line.take().and_then(|line| line.next_offset());
        self.shared.set_keys(None);
        self.welcome().await?;
        self.reopen().await
    }

    async fn machine(&mut self, state: super::machine::Seen) -> Result<(), End> {
        match state {
            super::machine::Seen::State(word) => self.say(ServerNotice::State { state: word }).await,
            super::machine::Seen::Stopped(why) => {
                self.say(ServerNotice::State { state: "stopped".into() }).await?;
                Err(End::Machine(why))
            }
            super::machine::Seen::Removed => Err(End::Machine("the virtual machine was deleted".into())),
        }
    }

    async fn hear(&mut self, heard: Heard) -> Result<(), End> {
        match heard {
            Heard::Frame(frame) => {
                if let ServerFrame::Output { data, .. } = &frame {
                    self.bytes_out += data.len() as u64;
                }
                self.write(frame).await?;
                if let Some(line) = &mut self.line {
                    line.acknowledge();
                }
                Ok(())
            }
            Heard::Removed(reason) => Err(End::Machine(reason)),
            Heard::Broken(status) => {
                self.lost_at = self.line.take().and_then(|line| line.next_offset());
                self.shared.set_keys(None);
                tracing::debug!(vm = %self.port.vm, %status, "a console's line to the host broke");
                if line::is_gone(&status) {
                    return Err(End::Machine("the virtual machine is not on its host any more".into()));
                }
                self.away = true;
                self.say(ServerNotice::State { state: HOST_AWAY.into() }).await
            }
        }
    }

    /// Opens a broken line again, where it broke.
    async fn reopen(&mut self) -> Result<(), End> {
        let from = self.lost_at;
        match self.open(from).await {
            Ok(()) => {
                self.lost_at = None;
                if !std::mem::take(&mut self.away) {
                    return Ok(());
                }
                let state = super::machine::state(&self.state, &self.port.vm);
                self.say(ServerNotice::State { state }).await
            }
            Err(status) if line::is_gone(&status) => {
                Err(End::Machine("the virtual machine is not on its host any more".into()))
            }
            Err(_) => Ok(()),
        }
    }

    /// Whether the token still counts, the subscription's switch, boot diagnostics and the port are on, and the caller still
    /// has the right.
    async fn check_rights(&mut self) -> Result<(), End> {
        let now = self.state.clock.now();
        if now >= self.begin.allowed.caller.expires {
            return Err(End::RightLost("your sign-in has expired; sign in again and reconnect".into()));
        }
        let subscription = self.begin.target.id.subscription().unwrap_or("");
        if let Ok(false) = super::switch::is_on(&self.state, subscription).await {
            return Err(End::RightLost("the serial console was disabled for this subscription".into()));
        }
        // A store that does not answer disables nothing.
        if let Ok(Some(target)) = Target::by_vm_id(&self.state, &self.port.vm).await {
            let off = match (target.captures(), target.console_off) {
                (false, _) => Some("boot diagnostics were disabled for this virtual machine"),
                (true, true) => Some("the serial port was disabled for this virtual machine"),
                (true, false) => None,
            };
            if let Some(why) = off {
                return Err(End::RightLost(why.into()));
            }
        }
        match auth::still_allowed(&self.state, &self.begin.allowed, now).await {
            Ok(false) => Err(End::RightLost("your right to use this console was withdrawn".into())),
            // A store that does not answer withdraws no right.
            Ok(true) | Err(_) => Ok(()),
        }
    }

    /// Says why, in words, and closes the socket with the code that means it.
    async fn farewell(&mut self, end: &End) {
        let (notice, code, reason) = match end {
            End::Left => return,
            End::Taken { by, address } => {
                let notice = ServerNotice::Taken { by: by.clone(), address: address.clone() };
                (notice, close::SEAT_TAKEN, format!("The seat was taken by {by}"))
            }
            End::Machine(why) => (ended(why), close::MACHINE_GONE, why.clone()),
            End::RightLost(why) => (ended(why), close::RIGHT_LOST, why.clone()),
            End::GoingAway => {
                let why = "the server is going away; reconnect in a moment";
                (ended(why), close::GOING_AWAY, why.into())
            }
            End::Broken(error) => {
                let code = if *error == FrameError::TooLarge { close::TOO_LARGE } else { close::PROTOCOL };
                (ended(&error.to_string()), code, error.to_string())
            }
            End::Failed(why) => (ended(why), close::ENDED, why.clone()),
        };
        let words = self.encoder.encode(ServerFrame::Notice(notice));
        let sender = &mut self.sender;
        let last = async move {
            if let Some(message) = words {
                sender.send(wire(message)).await?;
            }
            sender.send(websocket::Message::Close(code, reason)).await
        };
        // A client that does not read is not waited for.
        let _ = tokio::time::timeout(FAREWELL, last).await;
    }

    /// Gives the seat back and writes the end event, in one transaction.
    async fn record(&mut self, event: Deed, end: &End) {
        let why = match end {
            End::Left => "the client left".to_owned(),
            End::Taken { by, address } => format!("taken over by {by} from {address}"),
            End::GoingAway => "the server went away".into(),
            End::Broken(error) => error.to_string(),
            End::Machine(why) | End::RightLost(why) | End::Failed(why) => why.clone(),
        };
        let event = event
            .with("bytesIn", self.shared.bytes_in.load(Ordering::Relaxed).to_string())
            .with("bytesOut", self.bytes_out.to_string())
            .with("reason", why);
        let failed = match end {
            End::Failed(why) => Some(why.clone()),
            _ => None,
        };
        let vacated = seat::leave(&self.state, &event, &self.port, self.epoch, failed).await;
        if vacated && let Some(epoch) = self.epoch {
            self.state.serial.hub().vacated(&self.port, epoch);
        }
    }
}

fn ended(reason: &str) -> ServerNotice {
    ServerNotice::Ended { reason: reason.into() }
}

fn wire(message: Message) -> websocket::Message {
    match message {
        Message::Text(text) => websocket::Message::Text(text),
        Message::Binary(bytes) => websocket::Message::Binary(bytes),
    }
}

/// The next reply; never, while there is no line.
async fn hear(line: &mut Option<Line>) -> Heard {
    match line {
        Some(line) => line.hear().await,
        None => std::future::pending().await,
    }
}
