//! `hardline agent`: a host's half alone; it dials the server.

use crate::{logging, stop};
use anyhow::Context as _;
use hardline_agent::link::{self, LinkConfig};
use hardline_agent::{Agent, AgentConfig};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The file; unknown keys are refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// `host:port` of the server's listener for agents.
    server: String,
    /// The name in the server's certificate; default: the host of `server`.
    server_name: Option<String>,
    /// Signed the server's certificate.
    authority: PathBuf,
    /// The agent's own certificate, signed by the server's authority for agents.
    certificate: PathBuf,
    key: PathBuf,
    /// Everything that the agent keeps.
    dir: PathBuf,
    /// The host's name for people; default: that of the machine.
    name: Option<String>,
    /// Folders of guest images.
    #[serde(default)]
    image_dirs: Vec<PathBuf>,
    /// What may be attached: `unix:/run/guests/`, `tcp:10.0.0.1:`. Nothing by default.
    #[serde(default)]
    attach_prefixes: Vec<String>,
    /// QEMU's program.
    qemu: Option<PathBuf>,
    /// Whether KVM may be used where it is proven to work.
    #[serde(default = "yes")]
    kvm: bool,
}

fn yes() -> bool {
    true
}

/// Runs until the first Ctrl+C or SIGTERM. The guests go on: the next agent finds them.
pub async fn run(file: &Path) -> anyhow::Result<()> {
    logging::start("info");
    let stop = stop::on_signal()?;
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let file: File =
        toml::from_str(&text).with_context(|| format!("{} is not a configuration", file.display()))?;
    let host = file.server.rsplit_once(':').map_or(file.server.as_str(), |(host, _)| host);
    let link = LinkConfig {
        server_name: file.server_name.unwrap_or_else(|| host.trim_matches(['[', ']']).to_owned()),
        tls: link::client_tls(&file.authority, &file.certificate, &file.key)?,
        server: file.server,
    };
    let machine = || rustix::system::uname().nodename().to_string_lossy().into_owned();
    let mut config = AgentConfig::new(file.dir, file.name.unwrap_or_else(machine));
    config.image_dirs = file.image_dirs;
    config.attach_prefixes = file.attach_prefixes;
    config.kvm = file.kvm;
    if let Some(qemu) = file.qemu {
        config.qemu = qemu;
    }
    let agent = Agent::start(config).await?;
    let ended = link::run(agent.clone(), link, stop).await;
    agent.shutdown().await;
    Ok(ended?)
}

#[cfg(test)]
mod tests {
    use super::File;

    #[test]
    fn unknown_keys_are_refused() {
        let good = "server = \"h:1\"\nauthority = \"a\"\ncertificate = \"b\"\nkey = \"c\"\ndir = \"d\"\n";
        assert!(toml::from_str::<File>(good).unwrap().kvm);
        let error = toml::from_str::<File>(&format!("{good}keys = 1")).unwrap_err().to_string();
        assert!(error.contains("unknown field `keys`"), "{error}");
    }
}
