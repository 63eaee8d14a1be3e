//! `hardline vm …`.

use crate::args::{PowerArgs, VmVerb};
use crate::error::Error;
use crate::output;
use crate::session::{Session, VM_TYPE};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hardline_arm::resource_id::ResourceId;
use serde_json::{Map, Value, json};
use std::io::{IsTerminal as _, Write as _};

const COMPUTE: &str = "api-version=2024-11-01";
/// Machines asked about at the same time.
const AT_ONCE: usize = 8;

/// Runs a verb.
pub async fn run(verb: &VmVerb) -> Result<(), Error> {
    match verb {
        VmVerb::List { scope, output } => {
            let session = Session::open(scope).await?;
            let scope = session.list_scope().await?;
            let path = format!("{scope}/providers/{VM_TYPE}?{COMPUTE}");
            let listed = session.http.list(&path, &session.token).await?;
            let session = &session;
            let vms: Vec<Value> = stream::iter(listed)
                .map(|vm| with_view(session, vm))
                .buffered(AT_ONCE)
                .try_collect::<Vec<_>>()
                .await?
                .into_iter()
                .map(flat)
                .collect();
            output::print(output, &Value::Array(vms), |list| match list {
                Value::Array(vms) => vms.iter().map(row).collect(),
                other => other.clone(),
            })
        }
        VmVerb::Show { vm, output } => {
            let session = Session::open(&vm.scope).await?;
            let id = session.vm(vm).await?;
            let vm = session.get(&format!("{id}?$expand=instanceView&{COMPUTE}")).await?;
            output::print(output, &flat(vm), row)
        }
        VmVerb::Start(power) => act(power, "start", "Starting", "").await,
        VmVerb::Stop { power, skip_shutdown } => {
            act(power, "powerOff", "Stopping", &format!("&skipShutdown={skip_shutdown}")).await
        }
        VmVerb::Restart(power) => act(power, "restart", "Restarting", "").await,
        VmVerb::Deallocate(power) => act(power, "deallocate", "Deallocating", "").await,
    }
}

async fn act(power: &PowerArgs, verb: &str, doing: &str, query: &str) -> Result<(), Error> {
    let session = Session::open(&power.vm.scope).await?;
    let id = session.vm(&power.vm).await?;
    let path = format!("{id}/{verb}?{COMPUTE}{query}");
    let terminal = std::io::stderr().is_terminal();
    let mut asked = 0_usize;
    eprint!("{doing} {}", id.name());
    let outcome = session
        .http
        .operation(&path, &session.token, !power.no_wait, |_| {
            asked += 1;
            if terminal || asked.is_multiple_of(10) {
                eprint!(" .");
                let _ = std::io::stderr().flush();
            }
        })
        .await;
    match (&outcome, power.no_wait) {
        (Ok(()), true) => eprintln!(": asked for"),
        (Ok(()), false) => eprintln!(" done"),
        (Err(_), _) => eprintln!(" failed"),
    }
    outcome
}

/// A listed machine with its run-time state; one that was removed meanwhile, or may not be read, stays as it is.
async fn with_view(session: &Session, mut vm: Value) -> Result<Value, Error> {
    if vm.pointer("/properties/instanceView").is_some() {
        return Ok(vm);
    }
    let Some(id) = vm.get("id").and_then(Value::as_str) else { return Ok(vm) };
    match session.get(&format!("{id}/instanceView?{COMPUTE}")).await {
        Ok(view) => {
            if let Some(properties) = vm.get_mut("properties").and_then(Value::as_object_mut) {
                properties.insert("instanceView".into(), view);
            }
            Ok(vm)
        }
        Err(Error::Refused { status: 403 | 404, .. }) => Ok(vm),
        Err(error) => Err(error),
    }
}

/// az's shape: the properties at the top, with `resourceGroup` and `powerState`.
fn flat(vm: Value) -> Value {
    let Value::Object(mut vm) = vm else { return vm };
    let text = |v: Option<&Value>| v.and_then(Value::as_str).map(str::to_owned);
    let id = text(vm.get("id")).and_then(|id| ResourceId::parse(&id).ok());
    if let Some(group) = id.as_ref().and_then(|id| id.group()) {
        vm.insert("resourceGroup".into(), group.into());
    }
    if let Some(Value::Object(properties)) = vm.remove("properties") {
        let power = power_state(&properties);
        for (key, value) in properties {
            vm.entry(key).or_insert(value);
        }
        if let Some(power) = power {
            vm.insert("powerState".into(), power.into());
        }
    }
    Value::Object(vm)
}

/// `VM running`.
fn power_state(properties: &Map<String, Value>) -> Option<String> {
    let statuses = properties.get("instanceView")?.get("statuses")?.as_array()?;
    let of = |s: &Value, key: &str| s.get(key).and_then(Value::as_str).map(str::to_owned);
    let power = statuses.iter().find(|s| of(s, "code").is_some_and(|c| c.starts_with("PowerState/")))?;
    of(power, "displayStatus")
}

/// What a table shows of a machine.
fn row(vm: &Value) -> Value {
    let at = |pointer: &str| vm.pointer(pointer).cloned().unwrap_or(Value::String(String::new()));
    json!({
        "name": at("/name"),
        "resourceGroup": at("/resourceGroup"),
        "location": at("/location"),
        "powerState": at("/powerState"),
        "size": at("/hardwareProfile/vmSize"),
        "bootDiagnostics": at("/diagnosticsProfile/bootDiagnostics/enabled"),
    })
}

#[cfg(test)]
mod tests {
    use super::{flat, row};
    use serde_json::json;

    #[test]
    fn the_shape_is_az_s() {
        let vm = flat(json!({
            "id": "/subscriptions/s/resourceGroups/RG/providers/Microsoft.Compute/virtualMachines/a",
            "name": "a",
            "location": "local",
            "properties": {
                "hardwareProfile": {"vmSize": "Standard_B1s"},
                "instanceView": {"statuses": [
                    {"code": "ProvisioningState/succeeded", "displayStatus": "Provisioning succeeded"},
                    {"code": "PowerState/running", "displayStatus": "VM running"}]},
            },
        }));
        assert_eq!(vm["resourceGroup"], "RG");
        assert_eq!(vm["powerState"], "VM running");
        assert_eq!(vm["hardwareProfile"]["vmSize"], "Standard_B1s");
        assert!(vm.get("properties").is_none());
        assert_eq!(row(&vm)["size"], "Standard_B1s");
    }
}
