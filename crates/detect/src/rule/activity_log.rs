//! What there is for rules in the activity log as ECS documents: its fields, and the values of those that have few.

use super::lint::Surroundings;
use std::collections::{BTreeMap, BTreeSet};

const EVIDENCE: &str = "azure.activitylogs.identity.authorization.evidence";

/// Fields that documents have; what is below a `.*` hangs on the event.
const FIELDS: &[&str] = &[
    "@timestamp",
    "azure.activitylogs.category",
    "azure.activitylogs.event_category",
    "azure.activitylogs.identity.authorization.action",
    "azure.activitylogs.identity.authorization.evidence.*",
    "azure.activitylogs.identity.authorization.scope",
    "azure.activitylogs.identity.claims.*",
    "azure.activitylogs.identity.claims_initiated_by_user.*",
    "azure.activitylogs.operation_name",
    "azure.activitylogs.properties.*",
    "azure.activitylogs.result_signature",
    "azure.activitylogs.result_type",
    "azure.activitylogs.tenant_id",
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
    "geo.name",
    "log.level",
    "message",
    "related.entity",
    "related.ip",
    "related.user",
    "source.address",
    "source.ip",
    "user.domain",
    "user.email",
    "user.full_name",
    "user.name",
];

/// Fields with few values.
const VALUES: &[(&str, &[&str])] = &[
    ("azure.activitylogs.category", &["Administrative"]),
    ("azure.activitylogs.event_category", &["Administrative"]),
    ("azure.activitylogs.result_type", &["Start", "Accept", "Success", "Failure"]),
    ("cloud.provider", &["azure"]),
    ("data_stream.dataset", &["azure.activitylogs"]),
    ("data_stream.type", &["logs"]),
    ("event.dataset", &["azure.activitylogs"]),
    ("event.kind", &["event"]),
    ("event.module", &["azure"]),
    ("event.outcome", &["success", "failure"]),
];

/// Fields that rules for Azure ask for and that are not here, and why.
const MISSING: &[(&str, &str)] = &[
    ("azure.activitylogs.resource.*", "No document has it; the resource's id is azure.resource.id."),
    ("azure.activitylogs.properties.responseBody.*", "What was answered to a request is not recorded here."),
    ("azure.activitylogs.properties.appId", "Sign-ins are not in this log."),
    ("azure.activitylogs.properties.authentication_protocol", "Sign-ins are not in this log."),
    ("azure.signinlogs.*", "Sign-ins are not in this log."),
    ("azure.auditlogs.*", "The directory's audit log is not in this log."),
    ("event.category", "Documents of the activity log have no category."),
    ("event.type", "Events here are all Administrative, and those have no type."),
    ("user_agent.*", "The client's name is not in the activity log."),
];

const NETWORKS: &str = "There is no database of networks here; name one (ASN, MMDB) in the configuration.";
const PLACES: &str = "There is no database of places here; name one (City, MMDB) in the configuration.";
const PEOPLE: &str = "It is there only when a person did it, and their token says their name.";
const ALLOWED: &str = "It is there only when a role allowed the request: refusals have none.";

impl Surroundings {
    /// The activity log with these operations (names in any case). `networks` and `places` say whether there are databases
    /// for addresses.
    pub fn of_activity_log<'a>(
        index: &str,
        operations: impl IntoIterator<Item = &'a str>,
        networks: bool,
        places: bool,
    ) -> Self {
        let set = |words: &[&str]| -> BTreeSet<String> { words.iter().map(|w| (*w).to_owned()).collect() };
        let texts = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
        };
        let operations: BTreeSet<String> = operations.into_iter().map(str::to_ascii_uppercase).collect();
        let mut values: BTreeMap<_, _> =
            VALUES.iter().map(|(name, words)| ((*name).to_owned(), set(words))).collect();
        for field in ["event.action", "azure.activitylogs.operation_name"] {
            values.insert(field.to_owned(), operations.clone());
        }
        let mut fields = set(FIELDS);
        let mut missing = texts(MISSING);
        for (there, names, why) in
            [(networks, &["source.as.*"][..], NETWORKS), (places, &["source.geo.*", "geo.*"][..], PLACES)]
        {
            for name in names {
                if there {
                    fields.insert((*name).to_owned());
                } else if *name != "geo.*" {
                    missing.insert((*name).to_owned(), why.to_owned());
                }
            }
        }
        let mut conditional =
            texts(&[("azure.activitylogs.identity.claims_initiated_by_user.*", PEOPLE), ("user.*", PEOPLE)]);
        conditional.insert(format!("{EVIDENCE}.*"), ALLOWED.to_owned());
        Self { indices: vec![index.to_owned()], fields, values, missing, conditional }
    }
}
