//! The attach driver as a [`Hypervisor`]: a machine that something else runs, of which this host has a serial line and
//! nothing more. It is "up" as long as it is wanted; whether the line is there is told by events.

use std::sync::Arc;

use hardline_agent_api::v1::{AttachedPort, VmSpec, vm_spec};
use tokio::sync::Mutex;

use super::{
    Event, Hypervisor, Launch, Machine, Place, StartError,
    attach::{AttachPolicy, Attached, Attachment, Endpoint},
};

/// The driver.
#[derive(Debug)]
pub struct Foreign {
    policy: AttachPolicy,
}

impl Foreign {
    /// A driver that attaches what `policy` allows.
    pub fn new(policy: AttachPolicy) -> Self {
        Self { policy }
    }

    /// The endpoint of a specification, if this host allows it.
    ///
    /// # Errors
    /// Why not, in words.
    pub fn endpoint(&self, attach: &AttachedPort) -> Result<Endpoint, String> {
        self.policy.check(&attach.endpoint).map_err(|refused| refused.to_string())
    }
}

#[tonic::async_trait]
impl Hypervisor for Foreign {
    async fn find(&self, _: &Place, _: &Launch, _: &VmSpec) -> Result<Option<Arc<dyn Machine>>, StartError> {
        Ok(None) // an attachment dies with its agent
    }

    async fn start(&self, place: &Place, _: &Launch, spec: &VmSpec) -> Result<Arc<dyn Machine>, StartError> {
        let Some(vm_spec::Driver::Attach(attach)) = &spec.driver else {
            return Err(StartError::Permanent("not a specification of the attach driver".into()));
        };
        let endpoint = self.endpoint(attach).map_err(StartError::Permanent)?;
        let attachment = Attachment::start(place.port.clone(), endpoint, self.policy.clone());
        let mut state = attachment.state();
        let events = place.events.clone();
        let watch = tokio::spawn(async move {
            loop {
                let event = match &*state.borrow_and_update() {
                    Attached::Yes => Event::Attached,
                    Attached::No(why) => Event::Detached(why.clone()),
                };
                if events.send(event).is_err() || state.changed().await.is_err() {
                    return;
                }
            }
        });
        Ok(Arc::new(ForeignMachine { attachment: Mutex::new(Some(attachment)), watch, place: place.clone() }))
    }
}

struct ForeignMachine {
    attachment: Mutex<Option<Attachment>>,
    watch: tokio::task::JoinHandle<()>,
    place: Place,
}

#[tonic::async_trait]
impl Machine for ForeignMachine {
    async fn quit(&self) {
        self.watch.abort();
        if let Some(attachment) = self.attachment.lock().await.take() {
            attachment.stop().await;
        }
        let _ = self.place.events.send(Event::Gone("detached".into()));
    }
}

impl Drop for ForeignMachine {
    fn drop(&mut self) {
        self.watch.abort();
    }
}
