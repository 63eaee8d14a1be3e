//! The fake host's end of the line: every call of `HostAgent`.

use super::vm::{FakeVm, Piece};
use super::{FakeHost, Fleet};
use hardline_agent_api::v1::host_agent_server::HostAgent;
use hardline_agent_api::v1::vm_spec::Driver;
use hardline_agent_api::v1::{
    self, Power, RunState, console_reply, console_request, input_refused, segments_reply,
};
use std::collections::BTreeMap;
use std::pin::Pin;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Response, Status, Streaming};

type Stream_<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;
/// Longest piece of output in one message, bytes.
const OUTPUT_LIMIT: usize = 64 << 10;

fn stream<T: Send + 'static>(receiver: mpsc::Receiver<Result<T, Status>>) -> Response<Stream_<T>> {
    Response::new(Box::pin(ReceiverStream::new(receiver)))
}

fn no_vm(vm_id: &str) -> Status {
    Status::not_found(format!("no VM {vm_id} on this host"))
}

impl Fleet {
    fn vm(&mut self, vm_id: &str) -> Result<&mut FakeVm, Status> {
        self.vms.get_mut(vm_id).ok_or_else(|| no_vm(vm_id))
    }
}

#[tonic::async_trait]
impl HostAgent for FakeHost {
    async fn describe(&self, _: Request<v1::DescribeRequest>) -> Result<Response<v1::Host>, Status> {
        Ok(Response::new(v1::Host {
            host_id: self.inner.host_id.clone(),
            name: self.inner.name.clone(),
            agent_version: "0.0.0-fake".into(),
            accelerator: "tcg".into(),
            accelerator_reason: "a fake host runs nothing".into(),
            drivers: vec!["qemu".into(), "attach".into()],
            images: self.lock().images.clone(),
            qemu_version: "0.0.0".into(),
        }))
    }

    async fn apply(&self, request: Request<v1::VmSpec>) -> Result<Response<v1::ApplyReply>, Status> {
        let spec = request.into_inner();
        let reply = self.change(|fleet| {
            fleet.applied.push(spec.clone());
            if let Some(refusal) = &fleet.refusal {
                return v1::ApplyReply { accepted: false, refusal: refusal.clone() };
            }
            if let Some(Driver::Qemu(machine)) = &spec.driver
                && !fleet.images.contains(&machine.image)
            {
                return v1::ApplyReply {
                    accepted: false,
                    refusal: format!("the image '{}' is not on this host", machine.image),
                };
            }
            let Fleet { vms, held, time_us, .. } = fleet;
            let vm = vms.entry(spec.vm_id.clone()).or_insert_with(|| FakeVm::new(spec.clone()));
            if spec.generation >= vm.spec.generation {
                vm.spec = spec;
            }
            if *held {
                if vm.spec.power() == Power::Running && vm.state == RunState::Stopped {
                    vm.state = RunState::Starting;
                }
            } else {
                vm.obey(time_us);
            }
            v1::ApplyReply { accepted: true, refusal: String::new() }
        });
        Ok(Response::new(reply))
    }

    async fn remove(&self, request: Request<v1::VmRef>) -> Result<Response<v1::RemoveReply>, Status> {
        self.change(|fleet| fleet.vms.remove(&request.get_ref().vm_id));
        Ok(Response::new(v1::RemoveReply {}))
    }

    type ObserveStream = Stream_<v1::Observation>;

    async fn observe(&self, _: Request<v1::ObserveRequest>) -> Result<Response<Self::ObserveStream>, Status> {
        let (tx, rx) = mpsc::channel(16);
        let (host, mut version) = (self.clone(), self.inner.version.subscribe());
        tokio::spawn(async move {
            let mut told: BTreeMap<String, v1::VmObservation> = BTreeMap::new();
            let mut synced = false;
            loop {
                version.mark_unchanged();
                let now: BTreeMap<_, _> =
                    host.lock().vms.iter().map(|(id, vm)| (id.clone(), vm.observation())).collect();
                let changed = now.values().filter(|o| told.get(&o.vm_id) != Some(o));
                let removed = told.keys().filter(|id| !now.contains_key(*id));
                let mut news: Vec<_> = changed
                    .map(|o| v1::observation::What::Vm(o.clone()))
                    .chain(removed.map(|id| v1::observation::What::RemovedVmId(id.clone())))
                    .collect();
                if !synced {
                    news.push(v1::observation::What::Synced(true));
                    synced = true;
                }
                for what in news {
                    if tx.send(Ok(v1::Observation { what: Some(what) })).await.is_err() {
                        return;
                    }
                }
                told = now;
                tokio::select! {
                    changed = version.changed() => if changed.is_err() { return },
                    () = tx.closed() => return,
                }
            }
        });
        Ok(stream(rx))
    }

    async fn act(&self, request: Request<v1::ActRequest>) -> Result<Response<v1::ActReply>, Status> {
        let request = request.into_inner();
        self.change(|fleet| {
            let Fleet { vms, time_us, .. } = fleet;
            let vm = vms.get_mut(&request.vm_id).ok_or_else(|| no_vm(&request.vm_id))?;
            if matches!(vm.spec.driver, Some(Driver::Attach(_))) {
                return Err(Status::unimplemented("an attached port has no machine to act on"));
            }
            if vm.state != RunState::Running {
                return Err(Status::failed_precondition("the machine is not running"));
            }
            if request.action() == v1::Action::Reset {
                vm.boot("reset", time_us);
            }
            vm.acts.push(request.clone());
            Ok(Response::new(v1::ActReply {}))
        })
    }

    async fn screenshot(
        &self,
        request: Request<v1::ScreenshotRequest>,
    ) -> Result<Response<v1::ScreenshotReply>, Status> {
        let mut fleet = self.lock();
        let image = fleet.screenshot.clone().unwrap_or_else(|| b"BM fake".to_vec());
        let vm = fleet.vm(&request.get_ref().vm_id)?;
        if matches!(vm.spec.driver, Some(Driver::Attach(_))) {
            return Err(Status::unimplemented("an attached port has no display"));
        }
        if vm.state != RunState::Running {
            return Err(Status::failed_precondition("the machine is not running"));
        }
        Ok(Response::new(v1::ScreenshotReply {
            width: 1,
            height: 1,
            format: request.get_ref().format,
            image: image.into(),
        }))
    }

    type SegmentsStream = Stream_<v1::SegmentsReply>;

    async fn segments(
        &self,
        request: Request<v1::SegmentsRequest>,
    ) -> Result<Response<Self::SegmentsStream>, Status> {
        let after: BTreeMap<_, _> =
            request.into_inner().after.into_iter().map(|c| ((c.vm_id, c.port), c.offset)).collect();
        let (tx, rx) = mpsc::channel(16);
        let (host, mut version) = (self.clone(), self.inner.version.subscribe());
        tokio::spawn(async move {
            let mut at: BTreeMap<String, usize> = BTreeMap::new();
            loop {
                version.mark_unchanged();
                let mut news = Vec::new();
                for (id, vm) in &host.lock().vms {
                    let next = at.entry(id.clone()).or_insert(0);
                    let cursor = after.get(&(id.clone(), 0)).copied().unwrap_or(0);
                    let fresh = vm.port.log.iter().skip(*next).filter(|item| is_after(item, cursor));
                    news.extend(fresh.cloned());
                    *next = vm.port.log.len();
                }
                for item in news {
                    if tx.send(Ok(item)).await.is_err() {
                        return;
                    }
                }
                tokio::select! {
                    changed = version.changed() => if changed.is_err() { return },
                    () = tx.closed() => return,
                }
            }
        });
        Ok(stream(rx))
    }

    async fn acknowledge(
        &self,
        request: Request<v1::AcknowledgeRequest>,
    ) -> Result<Response<v1::AcknowledgeReply>, Status> {
        self.change(|fleet| {
            for cursor in request.get_ref().stored.iter().filter(|c| c.port == 0) {
                if let Ok(vm) = fleet.vm(&cursor.vm_id) {
                    vm.port.acknowledged = vm.port.acknowledged.max(cursor.offset);
                }
            }
        });
        Ok(Response::new(v1::AcknowledgeReply {}))
    }

    async fn seal(&self, request: Request<v1::PortRef>) -> Result<Response<v1::SealReply>, Status> {
        self.change(|fleet| {
            let Fleet { vms, time_us, .. } = fleet;
            let vm_id = &request.get_ref().vm_id;
            let vm = vms.get_mut(vm_id).ok_or_else(|| no_vm(vm_id))?;
            vm.port.seal(time_us);
            Ok(Response::new(v1::SealReply { end: vm.port.end }))
        })
    }

    type ReadStream = Stream_<v1::ReadReply>;

    async fn read(&self, request: Request<v1::ReadRequest>) -> Result<Response<Self::ReadStream>, Status> {
        let request = request.into_inner();
        self.lock().vm(&request.vm_id)?;
        let (tx, rx) = mpsc::channel(16);
        let (host, mut version) = (self.clone(), self.inner.version.subscribe());
        tokio::spawn(async move {
            let mut offset = request.offset;
            loop {
                version.mark_unchanged();
                let Ok(pieces) = host.lock().vm(&request.vm_id).map(|vm| pieces_from(vm, offset)) else {
                    return;
                };
                for piece in pieces {
                    offset = piece.end();
                    let what = match piece {
                        Piece::Bytes(offset, data) => {
                            v1::read_reply::What::Output(v1::Output { offset, data: data.into() })
                        }
                        Piece::Lost(gap) => v1::read_reply::What::Gap(gap),
                    };
                    if tx.send(Ok(v1::ReadReply { what: Some(what) })).await.is_err() {
                        return;
                    }
                }
                if !request.follow {
                    return;
                }
                tokio::select! {
                    changed = version.changed() => if changed.is_err() { return },
                    () = tx.closed() => return,
                }
            }
        });
        Ok(stream(rx))
    }

    async fn fence(&self, request: Request<v1::FenceRequest>) -> Result<Response<v1::FenceReply>, Status> {
        let request = request.into_inner();
        self.change(|fleet| {
            let port = &mut fleet.vm(&request.vm_id)?.port;
            if request.epoch < port.epoch {
                return Err(Status::failed_precondition(format!("the epoch {} is held", port.epoch)));
            }
            port.epoch = request.epoch;
            Ok(Response::new(v1::FenceReply { epoch: port.epoch }))
        })
    }

    type ConsoleStream = Stream_<v1::ConsoleReply>;

    async fn console(
        &self,
        request: Request<Streaming<v1::ConsoleRequest>>,
    ) -> Result<Response<Self::ConsoleStream>, Status> {
        let mut requests = request.into_inner();
        let (tx, rx) = mpsc::channel(64);
        let host = self.clone();
        tokio::spawn(async move {
            let open = match requests.next().await {
                Some(Ok(v1::ConsoleRequest { what: Some(console_request::What::Open(open)) })) => open,
                _ => {
                    let _ = tx.send(Err(Status::invalid_argument("the first message must be `open`"))).await;
                    return;
                }
            };
            let known = host.lock().vm(&open.vm_id).map(|_| ());
            if let Err(status) = known {
                let _ = tx.send(Err(status)).await;
                return;
            }
            let viewer = tokio::spawn(view(host.clone(), open.clone(), tx.clone()));
            while let Some(Ok(message)) = requests.next().await {
                if let Some(console_request::What::Input(input)) = message.what
                    && let Some(refused) = host.take_input(&open, &input)
                    && tx.send(reply(console_reply::What::Refused(refused))).await.is_err()
                {
                    break;
                }
            }
            viewer.abort();
        });
        Ok(stream(rx))
    }
}

fn reply(what: console_reply::What) -> Result<v1::ConsoleReply, Status> {
    Ok(v1::ConsoleReply { what: Some(what) })
}

impl FakeHost {
    fn take_input(&self, open: &v1::ConsoleOpen, input: &v1::ConsoleInput) -> Option<v1::InputRefused> {
        use input_refused::Reason;
        let refused = self.change(|fleet| {
            let Fleet { vms, echo, time_us, .. } = fleet;
            let Some(vm) = vms.get_mut(&open.vm_id) else { return Some(Reason::NotRunning) };
            if open.epoch == 0 {
                return Some(Reason::NotWriter);
            }
            if input.epoch != vm.port.epoch {
                return Some(Reason::StaleEpoch);
            }
            if vm.state != RunState::Running {
                return Some(Reason::NotRunning);
            }
            vm.port.input.extend_from_slice(&input.data);
            if *echo {
                vm.port.print(&input.data, time_us);
            }
            None
        })?;
        Some(v1::InputRefused {
            reason: refused.into(),
            sequence: input.sequence,
            bytes: input.data.len() as u64,
        })
    }
}

async fn view(host: FakeHost, open: v1::ConsoleOpen, tx: mpsc::Sender<Result<v1::ConsoleReply, Status>>) {
    let mut version = host.inner.version.subscribe();
    let mut offset = None;
    loop {
        version.mark_unchanged();
        let mut replies = Vec::new();
        match host.lock().vm(&open.vm_id) {
            Err(_) => {
                replies.push(console_reply::What::Ended(v1::PortEnd { reason: "the VM was removed".into() }))
            }
            Ok(vm) => {
                let end = vm.port.end;
                let from = *offset.get_or_insert_with(|| {
                    if open.resume && open.offset <= end {
                        return open.offset;
                    }
                    replies.push(snapshot(vm, end));
                    end
                });
                for piece in pieces_from(vm, from) {
                    match piece {
                        Piece::Bytes(offset, data) => {
                            replies
                                .push(console_reply::What::Output(v1::Output { offset, data: data.into() }));
                        }
                        Piece::Lost(gap) => {
                            let at = gap.start + gap.length;
                            replies.extend([console_reply::What::Gap(gap), snapshot(vm, at)]);
                        }
                    }
                }
                offset = Some(end);
            }
        }
        for what in replies {
            let ended = matches!(what, console_reply::What::Ended(_));
            if tx.send(reply(what)).await.is_err() || ended {
                return;
            }
        }
        tokio::select! {
            changed = version.changed() => if changed.is_err() { return },
            () = tx.closed() => return,
        }
    }
}

/// Everything printed so far, which is a screen too if it is not long.
fn snapshot(vm: &FakeVm, offset: u64) -> console_reply::What {
    console_reply::What::Snapshot(v1::Snapshot {
        offset,
        cols: 80,
        rows: 24,
        data: vm.port.bytes(0, offset).into(),
    })
}

fn pieces_from(vm: &FakeVm, offset: u64) -> Vec<Piece> {
    let mut out = Vec::new();
    for piece in vm.port.pieces.iter().filter(|p| p.end() > offset) {
        match piece {
            Piece::Bytes(start, data) => {
                let skip = offset.saturating_sub(*start) as usize;
                let mut at = start + skip as u64;
                for chunk in data.get(skip..).unwrap_or_default().chunks(OUTPUT_LIMIT) {
                    out.push(Piece::Bytes(at, chunk.to_vec()));
                    at += chunk.len() as u64;
                }
            }
            Piece::Lost(gap) => out.push(Piece::Lost(gap.clone())),
        }
    }
    out
}

/// Whether the server does not have this yet. A mark at the cursor itself is told again, which is harmless.
fn is_after(item: &v1::SegmentsReply, cursor: u64) -> bool {
    match &item.what {
        Some(segments_reply::What::Segment(s)) => s.start + s.data.len() as u64 > cursor,
        Some(segments_reply::What::Gap(g)) => {
            g.start + g.length > cursor || (g.length == 0 && g.start >= cursor)
        }
        Some(segments_reply::What::Boot(b)) => b.start >= cursor,
        None => false,
    }
}
