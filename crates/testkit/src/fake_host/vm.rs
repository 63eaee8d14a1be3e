//! One VM of a fake host and its serial port.

use hardline_agent_api::v1::{
    ActRequest, Boot, Gap, GapReason, PortState, Power, RunState, Segment, SegmentsReply, VmObservation,
    VmSpec, segments_reply,
};

/// A stretch of a port's life.
#[derive(Clone, Debug)]
pub enum Piece {
    /// Bytes from this offset on.
    Bytes(u64, Vec<u8>),
    /// Bytes that are missing.
    Lost(Gap),
}

impl Piece {
    /// The offset behind its last byte.
    pub fn end(&self) -> u64 {
        match self {
            Self::Bytes(start, data) => start + data.len() as u64,
            Self::Lost(gap) => gap.start + gap.length,
        }
    }
}

#[derive(Default)]
pub(super) struct FakePort {
    vm_id: String,
    /// The whole life, in order.
    pub pieces: Vec<Piece>,
    /// What `Segments` brings, in order.
    pub log: Vec<SegmentsReply>,
    /// Where the open piece starts.
    sealed: u64,
    pub end: u64,
    pub input: Vec<u8>,
    pub epoch: u64,
    pub acknowledged: u64,
}

pub(super) struct FakeVm {
    pub spec: VmSpec,
    pub state: RunState,
    pub message: String,
    pub guest_shutdown: bool,
    pub panicked: bool,
    pub acts: Vec<ActRequest>,
    pub port: FakePort,
    answered: (u64, u64, u64),
    boot_id: String,
    boot_time_us: i64,
    boots: u64,
}

fn tick(time: &mut i64) -> i64 {
    *time += 1;
    *time
}

impl FakePort {
    pub fn print(&mut self, bytes: &[u8], time: &mut i64) {
        tick(time);
        match self.pieces.last_mut() {
            Some(Piece::Bytes(_, data)) => data.extend_from_slice(bytes),
            _ => self.pieces.push(Piece::Bytes(self.end, bytes.to_vec())),
        }
        self.end += bytes.len() as u64;
    }

    pub fn lose(&mut self, length: u64, reason: GapReason, time: &mut i64) {
        self.seal(time);
        let gap = Gap {
            vm_id: self.vm_id.clone(),
            port: 0,
            start: self.end,
            length,
            length_unknown: length == 0,
            reason: reason.into(),
            time_us: tick(time),
        };
        self.end += length;
        self.sealed = self.end;
        self.pieces.push(Piece::Lost(gap.clone()));
        self.tell(segments_reply::What::Gap(gap));
    }

    pub fn seal(&mut self, time: &mut i64) {
        let data = self.bytes(self.sealed, self.end);
        if !data.is_empty() {
            let segment = Segment {
                vm_id: self.vm_id.clone(),
                port: 0,
                start: self.sealed,
                data: data.into(),
                first_us: tick(time),
                sealed_us: tick(time),
            };
            self.tell(segments_reply::What::Segment(segment));
        }
        self.sealed = self.end;
    }

    fn tell(&mut self, what: segments_reply::What) {
        self.log.push(SegmentsReply { what: Some(what) });
    }

    /// The bytes of `[start, end)`; gaps have none.
    pub fn bytes(&self, start: u64, end: u64) -> Vec<u8> {
        let mut out = Vec::new();
        for piece in &self.pieces {
            if let Piece::Bytes(at, data) = piece {
                let from = start.saturating_sub(*at).min(data.len() as u64) as usize;
                let to = end.saturating_sub(*at).min(data.len() as u64) as usize;
                out.extend_from_slice(data.get(from..to).unwrap_or_default());
            }
        }
        out
    }
}

impl FakeVm {
    pub fn new(spec: VmSpec) -> Self {
        let port = FakePort { vm_id: spec.vm_id.clone(), ..FakePort::default() };
        Self {
            spec,
            state: RunState::Stopped,
            message: String::new(),
            guest_shutdown: false,
            panicked: false,
            acts: Vec::new(),
            port,
            answered: (0, 0, 0),
            boot_id: String::new(),
            boot_time_us: 0,
            boots: 0,
        }
    }

    /// Says that the present state is what became of the spec.
    pub fn answer(&mut self) {
        self.answered = (self.spec.generation, self.spec.power_generation, self.spec.reset_generation);
    }

    /// Brings the VM to the state that the spec wishes.
    pub fn obey(&mut self, time: &mut i64) {
        let (_, power, reset) = self.answered;
        let asked = self.spec.power_generation > power;
        let attached = matches!(self.spec.driver, Some(hardline_agent_api::v1::vm_spec::Driver::Attach(_)));
        match self.spec.power() {
            Power::Running if self.state == RunState::Running => {
                if self.spec.reset_generation > reset {
                    self.boot("reset", time);
                }
            }
            Power::Running => {
                if asked || !self.guest_shutdown {
                    self.boot(if attached { "attach" } else { "start" }, time);
                }
            }
            Power::Stopped | Power::Unspecified => {
                self.state = RunState::Stopped;
                self.guest_shutdown = false;
            }
        }
        self.message.clear();
        self.answer();
    }

    pub fn boot(&mut self, cause: &str, time: &mut i64) {
        self.port.seal(time);
        self.boots += 1;
        self.boot_id = format!("{}-boot-{}", self.spec.name, self.boots);
        self.boot_time_us = tick(time);
        self.state = RunState::Running;
        self.guest_shutdown = false;
        self.panicked = false;
        let boot = Boot {
            vm_id: self.spec.vm_id.clone(),
            port: 0,
            start: self.port.end,
            boot_id: self.boot_id.clone(),
            time_us: self.boot_time_us,
            cause: cause.into(),
        };
        self.port.tell(segments_reply::What::Boot(boot));
    }

    pub fn observation(&self) -> VmObservation {
        let (generation, power_generation, reset_generation) = self.answered;
        VmObservation {
            vm_id: self.spec.vm_id.clone(),
            generation,
            power_generation,
            reset_generation,
            state: self.state.into(),
            message: self.message.clone(),
            guest_shutdown: self.guest_shutdown,
            boot_id: self.boot_id.clone(),
            boot_time_us: self.boot_time_us,
            ports: vec![PortState { port: 0, end: self.port.end, live_read: false }],
            panicked: self.panicked,
        }
    }
}
