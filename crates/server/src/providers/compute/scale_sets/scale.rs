//! What a change of the set does to its instances: more of them, fewer, another model.

use super::scale_set::{ScaleSet, number};
use crate::clock::micros;
use crate::hosts::{Desired, place};
use crate::jobs::Awaits;
use crate::pipeline::{Change, Cx, store_error};
use crate::providers::compute::boot_diagnostics::check_account;
use crate::providers::compute::new_machine::NewMachine;
use crate::providers::compute::power::runs;
use crate::providers::compute::put::text;
use crate::providers::compute::virtual_machine::VirtualMachine;
use crate::providers::documents::new_etag;
use hardline_arm::error::ArmError;
use hardline_arm::models::scale_set::{self, Mode};
use hardline_arm::models::vm;
use hardline_arm::resource_id::ResourceId;
use hardline_store::db::{resources, scale_sets, vms};
use serde_json::Value;

/// Digits of a random number in a Flexible instance's name.
const HEX: usize = 8;

/// New instances, each with a host that can take it.
#[derive(Debug)]
pub(super) struct Growth {
    hosts: Vec<String>,
    model: scale_set::ScaleSet,
    document: Value,
    password_hash: String,
}

impl Growth {
    /// Finds a place for `count` instances of a model, before anything is written, and checks the account of their boot
    /// diagnostics, unless it is the one of the model `before`.
    pub(super) async fn plan(
        cx: &Cx,
        id: &ResourceId,
        (document, model): (&Value, &scale_set::ScaleSet),
        before: Option<&ScaleSet>,
        password_hash: String,
        count: usize,
    ) -> Result<Self, ArmError> {
        let mut hosts = Vec::new();
        if model.model {
            let first = |model: &scale_set::ScaleSet, document| {
                model.instance(id.name(), &id.to_string(), document, 0).map(|(_, machine)| machine)
            };
            let machine = first(model, document)?;
            let was = before.filter(|set| set.model.model).map(|set| first(&set.model, &set.document));
            let was = was.transpose()?.map(|machine| machine.boot_diagnostics);
            if count > 0 || was.as_ref() != Some(&machine.boot_diagnostics) {
                check_account(cx, id, &machine).await?;
            }
            if count > 0 {
                hosts = place(&cx.state, &Desired::new(&machine, password_hash.clone()), count).await?;
            }
        }
        Ok(Self { hosts, model: model.clone(), document: document.clone(), password_hash })
    }

    /// Writes the instances; what an operation then awaits.
    pub(super) async fn write(
        self,
        cx: &Cx,
        begun: &mut Change<'_>,
        set: &ResourceId,
    ) -> Result<Vec<Awaits>, ArmError> {
        let mut awaits = Vec::with_capacity(self.hosts.len());
        let count = i64::try_from(self.hosts.len()).unwrap_or(0);
        let first = scale_sets::count_on(begun.tx(), &set.key(), count).await.map_err(store_error)?;
        for (host, number) in self.hosts.into_iter().zip(first..) {
            let (id, name) = match self.model.mode {
                Mode::Uniform => {
                    let id = ResourceId::parse(&format!("{set}/virtualMachines/{number}"));
                    (id.map_err(ArmError::internal)?, scale_set::ScaleSet::instance_name(set.name(), number))
                }
                Mode::Flexible => {
                    let name = format!("{}_{}", set.name(), cx.state.random.hex(HEX / 2));
                    let group =
                        ResourceId::of_group(set.subscription().unwrap_or(""), set.group().unwrap_or(""));
                    (group.extension(vm::TYPE, &name), name)
                }
            };
            let (document, machine) = self.model.instance(&name, &set.to_string(), &self.document, number)?;
            let new = NewMachine {
                id,
                name,
                document,
                desired: Desired::new(&machine, self.password_hash.clone()),
                host_id: Some(host),
                scale_set_key: Some(set.key()),
            };
            let (_, _, await_it) = new.insert(cx, begun).await?;
            awaits.push(await_it);
        }
        Ok(awaits)
    }
}

/// Gives an instance of a Uniform set the set's present model. One that runs is restarted when the change reaches its machine. None
/// when there is nothing to wait for.
pub(super) async fn upgrade(
    cx: &Cx,
    begun: &mut Change<'_>,
    set: &ScaleSet,
    member: VirtualMachine,
) -> Result<Option<Awaits>, ArmError> {
    let name = &member.resource.name;
    let (document, machine) = set.model.instance(name, &set.resource.id, &set.document, number(&member))?;
    let running = runs(&member);
    let VirtualMachine { mut resource, mut row, desired: before, .. } = member;
    let desired =
        Desired { console_off: before.console_off, ..Desired::new(&machine, before.password_hash().into()) };
    let etag = std::mem::replace(&mut resource.etag, new_etag(cx));
    resource.body = text(&document)?;
    resource.updated = micros(cx.now);
    resources::update(begun.tx(), &resource, &etag).await.map_err(store_error)?;
    if desired == before {
        return Ok(None);
    }
    let expected = row.generation;
    row.generation += 1;
    // A restart takes up what has changed; the log alone is switched on and off as the guest runs.
    let restart = running && desired.driver != before.driver;
    if restart {
        row.reset_generation += 1;
    }
    row.spec = text(&desired)?;
    row.updated = micros(cx.now);
    vms::update(begun.tx(), &row, expected).await.map_err(store_error)?;
    let state = if restart { "running" } else { "" };
    Ok(Some(Awaits { vm_id: row.vm_id, generation: row.generation, state }))
}
