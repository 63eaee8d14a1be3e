//! Specifications: what is accepted from the server, and keeping them on the host's disk.

use std::{io, path::Path};

use hardline_agent_api::v1::{Power, QemuMachine, VmSpec, vm_spec};
use prost::Message;

/// Name of the file in a virtual machine's directory.
const FILE: &str = "spec.pb";
/// The same of the specification with which the machine was launched last.
const LAUNCHED: &str = "launched.pb";
/// Most virtual processors of one machine.
const MAX_VCPUS: u32 = 64;
/// Longest addition to the kernel's command line, bytes; Linux takes 2048 in all.
const MAX_APPEND: usize = 1024;

/// Reads the specification in `dir`.
///
/// # Errors
/// It is not there or damaged.
pub fn load(dir: &Path) -> io::Result<VmSpec> {
    VmSpec::decode(std::fs::read(dir.join(FILE))?.as_slice()).map_err(io::Error::other)
}

/// Keeps the specification in `dir`: durable when this returns.
///
/// # Errors
/// The disk's.
pub fn save(dir: &Path, spec: &VmSpec) -> io::Result<()> {
    super::files::replace(&dir.join(FILE), &spec.encode_to_vec())
}

/// Reads the specification with which the machine in `dir` was launched last; none when nobody has written it down.
pub fn launched(dir: &Path) -> Option<VmSpec> {
    VmSpec::decode(std::fs::read(dir.join(LAUNCHED)).ok()?.as_slice()).ok()
}

/// Keeps the specification with which the machine in `dir` is launched.
///
/// # Errors
/// The disk's.
pub fn save_launched(dir: &Path, spec: &VmSpec) -> io::Result<()> {
    super::files::replace(&dir.join(LAUNCHED), &spec.encode_to_vec())
}

/// Removes the specification from `dir`.
///
/// # Errors
/// The disk's; that there is none is no error.
pub fn forget(dir: &Path) -> io::Result<()> {
    match std::fs::remove_file(dir.join(FILE)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Whether a machine's identity is one: a uuid as the server writes it. It names directories.
pub fn valid_id(vm_id: &str) -> bool {
    uuid::Uuid::try_parse(vm_id).is_ok_and(|uuid| uuid.hyphenated().to_string() == vm_id)
}

/// Checks what does not depend on the host. Everything here ends on a command line or in a guest's file.
///
/// # Errors
/// Why it is refused, in words.
pub fn check(spec: &VmSpec) -> Result<(), String> {
    if !valid_id(&spec.vm_id) {
        return Err("vm_id is not a uuid in lower case".into());
    }
    if spec.name.len() > 256 || spec.name.chars().any(char::is_control) {
        return Err("the name is too long or has control characters".into());
    }
    if spec.power() == Power::Unspecified {
        return Err("no power state is named".into());
    }
    match &spec.driver {
        None => Err("no driver is named".into()),
        Some(vm_spec::Driver::Attach(_)) if spec.power() == Power::Stopped => {
            Err("the attach driver cannot switch a virtual machine off: something else runs it".into())
        }
        Some(vm_spec::Driver::Attach(_)) => Ok(()),
        Some(vm_spec::Driver::Qemu(machine)) => check_qemu(machine),
    }
}

fn check_qemu(machine: &QemuMachine) -> Result<(), String> {
    let hash = &machine.admin_password_hash;
    let refusal = if !(1..=MAX_VCPUS).contains(&machine.vcpus) {
        format!("vcpus is {}, it must be 1 to {MAX_VCPUS}", machine.vcpus)
    } else if machine.append.len() > MAX_APPEND || machine.append.chars().any(char::is_control) {
        "append is too long or has control characters".into()
    } else if !valid_hostname(&machine.hostname) {
        "hostname is not one".into()
    } else if !valid_user(&machine.admin_user) {
        "admin_user is no name of a Linux user".into()
    } else if !machine.admin_user.is_empty() && !hash.is_empty() && !valid_hash(hash) {
        "admin_password_hash is not of the form $6$...".into()
    } else {
        return Ok(());
    };
    Err(refusal)
}

fn valid_hostname(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    name.len() <= 64 && name.chars().all(plain) && !name.starts_with(['-', '.'])
}

fn valid_user(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.len() <= 32
        && name.chars().all(plain)
        && !name.starts_with(|c: char| c == '-' || c == '.' || c.is_ascii_digit())
}

fn valid_hash(hash: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '$' | '.' | '/' | '=');
    hash.starts_with("$6$") && hash.len() <= 200 && hash.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hardline_agent_api::v1::AttachedPort;

    fn good() -> VmSpec {
        let machine = QemuMachine {
            image: "hardline-demo".into(),
            memory_mib: 128,
            vcpus: 1,
            hostname: "demo".into(),
            admin_user: "azureuser".into(),
            admin_password_hash: "$6$abc$x./Y".into(),
            append: "quiet".into(),
        };
        VmSpec {
            vm_id: "5f0c1e1e-0000-4000-8000-000000000001".into(),
            name: "demo".into(),
            power: Power::Running.into(),
            driver: Some(vm_spec::Driver::Qemu(machine)),
            ..Default::default()
        }
    }

    fn with(change: impl FnOnce(&mut QemuMachine)) -> VmSpec {
        let mut spec = good();
        if let Some(vm_spec::Driver::Qemu(machine)) = &mut spec.driver {
            change(machine);
        }
        spec
    }

    #[test]
    fn only_what_is_safe_on_a_command_line_and_in_the_guest_is_taken() {
        assert_eq!(check(&good()), Ok(()));
        assert_eq!(check(&with(|m| m.admin_user.clear())), Ok(()));
        let attach = |power: Power| VmSpec {
            driver: Some(vm_spec::Driver::Attach(AttachedPort { endpoint: "unix:/x".into() })),
            power: power.into(),
            ..good()
        };
        assert_eq!(check(&attach(Power::Running)), Ok(()));
        for (bad, words) in [
            (VmSpec { vm_id: "../x".into(), ..good() }, "uuid"),
            (VmSpec { vm_id: good().vm_id.to_uppercase(), ..good() }, "uuid"),
            (VmSpec { vm_id: good().vm_id.replace('-', ""), ..good() }, "uuid"),
            (VmSpec { name: "a\nb".into(), ..good() }, "name"),
            (VmSpec { driver: None, ..good() }, "driver"),
            (attach(Power::Stopped), "cannot switch"),
            (with(|m| m.vcpus = 0), "vcpus"),
            (with(|m| m.append = "a\nb".into()), "append"),
            (with(|m| m.append = "a".repeat(2000)), "append"),
            (with(|m| m.hostname = "a b".into()), "hostname"),
            (with(|m| m.admin_user = "a:b".into()), "admin_user"),
            (with(|m| m.admin_user = "-a".into()), "admin_user"),
            (with(|m| m.admin_password_hash = "*".into()), "hash"),
            (with(|m| m.admin_password_hash = "secret".into()), "hash"),
            (with(|m| m.admin_password_hash = "$6$a$b:0:0\nroot2".into()), "hash"),
        ] {
            let refusal = check(&bad).unwrap_err();
            assert!(refusal.contains(words), "{refusal} has no '{words}'");
        }
    }

    #[test]
    fn kept_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        assert!(load(dir.path()).is_err());
        save(dir.path(), &good()).unwrap();
        assert_eq!(load(dir.path()).unwrap(), good());
    }
}
