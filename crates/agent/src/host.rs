//! What the agent knows of the machine that it runs on.

use std::path::Path;

/// Differs after each boot of this host; empty when the kernel does not tell.
pub fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

/// The host's stable identity (uuid), made on first use and kept in `dir`.
///
/// # Errors
/// It can be neither read nor made.
pub fn identity(dir: &Path) -> std::io::Result<String> {
    let file = dir.join("host-id");
    match std::fs::read_to_string(&file) {
        Ok(text) if uuid::Uuid::try_parse(text.trim()).is_ok() => Ok(text.trim().to_owned()),
        Ok(_) => Err(std::io::Error::other(format!("{} holds no uuid", file.display()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let id = uuid::Uuid::new_v4().to_string();
            crate::vm::files::replace(&file, id.as_bytes())?;
            Ok(id)
        }
        Err(error) => Err(error),
    }
}
