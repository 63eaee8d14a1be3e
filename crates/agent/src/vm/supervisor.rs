//! One task per virtual machine: compares what is desired with what is seen ([`lifecycle`]) and acts.
//!
//! Who may hold what: the supervisor alone holds the record and decides; others see its [`Slot`]. It never waits for
//! the serial side, except before a launch (marks of earlier boots come first).

use std::{path::PathBuf, sync::Arc, time::Duration};

use hardline_agent_api::v1::{Power, RunState, VmObservation, VmSpec, vm_spec};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    launches,
    lifecycle::{self, Deaths, Demand, Situation, Step},
    record::{BootRecord, LaunchRecord, Record},
    slot::Slot,
    spec,
};
use crate::{
    clock::Clock,
    host,
    hypervisor::{Event, Hypervisor, Launch, Machine, Place, StartError},
};

/// Resets of one machine that follow one another within this time are one: firmware resets once more to find itself.
const ONE_RESET_US: u64 = 500_000;

/// A guest that is still booting hears no power button: it is pressed again after so long.
const PRESS_AGAIN: Duration = Duration::from_secs(3);

/// What the fleet asks of a supervisor.
pub enum Command {
    /// Switch off and stay off until the agent starts again, after this grace; then answer. Desired state stays.
    Hold(Duration, oneshot::Sender<()>),
    /// End the machine at once and the task with it; then answer.
    Remove(oneshot::Sender<()>),
}

/// What a supervisor is made of.
pub struct Supervisor {
    /// The virtual machine's directory.
    pub dir: PathBuf,
    /// Seen by others.
    pub slot: Arc<Slot>,
    /// What runs the machine.
    pub driver: Arc<dyn Hypervisor>,
    /// What is desired.
    pub spec: watch::Receiver<VmSpec>,
    /// What the fleet asks.
    pub commands: mpsc::Receiver<Command>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
}

/// A machine that is up.
struct Up {
    machine: Arc<dyn Machine>,
    events: mpsc::UnboundedReceiver<Event>,
    /// When this agent started it; `None` when it found it.
    since: Option<Instant>,
    /// Bytes printed when the present boot began, and when that was by the driver's clock.
    boot_at: (Option<u64>, u64),
    paused: Option<String>,
    detached: Option<String>,
}

/// A stop that is under way.
enum Stopping {
    /// The power button was pressed: when patience ends, and when it is pressed again.
    Asked { deadline: Instant, press: Instant },
    /// The machine was told to quit.
    Quitting,
}

struct Run {
    this: Supervisor,
    vm_id: String,
    record: Record,
    up: Option<Up>,
    stopping: Option<Stopping>,
    failed: Option<(Demand, String)>,
    deaths: Deaths,
    not_before: Option<Instant>,
    /// The driver's part of the specification with which the machine was launched.
    launched: Option<vm_spec::Driver>,
    /// What a machine said last when it died; shown while it is started again.
    last_words: String,
    held: Option<Duration>,
    waiting: Vec<oneshot::Sender<()>>,
    marking: Option<JoinHandle<()>>,
}

impl Supervisor {
    /// Runs until `cancel` or removal. A cancelled supervisor leaves the machine as it is.
    pub async fn run(self, cancel: CancellationToken) {
        let vm_id = self.spec.borrow().vm_id.clone();
        let record = Record::load(&self.dir).unwrap_or_else(|error| {
            tracing::error!(vm = vm_id, %error, "the machine's record is lost; it is treated as new");
            Record::default()
        });
        let mut run = Run {
            this: self,
            vm_id,
            record,
            up: None,
            stopping: None,
            failed: None,
            deaths: Deaths::default(),
            not_before: None,
            launched: None,
            last_words: String::new(),
            held: None,
            waiting: Vec::new(),
            marking: None,
        };
        tokio::select! {
            () = cancel.cancelled() => {}
            () = run.run() => {}
        }
    }
}

impl Run {
    async fn run(&mut self) {
        self.this.slot.port.set_capture(self.this.spec.borrow().capture);
        self.recover().await;
        loop {
            let wake = self.act().await;
            tokio::select! {
                changed = self.this.spec.changed() => match changed {
                    Ok(()) => self.demanded(),
                    Err(_) => return,
                },
                event = next_event(&mut self.up) => self.happened(event).await,
                command = self.this.commands.recv() => match command {
                    Some(Command::Hold(grace, done)) => {
                        self.held = Some(grace);
                        self.waiting.push(done);
                    }
                    Some(Command::Remove(done)) => {
                        self.end_now().await;
                        let _ = done.send(());
                        return;
                    }
                    None => return,
                },
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => self.woken().await,
            }
        }
    }

    fn demand(&self) -> Demand {
        Demand::of(&self.this.spec.borrow())
    }

    fn situation(&self) -> Situation {
        let spec = self.this.spec.borrow();
        Situation {
            power: spec.power(),
            demand: Demand::of(&spec),
            answered: self.record.answered,
            guest_off: self.record.guest_off,
            failed: self.failed.as_ref().map(|(demand, _)| *demand),
            held: self.held.is_some(),
            up: self.up.is_some(),
            stopping: self.stopping.is_some(),
        }
    }

    /// Takes the steps that can be taken now; gives when to look again.
    async fn act(&mut self) -> Option<Instant> {
        loop {
            match lifecycle::step(&self.situation()) {
                Step::Settled => {
                    self.settled().await;
                    return None;
                }
                Step::Wait => {
                    self.observe();
                    return match self.stopping {
                        Some(Stopping::Asked { deadline, press }) => Some(deadline.min(press)),
                        _ => None,
                    };
                }
                Step::Start if self.not_before.is_some_and(|at| at > Instant::now()) => {
                    self.observe();
                    return self.not_before;
                }
                Step::Start => self.start().await,
                Step::Stop => self.stop().await,
                Step::Reset => self.reset().await,
            }
        }
    }

    async fn settled(&mut self) {
        let demand = self.demand();
        if self.record.answered != demand && self.held.is_none() {
            self.record.answered = demand;
            self.save().await;
        }
        self.observe();
        if self.up.is_none() {
            for done in self.waiting.drain(..) {
                let _ = done.send(());
            }
        }
    }

    /// A new specification.
    fn demanded(&mut self) {
        self.this.spec.borrow_and_update();
        self.this.slot.port.set_capture(self.this.spec.borrow().capture);
        self.deaths.forget();
        self.not_before = None;
    }

    /// Looks for the machine that an earlier agent left running.
    async fn recover(&mut self) {
        let Some(launch) = self.record.launch.clone().filter(|launch| !launch.ended) else { return };
        let boot_id = self.record.boot.as_ref().map(|boot| boot.id.clone()).unwrap_or_default();
        let launch = Launch { id: launch.id, boot_id, cause: String::new() };
        let (place, events) = self.place();
        self.launched = spec::launched(&self.this.dir).and_then(|spec| spec.driver);
        let spec = self.this.spec.borrow().clone();
        match self.this.driver.find(&place, &launch, &spec).await {
            Ok(Some(machine)) => self.came_up(machine, events, None),
            Ok(None) => self.last_words = "it was gone when the agent came back".into(),
            Err(error) => tracing::error!(vm = self.vm_id, %error, "cannot tell whether the machine runs"),
        }
    }

    fn place(&self) -> (Place, mpsc::UnboundedReceiver<Event>) {
        let (events, received) = mpsc::unbounded_channel();
        let place = Place {
            vm_id: self.vm_id.clone(),
            dir: self.this.dir.clone(),
            port: self.this.slot.port.clone(),
            events,
        };
        (place, received)
    }

    fn came_up(
        &mut self,
        machine: Arc<dyn Machine>,
        events: mpsc::UnboundedReceiver<Event>,
        since: Option<Instant>,
    ) {
        let attached = matches!(self.this.spec.borrow().driver, Some(vm_spec::Driver::Attach(_)));
        let detached = attached.then(|| "not connected yet".to_owned());
        self.this.slot.set_machine(Some(machine.clone()));
        let printed = since.map(|_| 0); // how long the boot of a found machine goes back is not known
        self.up = Some(Up { machine, events, since, boot_at: (printed, 0), paused: None, detached });
    }

    async fn start(&mut self) {
        let spec = self.this.spec.borrow().clone();
        let demand = Demand::of(&spec);
        let host_boot = host::boot_id();
        let crashed =
            self.record.launch.as_ref().is_some_and(|last| !last.ended && last.host_boot == host_boot);
        let attach = matches!(spec.driver, Some(vm_spec::Driver::Attach(_)));
        let launch = Launch {
            id: Uuid::now_v7().to_string(),
            boot_id: Uuid::new_v4().to_string(),
            cause: if attach {
                "attach"
            } else if crashed {
                "crash"
            } else {
                "start"
            }
            .to_owned(),
        };
        tracing::info!(
            vm = self.vm_id,
            name = spec.name,
            launch = launch.id,
            cause = launch.cause,
            "starting"
        );
        self.record.launch = Some(LaunchRecord { id: launch.id.clone(), host_boot, ended: false });
        // An attached port's boots are marked by the attachment, each time it connects.
        let time_us = self.this.clock.now_us();
        self.record.boot =
            (!attach).then(|| BootRecord { id: launch.boot_id.clone(), time_us, panicked: false });
        self.record.guest_off = None;
        self.failed = None;
        self.save().await;
        self.launched.clone_from(&spec.driver);
        let (dir, launched) = (self.this.dir.clone(), spec.clone());
        let kept = tokio::task::spawn_blocking(move || spec::save_launched(&dir, &launched)).await;
        if let Err(error) = kept.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
            tracing::warn!(vm = self.vm_id, %error, "how the machine is launched cannot be kept");
        }
        self.observe();
        launches::prune(&self.this.dir, &launch.id).await;
        if let Some(marking) = self.marking.take() {
            let _ = marking.await;
        }
        let (place, events) = self.place();
        let begun = Instant::now();
        match self.this.driver.start(&place, &launch, &spec).await {
            Ok(machine) => {
                self.came_up(machine, events, Some(begun));
                self.record.answered.reset = demand.reset; // a start is a restart, too
                self.last_words.clear();
            }
            Err(error) => {
                tracing::warn!(vm = self.vm_id, %error, "the machine did not start");
                self.ended();
                self.save().await;
                match error {
                    StartError::Permanent(words) => self.failed = Some((demand, words)),
                    StartError::Transient(words) => self.died(words, Duration::ZERO, "it does not start"),
                }
            }
        }
    }

    /// A machine died unasked, or did not come to life.
    fn died(&mut self, words: String, lived: Duration, what: &str) {
        match self.deaths.died_after(lived) {
            Some(pause) => {
                self.not_before = Some(Instant::now() + pause);
                self.last_words = words;
            }
            None => {
                let words = format!("given up after {} attempts in a row: {what}: {words}", Deaths::LIMIT);
                tracing::error!(vm = self.vm_id, words, "given up");
                self.failed = Some((self.demand(), words));
                self.deaths.forget();
            }
        }
    }

    async fn stop(&mut self) {
        let Some(up) = &self.up else { return };
        let grace = self
            .held
            .unwrap_or_else(|| Duration::from_secs(self.this.spec.borrow().stop_grace_seconds.into()));
        // A guest that panicked or stands still hears no power button.
        let listens = up.paused.is_none() && !self.record.boot.as_ref().is_some_and(|boot| boot.panicked);
        tracing::info!(vm = self.vm_id, ?grace, "stopping");
        let machine = up.machine.clone();
        if !grace.is_zero() && listens && machine.power_button().await.is_ok() {
            let now = Instant::now();
            self.stopping = Some(Stopping::Asked { deadline: now + grace, press: now + PRESS_AGAIN });
        } else {
            self.quit(machine).await;
        }
    }

    async fn quit(&mut self, machine: Arc<dyn Machine>) {
        self.stopping = Some(Stopping::Quitting);
        self.observe();
        machine.quit().await;
    }

    async fn reset(&mut self) {
        let demand = self.demand();
        if self.launched.is_some() && self.launched != self.this.spec.borrow().driver {
            // A restart takes up what was changed: the machine is stopped, and launched again because it should run.
            return self.stop().await;
        }
        let Some(up) = &self.up else { return };
        let paused = up.paused.is_some();
        let machine = up.machine.clone();
        let mut done = machine.reset().await;
        if done.is_ok() && paused {
            done = machine.resume().await;
        }
        if let Err(error) = done {
            // It is answered all the same: a reset that cannot be done must not be tried for ever.
            tracing::warn!(vm = self.vm_id, %error, "the machine was not reset");
            self.last_words = format!("the restart failed: {error}");
        }
        self.record.answered.reset = demand.reset;
        self.save().await;
    }

    /// The time that [`Self::act`] gave has come.
    async fn woken(&mut self) {
        let (Some(Stopping::Asked { deadline, press }), Some(up)) = (&mut self.stopping, &self.up) else {
            return;
        };
        let (now, machine) = (Instant::now(), up.machine.clone());
        if *deadline <= now {
            tracing::info!(vm = self.vm_id, "the guest did not switch itself off in time");
            self.quit(machine).await;
        } else if *press <= now {
            *press = now + PRESS_AGAIN;
            // Where it cannot be pressed any more, the machine's end or the end of patience follows.
            let _ = machine.power_button().await;
        }
    }

    async fn happened(&mut self, event: Event) {
        tracing::debug!(vm = self.vm_id, ?event, "event");
        match event {
            Event::Reset { by_guest, at_us } => self.booted_anew(by_guest, at_us).await,
            Event::GuestShutdown => self.guest_shut_down().await,
            Event::Panicked => {
                tracing::warn!(vm = self.vm_id, "the guest's kernel panicked");
                if let Some(boot) = &mut self.record.boot {
                    boot.panicked = true;
                }
                self.save().await;
            }
            Event::Paused(why) => self.with_up(|up| up.paused = Some(why)),
            Event::Resumed => self.with_up(|up| up.paused = None),
            Event::Attached => self.with_up(|up| up.detached = None),
            Event::Detached(why) => self.with_up(|up| up.detached = Some(why)),
            Event::Gone(words) => self.gone(words).await,
        }
    }

    fn with_up(&mut self, change: impl FnOnce(&mut Up)) {
        if let Some(up) = &mut self.up {
            change(up);
        }
    }

    async fn booted_anew(&mut self, by_guest: bool, at_us: u64) {
        let Some(up) = &mut self.up else { return };
        let printed = up.machine.printed();
        let (at, last_us) = up.boot_at;
        let same =
            (printed.is_some() && printed == at) || (last_us != 0 && at_us.abs_diff(last_us) < ONE_RESET_US);
        up.boot_at = (printed, at_us);
        if same {
            return;
        }
        let boot =
            BootRecord { id: Uuid::new_v4().to_string(), time_us: self.this.clock.now_us(), panicked: false };
        let (port, id, before) = (self.this.slot.port.clone(), boot.id.clone(), self.marking.take());
        let cause = if by_guest { "guest-reset" } else { "reset" };
        let vm = self.vm_id.clone();
        self.marking = Some(tokio::spawn(async move {
            if let Some(before) = before {
                let _ = before.await;
            }
            if let Err(error) = port.mark_boot(&id, cause).await {
                tracing::warn!(vm, %error, "a boot is not marked in the log");
            }
        }));
        self.record.boot = Some(boot);
        self.save().await;
    }

    async fn guest_shut_down(&mut self) {
        let Some(up) = &self.up else { return };
        let machine = up.machine.clone();
        if self.stopping.is_none() {
            tracing::info!(vm = self.vm_id, "the guest switched itself off");
            self.record.guest_off = Some(self.demand());
            self.save().await;
        }
        self.quit(machine).await;
    }

    async fn gone(&mut self, words: String) {
        let Some(up) = self.up.take() else { return };
        self.this.slot.set_machine(None);
        if self.stopping.take().is_some() {
            self.ended();
        } else {
            tracing::warn!(vm = self.vm_id, words, "the machine is gone unasked");
            let lived = up.since.map_or(Deaths::QUICK, |since| since.elapsed());
            self.died(words, lived, "it died");
        }
        self.save().await;
    }

    /// The launch came to an end that nobody need wonder about.
    fn ended(&mut self) {
        if let Some(launch) = &mut self.record.launch {
            launch.ended = true;
        }
    }

    async fn end_now(&mut self) {
        if let Some(up) = self.up.take() {
            up.machine.quit().await;
        }
        self.this.slot.set_machine(None);
        if let Some(marking) = self.marking.take() {
            let _ = marking.await;
        }
    }

    async fn save(&self) {
        let (record, dir) = (self.record.clone(), self.this.dir.clone());
        let saved = tokio::task::spawn_blocking(move || record.save(&dir)).await;
        if let Err(error) = saved.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
            // The machine is more important than the memory of it: go on.
            tracing::error!(vm = self.vm_id, %error, "the machine's record cannot be kept");
        }
    }

    fn observe(&self) {
        let (state, message) = self.state();
        let boot = self.record.boot.as_ref();
        let answered = self.record.answered;
        let off = matches!(state, RunState::Stopped);
        let on_demand = self.this.spec.borrow().power() == Power::Running;
        self.this.slot.observe(VmObservation {
            vm_id: self.vm_id.clone(),
            generation: answered.generation,
            power_generation: answered.power,
            reset_generation: answered.reset,
            state: state.into(),
            message,
            guest_shutdown: off && on_demand && self.record.guest_off.is_some(),
            boot_id: boot.map(|boot| boot.id.clone()).unwrap_or_default(),
            boot_time_us: boot.map(|boot| boot.time_us).unwrap_or_default(),
            ports: Vec::new(),
            panicked: boot.is_some_and(|boot| boot.panicked),
        });
    }

    fn state(&self) -> (RunState, String) {
        let situation = self.situation();
        match (&self.up, &self.failed) {
            (Some(_), _) if self.stopping.is_some() => (RunState::Stopping, String::new()),
            (Some(Up { detached: Some(why), .. }), _) => (RunState::Detached, why.clone()),
            (Some(Up { paused: Some(why), .. }), _) => (RunState::Paused, why.clone()),
            (Some(_), _) => (RunState::Running, self.last_words.clone()),
            (None, Some((demand, words)))
                if *demand == situation.demand && situation.power == Power::Running =>
            {
                (RunState::Failed, words.clone())
            }
            (None, _) if lifecycle::step(&situation) == Step::Start => {
                (RunState::Starting, self.last_words.clone())
            }
            (None, _) => (RunState::Stopped, String::new()),
        }
    }
}

async fn next_event(up: &mut Option<Up>) -> Event {
    match up {
        // The channel ends with the machine's task, which tells `Gone` first; a driver that broke is the same to us.
        Some(up) => up.events.recv().await.unwrap_or_else(|| Event::Gone("its driver ended".into())),
        None => std::future::pending().await,
    }
}
