//! `hardline dev`: server and agent in one process, with everything they need made on the spot.
//!
//! ```text
//!   lock ──> secrets, certificates ──> server ──> agent ──> machines ──> first guest runs ──> READY
//!                                                                                               │ Ctrl+C
//!   unlock <── store closed <── logs stored <── guests stopped <── env file removed <───────────┘
//! ```

mod certificates;
mod demo;
mod env_file;
mod files;
mod lock;
mod platform;
mod secrets;

pub(crate) use certificates::{certificate, chain, private_key, read as read_pem, valid};
pub(crate) use files::{private_dir, write_private, write_public};

use crate::{logging, stop};
use anyhow::{Context as _, bail};
use certificates::Certificates;
use env_file::{EnvFile, Facts};
use platform::Platform;
use secrets::Secrets;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The one resource group of the demo.
const GROUP: &str = "demo";
/// The one location.
const LOCATION: &str = "local";

/// `hardline dev`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where everything is kept; default: hardline in the XDG data folder
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where HTTPS is served; port 0 lets the system choose one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8443")]
    listen: SocketAddr,
    /// Create and start no demo guests
    #[arg(long)]
    no_guest: bool,
    /// A folder of guest images, one folder each; may be given several times
    #[arg(long, value_name = "DIR")]
    image_dir: Vec<PathBuf>,
    /// A PostgreSQL database (postgres://user:password@host/name) in place of the SQLite file
    #[arg(long, value_name = "URL", env = "HARDLINE_DATABASE", hide_env_values = true)]
    database: Option<String>,
    /// A file with lines of NAME ENDPOINT (unix:/path, pty:/path, tcp:host:port): serial ports that something else runs
    #[arg(long, value_name = "FILE")]
    attach_file: Option<PathBuf>,
    /// Deployments may link to templates below this address (https://host/folder/); may be given several times
    #[arg(long, value_name = "URL")]
    template_source: Vec<String>,
    /// A file with the tables export, alert_webhooks, places and identity_provider of a server's file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Serve plain HTTP, too; on a loopback address only (for benchmarks)
    #[arg(long, value_name = "ADDR:PORT")]
    plain_listen: Option<SocketAddr>,
}

/// Tells what the start waits for, with the time since it began.
#[derive(Debug)]
struct Progress(Instant);

impl Progress {
    fn say(&self, text: &str) {
        eprintln!("[{:>5.1} s] {text}", self.0.elapsed().as_secs_f64());
    }
}

/// Runs until the first Ctrl+C or SIGTERM, then stops cleanly.
pub async fn run(args: Args) -> anyhow::Result<()> {
    logging::start("warn");
    let progress = Progress(Instant::now());
    let stop = stop::on_signal()?;
    let dir = data_dir(args.data_dir.as_deref())?;
    files::private_dir(&dir)?;
    let dir = dir.canonicalize().with_context(|| format!("cannot enter {}", dir.display()))?;
    let _lock = lock::Lock::take(&dir).await?;
    let env_file = EnvFile::clear(&dir)?;
    let attached = args.attach_file.as_deref().map(demo::attached_ports).transpose()?.unwrap_or_default();
    let image_dirs = image_dirs(&args, &dir)?;

    let secrets = Secrets::open(&dir)?;
    let certificates = Certificates::open(&dir, &certificate_names(args.listen))?;
    let ca_file = certificates.ca_file.clone();
    let platform =
        Platform::start(&args, &dir, &image_dirs, &attached, certificates, &secrets, &progress).await?;

    let ready = tokio::select! {
        ready = make_ready(&args, &platform, &ca_file, &attached, &secrets, &progress) => ready.map(Some),
        () = stop.cancelled() => Ok(None),
    };
    let outcome = match ready {
        Ok(Some(vm)) => {
            let facts =
                Facts { url: platform.url(), group: GROUP, location: LOCATION, vm: &vm, ca_file: &ca_file };
            let told = env_file
                .write(&facts, &secrets)
                .map(|()| announce(&platform, &env_file, &secrets, &progress));
            if told.is_ok() {
                stop.cancelled().await;
            }
            told
        }
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    eprintln!("stopping: the guests are shut down and their logs stored (Ctrl+C again: at once)");
    drop(env_file);
    platform.stop().await;
    outcome
}

/// Machines made and one of them running; its name.
async fn make_ready(
    args: &Args,
    platform: &Platform,
    ca_file: &Path,
    attached: &[demo::Attached],
    secrets: &Secrets,
    progress: &Progress,
) -> anyhow::Result<String> {
    let demo = demo::Demo::sign_in(platform.url(), ca_file, secrets).await?;
    if !attached.is_empty() {
        progress.say(&format!("{} attached serial ports", attached.len()));
        demo.attach(attached).await?;
    }
    if args.no_guest {
        return Ok(attached.first().map_or_else(|| demo::NAMES[0].to_owned(), |a| a.name.clone()));
    }
    demo.guests(secrets, progress).await
}

fn announce(platform: &Platform, env_file: &EnvFile, secrets: &Secrets, progress: &Progress) {
    progress.say("ready");
    println!("Portal:    {}/portal/", platform.url());
    println!("Sign in:   {}", secrets.user);
    println!("Password:  {}", secrets.password.expose());
    println!("Clients:   source {}", env_file.path().display());
    if let Some(plain) = platform.plain_address() {
        println!("Plain:     http://{plain}");
    }
    println!("Ready. Ctrl+C stops it, guests included.");
}

fn data_dir(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let default = || {
        let data = set("XDG_DATA_HOME")
            .filter(|p| p.is_absolute())
            .or_else(|| Some(set("HOME")?.join(".local/share")));
        data.map(|d| d.join("hardline"))
    };
    named
        .map(PathBuf::from)
        .or_else(default)
        .context("neither XDG_DATA_HOME nor HOME is set: name a --data-dir")
}

/// The folders of images that exist. Err: guests are wanted and their image is in none of them.
fn image_dirs(args: &Args, dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut dirs = args.image_dir.clone();
    if let Some(missing) = dirs.iter().find(|d| !d.is_dir()) {
        bail!("there is no folder {} for --image-dir", missing.display());
    }
    let beside = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.parent()?.join("guest")));
    dirs.extend([dir.join("images"), PathBuf::from("/usr/share/hardline/images")]);
    dirs.extend(beside);
    dirs.retain(|d| d.is_dir());
    let found = dirs.iter().any(|d| d.join(demo::IMAGE).join("image.json").is_file());
    if !found && !args.no_guest {
        bail!(
            "the guest image '{}' is nowhere: `cargo xtask guest` builds it; --image-dir names its parent folder; \
             --no-guest does without",
            demo::IMAGE
        );
    }
    dirs.iter().map(|d| d.canonicalize().with_context(|| format!("cannot enter {}", d.display()))).collect()
}

/// Every name under which this machine's clients reach the server.
fn certificate_names(listen: SocketAddr) -> Vec<String> {
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(String::from).into();
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let is_name =
        |h: &String| !h.is_empty() && h.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
    let address = (!listen.ip().is_unspecified()).then(|| listen.ip().to_string());
    for name in Some(host).filter(is_name).into_iter().chain(address) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_certificate() {
        let names = certificate_names("10.1.2.3:0".parse().unwrap());
        assert!(names.starts_with(&["localhost", "127.0.0.1", "::1"].map(String::from)));
        assert!(names.contains(&"10.1.2.3".to_owned()));
        let local = certificate_names("127.0.0.1:0".parse().unwrap());
        assert_eq!(local.iter().filter(|n| *n == "127.0.0.1").count(), 1);
    }
}
