//! The instance view: what a VM is doing, in Azure's words (contract 5).
//!
//! ```text
//!  wanted        what the host sees                           told
//!  ----------    -----------------------------------------    ------------
//!  running       nothing yet, starting, stopped (old answer)  starting
//!  running       running, paused                              running
//!  running       stopped, and it answers the present wish     stopped       (the guest powered itself off)
//!  stopped       anything but stopped                         stopping
//!  stopped       stopped                                      stopped
//!  deallocated   the same two                                 deallocating, deallocated
//!  any           failed                                       stopped, with the host's message
//!  any           the host is away, or its port is             unknown, with a message
//! ```

use super::{BootDiagnostics, Machine};
use serde_json::{Map, Value, json};

/// A power state, as clients compare it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerState {
    /// On its way up.
    Starting,
    /// Up.
    Running,
    /// On its way down.
    Stopping,
    /// Off, its place kept.
    Stopped,
    /// On its way off its host.
    Deallocating,
    /// Off, its place given back.
    Deallocated,
    /// The host does not say.
    Unknown,
}

/// What a host says of a VM, as far as the instance view needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing yet.
    Unseen,
    /// On its way up.
    Starting,
    /// Up.
    Running,
    /// Up, its processors held.
    Paused,
    /// On its way down.
    Stopping,
    /// Off.
    Stopped,
    /// Cannot be brought to the wanted state.
    Failed,
    /// An attached port that is not there at present.
    Detached,
}

/// Everything that the instance view is made of, beside the document.
#[derive(Clone, Debug)]
pub struct Runtime<'a> {
    /// Whether it shall run, be stopped or be deallocated.
    pub wanted: PowerState,
    /// What the host last said.
    pub step: Step,
    /// Whether what the host said answers the present wish.
    pub answered: bool,
    /// The host's words, for people; empty where there are none.
    pub message: &'a str,
    /// Whether its host is connected. True for a VM that has no host yet.
    pub host_here: bool,
    /// `Succeeded`, `Creating`, …
    pub provisioning_state: &'a str,
    /// When that was reached, RFC 3339.
    pub provisioning_time: &'a str,
}

impl PowerState {
    /// Azure's word: `PowerState/{word}`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Deallocating => "deallocating",
            Self::Deallocated => "deallocated",
            Self::Unknown => "unknown",
        }
    }
}

impl Runtime<'_> {
    /// The state to tell.
    pub fn power(&self) -> PowerState {
        use PowerState as P;
        if !self.host_here {
            return P::Unknown;
        }
        match (self.wanted, self.step) {
            (_, Step::Detached) => P::Unknown,
            (P::Deallocated, Step::Stopped | Step::Failed) => P::Deallocated,
            (P::Deallocated, Step::Unseen) if self.answered => P::Deallocated,
            (P::Deallocated, _) => P::Deallocating,
            (P::Stopped, Step::Stopped | Step::Failed) => P::Stopped,
            (P::Stopped, _) => P::Stopping,
            (_, Step::Running | Step::Paused) => P::Running,
            (_, Step::Failed) => P::Stopped,
            (_, Step::Stopped) if self.answered => P::Stopped,
            (_, Step::Stopping) if self.answered => P::Stopping,
            (_, Step::Unseen | Step::Starting | Step::Stopped | Step::Stopping) => P::Starting,
        }
    }

    /// Whether the machine can be spoken to: its processors run.
    pub fn running(&self) -> bool {
        self.power() == PowerState::Running
    }
}

/// The document of `…/instanceView`.
pub fn instance_view(stored: &Value, machine: &Machine, runtime: &Runtime<'_>) -> Value {
    let power = runtime.power();
    let mut view = Map::new();
    if !matches!(power, PowerState::Deallocated | PowerState::Deallocating) {
        if !machine.computer_name.is_empty() {
            view.insert("computerName".into(), machine.computer_name.as_str().into());
        }
        view.insert("osName".into(), machine.os_type.as_str().into());
        view.insert("hyperVGeneration".into(), "V1".into());
        view.insert(
            "vmAgent".into(),
            json!({
                "vmAgentVersion": "Unknown",
                "statuses": [{
                    "code": "ProvisioningState/Unavailable",
                    "level": "Warning",
                    "displayStatus": "Not Ready",
                    "message": "No agent runs inside the guest: the console and the logs need none.",
                    "time": runtime.provisioning_time,
                }],
            }),
        );
    } else {
        view.insert("hyperVGeneration".into(), "V1".into());
    }
    view.insert("disks".into(), disks(stored, runtime));
    if machine.boot_diagnostics == BootDiagnostics::Managed {
        view.insert("bootDiagnostics".into(), json!({}));
    }
    view.insert("statuses".into(), json!([provisioning(runtime), power_status(runtime, power)]));
    Value::Object(view)
}

fn disks(stored: &Value, runtime: &Runtime<'_>) -> Value {
    let profile = stored.pointer("/properties/storageProfile");
    let os = profile.and_then(|p| p.get("osDisk")).into_iter();
    let data = profile.and_then(|p| p.get("dataDisks")).and_then(Value::as_array).into_iter().flatten();
    let names = os.chain(data).filter_map(|d| d.get("name").and_then(Value::as_str));
    let disk = |name| json!({"name": name, "statuses": [provisioning(runtime)]});
    names.map(disk).collect()
}

fn provisioning(runtime: &Runtime<'_>) -> Value {
    let state = runtime.provisioning_state;
    let level = if state.eq_ignore_ascii_case("failed") { "Error" } else { "Info" };
    let display = match state.to_ascii_lowercase().as_str() {
        "succeeded" => "Provisioning succeeded".into(),
        "failed" => "Provisioning failed".into(),
        _ => state.to_owned(),
    };
    let status = json!({
        "code": format!("ProvisioningState/{}", state.to_ascii_lowercase()),
        "level": level,
        "displayStatus": display,
        "time": runtime.provisioning_time,
    });
    with_message(status, if level == "Error" { runtime.message } else { "" })
}

/// Without `time`, as Azure has it.
fn power_status(runtime: &Runtime<'_>, power: PowerState) -> Value {
    let level = match (power, runtime.step) {
        (PowerState::Stopped, Step::Failed) => "Error",
        (PowerState::Unknown, _) | (PowerState::Running, Step::Paused) => "Warning",
        _ => "Info",
    };
    let status = json!({
        "code": format!("PowerState/{}", power.word()),
        "level": level,
        "displayStatus": format!("VM {}", power.word()),
    });
    with_message(
        status,
        match (power, level) {
            (PowerState::Unknown, _) if !runtime.host_here => {
                "The host of this virtual machine is not connected."
            }
            (_, "Info") => "",
            _ => runtime.message,
        },
    )
}

fn with_message(mut status: Value, message: &str) -> Value {
    if let (Some(map), false) = (status.as_object_mut(), message.is_empty()) {
        map.insert("message".into(), message.into());
    }
    status
}

#[cfg(test)]
mod tests {
    use super::super::create;
    use super::*;

    fn runtime(wanted: PowerState, step: Step, answered: bool) -> Runtime<'static> {
        Runtime {
            wanted,
            step,
            answered,
            message: "",
            host_here: true,
            provisioning_state: "Succeeded",
            provisioning_time: "2026-11-21T00:00:00Z",
        }
    }

    #[test]
    fn power_states() {
        use PowerState as P;
        let check = |wanted, step, answered, told| {
            assert_eq!(runtime(wanted, step, answered).power(), told, "{wanted:?} {step:?} {answered}");
        };
        check(P::Running, Step::Unseen, false, P::Starting);
        check(P::Running, Step::Stopped, false, P::Starting);
        check(P::Running, Step::Running, false, P::Running);
        check(P::Running, Step::Stopped, true, P::Stopped);
        check(P::Running, Step::Failed, true, P::Stopped);
        check(P::Stopped, Step::Running, false, P::Stopping);
        check(P::Stopped, Step::Stopped, true, P::Stopped);
        check(P::Deallocated, Step::Stopping, false, P::Deallocating);
        check(P::Deallocated, Step::Stopped, true, P::Deallocated);
        check(P::Running, Step::Detached, true, P::Unknown);
        let away = Runtime { host_here: false, ..runtime(P::Running, Step::Running, true) };
        assert_eq!(away.power(), P::Unknown);
    }

    fn view(wanted: PowerState, step: Step, diagnostics: bool) -> Value {
        let body = json!({"location": "l", "properties": {
            "osProfile": {"adminUsername": "u"}, "storageProfile": {"imageReference": {"id": "demo"}},
            "diagnosticsProfile": {"bootDiagnostics": {"enabled": diagnostics}}}});
        let (stored, machine) = create("vm1", &body).unwrap();
        instance_view(&stored, &machine, &runtime(wanted, step, true))
    }

    #[test]
    fn a_running_machine() {
        let view = view(PowerState::Running, Step::Running, true);
        assert_eq!(view["bootDiagnostics"], json!({}));
        assert_eq!(view["computerName"], "vm1");
        assert_eq!(
            view["statuses"],
            json!([
                {"code": "ProvisioningState/succeeded", "level": "Info", "displayStatus": "Provisioning succeeded", "time": "2026-11-21T00:00:00Z"},
                {"code": "PowerState/running", "level": "Info", "displayStatus": "VM running"},
            ])
        );
        assert_eq!(view["vmAgent"]["statuses"][0]["displayStatus"], "Not Ready");
        assert_eq!(view["disks"][0]["name"], "vm1_OsDisk");
    }

    #[test]
    fn a_deallocated_machine_without_diagnostics() {
        let view = view(PowerState::Deallocated, Step::Stopped, false);
        for absent in ["computerName", "osName", "vmAgent", "bootDiagnostics"] {
            assert!(view.get(absent).is_none(), "{absent}");
        }
        assert_eq!(view["statuses"][1]["displayStatus"], "VM deallocated");
    }
}
