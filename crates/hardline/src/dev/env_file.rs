//! `DIR/dev.env`: what a shell needs to be a client of the running demo. It stands there only while the demo is ready.

use super::files::write_private;
use super::secrets::Secrets;
use anyhow::Context as _;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The file; removed when this is dropped.
#[derive(Debug)]
pub struct EnvFile {
    path: PathBuf,
}

/// What is not in [`Secrets`].
#[derive(Debug)]
pub struct Facts<'a> {
    /// `https://localhost:8443`.
    pub url: &'a str,
    /// The resource group.
    pub group: &'a str,
    /// The location.
    pub location: &'a str,
    /// A running guest; the first demo machine when there is none.
    pub vm: &'a str,
    /// The authority's PEM file.
    pub ca_file: &'a Path,
}

impl EnvFile {
    /// Removes what an interrupted run left.
    pub fn clear(dir: &Path) -> anyhow::Result<Self> {
        let path = dir.join("dev.env");
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", path.display()))
            }
            _ => Ok(Self { path }),
        }
    }

    /// Writes the file, for its owner only.
    pub fn write(&self, facts: &Facts<'_>, secrets: &Secrets) -> anyhow::Result<()> {
        write_private(&self.path, content(facts, secrets).as_bytes())
    }

    /// Where it stands.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for EnvFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn content(facts: &Facts<'_>, secrets: &Secrets) -> String {
    let ca_file = facts.ca_file.to_string_lossy();
    let (tenant, subscription) = (secrets.tenant.to_string(), secrets.subscription.to_string());
    let client_id = secrets.client_id.to_string();
    let lines = [
        ("HARDLINE_URL", facts.url),
        ("HARDLINE_TENANT", &tenant),
        ("HARDLINE_SUBSCRIPTION", &subscription),
        ("HARDLINE_RESOURCE_GROUP", facts.group),
        ("HARDLINE_LOCATION", facts.location),
        ("HARDLINE_VM", facts.vm),
        ("HARDLINE_USER", &secrets.user),
        ("HARDLINE_PASSWORD", secrets.password.expose()),
        ("HARDLINE_CLIENT_ID", &client_id),
        ("HARDLINE_CLIENT_SECRET", secrets.client_secret.expose()),
        ("HARDLINE_GUEST_USER", &secrets.guest_user),
        ("HARDLINE_GUEST_PASSWORD", secrets.guest_password.expose()),
        ("REQUESTS_CA_BUNDLE", &ca_file),
        ("SSL_CERT_FILE", &ca_file),
        ("WEBSOCKET_CLIENT_CA_BUNDLE", &ca_file),
        ("NODE_EXTRA_CA_CERTS", &ca_file),
    ];
    let mut text = String::new();
    for (name, value) in lines {
        let _ = writeln!(text, "export {name}='{}'", value.replace('\'', "'\\''"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_it_back() {
        let dir = tempfile::tempdir().unwrap();
        let secrets = Secrets::open(dir.path()).unwrap();
        let file = EnvFile::clear(dir.path()).unwrap();
        let ca_file = dir.path().join("it's here/ca.pem");
        let facts = Facts {
            url: "https://localhost:1",
            group: "demo",
            location: "local",
            vm: "demo",
            ca_file: &ca_file,
        };
        file.write(&facts, &secrets).unwrap();
        let script =
            ". \"$0\"; printf '%s|%s|%s' \"$HARDLINE_URL\" \"$SSL_CERT_FILE\" \"$HARDLINE_PASSWORD\"";
        let shell = std::process::Command::new("sh").args(["-c", script]).arg(file.path()).output().unwrap();
        let expected = format!("https://localhost:1|{}|{}", ca_file.display(), secrets.password.expose());
        assert_eq!(String::from_utf8(shell.stdout).unwrap(), expected);
        let path = file.path().to_owned();
        drop(file);
        assert!(!path.exists());
    }
}
