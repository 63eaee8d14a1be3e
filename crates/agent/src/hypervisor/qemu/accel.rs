//! KVM or not? A `/dev/kvm` is no proof: on some machines it opens and a guest hangs on it. So: the processor must have
//! the flag, the device must open, and a real guest must come up in a trial run under a deadline. What was found is
//! kept until the host is booted again.

use std::{path::Path, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::process::Process;
use crate::{images::Image, vm::files};

/// What runs the guest's processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Accelerator {
    /// The host's own processor.
    Kvm,
    /// QEMU's translator: slower, works everywhere.
    Tcg,
}

impl Accelerator {
    /// The word of the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            Self::Tcg => "tcg",
        }
    }
}

/// What a probe found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// What to use.
    pub accelerator: Accelerator,
    /// Why not KVM, one line; empty with KVM.
    pub reason: String,
}

impl Found {
    /// No KVM, for this reason.
    pub fn tcg(reason: impl Into<String>) -> Self {
        Self { accelerator: Accelerator::Tcg, reason: reason.into() }
    }
}

#[derive(Serialize, Deserialize)]
struct Kept {
    host_boot: String,
    qemu: String,
    found: Found,
}

/// What the trial guest must print to be believed: its kernel runs in 64-bit mode and starts its first program.
const PROOF: &[u8] = b"Run /init as init process";
/// How long it may take. A guest on a working KVM needs about a second.
const DEADLINE: Duration = Duration::from_secs(15);

/// Finds out, or recalls from `dir`. `image` gives the trial its guest; `qemu_version` is part of what was tried.
pub async fn probe(dir: &Path, program: &Path, qemu_version: &str, image: Option<&Image>) -> Found {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    if let Err(reason) = flags(&cpuinfo).and_then(|()| device()) {
        return Found::tcg(reason);
    }
    let kept = dir.join("accelerator.json");
    let host_boot = crate::host::boot_id();
    let recalled = std::fs::read(&kept).ok().and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok());
    if let Some(recalled) =
        recalled.filter(|recalled| recalled.host_boot == host_boot && recalled.qemu == qemu_version)
    {
        return recalled.found;
    }
    let Some(image) = image else {
        return Found::tcg("KVM was not tried: there is no guest image to try it with"); // not kept: one may come
    };
    let found = match trial(dir, program, image, DEADLINE).await {
        Ok(()) => Found { accelerator: Accelerator::Kvm, reason: String::new() },
        Err(reason) => Found::tcg(reason),
    };
    let record = Kept { host_boot, qemu: qemu_version.to_owned(), found: found.clone() };
    if let Err(error) =
        serde_json::to_vec(&record).map_err(Into::into).and_then(|bytes| files::replace(&kept, &bytes))
    {
        tracing::warn!(%error, "the result of the KVM trial cannot be kept");
    }
    found
}

fn flags(cpuinfo: &str) -> Result<(), String> {
    let has = cpuinfo
        .lines()
        .filter(|line| line.starts_with("flags"))
        .any(|line| line.split_whitespace().any(|flag| matches!(flag, "vmx" | "svm")));
    has.then_some(())
        .ok_or_else(|| "no KVM: the processor offers no virtualisation (no vmx or svm flag)".to_owned())
}

fn device() -> Result<(), String> {
    std::fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/kvm")
        .map(drop)
        .map_err(|error| format!("no KVM: /dev/kvm: {error}"))
}

/// Boots the image's kernel under KVM until it prints [`PROOF`].
async fn trial(dir: &Path, program: &Path, image: &Image, deadline: Duration) -> Result<(), String> {
    let place = dir.join("kvm-trial");
    let failed = |what: &str, error: std::io::Error| format!("KVM could not be tried: {what}: {error}");
    if place.exists() {
        std::fs::remove_dir_all(&place).map_err(|e| failed("old trial", e))?;
    }
    std::fs::create_dir(&place).map_err(|e| failed("directory", e))?;
    let arguments: Vec<String> = [
        "-accel",
        "kvm",
        "-cpu",
        "host",
        "-machine",
        "q35,usb=off",
        "-nodefaults",
        "-no-user-config",
        "-display",
        "none",
        "-no-reboot",
        "-serial",
        "file:serial.out",
        "-append",
        "console=ttyS0,115200",
        "-m",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain([
        image.min_memory_mib.max(128).to_string(),
        "-kernel".into(),
        image.kernel().to_string_lossy().into_owned(),
    ])
    .chain(["-initrd".into(), image.initrd().to_string_lossy().into_owned()])
    .collect();
    let process = Process::start(program, &arguments, &place).map_err(|e| failed("start", e))?;
    let proven = async {
        let mut look = tokio::time::interval(Duration::from_millis(50));
        loop {
            let printed = std::fs::read(place.join("serial.out")).unwrap_or_default();
            if printed.windows(PROOF.len()).any(|window| window == PROOF) {
                return Ok(());
            }
            tokio::select! {
                () = process.end() => {
                    let words = super::process::last_words(&place).unwrap_or_else(|| "it ended without a word".into());
                    return Err(format!("no KVM: QEMU with KVM does not run: {words}"));
                }
                _ = look.tick() => {}
            }
        }
    };
    let result = timeout(deadline, proven).await.unwrap_or_else(|_| {
        Err(format!("no KVM: a trial guest did not come up within {} s", deadline.as_secs()))
    });
    process.kill();
    process.end().await;
    if let Err(error) = std::fs::remove_dir_all(&place) {
        tracing::warn!(%error, "cannot remove the KVM trial");
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processors_flag_is_a_word_of_its_own() {
        assert!(flags("flags\t\t: fpu vmx sse\n").is_ok());
        assert!(flags("flags\t\t: fpu svm\n").is_ok());
        assert!(flags("model name: vmx\nflags\t\t: fpu svm_lock nvmx hypervisor\n").is_err());
        assert!(flags("").is_err());
    }

    /// A trial of a stand-in for QEMU that does what `script` says.
    async fn tried(script: &str, deadline: Duration) -> Result<(), String> {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("qemu");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let image = Image {
            name: "x".into(),
            dir: dir.path().into(),
            kernel_append: String::new(),
            min_memory_mib: 0,
            tcg_cache_mib: 16,
        };
        let result = trial(dir.path(), &program, &image, deadline).await;
        assert!(!dir.path().join("kvm-trial").exists());
        result
    }

    #[tokio::test]
    async fn only_a_guest_that_comes_up_is_proof() {
        let proof = "printf '[ 1.0] Run /init as init process\n' >serial.out; exec sleep 1000";
        assert_eq!(tried(proof, DEADLINE).await, Ok(()));
        let died = tried("echo 'no such device' >&2; exit 1", DEADLINE).await.unwrap_err();
        assert!(died.starts_with("no KVM: QEMU with KVM does not run: no such device"), "{died}");
        let hung =
            tried("printf 'Probing EDD' >serial.out; exec sleep 1000", Duration::from_millis(200)).await;
        assert!(hung.unwrap_err().contains("did not come up"));
    }
}
