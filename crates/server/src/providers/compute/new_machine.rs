//! A machine that is being made, on its own or as an instance of a scale set: its resource and its row.

use super::put::text;
use crate::clock::micros;
use crate::hosts::Desired;
use crate::jobs::Awaits;
use crate::pipeline::{Change, Cx, store_error};
use crate::providers::documents::new_etag;
use hardline_arm::error::ArmError;
use hardline_arm::resource_id::ResourceId;
use hardline_store::db::resources::{self, Resource};
use hardline_store::db::vms::{self, Vm};
use serde_json::Value;

/// What is known of it before it is written.
#[derive(Debug)]
pub(super) struct NewMachine {
    /// The id of its resource.
    pub(super) id: ResourceId,
    /// Its name.
    pub(super) name: String,
    /// Its document.
    pub(super) document: Value,
    /// What its host is told.
    pub(super) desired: Desired,
    /// Where it goes.
    pub(super) host_id: Option<String>,
    /// The scale set that it belongs to, in lower case.
    pub(super) scale_set_key: Option<String>,
}

impl NewMachine {
    /// Writes both; and what an operation then awaits.
    pub(super) async fn insert(
        self,
        cx: &Cx,
        begun: &mut Change<'_>,
    ) -> Result<(Resource, Vm, Awaits), ArmError> {
        let now = micros(cx.now);
        let lower = |part: Option<&str>| part.unwrap_or("").to_ascii_lowercase();
        let location = self.document.get("location").and_then(Value::as_str).unwrap_or_default();
        let resource = Resource {
            id: self.id.to_string(),
            subscription: lower(self.id.subscription()),
            group: lower(self.id.group()),
            resource_type: self.id.resource_type().to_ascii_lowercase(),
            name: self.name.clone(),
            location: location.to_owned(),
            body: text(&self.document)?,
            etag: new_etag(cx),
            created: now,
            updated: now,
        };
        let row = Vm {
            vm_id: cx.state.random.uuid().to_string(),
            resource_key: Some(self.id.key()),
            name: self.name,
            power: "running".into(),
            generation: 1,
            power_generation: 1,
            reset_generation: 0,
            host_id: self.host_id,
            spec: text(&self.desired)?,
            observation: None,
            observed: None,
            created: now,
            updated: now,
            scale_set_key: self.scale_set_key,
        };
        resources::insert(begun.tx(), &resource).await.map_err(store_error)?;
        vms::insert(begun.tx(), &row).await.map_err(store_error)?;
        let state = if self.desired.has_power() { "running" } else { "" };
        let awaits = Awaits { vm_id: row.vm_id.clone(), generation: row.generation, state };
        Ok((resource, row, awaits))
    }
}
