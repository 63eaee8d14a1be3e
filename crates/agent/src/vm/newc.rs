//! Writing the "newc" cpio format, the one that Linux unpacks as an initrd. Archives may follow one another in one
//! file (each padded to 4 bytes), which is how a virtual machine's own files are laid over an image's.
//!
//! No dependency on anything else here: `xtask` includes this file to build the demo guest's image.

/// What an entry is, beside its permission bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory; it must come before what is in it.
    Directory,
    /// A symbolic link; the data is the target.
    #[allow(dead_code)] // used by xtask only
    Symlink,
}

/// An archive being written. Owner is root and time is 0 in every entry, so equal input gives equal bytes.
#[derive(Debug, Default)]
pub struct Archive {
    bytes: Vec<u8>,
    inode: u32,
}

impl Archive {
    /// An empty archive.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one entry. `path` is relative (`etc/hostname`), `mode` the permission bits (`0o644`).
    pub fn add(&mut self, path: &str, kind: Kind, mode: u32, data: &[u8]) -> &mut Self {
        let format = match kind {
            Kind::File => 0o100_000,
            Kind::Directory => 0o040_000,
            Kind::Symlink => 0o120_000,
        };
        self.inode += 1;
        self.entry(path, self.inode, format | mode, data);
        self
    }

    /// The finished archive, padded so that another may follow it.
    pub fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, 0, b"");
        self.bytes
    }

    fn entry(&mut self, path: &str, inode: u32, mode: u32, data: &[u8]) {
        let links = 1;
        let size = data.len();
        let name_size = path.len() + 1;
        // Magic, then 13 fields: ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor namesize check.
        let header = format!(
            "070701{inode:08x}{mode:08x}{0:08x}{0:08x}{links:08x}{0:08x}{size:08x}{0:08x}{0:08x}{0:08x}{0:08x}{name_size:08x}{0:08x}",
            0
        );
        self.bytes.extend_from_slice(header.as_bytes());
        self.bytes.extend_from_slice(path.as_bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend_from_slice(data);
        self.pad();
    }

    fn pad(&mut self) {
        while !self.bytes.len().is_multiple_of(4) {
            self.bytes.push(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_has_aligned_entries_and_a_trailer() {
        let mut archive = Archive::new();
        archive.add("etc", Kind::Directory, 0o755, b"").add("etc/hostname", Kind::File, 0o644, b"demo");
        let bytes = archive.finish();
        assert!(bytes.starts_with(b"070701"));
        assert_eq!(bytes.len() % 4, 0);
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.matches("070701").count(), 3);
        assert!(text.contains("etc/hostname\0"));
        assert!(text.contains("TRAILER!!!\0"));
        assert!(text.contains("000041ed"), "directory, 0755");
        assert!(text.contains("000081a4"), "file, 0644");
    }
}
