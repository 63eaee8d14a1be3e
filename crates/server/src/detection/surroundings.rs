//! What there is here for rules to look at, so that a rule that can never say anything is told.

use super::events::INDEX;
use hardline_arm::operations;
use hardline_detect::rule::Rule;
use hardline_detect::rule::lint::{self, Surroundings};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// The fields of the documents that [`hardline_arm::activity::ecs`] makes.
const FIELDS: &[&str] = &[
    "@timestamp",
    "message",
    "azure.activitylogs.*",
    "azure.correlation.id",
    "azure.correlation_id",
    "azure.resource.group",
    "azure.resource.id",
    "azure.resource.name",
    "azure.resource.provider",
    "azure.resource_group.name",
    "azure.resource_provider.namespace",
    "azure.subscription_id",
    "azure.tenant.id",
    "client.ip",
    "cloud.account.id",
    "cloud.provider",
    "cloud.resource_id",
    "data_stream.dataset",
    "data_stream.namespace",
    "data_stream.type",
    "ecs.version",
    "event.action",
    "event.dataset",
    "event.duration",
    "event.id",
    "event.ingested",
    "event.kind",
    "event.module",
    "event.outcome",
    "event.type",
    "geo.*",
    "log.level",
    "related.entity",
    "related.ip",
    "related.user",
    "source.address",
    "source.as.*",
    "source.geo.*",
    "source.ip",
    "user.domain",
    "user.email",
    "user.full_name",
    "user.name",
];
/// What needs a database of addresses.
const NO_PLACES: &str = "No database of networks and places is set up on this server.";

static SURROUNDINGS: LazyLock<Surroundings> = LazyLock::new(|| {
    let set = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<BTreeSet<_>>();
    let names: BTreeSet<_> = operations::all().iter().map(|row| row.name.to_ascii_uppercase()).collect();
    Surroundings {
        indices: vec![INDEX.to_owned()],
        fields: set(FIELDS),
        values: BTreeMap::from([
            ("event.action".to_owned(), names.clone()),
            ("azure.activitylogs.operation_name".to_owned(), names),
            ("event.outcome".to_owned(), set(&["success", "failure"])),
            ("event.dataset".to_owned(), set(&["azure.activitylogs"])),
            ("data_stream.dataset".to_owned(), set(&["azure.activitylogs"])),
        ]),
        missing: ["source.as.*", "source.geo.*", "geo.country_name", "geo.city_name"]
            .map(|field| (field.to_owned(), NO_PLACES.to_owned()))
            .into(),
        conditional: BTreeMap::new(),
    }
});

/// Why a rule can never say anything here, or says less than its author meant.
pub fn lint(rule: &Rule) -> Vec<String> {
    lint::lint(rule, &SURROUNDINGS).iter().map(ToString::to_string).collect()
}
