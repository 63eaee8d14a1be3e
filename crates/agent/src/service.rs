//! The agent's end of the line: the generated service, answered by the fleet and the serial ports.

use std::sync::Arc;

use futures_util::stream::BoxStream;
use hardline_agent_api::v1::{self, Action, ImageFormat, RunState, host_agent_server::HostAgent};
use tonic::{Request, Response, Status, Streaming};

use crate::{
    agent::Agent,
    hypervisor::{ActError, Machine},
    screen::Picture,
    vm::{fleet::FleetError, slot::Slot},
};

type Reply<T> = Result<Response<T>, Status>;
type Replies<T> = BoxStream<'static, Result<T, Status>>;

/// Most keys of one SysRq request.
const MAX_KEYS: usize = 16;

#[tonic::async_trait]
impl HostAgent for Agent {
    type ObserveStream = Replies<v1::Observation>;
    type SegmentsStream = Replies<v1::SegmentsReply>;
    type ReadStream = Replies<v1::ReadReply>;
    type ConsoleStream = Replies<v1::ConsoleReply>;

    async fn describe(&self, _: Request<v1::DescribeRequest>) -> Reply<v1::Host> {
        let inner = &self.inner;
        let qemu = inner.drivers.qemu.as_ref();
        let found = qemu.map(|qemu| qemu.accelerator().clone());
        let drivers = qemu.map(|_| "qemu").into_iter().chain(["attach"]).map(str::to_owned).collect();
        Ok(Response::new(v1::Host {
            host_id: inner.host_id.clone(),
            name: inner.name.clone(),
            agent_version: env!("CARGO_PKG_VERSION").into(),
            accelerator: found.as_ref().map(|found| found.accelerator.name().to_owned()).unwrap_or_default(),
            accelerator_reason: found
                .map(|found| found.reason)
                .unwrap_or_else(|| "QEMU is not installed".into()),
            drivers,
            images: qemu.map(|qemu| qemu.images().names()).unwrap_or_default(),
            qemu_version: inner.qemu_version.clone().unwrap_or_default(),
        }))
    }

    async fn apply(&self, request: Request<v1::VmSpec>) -> Reply<v1::ApplyReply> {
        match self.inner.fleet.apply(request.into_inner()).await {
            Ok(()) => Ok(Response::new(v1::ApplyReply { accepted: true, refusal: String::new() })),
            Err(FleetError::Refused(refusal)) => {
                Ok(Response::new(v1::ApplyReply { accepted: false, refusal }))
            }
            Err(FleetError::Host(words)) => Err(Status::internal(words)),
        }
    }

    async fn remove(&self, request: Request<v1::VmRef>) -> Reply<v1::RemoveReply> {
        let removed = self.inner.fleet.remove(&request.into_inner().vm_id).await;
        removed.map_err(|error| Status::internal(error.to_string()))?;
        Ok(Response::new(v1::RemoveReply {}))
    }

    async fn observe(&self, _: Request<v1::ObserveRequest>) -> Reply<Self::ObserveStream> {
        Ok(Response::new(self.inner.fleet.observe()))
    }

    async fn act(&self, request: Request<v1::ActRequest>) -> Reply<v1::ActReply> {
        let request = request.into_inner();
        let (slot, machine) = self.running(&request.vm_id)?;
        let done = match request.action() {
            Action::Unspecified => return Err(Status::invalid_argument("no action is named")),
            Action::Nmi => machine.nmi().await,
            Action::Reset => machine.reset().await,
            Action::Break => machine.send_break().await,
            Action::PowerButton => machine.power_button().await,
            Action::Sysrq => return sysrq(&slot, &*machine, &request.keys).await,
        };
        done?;
        Ok(Response::new(v1::ActReply {}))
    }

    async fn screenshot(&self, request: Request<v1::ScreenshotRequest>) -> Reply<v1::ScreenshotReply> {
        let request = request.into_inner();
        let (_, machine) = self.running(&request.vm_id)?;
        let format = match request.format() {
            ImageFormat::Unspecified => ImageFormat::Bmp,
            named => named,
        };
        let dump = machine.screendump().await?;
        let encoded = tokio::task::spawn_blocking(move || {
            let picture = Picture::from_ppm(dump)?;
            Ok((picture.width, picture.height, picture.encode(format)?))
        });
        let encoded: Result<_, crate::screen::PictureError> =
            encoded.await.map_err(|e| Status::internal(e.to_string()))?;
        let (width, height, image) = encoded.map_err(|error| Status::internal(error.to_string()))?;
        Ok(Response::new(v1::ScreenshotReply { width, height, format: format.into(), image: image.into() }))
    }

    async fn segments(&self, request: Request<v1::SegmentsRequest>) -> Reply<Self::SegmentsStream> {
        Ok(Response::new(self.inner.ports.segments(request.into_inner())))
    }

    async fn acknowledge(&self, request: Request<v1::AcknowledgeRequest>) -> Reply<v1::AcknowledgeReply> {
        self.inner.ports.acknowledge(request.into_inner()).await.map(Response::new)
    }

    async fn seal(&self, request: Request<v1::PortRef>) -> Reply<v1::SealReply> {
        self.inner.ports.seal(request.into_inner()).await.map(Response::new)
    }

    async fn read(&self, request: Request<v1::ReadRequest>) -> Reply<Self::ReadStream> {
        self.inner.ports.read(request.into_inner()).map(Response::new)
    }

    async fn fence(&self, request: Request<v1::FenceRequest>) -> Reply<v1::FenceReply> {
        self.inner.ports.fence(request.into_inner()).await.map(Response::new)
    }

    async fn console(&self, request: Request<Streaming<v1::ConsoleRequest>>) -> Reply<Self::ConsoleStream> {
        Ok(Response::new(self.inner.ports.console(request.into_inner())))
    }
}

impl Agent {
    fn running(&self, vm_id: &str) -> Result<(Arc<Slot>, Arc<dyn Machine>), Status> {
        let unknown = || Status::not_found("no such virtual machine on this host");
        let slot = self.inner.fleet.slot(vm_id).ok_or_else(unknown)?;
        let machine = slot.machine().filter(|_| {
            matches!(
                slot.observation().state(),
                RunState::Running | RunState::Paused | RunState::Stopping | RunState::Detached
            )
        });
        let machine =
            machine.ok_or_else(|| Status::failed_precondition("the virtual machine is not running"))?;
        Ok((slot, machine))
    }
}

/// BREAK, then the keys on the serial line: Linux takes the next character as the command.
async fn sysrq(slot: &Slot, machine: &dyn Machine, keys: &str) -> Reply<v1::ActReply> {
    if keys.is_empty() || keys.len() > MAX_KEYS || !keys.chars().all(|key| key.is_ascii_graphic()) {
        return Err(Status::invalid_argument("SysRq keys are 1 to 16 printable characters"));
    }
    for key in keys.as_bytes() {
        machine.send_break().await?;
        if !slot.port.type_keys(std::slice::from_ref(key)) {
            return Err(Status::failed_precondition("the guest does not read its serial port"));
        }
    }
    Ok(Response::new(v1::ActReply {}))
}

impl From<ActError> for Status {
    fn from(error: ActError) -> Self {
        let words = error.to_string();
        match error {
            ActError::Unsupported(_) | ActError::NoConsole => Self::unimplemented(words),
            ActError::NotAnswering(_) => Self::unavailable(words),
            ActError::Refused(_) => Self::failed_precondition(words),
        }
    }
}
