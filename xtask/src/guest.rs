//! `cargo xtask guest`: the demo guest's image, made of two Debian packages that are downloaded and unpacked, never
//! installed: the newest cloud kernel and a static busybox. The recipe's files are in `xtask/guest/`.

use std::{
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

#[path = "../../crates/agent/src/vm/newc.rs"]
mod newc;

use newc::{Archive, Kind};

/// Name of the image, and of its directory.
const NAME: &str = "hardline-demo";
/// The package that depends on the newest kernel package.
const KERNEL: &str = "linux-image-cloud-amd64";
const BUSYBOX: &str = "busybox-static";
/// Where the kernel is asked to print: the screen and, last, the serial port, which thereby becomes `/dev/console`. And it
/// shall not count ticks while it boots: on a busy host an emulated timer is late, and it would panic as if there were none.
const APPEND: &str = "console=tty0 console=ttyS0,115200 net.ifnames=0 no_timer_check";
/// Only what the guest needs; in the order in which it loads them.
const MODULES: [&str; 4] = [
    "drivers/input/evdev.ko",
    "drivers/acpi/button.ko",
    "drivers/misc/pvpanic/pvpanic.ko",
    "drivers/misc/pvpanic/pvpanic-pci.ko",
];

/// The recipe's own files: path in the guest, permissions, contents.
const FILES: [(&str, u32, &str); 10] = [
    ("init", 0o755, include_str!("../guest/init")),
    ("etc/inittab", 0o644, include_str!("../guest/inittab")),
    ("etc/profile", 0o644, include_str!("../guest/profile")),
    ("etc/shrc", 0o644, include_str!("../guest/shrc")),
    ("etc/issue", 0o644, include_str!("../guest/issue")),
    ("etc/motd", 0o644, include_str!("../guest/motd")),
    ("bin/serial-login", 0o755, include_str!("../guest/serial-login")),
    ("bin/sign-in", 0o755, include_str!("../guest/sign-in")),
    ("bin/lines", 0o755, include_str!("../guest/lines")),
    ("bin/power", 0o755, include_str!("../guest/power")),
];

/// Builds `out/hardline-demo/{vmlinuz,initrd,image.json}`. Does nothing when it is there and the recipe is unchanged.
///
/// # Errors
/// No packages: neither from the mirror (through apt) nor kept from an earlier run.
pub fn build(out: &Path) -> Result<()> {
    let image = out.join(NAME);
    let recipe = recipe();
    if fs::read_to_string(image.join("image.json")).is_ok_and(|json| json.contains(&recipe)) {
        println!("guest: {} is up to date", image.display());
        return Ok(());
    }
    let packages = out.join("packages");
    fs::create_dir_all(&packages).with_context(|| format!("cannot create {}", packages.display()))?;
    let kernel = package(&packages, "linux-image-", &|name| name.contains("-cloud-amd64_"), &kernel_package)?;
    let busybox = package(&packages, "busybox-static_", &|_| true, &|| Ok(BUSYBOX.to_owned()))?;

    let work = Work::create(out.join(format!(".{NAME}-{}", std::process::id())))?;
    let (kernel_tree, busybox_tree) = (work.0.join("kernel"), work.0.join("busybox"));
    unpack(&kernel, &kernel_tree)?;
    unpack(&busybox, &busybox_tree)?;
    let made = work.0.join(NAME);
    fs::create_dir(&made)?;
    let vmlinuz = only_entry(&kernel_tree.join("boot"), "vmlinuz-")?;
    fs::copy(&vmlinuz, made.join("vmlinuz")).context("cannot copy the kernel")?;
    fs::write(made.join("initrd"), initrd(&kernel_tree, &busybox_tree)?)?;
    let version = file_name(&vmlinuz).trim_start_matches("vmlinuz-").to_owned();
    let json = format!(
        "{{\n  \"name\": \"{NAME}\",\n  \"os\": \"linux\",\n  \"kernelAppend\": \"{APPEND}\",\n  \"minMemoryMib\": 96,\n  \"tcgCacheMib\": 16,\n  \"kernel\": \"{version}\",\n  \"recipe\": \"{recipe}\"\n}}\n"
    );
    fs::write(made.join("image.json"), json)?;

    // A complete image takes the place of the old one; image.json inside says that it is complete.
    if image.exists() {
        fs::remove_dir_all(&image).with_context(|| format!("cannot replace {}", image.display()))?;
    }
    fs::rename(&made, &image).with_context(|| format!("cannot create {}", image.display()))?;
    println!("guest: built {} (kernel {version})", image.display());
    Ok(())
}

/// A working directory that goes away with the value.
struct Work(PathBuf);

impl Work {
    fn create(path: PathBuf) -> Result<Self> {
        fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Err(e) = fs::remove_dir_all(&self.0) {
            eprintln!("guest: cannot remove {}: {e}", self.0.display());
        }
    }
}

/// Changes when anything that goes into the image changes, but not with the packages' versions: a newer kernel at the
/// mirror is no reason to rebuild.
fn recipe() -> String {
    let mut hasher = DefaultHasher::new();
    FILES.hash(&mut hasher);
    MODULES.hash(&mut hasher);
    APPEND.hash(&mut hasher);
    include_str!("guest.rs").hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// A package's file: from the mirror, or kept from an earlier run when there is no network.
fn package(
    dir: &Path,
    prefix: &str,
    matches: &dyn Fn(&str) -> bool,
    name: &dyn Fn() -> Result<String>,
) -> Result<PathBuf> {
    let downloaded = name().and_then(|name| {
        println!("guest: downloading {name}");
        run(Command::new("apt-get").args(["download", "-qq", &name]).current_dir(dir)).map(drop)
    });
    let mut found: Vec<(std::time::SystemTime, PathBuf)> = fs::read_dir(dir)?
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with(prefix) && name.ends_with(".deb") && matches(&name)
        })
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    found.sort();
    match (found.pop(), downloaded) {
        (Some((_, path)), Ok(())) => Ok(path),
        (Some((_, path)), Err(_)) => {
            println!("guest: no download, using the kept {}", file_name(&path));
            Ok(path)
        }
        (None, Err(e)) => Err(e.context(format!(
            "no package {prefix}*: it cannot be downloaded and none is kept in {} (is there a network? has `apt-get update` run?)",
            dir.display()
        ))),
        (None, Ok(())) => bail!("apt-get left no {prefix}*.deb in {}", dir.display()),
    }
}

/// The package that holds the newest cloud kernel, as the mirror's lists have it.
fn kernel_package() -> Result<String> {
    let shown = run(Command::new("apt-cache").args(["show", "--no-all-versions", KERNEL]))?;
    shown
        .lines()
        .filter_map(|line| line.strip_prefix("Depends: "))
        .flat_map(|depends| depends.split(", "))
        .filter_map(|depend| depend.split_whitespace().next())
        .find(|name| name.starts_with("linux-image-") && name.ends_with("-cloud-amd64"))
        .map(str::to_owned)
        .with_context(|| format!("{KERNEL} depends on no kernel package"))
}

fn unpack(package: &Path, into: &Path) -> Result<()> {
    run(Command::new("dpkg-deb").arg("-x").arg(package).arg(into)).map(drop)
}

fn initrd(kernel: &Path, busybox: &Path) -> Result<Vec<u8>> {
    let mut archive = Archive::new();
    for dir in [
        "bin",
        "dev",
        "etc",
        "etc/acpi",
        "etc/hardline",
        "home",
        "lib",
        "lib/modules",
        "proc",
        "run",
        "sys",
        "var",
    ] {
        archive.add(dir, Kind::Directory, 0o755, b"");
    }
    archive.add("root", Kind::Directory, 0o700, b"").add("tmp", Kind::Directory, 0o1777, b"");
    // The set-user-id bit is for `su`; busybox drops the right at once in every program that does not need it.
    let program = fs::read(busybox.join("bin/busybox")).context("no bin/busybox in the package")?;
    archive.add("bin/busybox", Kind::File, 0o4755, &program);
    archive.add("sbin", Kind::Symlink, 0o777, b"bin");
    for (path, mode, contents) in FILES {
        archive.add(path, Kind::File, mode, contents.as_bytes());
    }
    for applet in ["poweroff", "reboot"] {
        archive.add(&format!("bin/{applet}"), Kind::Symlink, 0o777, b"power");
    }
    // acpid runs what has the name of the event.
    archive.add("etc/acpi/PWRF", Kind::Directory, 0o755, b"");
    archive.add("etc/acpi/PWRF/00000080", Kind::File, 0o755, b"#!/bin/sh\nexec /bin/busybox poweroff\n");
    archive.add("etc/hostname", Kind::File, 0o644, b"hardline-demo\n");
    let modules = only_entry(&kernel.join("lib/modules"), "")?;
    for module in MODULES {
        let path = modules.join("kernel").join(module);
        let bytes = fs::read(&path).with_context(|| format!("no module {}", path.display()))?;
        archive.add(&format!("lib/modules/{}", file_name(&path)), Kind::File, 0o644, &bytes);
    }
    Ok(archive.finish())
}

fn only_entry(dir: &Path, prefix: &str) -> Result<PathBuf> {
    fs::read_dir(dir)
        .with_context(|| format!("cannot read {}", dir.display()))?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| file_name(path).starts_with(prefix))
        .with_context(|| format!("no {prefix}* in {}", dir.display()))
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Runs a command to its end; its output, or its last words as the error.
fn run(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.env("LC_ALL", "C").output().with_context(|| format!("cannot run {program}"))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        bail!("{program}: {}", words.lines().last().unwrap_or("failed without a word"));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
