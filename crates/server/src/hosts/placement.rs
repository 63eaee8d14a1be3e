//! On which hosts new VMs go.

use super::spec::Desired;
use crate::state::State;
use hardline_arm::error::ArmError;
use hardline_arm::models::vm::VmError;
use hardline_store::StoreError;
use hardline_store::db::{hosts, vms};
use http::StatusCode;
use serde_json::Value;
use std::collections::HashMap;

/// Chooses a host for each of `count` like VMs: one that can, connected before away, with the fewest VMs, by name.
pub async fn place(state: &State, desired: &Desired, count: usize) -> Result<Vec<String>, ArmError> {
    let known = candidates(state).await.map_err(crate::pipeline::store_error)?;
    if known.is_empty() {
        return Err(ArmError::new(
            StatusCode::CONFLICT,
            "AllocationFailed",
            "Allocation failed: no host has ever connected to this server. Start an agent and try again.",
        ));
    }
    let able = known.into_iter().filter(|c| c.drivers.iter().any(|d| d == desired.driver_name()));
    let able = able.filter(|c| desired.image().is_none_or(|image| c.images.iter().any(|i| i == image)));
    let mut able: Vec<_> = able.collect();
    let mut chosen = Vec::with_capacity(count);
    for _ in 0..count {
        let Some(host) = able.iter_mut().min_by(|a, b| a.order().cmp(&b.order())) else {
            return Err(none(desired));
        };
        host.load += 1;
        chosen.push(host.host_id.clone());
    }
    Ok(chosen)
}

/// No host can take it.
fn none(desired: &Desired) -> ArmError {
    match desired.image() {
        Some(image) => VmError::Image(image.to_owned()).into(),
        None => ArmError::new(
            StatusCode::CONFLICT,
            "AllocationFailed",
            format!("Allocation failed: no host has the driver '{}'.", desired.driver_name()),
        ),
    }
}

/// The names of the images that the known hosts have, each once, sorted.
pub async fn images(state: &State) -> Result<Vec<String>, StoreError> {
    let mut names: Vec<String> = candidates(state).await?.into_iter().flat_map(|c| c.images).collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

struct Candidate {
    host_id: String,
    name: String,
    images: Vec<String>,
    drivers: Vec<String>,
    here: bool,
    load: i64,
}

impl Candidate {
    fn order(&self) -> (bool, i64, &str) {
        (!self.here, self.load, &self.name)
    }
}

async fn candidates(state: &State) -> Result<Vec<Candidate>, StoreError> {
    let mut out = Vec::new();
    let loads: HashMap<_, _> = vms::counts(&state.store).await?.into_iter().collect();
    for row in hosts::list(&state.store).await? {
        let body: Value = serde_json::from_str(&row.body).unwrap_or_default();
        let words = |key: &str| {
            let list = body.get(key).and_then(Value::as_array).into_iter().flatten();
            list.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let load = loads.get(&row.host_id).copied().unwrap_or(0);
        let here = state.hosts.host(&row.host_id).is_some();
        out.push(Candidate {
            images: words("images"),
            drivers: words("drivers"),
            host_id: row.host_id,
            name: row.name,
            here,
            load,
        });
    }
    Ok(out)
}
