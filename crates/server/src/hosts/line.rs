//! Calls to a host: each with a deadline, each failure in words that a caller can act on.

use hardline_agent_api::HostAgentClient;
use hardline_agent_api::v1::{
    ActRequest, Action, FenceRequest, ImageFormat, PortRef, ScreenshotReply, ScreenshotRequest,
};
use hardline_arm::error::ArmError;
use hardline_store::StoreError;
use std::time::Duration;
use tonic::{Code, Status};

/// A call that changes something on the host must be answered by then.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// A screenshot must be there by then.
const SCREENSHOT_TIMEOUT: Duration = Duration::from_secs(15);

/// Why a host could not do something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The VM has no host.
    #[error("no host has this virtual machine")]
    NoHost,
    /// The host is not connected, or went away during the call.
    #[error("the host of this virtual machine is not connected")]
    Away,
    /// The host did not answer in time.
    #[error("the host of this virtual machine did not answer in time")]
    Slow,
    /// The machine is not in a state that allows it.
    #[error("{0}")]
    NotNow(String),
    /// The driver cannot do that at all.
    #[error("{0}")]
    Unable(String),
    /// Anything else that the host said.
    #[error("the host failed: {0}")]
    Failed(Status),
    /// The store does not say where the VM is.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<Status> for HostError {
    fn from(status: Status) -> Self {
        match status.code() {
            Code::Unavailable | Code::Cancelled => Self::Away,
            Code::DeadlineExceeded => Self::Slow,
            Code::FailedPrecondition | Code::NotFound => Self::NotNow(status.message().into()),
            Code::Unimplemented => Self::Unable(status.message().into()),
            _ => Self::Failed(status),
        }
    }
}

impl From<HostError> for ArmError {
    fn from(error: HostError) -> Self {
        let text = error.to_string();
        match error {
            HostError::NoHost | HostError::NotNow(_) => Self::operation_not_allowed(sentence(&text)),
            HostError::Unable(_) => Self::operation_not_allowed(sentence(&text)),
            HostError::Away => Self::unavailable(
                "The host of this virtual machine is not connected at present. Try again when it is back.",
            ),
            HostError::Slow => {
                Self::unavailable("The host of this virtual machine did not answer in time. Try again.")
            }
            HostError::Failed(status) => Self::internal(status),
            HostError::Store(error) => crate::pipeline::store_error(error),
        }
    }
}

/// `the machine is not running` as a sentence.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    let end = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{end}", chars.as_str())
}

/// Waits for an answer, but not for ever.
pub(super) async fn answered<R>(
    limit: Duration,
    call: impl Future<Output = Result<tonic::Response<R>, Status>>,
) -> Result<R, HostError> {
    match tokio::time::timeout(limit, call).await {
        Ok(answer) => Ok(answer?.into_inner()),
        Err(_) => Err(HostError::Slow),
    }
}

/// One VM on its host.
#[derive(Clone, Debug)]
pub struct VmLine {
    /// The machine's own id.
    pub vm_id: String,
    /// The host, for calls that have no method here (`console`, `read`, `segments`).
    pub client: HostAgentClient,
}

impl VmLine {
    /// A one-time act; `keys` only with [`Action::Sysrq`].
    pub async fn act(&self, action: Action, keys: &str) -> Result<(), HostError> {
        let request = ActRequest { vm_id: self.vm_id.clone(), action: action.into(), keys: keys.into() };
        answered(CALL_TIMEOUT, self.client.clone().act(request)).await.map(|_| ())
    }

    /// The display as it is now.
    pub async fn screenshot(&self, format: ImageFormat) -> Result<ScreenshotReply, HostError> {
        let request = ScreenshotRequest { vm_id: self.vm_id.clone(), format: format.into() };
        answered(SCREENSHOT_TIMEOUT, self.client.clone().screenshot(request)).await
    }

    /// Raises a port's epoch: when this returns, nothing of an older one reaches the guest.
    pub async fn fence(&self, port: u32, epoch: u64) -> Result<(), HostError> {
        let request = FenceRequest { vm_id: self.vm_id.clone(), port, epoch };
        answered(CALL_TIMEOUT, self.client.clone().fence(request)).await.map(|_| ())
    }

    /// Closes the open piece of a port's log; the offset up to which everything is sealed.
    pub async fn seal(&self, port: u32) -> Result<u64, HostError> {
        let request = PortRef { vm_id: self.vm_id.clone(), port };
        answered(CALL_TIMEOUT, self.client.clone().seal(request)).await.map(|r| r.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_callers_are_told() {
        let told = |status: Status| ArmError::from(HostError::from(status));
        let stopped = told(Status::failed_precondition("the machine is not running"));
        assert_eq!(
            (stopped.code.as_ref(), stopped.message.as_str()),
            ("OperationNotAllowed", "The machine is not running.")
        );
        assert_eq!(told(Status::unavailable("tcp reset")).status, 503);
        assert!(!told(Status::internal("path /secret")).message.contains("secret"));
    }
}
