//! The demo's machines, made as any client makes them: over HTTPS, with the service principal's token.

use super::secrets::Secrets;
use super::{GROUP, LOCATION, Progress};
use anyhow::{Context as _, bail};
use hardline_cli::{Credentials, Error, Http, token};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use tokio::task::JoinSet;

/// The demo guests.
pub const NAMES: [&str; 2] = ["demo", "demo2"];
/// The image that they boot.
pub const IMAGE: &str = "hardline-demo";
const API: &str = "api-version=2024-11-01";
/// Asked this often whether a guest runs.
const POLL: Duration = Duration::from_millis(250);
/// A line tells this often what is waited for.
const REMIND: Duration = Duration::from_secs(5);
/// Ports created at a time.
const AT_ONCE: usize = 16;

/// A serial port that something else runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// The machine's name.
    pub name: String,
    /// `unix:/path`, `pty:/path`, `tcp:host:port`.
    pub endpoint: String,
}

/// Reads lines of `NAME ENDPOINT`; empty lines and those that begin with `#` say nothing.
pub fn attached_ports(file: &Path) -> anyhow::Result<Vec<Attached>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut ports = Vec::new();
    for (number, line) in text.lines().enumerate() {
        match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            [] => {}
            [comment, ..] if comment.starts_with('#') => {}
            [name, endpoint] => ports.push(Attached { name: (*name).into(), endpoint: (*endpoint).into() }),
            _ => bail!("{}:{}: not a NAME and an ENDPOINT", file.display(), number + 1),
        }
    }
    Ok(ports)
}

/// A client of the server that has just started.
pub struct Demo {
    http: std::sync::Arc<Http>,
    token: SecretString,
    machines: String,
}

impl Demo {
    /// Signs in as the service principal.
    pub async fn sign_in(url: &str, ca_file: &Path, secrets: &Secrets) -> anyhow::Result<Self> {
        let http = Http::new(url, &[ca_file.to_owned()])?;
        let secret = secrets.client_secret.expose().to_owned().into();
        let token = token(&http, &Credentials::Service(secrets.client_id.to_string(), secret)).await?.token;
        let machines = format!(
            "/subscriptions/{}/resourceGroups/{GROUP}/providers/Microsoft.Compute/virtualMachines",
            secrets.subscription
        );
        Ok(Self { http: http.into(), token, machines })
    }

    /// Creates the machines of attached ports that are not there yet.
    pub async fn attach(&self, ports: &[Attached]) -> anyhow::Result<()> {
        let listed = self.http.list(&format!("{}?{API}", self.machines), &self.token).await?;
        let there: BTreeMap<String, Option<String>> = listed
            .iter()
            .filter_map(|vm| {
                let serial = vm.pointer("/properties/hardlineProfile/serial").and_then(Value::as_str);
                Some((vm.get("name")?.as_str()?.to_lowercase(), serial.map(str::to_owned)))
            })
            .collect();
        let mut running = JoinSet::new();
        for port in ports {
            if there.get(&port.name.to_lowercase()).is_some_and(|s| s.as_ref() == Some(&port.endpoint)) {
                continue;
            }
            if running.len() >= AT_ONCE {
                running.join_next().await.transpose()?.transpose()?;
            }
            let (http, token) = (self.http.clone(), self.token.clone());
            let path = format!("{}/{}?{API}", self.machines, port.name);
            let profile = json!({"driver": "attach", "serial": port.endpoint});
            let body = json!({"location": LOCATION, "properties": {"hardlineProfile": profile}});
            running.spawn(async move { http.put(&path, &token, &body).await });
        }
        while let Some(created) = running.join_next().await {
            created??;
        }
        Ok(())
    }

    /// Creates the demo guests that are not there, and waits until the first of them that is meant to run does; its
    /// name. None is made again once there were any: a guest that somebody deleted stays deleted.
    pub async fn guests(&self, secrets: &Secrets, progress: &Progress) -> anyhow::Result<String> {
        let mut present = Vec::new();
        for name in NAMES {
            if self.power_state(name).await?.is_some() {
                present.push(name);
            }
        }
        if present.is_empty() {
            for name in NAMES {
                progress.say(&format!("creating the guest {name}"));
                self.create(name, secrets).await?;
                present.push(name);
            }
        }
        let mut reminder = tokio::time::interval_at(tokio::time::Instant::now() + REMIND, REMIND);
        let mut poll = tokio::time::interval(POLL);
        let mut awaited: Option<(&str, String)> = None;
        loop {
            tokio::select! {
                _ = reminder.tick() => if let Some((name, state)) = &awaited {
                    progress.say(&format!("still waiting: {name} {state}"));
                },
                _ = poll.tick() => {
                    let mut states = Vec::new();
                    for name in &present {
                        states.push((*name, self.power_state(name).await?.unwrap_or_default()));
                    }
                    match choose(&states) {
                        Choice::Runs(name) => return Ok(name.to_owned()),
                        Choice::Wait(name, state) => {
                            if awaited.as_ref().is_none_or(|(before, _)| *before != name) {
                                progress.say(&format!("waiting until {name} runs"));
                            }
                            awaited = Some((name, state.to_owned()));
                        }
                        Choice::NoneIsMeantTo => {
                            progress.say("the guests are stopped, as somebody left them");
                            return Ok((*present.first().unwrap_or(&NAMES[0])).to_owned());
                        }
                    }
                }
            }
        }
    }

    async fn create(&self, name: &str, secrets: &Secrets) -> anyhow::Result<()> {
        let body = json!({
            "location": LOCATION,
            "properties": {
                "hardwareProfile": {"vmSize": "Standard_A0"},
                "storageProfile": {
                    "imageReference": {"publisher": "Hardline", "offer": IMAGE, "sku": "default", "version": "latest"}
                },
                "osProfile": {
                    "computerName": name,
                    "adminUsername": secrets.guest_user,
                    "adminPassword": secrets.guest_password.expose(),
                },
                "diagnosticsProfile": {"bootDiagnostics": {"enabled": true}},
            },
        });
        let made = self.http.put(&format!("{}/{name}?{API}", self.machines), &self.token, &body).await;
        made.with_context(|| format!("the guest {name} cannot be created"))
    }

    /// `PowerState/running`; none when there is no such machine. Err, too, when the machine cannot be made to run.
    async fn power_state(&self, name: &str) -> anyhow::Result<Option<String>> {
        let path = format!("{}/{name}/instanceView?{API}", self.machines);
        let view = match self.http.get(&path, &self.token).await {
            Ok(view) => view,
            Err(Error::Refused { status: 404, .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let statuses = view.get("statuses").and_then(Value::as_array).cloned().unwrap_or_default();
        let text = |s: &Value, key: &str| s.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Some(failed) =
            statuses.iter().find(|s| text(s, "code").starts_with("ProvisioningState/failed"))
        {
            bail!("the guest {name} does not start: {}", text(failed, "message"));
        }
        let power = statuses.iter().map(|s| text(s, "code")).find(|c| c.starts_with("PowerState/"));
        Ok(Some(power.unwrap_or_else(|| "PowerState/unknown".to_owned())))
    }
}

/// What is known of the guests.
#[derive(Debug, PartialEq, Eq)]
enum Choice<'n, 's> {
    /// The first guest that is meant to run does.
    Runs(&'n str),
    /// It does not yet; its state.
    Wait(&'n str, &'s str),
    /// Every one of them was stopped or deleted.
    NoneIsMeantTo,
}

/// Always the first guest that is meant to run, whichever comes up faster. Empty stands for a guest that is gone.
fn choose<'n, 's>(states: &'s [(&'n str, String)]) -> Choice<'n, 's> {
    let rests = |state: &str| matches!(state, "" | "PowerState/stopped" | "PowerState/deallocated");
    match states.iter().find(|(_, state)| !rests(state)) {
        Some((name, state)) if state == "PowerState/running" => Choice::Runs(name),
        Some((name, state)) => Choice::Wait(name, state),
        None => Choice::NoneIsMeantTo,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_guest_that_is_meant_to_run_is_named() {
        let states = |demo: &str, demo2: &str| {
            [("demo", demo), ("demo2", demo2)].map(|(name, state)| {
                let state = if state.is_empty() { String::new() } else { format!("PowerState/{state}") };
                (name, state)
            })
        };
        assert_eq!(choose(&states("running", "running")), Choice::Runs("demo"));
        assert_eq!(choose(&states("starting", "running")), Choice::Wait("demo", "PowerState/starting"));
        for rests in ["stopped", "deallocated", ""] {
            assert_eq!(choose(&states(rests, "running")), Choice::Runs("demo2"));
            assert_eq!(choose(&states(rests, "stopped")), Choice::NoneIsMeantTo);
        }
    }

    #[test]
    fn lines_of_attached_ports() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("ports");
        std::fs::write(&file, "# a comment\n\na unix:/run/a.sock\n  b   tcp:127.0.0.1:7\n").unwrap();
        let ports = attached_ports(&file).unwrap();
        assert_eq!(ports.len(), 2);
        assert_eq!(ports[1], Attached { name: "b".into(), endpoint: "tcp:127.0.0.1:7".into() });
        std::fs::write(&file, "a\n").unwrap();
        assert!(
            attached_ports(&file).unwrap_err().to_string().ends_with("ports:1: not a NAME and an ENDPOINT")
        );
    }
}
