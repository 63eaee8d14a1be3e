//! Guest images on this host: directories with `vmlinuz`, `initrd` and `image.json`.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// An image that a machine can start from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its name, which is its directory's.
    pub name: String,
    /// Where it is.
    pub dir: PathBuf,
    /// What the kernel's command line begins with.
    pub kernel_append: String,
    /// Less memory than this does not boot, MiB.
    pub min_memory_mib: u32,
    /// Size of QEMU's translation cache that suits the guest when there is no KVM, MiB.
    pub tcg_cache_mib: u32,
}

impl Image {
    /// The kernel's file.
    pub fn kernel(&self) -> PathBuf {
        self.dir.join("vmlinuz")
    }

    /// The file of the image's own initrd.
    pub fn initrd(&self) -> PathBuf {
        self.dir.join("initrd")
    }
}

/// Why there is no such image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// No directory of images has it.
    #[error("there is no image '{0}' on this host")]
    NotFound(String),
    /// It is there and cannot be used.
    #[error("the image '{name}' is damaged: {why}")]
    Damaged {
        /// Which.
        name: String,
        /// What is wrong.
        why: String,
    },
}

/// `image.json`; fields that are not known here are for others.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    #[serde(default)]
    kernel_append: String,
    #[serde(default)]
    min_memory_mib: u32,
    #[serde(default = "tcg_cache_default")]
    tcg_cache_mib: u32,
}

fn tcg_cache_default() -> u32 {
    128
}

/// The directories of images of a host, searched in order.
#[derive(Clone, Debug, Default)]
pub struct Images {
    dirs: Vec<PathBuf>,
}

impl Images {
    /// Images in these directories; they may come to be later.
    pub fn new(dirs: Vec<PathBuf>) -> Self {
        Self { dirs }
    }

    /// The image of this name.
    ///
    /// # Errors
    /// None, or a damaged one.
    pub fn find(&self, name: &str) -> Result<Image, ImageError> {
        let found = valid_name(name)
            .then(|| self.dirs.iter().map(|dir| dir.join(name)).find(|dir| dir.is_dir()))
            .flatten();
        let dir = found.ok_or_else(|| ImageError::NotFound(name.chars().take(100).collect()))?;
        load(name, &dir).map_err(|why| ImageError::Damaged { name: name.to_owned(), why })
    }

    /// Names of all images that can be used, sorted.
    pub fn names(&self) -> Vec<String> {
        let entries = self.dirs.iter().filter_map(|dir| std::fs::read_dir(dir).ok()).flatten().flatten();
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| self.find(name).is_ok())
            .collect();
        names.sort();
        names.dedup();
        names
    }
}

fn load(name: &str, dir: &Path) -> Result<Image, String> {
    // QEMU's working directory is another one, so the path must be absolute.
    let dir = dir.canonicalize().map_err(|e| e.to_string())?;
    let bytes = std::fs::read(dir.join("image.json")).map_err(|e| format!("image.json: {e}"))?;
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(|e| format!("image.json: {e}"))?;
    let image = Image {
        name: name.to_owned(),
        dir,
        kernel_append: manifest.kernel_append,
        min_memory_mib: manifest.min_memory_mib,
        tcg_cache_mib: manifest.tcg_cache_mib.clamp(8, 1024),
    };
    match [image.kernel(), image.initrd()].into_iter().find(|file| !file.is_file()) {
        Some(missing) => Err(format!("no {}", missing.display())),
        None => Ok(image),
    }
}

/// One plain path component, nothing else.
fn valid_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=64).contains(&name.len()) && !name.starts_with('.') && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_found_by_plain_names_only() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("images/demo");
        std::fs::create_dir_all(&dir).unwrap();
        let images = Images::new(vec![root.path().join("absent"), root.path().join("images")]);
        assert!(matches!(images.find("demo"), Err(ImageError::Damaged { .. })));
        std::fs::write(
            dir.join("image.json"),
            r#"{"name":"demo","kernelAppend":"a=b","minMemoryMib":96,"new":1}"#,
        )
        .unwrap();
        std::fs::write(dir.join("vmlinuz"), "").unwrap();
        assert!(matches!(images.find("demo"), Err(ImageError::Damaged { .. })));
        assert!(images.names().is_empty());
        std::fs::write(dir.join("initrd"), "").unwrap();
        let image = images.find("demo").unwrap();
        assert_eq!(
            (image.kernel_append.as_str(), image.min_memory_mib, image.tcg_cache_mib),
            ("a=b", 96, 128)
        );
        assert_eq!(images.names(), ["demo"]);
        for bad in ["", "..", "../images/demo", "/etc", "other", "demo/", "."] {
            assert!(matches!(images.find(bad), Err(ImageError::NotFound(_))), "{bad}");
        }
    }
}
