//! The driver that creates virtual machines: one QEMU process each.
//!
//! A launch has a directory of its own, `launches/<launch id>/`, which is QEMU's working directory: the control socket,
//! the serial port's two files, QEMU's log, its pid and the initrd. QEMU outlives the agent; a later agent finds the
//! process by that directory and the machine's uuid.
//!
//! ```text
//!   start: files -> port.launch -> process (paused) -> control socket answers -> input opens -> "cont"
//!   find:  process in the directory -> control socket answers -> input opens -> state asked
//!   then:  watch the process and the socket until the process ends: events -> vm::supervisor
//! ```

pub mod accel;
pub mod cmdline;
pub mod files;
pub mod process;
pub mod qmp;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hardline_agent_api::v1::{VmSpec, vm_spec};
use serde_json::{Value, json};
use tokio::{sync::mpsc, time::timeout};

use super::{ActError, Event, Hypervisor, Launch, Machine, Place, StartError};
use crate::{images::Images, serial};
use accel::Found;
use process::Process;
use qmp::{Qmp, QmpError, QmpEvent};

/// How long QEMU may take to answer a command.
const ANSWER: Duration = Duration::from_secs(5);
/// How long a new QEMU may take until its control socket answers.
const COMING_UP: Duration = Duration::from_secs(20);
/// How long QEMU may take to leave when asked to.
const LEAVING: Duration = Duration::from_secs(3);
/// Pause between two attempts to reach the control socket of a running QEMU.
const RETRY: Duration = Duration::from_millis(500);

/// The driver.
#[derive(Debug)]
pub struct Qemu {
    program: PathBuf,
    images: Images,
    found: Found,
}

impl Qemu {
    /// A driver that runs `program`.
    pub fn new(program: PathBuf, images: Images, found: Found) -> Self {
        Self { program, images, found }
    }

    /// Which accelerator it uses, and why.
    pub fn accelerator(&self) -> &Found {
        &self.found
    }

    /// The images it can start from.
    pub fn images(&self) -> &Images {
        &self.images
    }
}

/// The version that `program` tells ("7.2.22"), if it runs at all.
pub async fn version(program: &Path) -> Option<String> {
    let output = tokio::process::Command::new(program).arg("--version").kill_on_drop(true).output();
    let output = timeout(ANSWER, output).await.ok()?.ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.split_whitespace().skip_while(|word| *word != "version").nth(1).map(str::to_owned)
}

/// The directory of a launch.
pub fn launch_dir(vm_dir: &Path, launch_id: &str) -> PathBuf {
    vm_dir.join("launches").join(launch_id)
}

#[tonic::async_trait]
impl Hypervisor for Qemu {
    async fn find(
        &self,
        place: &Place,
        launch: &Launch,
        _: &VmSpec,
    ) -> Result<Option<Arc<dyn Machine>>, StartError> {
        let dir = launch_dir(&place.dir, &launch.id);
        let (looked, uuid) = (dir.clone(), place.vm_id.clone());
        let found = tokio::task::spawn_blocking(move || Process::find(&looked, &uuid)).await;
        let Some(process) = found.map_err(StartError::transient("looking for QEMU"))? else {
            return Ok(None);
        };
        tracing::info!(vm = place.vm_id, pid = process.pid(), "QEMU found again");
        let machine = QemuMachineUp::watch(place, dir, process, true);
        machine.open_input();
        Ok(Some(machine))
    }

    async fn start(
        &self,
        place: &Place,
        launch: &Launch,
        spec: &VmSpec,
    ) -> Result<Arc<dyn Machine>, StartError> {
        let Some(vm_spec::Driver::Qemu(machine)) = &spec.driver else {
            return Err(StartError::Permanent("not a specification of the qemu driver".into()));
        };
        let image =
            self.images.find(&machine.image).map_err(|error| StartError::Permanent(error.to_string()))?;
        let dir = launch_dir(&place.dir, &launch.id);
        let arguments = cmdline::arguments(&spec.name, &place.vm_id, machine, &image, self.found.accelerator);
        let (at, overlaid) = (dir.clone(), machine.clone());
        let prepared = tokio::task::spawn_blocking(move || files::prepare(&at, &image, &overlaid)).await;
        prepared
            .map_err(StartError::transient("preparing the launch"))?
            .map_err(StartError::transient("cannot prepare the launch"))?;
        let spool = dir.join(format!("{}.out", cmdline::SERIAL));
        let launched = serial::Launch { boot_id: launch.boot_id.clone(), cause: launch.cause.clone(), spool };
        place.port.launch(launched).await.map_err(StartError::transient("serial port"))?;

        let process = Process::start(&self.program, &arguments, &dir).map_err(|error| {
            StartError::Transient(format!("cannot start {}: {error}", self.program.display()))
        })?;
        tracing::info!(vm = place.vm_id, pid = process.pid(), launch = launch.id, "QEMU started");
        let machine = QemuMachineUp::watch(place, dir, process, false);
        if let Err(error) = machine.come_up().await {
            machine.process.kill();
            machine.process.end().await;
            let words = process::last_words(&machine.dir);
            return Err(StartError::Transient(words.map_or(error, |words| format!("QEMU: {words}"))));
        }
        Ok(machine)
    }
}

/// A QEMU that runs.
struct QemuMachineUp {
    vm_id: String,
    dir: PathBuf,
    process: Process,
    port: Arc<serial::Port>,
    /// The control connection, while there is one.
    qmp: Mutex<Option<Arc<Qmp>>>,
    /// Becomes true with the first control connection.
    connected: tokio::sync::watch::Sender<bool>,
    /// Found, not started by this agent.
    found: bool,
}

impl QemuMachineUp {
    fn watch(place: &Place, dir: PathBuf, process: Process, found: bool) -> Arc<Self> {
        let machine = Arc::new(Self {
            vm_id: place.vm_id.clone(),
            dir,
            process,
            port: place.port.clone(),
            qmp: Mutex::new(None),
            connected: tokio::sync::watch::Sender::new(false),
            found,
        });
        tokio::spawn(machine.clone().follow(place.events.clone()));
        machine
    }

    /// Tells what happens until the process ends or nobody listens any more.
    async fn follow(self: Arc<Self>, events: mpsc::UnboundedSender<Event>) {
        tokio::select! {
            () = self.process.end() => {}
            () = events.closed() => return, // the agent goes; QEMU stays
            () = self.converse(&events) => return,
        }
        self.disconnected();
        self.port.input_close();
        let words = process::last_words(&self.dir).unwrap_or_else(|| "QEMU ended without a word".into());
        tracing::info!(vm = self.vm_id, pid = self.process.pid(), "QEMU ended");
        let _ = events.send(Event::Gone(words));
    }

    /// Keeps a control connection as long as the process lives; ends only when nobody listens any more.
    async fn converse(&self, events: &mpsc::UnboundedSender<Event>) {
        // A new QEMU makes its socket within some milliseconds.
        let mut pause = Duration::from_millis(10);
        loop {
            match Qmp::connect(&self.dir, cmdline::QMP_SOCKET, ANSWER).await {
                Ok((qmp, mut received)) => {
                    let qmp = Arc::new(qmp);
                    // What happened while nobody listened.
                    if let Some(event) = self.missed(&qmp).await
                        && events.send(event).is_err()
                    {
                        return;
                    }
                    *self.qmp.lock().unwrap_or_else(PoisonError::into_inner) = Some(qmp);
                    self.connected.send_replace(true);
                    while let Some(event) = received.recv().await {
                        if let Some(event) = translate(&event)
                            && events.send(event).is_err()
                        {
                            return;
                        }
                    }
                    self.disconnected();
                    // Every stop ends like this; a death that nobody asked for is told as a crash.
                    tracing::info!(vm = self.vm_id, "QEMU's control socket was closed");
                }
                Err(error) => tracing::debug!(vm = self.vm_id, %error, "QEMU's control socket"),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 3 / 2).min(RETRY);
        }
    }

    async fn missed(&self, qmp: &Qmp) -> Option<Event> {
        let status = qmp.execute("query-status", Value::Null, ANSWER).await.ok()?;
        let status = status.get("status").and_then(Value::as_str).unwrap_or_default().to_owned();
        match status.as_str() {
            "running" => Some(Event::Resumed),
            "shutdown" => Some(Event::GuestShutdown),
            // The agent that started it died before it let it go.
            "prelaunch" if self.found => {
                qmp.execute("cont", Value::Null, ANSWER).await.ok().map(|_| Event::Resumed)
            }
            "prelaunch" => None,
            _ => Some(Event::Paused(paused_words(&status))),
        }
    }

    fn disconnected(&self) {
        *self.qmp.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Waits for the control connection, opens the input and lets the machine go.
    async fn come_up(&self) -> Result<(), String> {
        let mut connected = self.connected.subscribe();
        let up = async {
            tokio::select! {
                reached = connected.wait_for(|connected| *connected) => reached.map(drop).map_err(|e| e.to_string()),
                () = self.process.end() => Err("QEMU ended at once".to_owned()),
            }
        };
        timeout(COMING_UP, up)
            .await
            .unwrap_or_else(|_| Err("QEMU's control socket does not answer".into()))?;
        self.open_input();
        self.execute("cont", Value::Null).await.map(drop).map_err(|error| error.to_string())
    }

    fn open_input(&self) {
        let fifo = self.dir.join(format!("{}.in", cmdline::SERIAL));
        if let Err(error) = self.port.input_open(&fifo) {
            tracing::warn!(vm = self.vm_id, %error, "nobody can type at this serial port");
        }
    }

    async fn execute(&self, command: &str, arguments: Value) -> Result<Value, ActError> {
        let qmp = self.qmp.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let qmp = qmp.ok_or_else(|| ActError::NotAnswering("no control connection".into()))?;
        qmp.execute(command, arguments, ANSWER).await.map_err(|error| match error {
            QmpError::Refused(words) => ActError::Refused(words),
            other => ActError::NotAnswering(other.to_string()),
        })
    }

    async fn command(&self, command: &str) -> Result<(), ActError> {
        self.execute(command, Value::Null).await.map(drop)
    }
}

fn translate(event: &QmpEvent) -> Option<Event> {
    match event {
        QmpEvent::Reset { by_guest, at_us } => Some(Event::Reset { by_guest: *by_guest, at_us: *at_us }),
        QmpEvent::Shutdown { by_guest: true } => Some(Event::GuestShutdown),
        QmpEvent::Shutdown { by_guest: false } => None, // we, or a signal: the process ends and says so
        QmpEvent::Stop => Some(Event::Paused(paused_words("paused"))),
        QmpEvent::Resume => Some(Event::Resumed),
        QmpEvent::Panicked => Some(Event::Panicked),
    }
}

fn paused_words(status: &str) -> String {
    match status {
        "paused" => "paused from outside".into(),
        "io-error" => "paused: an error of the host's storage".into(),
        "internal-error" => "paused: an internal error of QEMU".into(),
        other => format!("paused ({})", other.chars().take(40).collect::<String>()),
    }
}

#[tonic::async_trait]
impl Machine for QemuMachineUp {
    fn printed(&self) -> Option<u64> {
        std::fs::metadata(self.dir.join(format!("{}.out", cmdline::SERIAL))).ok().map(|file| file.len())
    }

    async fn resume(&self) -> Result<(), ActError> {
        self.command("cont").await
    }

    async fn power_button(&self) -> Result<(), ActError> {
        self.command("system_powerdown").await
    }

    async fn reset(&self) -> Result<(), ActError> {
        self.command("system_reset").await
    }

    async fn nmi(&self) -> Result<(), ActError> {
        self.command("inject-nmi").await
    }

    async fn send_break(&self) -> Result<(), ActError> {
        self.execute("chardev-send-break", json!({ "id": cmdline::SERIAL_ID })).await.map(drop)
    }

    async fn screendump(&self) -> Result<Vec<u8>, ActError> {
        // PPM: QEMU would hold the machine up while it packs a PNG.
        let name = format!("screen-{}.ppm", uuid::Uuid::new_v4());
        let arguments = json!({ "filename": name, "format": "ppm" });
        let dumped = self.execute("screendump", arguments).await;
        let file = self.dir.join(name);
        let read = tokio::task::spawn_blocking(move || {
            let read = files::read_screendump(&file);
            let _ = std::fs::remove_file(&file);
            read
        });
        let read = read.await.map_err(|error| ActError::NotAnswering(error.to_string()))?;
        match dumped {
            Ok(_) => read.map_err(|error| ActError::NotAnswering(format!("screendump: {error}"))),
            Err(ActError::Refused(words)) if words.contains("no console") => Err(ActError::NoConsole),
            Err(other) => Err(other),
        }
    }

    async fn quit(&self) {
        let asked = async {
            let _ = self.command("quit").await;
            self.process.end().await;
        };
        if timeout(LEAVING, asked).await.is_err() {
            tracing::warn!(vm = self.vm_id, pid = self.process.pid(), "QEMU does not leave and is killed");
            self.process.kill();
            self.process.end().await;
        }
    }
}
