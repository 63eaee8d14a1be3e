//! QEMU's command line. Every relative path is relative to the launch's directory, which is QEMU's working directory:
//! that keeps the socket's path short and the data directory movable.

use hardline_agent_api::v1::QemuMachine;

use super::accel::Accelerator;
use crate::images::Image;

/// Base name of the serial port's two files: `serial.out` is a regular file that QEMU writes, `serial.in` a FIFO that it reads.
pub const SERIAL: &str = "serial";
/// Name of the control socket.
pub const QMP_SOCKET: &str = "qmp.sock";
/// Name of the launch's own initrd.
pub const INITRD: &str = "initrd";
/// Id of the serial port's character device, for BREAK.
pub const SERIAL_ID: &str = "ser0";

/// The arguments for one launch. It begins paused (`-S`): the agent lets it go when it listens to its events.
pub fn arguments(
    name: &str,
    uuid: &str,
    machine: &QemuMachine,
    image: &Image,
    accelerator: Accelerator,
) -> Vec<String> {
    let (accel, cpu) = match accelerator {
        Accelerator::Kvm => ("kvm".to_owned(), "host"),
        // An unbounded translation cache makes warm reboots slow and costs memory; the image knows what suits it.
        Accelerator::Tcg => (format!("tcg,thread=multi,tb-size={}", image.tcg_cache_mib), "qemu64"),
    };
    let append = [image.kernel_append.as_str(), machine.append.as_str()].join(" ");
    let pairs = [
        ("-name", format!("guest={}", name.replace(',', ",,"))),
        ("-uuid", uuid.to_owned()),
        ("-machine", "q35,usb=off".to_owned()),
        ("-accel", accel),
        ("-cpu", cpu.to_owned()),
        ("-smp", machine.vcpus.to_string()),
        ("-m", machine.memory_mib.to_string()),
        ("-display", "none".to_owned()),
        ("-vga", "std".to_owned()),
        ("-device", "pvpanic-pci".to_owned()),
        // A panicked guest may still dump or reboot itself: it is told of, not stopped.
        ("-action", "panic=none".to_owned()),
        ("-chardev", format!("pipe,id={SERIAL_ID},path={SERIAL}")),
        ("-serial", format!("chardev:{SERIAL_ID}")),
        ("-qmp", format!("unix:{QMP_SOCKET},server=on,wait=off")),
        ("-pidfile", super::process::PID_FILE.to_owned()),
        ("-kernel", image.kernel().to_string_lossy().into_owned()),
        ("-initrd", INITRD.to_owned()),
        ("-append", append.trim().to_owned()),
        ("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny".to_owned()),
    ];
    let switches = ["-nodefaults", "-no-user-config", "-no-shutdown", "-S"].map(str::to_owned);
    pairs.into_iter().flat_map(|(option, value)| [option.to_owned(), value]).chain(switches).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, append: &str, accelerator: Accelerator) -> String {
        let machine = QemuMachine { memory_mib: 128, vcpus: 2, append: append.into(), ..Default::default() };
        let image = Image {
            name: "demo".into(),
            dir: "/images/demo".into(),
            kernel_append: "console=ttyS0".into(),
            min_memory_mib: 96,
            tcg_cache_mib: 16,
        };
        arguments(name, "u-u", &machine, &image, accelerator).join(" ")
    }

    #[test]
    fn the_decided_devices_are_there() {
        let line = line("a", "x=1", Accelerator::Tcg);
        for part in [
            "-accel tcg,thread=multi,tb-size=16 -cpu qemu64",
            "-smp 2 -m 128",
            "-display none -vga std -device pvpanic-pci",
            "-chardev pipe,id=ser0,path=serial -serial chardev:ser0",
            "-qmp unix:qmp.sock,server=on,wait=off",
            "-kernel /images/demo/vmlinuz -initrd initrd -append console=ttyS0 x=1",
            "-no-shutdown -S",
        ] {
            assert!(line.contains(part), "{part} in {line}");
        }
        assert!(!line.contains("netdev"));
    }

    #[test]
    fn a_name_cannot_become_an_option() {
        assert!(
            line("a,process=evil", "", Accelerator::Kvm).starts_with("-name guest=a,,process=evil -uuid")
        );
    }
}
