//! From a VM's document to what a host is told of it.

use hardline_agent_api::v1::{AttachedPort, Power, QemuMachine, VmSpec, vm_spec};
use hardline_arm::models::vm::{Driver, Machine};
use serde::{Deserialize, Serialize};

/// Seconds that a guest gets to shut itself down before it is switched off.
pub const STOP_GRACE: u32 = 30;

/// What the store keeps in `vms.spec`: everything of a [`VmSpec`] that is not a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Desired {
    /// Keep the serial log.
    pub capture: bool,
    /// Seconds between the power button and off; 0: off at once.
    pub stop_grace: u32,
    /// What runs it.
    pub driver: DesiredDriver,
    /// Somebody disabled its serial port: nobody opens a console at it. The host is not told, and captures as before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub console_off: bool,
}

/// What runs a machine, with everything a host needs for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind")]
pub enum DesiredDriver {
    /// The host's own QEMU.
    Qemu {
        /// The image's name.
        image: String,
        /// Guest memory, MiB.
        memory_mib: u32,
        /// Virtual processors.
        vcpus: u32,
        /// The guest's hostname.
        hostname: String,
        /// The guest's administrator.
        admin_user: String,
        /// `crypt(3)` of the password; empty: no password log-in.
        admin_password_hash: PasswordHash,
        /// Added to the kernel command line.
        append: String,
    },
    /// Something else.
    Attach {
        /// `unix:/path`, `pty:/path`, `tcp:host:port`.
        endpoint: String,
    },
}

/// `crypt(3)` of a password. Not shown by `Debug`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

impl From<String> for PasswordHash {
    fn from(hash: String) -> Self {
        Self(hash)
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_empty() { "none" } else { "…" })
    }
}

impl Desired {
    /// What `machine` needs. `password_hash` is empty for a machine without one.
    pub fn new(machine: &Machine, password_hash: String) -> Self {
        let driver = match &machine.driver {
            Driver::Qemu { image, append } => DesiredDriver::Qemu {
                image: image.clone(),
                memory_mib: machine.size.memory_mib,
                vcpus: machine.size.vcpus,
                hostname: machine.computer_name.clone(),
                admin_user: machine.admin_user.clone(),
                admin_password_hash: password_hash.into(),
                append: append.clone(),
            },
            Driver::Attach { endpoint } => DesiredDriver::Attach { endpoint: endpoint.clone() },
        };
        Self {
            capture: machine.boot_diagnostics.enabled(),
            stop_grace: STOP_GRACE,
            driver,
            console_off: false,
        }
    }

    /// The hash of the administrator's password; empty where there is none.
    pub fn password_hash(&self) -> &str {
        match &self.driver {
            DesiredDriver::Qemu { admin_password_hash, .. } => &admin_password_hash.0,
            DesiredDriver::Attach { .. } => "",
        }
    }

    /// Whether the machine's power is ours.
    pub fn has_power(&self) -> bool {
        matches!(self.driver, DesiredDriver::Qemu { .. })
    }

    /// The image that a host must have.
    pub fn image(&self) -> Option<&str> {
        match &self.driver {
            DesiredDriver::Qemu { image, .. } => Some(image),
            DesiredDriver::Attach { .. } => None,
        }
    }

    /// The driver's name, as hosts list it.
    pub fn driver_name(&self) -> &'static str {
        match self.driver {
            DesiredDriver::Qemu { .. } => "qemu",
            DesiredDriver::Attach { .. } => "attach",
        }
    }

    /// The whole message. `power` is the store's word.
    pub fn message(&self, to: &Address<'_>) -> VmSpec {
        let at_least_0 = |n: i64| u64::try_from(n).unwrap_or(0);
        let driver = match &self.driver {
            DesiredDriver::Qemu {
                image,
                memory_mib,
                vcpus,
                hostname,
                admin_user,
                admin_password_hash,
                append,
            } => vm_spec::Driver::Qemu(QemuMachine {
                image: image.clone(),
                memory_mib: *memory_mib,
                vcpus: *vcpus,
                hostname: hostname.clone(),
                admin_user: admin_user.clone(),
                admin_password_hash: admin_password_hash.0.clone(),
                append: append.clone(),
            }),
            DesiredDriver::Attach { endpoint } => {
                vm_spec::Driver::Attach(AttachedPort { endpoint: endpoint.clone() })
            }
        };
        VmSpec {
            vm_id: to.vm_id.into(),
            generation: at_least_0(to.generation),
            name: to.name.into(),
            power: if to.power == "running" { Power::Running } else { Power::Stopped }.into(),
            power_generation: at_least_0(to.power_generation),
            reset_generation: at_least_0(to.reset_generation),
            stop_grace_seconds: self.stop_grace,
            capture: self.capture,
            driver: Some(driver),
        }
    }
}

/// The columns of a VM's row that go into the message.
#[derive(Clone, Copy, Debug)]
pub struct Address<'a> {
    /// The machine's own id.
    pub vm_id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// `running`, `stopped`, `deallocated`.
    pub power: &'a str,
    /// Of the spec.
    pub generation: i64,
    /// Of the power.
    pub power_generation: i64,
    /// Of the resets.
    pub reset_generation: i64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use hardline_arm::models::vm;
    use serde_json::json;

    #[test]
    fn a_document_becomes_a_message() {
        let body = json!({"location": "l", "properties": {
            "hardwareProfile": {"vmSize": "Standard_B2s"}, "storageProfile": {"imageReference": {"id": "demo"}},
            "osProfile": {"adminUsername": "ann"}}});
        let (_, machine) = vm::create("vm1", &body).unwrap();
        let desired = Desired::new(&machine, "$6$x".into());
        let again: Desired = serde_json::from_str(&serde_json::to_string(&desired).unwrap()).unwrap();
        assert_eq!(again, desired);
        assert!(!format!("{desired:?}").contains("$6$"));
        let address = Address {
            vm_id: "id",
            name: "vm1",
            power: "deallocated",
            generation: 7,
            power_generation: 2,
            reset_generation: 1,
        };
        let message = desired.message(&address);
        assert_eq!((message.generation, message.power(), message.capture), (7, Power::Stopped, true));
        let Some(vm_spec::Driver::Qemu(qemu)) = message.driver else { panic!("{message:?}") };
        assert_eq!((qemu.vcpus, qemu.memory_mib, qemu.hostname.as_str()), (2, 4096, "vm1"));
    }
}
