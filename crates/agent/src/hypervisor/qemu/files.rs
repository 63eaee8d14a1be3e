//! The files of a launch: what QEMU finds when it starts, and what it leaves.

use std::path::Path;

use hardline_agent_api::v1::QemuMachine;

use super::cmdline;
use crate::{images::Image, vm::newc};

/// Largest screendump that is read, bytes: 4096 x 4096 pixels and a header.
const SCREENDUMP_LIMIT: u64 = (4096 * 4096 * 3) + 64;
/// Makes the launch's directory and what QEMU expects in it.
///
/// # Errors
/// The disk's.
pub(super) fn prepare(dir: &Path, image: &Image, machine: &QemuMachine) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let mut file =
        std::fs::File::options().create_new(true).write(true).mode(0o600).open(dir.join(cmdline::INITRD))?;
    // Linux unpacks archives that follow one another; a later file takes the place of an earlier one.
    let copied = std::io::copy(&mut std::fs::File::open(image.initrd())?, &mut file)?;
    let padding = usize::try_from(copied.next_multiple_of(4) - copied).unwrap_or(0);
    std::io::Write::write_all(&mut file, &vec![0; padding])?;
    std::io::Write::write_all(&mut file, &overlay(machine))?;
    let fifo = dir.join(format!("{}.in", cmdline::SERIAL));
    rustix::fs::mkfifoat(rustix::fs::CWD, fifo, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)?;
    Ok(())
}

/// The machine's own files, over the image's: its name and who may log in. Not on the kernel's command line, which
/// every program in the guest may read and which the serial log repeats.
fn overlay(machine: &QemuMachine) -> Vec<u8> {
    use newc::Kind::{Directory, File};
    let mut archive = newc::Archive::new();
    archive.add("etc", Directory, 0o755, b"").add("etc/hardline", Directory, 0o700, b"");
    if !machine.hostname.is_empty() {
        archive.add("etc/hostname", File, 0o644, format!("{}\n", machine.hostname).as_bytes());
    }
    if !machine.admin_user.is_empty() {
        archive.add("etc/hardline/user", File, 0o600, format!("{}\n", machine.admin_user).as_bytes());
        // No hash is no password that could be typed; an empty field would be one that is empty.
        let hash = Some(machine.admin_password_hash.as_str()).filter(|hash| !hash.is_empty()).unwrap_or("*");
        archive.add("etc/hardline/shadow", File, 0o600, format!("{hash}\n").as_bytes());
    }
    archive.finish()
}

/// Reads what QEMU wrote, which is not trusted: a regular file, no link, no more than the largest screen.
///
/// # Errors
/// The system's, or it is none of these.
pub(super) fn read_screendump(file: &Path) -> std::io::Result<Vec<u8>> {
    use std::{io::Read, os::unix::fs::OpenOptionsExt};
    let no_follow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).map_err(std::io::Error::other)?;
    let opened = std::fs::File::options().read(true).custom_flags(no_follow).open(file)?;
    let about = opened.metadata()?;
    if !about.is_file() || about.len() > SCREENDUMP_LIMIT {
        return Err(std::io::Error::other("not a screendump"));
    }
    let mut bytes = Vec::new();
    opened.take(SCREENDUMP_LIMIT).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_overlay_follows_the_images_initrd_aligned_and_private() {
        use std::os::unix::fs::{FileTypeExt, PermissionsExt};
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("initrd"), b"image").unwrap();
        let image = Image {
            name: "x".into(),
            dir: root.path().into(),
            kernel_append: String::new(),
            min_memory_mib: 0,
            tcg_cache_mib: 16,
        };
        let machine = QemuMachine {
            hostname: "demo".into(),
            admin_user: "azureuser".into(),
            admin_password_hash: "$6$a$b".into(),
            ..Default::default()
        };
        let dir = root.path().join("launches/1");
        prepare(&dir, &image, &machine).unwrap();
        let initrd = std::fs::read(dir.join("initrd")).unwrap();
        assert!(initrd.starts_with(b"image\x00\x00\x00070701"), "padded to 4 bytes, then an archive");
        let text = String::from_utf8_lossy(&initrd).into_owned();
        for part in
            ["etc/hostname\0", "etc/hardline/user\0", "azureuser\n", "etc/hardline/shadow\0", "$6$a$b\n"]
        {
            assert!(text.contains(part), "{part}");
        }
        let mode = |name: &str| std::fs::metadata(dir.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("initrd"), mode("serial.in"), mode(".")), (0o600, 0o600, 0o700));
        assert!(std::fs::metadata(dir.join("serial.in")).unwrap().file_type().is_fifo());
    }

    #[test]
    fn no_password_opens_an_account_without_one() {
        let machine = QemuMachine { admin_user: "op".into(), ..Default::default() };
        let text = String::from_utf8_lossy(&overlay(&machine)).into_owned();
        let shadow = text.split("etc/hardline/shadow\0").nth(1).unwrap();
        assert!(shadow.trim_start_matches('\0').starts_with("*\n"), "{shadow:?}");
    }

    #[test]
    fn a_screendump_is_a_bounded_regular_file() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("a"), dir.path().join("b"));
        std::fs::write(&file, b"P6").unwrap();
        assert_eq!(read_screendump(&file).unwrap(), b"P6");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(read_screendump(&link).is_err(), "a link could lead anywhere");
        std::fs::File::options().write(true).open(&file).unwrap().set_len(SCREENDUMP_LIMIT + 1).unwrap();
        assert!(read_screendump(&file).is_err(), "too large");
        assert!(read_screendump(dir.path()).is_err());
    }
}
