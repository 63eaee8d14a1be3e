//! What kind of value a field holds: the fields of ECS and of Azure's activity log that events here have or rules name.
//! A field that is not in the table is of the kind that its value suggests, as under Elasticsearch's dynamic mapping.

use serde_json::Value;
use std::collections::HashMap;
use std::sync::LazyLock;

/// The kinds of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Text that is compared whole, with its case.
    Keyword,
    /// The same; Elasticsearch keeps it so that patterns are found fast.
    Wildcard,
    /// Text that is compared by its words, without case.
    Text,
    /// A whole number; of a document's fraction only the whole part counts.
    Long,
    /// A floating number.
    Float,
    /// A point in time, in milliseconds.
    Date,
    /// An address of either family.
    Ip,
    /// `true` or `false`.
    Boolean,
    /// An object whose leaves are all compared as keywords.
    Flattened,
    /// Not in the table.
    Unknown,
}

impl Kind {
    /// The kind by which a value is compared: an unknown field's is its value's.
    #[must_use]
    pub fn of(self, value: &Value) -> Self {
        match (self, value) {
            (Self::Unknown, Value::Bool(_)) => Self::Boolean,
            (Self::Unknown, Value::Number(number)) if number.is_f64() => Self::Float,
            (Self::Unknown, Value::Number(_)) => Self::Long,
            (Self::Unknown, _) => Self::Keyword,
            (kind, _) => kind,
        }
    }

    /// What such a field holds, for people.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Keyword | Self::Wildcard | Self::Flattened | Self::Unknown => "keywords",
            Self::Text => "text",
            Self::Long => "whole numbers",
            Self::Float => "numbers",
            Self::Date => "dates",
            Self::Ip => "addresses",
            Self::Boolean => "true or false",
        }
    }
}

/// What is under these names is flattened.
const FLATTENED: [&str; 2] = ["azure.activitylogs.properties", "azure.activitylogs.identity.claims"];

/// The kind of a field, by its whole dotted name.
pub fn kind(name: &str) -> Kind {
    if let Some(kind) = TABLE.get(name) {
        return *kind;
    }
    let flattened =
        |root: &&str| name.strip_prefix(*root).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    if FLATTENED.iter().any(flattened) {
        return Kind::Flattened;
    }
    if viewed(name).is_some() { Kind::Text } else { Kind::Unknown }
}

/// For `user.name.text` and its like, the field of which it is the view by words.
pub fn viewed(name: &str) -> Option<&str> {
    name.strip_suffix(".text").filter(|field| WITH_TEXT.contains(field))
}

/// All fields of the table with their kinds, in no order.
pub fn all() -> impl Iterator<Item = (&'static str, Kind)> {
    TABLE.iter().map(|(name, kind)| (*name, *kind))
}

static TABLE: LazyLock<HashMap<&'static str, Kind>> = LazyLock::new(|| {
    let kinds: [(Kind, &[&str]); 8] = [
        (Kind::Keyword, KEYWORDS),
        (Kind::Wildcard, WILDCARDS),
        (Kind::Text, TEXTS),
        (Kind::Long, LONGS),
        (Kind::Float, FLOATS),
        (Kind::Date, DATES),
        (Kind::Ip, IPS),
        (Kind::Boolean, BOOLEANS),
    ];
    kinds.into_iter().flat_map(|(kind, names)| names.iter().map(move |name| (*name, kind))).collect()
});

const KEYWORDS: &[&str] = &[
    "azure.activitylogs.category",
    "azure.activitylogs.event_category",
    "azure.activitylogs.identity.authorization.action",
    "azure.activitylogs.identity.authorization.evidence.principal_id",
    "azure.activitylogs.identity.authorization.evidence.principal_type",
    "azure.activitylogs.identity.authorization.evidence.role",
    "azure.activitylogs.identity.authorization.evidence.role_assignment_id",
    "azure.activitylogs.identity.authorization.evidence.role_assignment_scope",
    "azure.activitylogs.identity.authorization.evidence.role_definition_id",
    "azure.activitylogs.identity.authorization.scope",
    "azure.activitylogs.identity.claims_initiated_by_user.fullname",
    "azure.activitylogs.identity.claims_initiated_by_user.givenname",
    "azure.activitylogs.identity.claims_initiated_by_user.name",
    "azure.activitylogs.identity.claims_initiated_by_user.schema",
    "azure.activitylogs.identity.claims_initiated_by_user.surname",
    "azure.activitylogs.identity_name",
    "azure.activitylogs.operation_name",
    "azure.activitylogs.operation_version",
    "azure.activitylogs.result_signature",
    "azure.activitylogs.result_type",
    "azure.activitylogs.tenant_id",
    "azure.correlation.id",
    "azure.correlation_id",
    "azure.resource.authorization_rule",
    "azure.resource.group",
    "azure.resource.id",
    "azure.resource.name",
    "azure.resource.namespace",
    "azure.resource.provider",
    "azure.resource_group.name",
    "azure.resource_provider.namespace",
    "azure.subscription_id",
    "azure.tenant.id",
    "client.address",
    "client.geo.city_name",
    "client.geo.country_iso_code",
    "client.geo.country_name",
    "cloud.account.id",
    "cloud.instance.id",
    "cloud.provider",
    "cloud.region",
    "cloud.resource_id",
    "data_stream.dataset",
    "data_stream.namespace",
    "data_stream.type",
    "destination.address",
    "destination.domain",
    "ecs.version",
    "error.code",
    "error.id",
    "error.type",
    "event.action",
    "event.category",
    "event.code",
    "event.dataset",
    "event.id",
    "event.kind",
    "event.module",
    "event.original",
    "event.outcome",
    "event.provider",
    "event.reason",
    "event.type",
    "geo.city_name",
    "geo.country_iso_code",
    "geo.country_name",
    "geo.name",
    "host.hostname",
    "host.id",
    "host.name",
    "host.os.family",
    "host.os.name",
    "host.os.type",
    "http.request.method",
    "kibana.alert.rule.name",
    "kibana.alert.rule.rule_id",
    "kibana.alert.severity",
    "kibana.alert.status",
    "kibana.alert.uuid",
    "kibana.alert.workflow_status",
    "log.level",
    "related.entity",
    "related.hosts",
    "related.user",
    "rule.id",
    "rule.name",
    "source.address",
    "source.as.organization.name",
    "source.domain",
    "source.geo.city_name",
    "source.geo.continent_name",
    "source.geo.country_iso_code",
    "source.geo.country_name",
    "source.geo.region_iso_code",
    "source.geo.region_name",
    "source.user.name",
    "tags",
    "user.domain",
    "user.email",
    "user.full_name",
    "user.id",
    "user.name",
    "user_agent.name",
    "user_agent.original",
];

const WILDCARDS: &[&str] = &[
    "error.stack_trace",
    "http.request.body.content",
    "http.response.body.content",
    "process.command_line",
    "process.parent.command_line",
    "registry.data.strings",
    "url.full",
    "url.original",
    "url.path",
];

const TEXTS: &[&str] = &["error.message", "kibana.alert.reason.text", "message"];

const LONGS: &[&str] = &[
    "client.as.number",
    "client.bytes",
    "client.port",
    "destination.as.number",
    "destination.bytes",
    "destination.packets",
    "destination.port",
    "event.duration",
    "event.sequence",
    "event.severity",
    "file.size",
    "http.request.body.bytes",
    "http.request.bytes",
    "http.response.body.bytes",
    "http.response.bytes",
    "http.response.status_code",
    "kibana.alert.depth",
    "kibana.alert.rule.max_signals",
    "kibana.alert.rule.version",
    "kibana.alert.suppression.docs_count",
    "log.origin.file.line",
    "log.syslog.facility.code",
    "log.syslog.priority",
    "log.syslog.severity.code",
    "network.bytes",
    "network.packets",
    "process.args_count",
    "process.exit_code",
    "process.parent.pid",
    "process.pid",
    "process.uptime",
    "server.as.number",
    "server.bytes",
    "server.port",
    "source.as.number",
    "source.bytes",
    "source.packets",
    "source.port",
    "url.port",
];

const FLOATS: &[&str] = &[
    "event.risk_score",
    "event.risk_score_norm",
    "host.risk.calculated_score",
    "kibana.alert.risk_score",
    "kibana.alert.rule.risk_score",
    "user.risk.calculated_score",
];

const DATES: &[&str] = &[
    "@timestamp",
    "event.created",
    "event.end",
    "event.ingested",
    "event.start",
    "file.accessed",
    "file.created",
    "file.ctime",
    "file.mtime",
    "kibana.alert.end",
    "kibana.alert.intended_timestamp",
    "kibana.alert.last_detected",
    "kibana.alert.original_event.created",
    "kibana.alert.original_event.ingested",
    "kibana.alert.original_time",
    "kibana.alert.start",
    "kibana.alert.suppression.end",
    "kibana.alert.suppression.start",
    "process.end",
    "process.parent.start",
    "process.start",
];

const IPS: &[&str] = &[
    "client.ip",
    "client.nat.ip",
    "destination.ip",
    "destination.nat.ip",
    "dns.resolved_ip",
    "host.ip",
    "network.forwarded_ip",
    "observer.ip",
    "related.ip",
    "server.ip",
    "server.nat.ip",
    "source.ip",
    "source.nat.ip",
];

const BOOLEANS: &[&str] = &[
    "faas.coldstart",
    "file.code_signature.trusted",
    "file.code_signature.valid",
    "kibana.alert.rule.enabled",
    "kibana.alert.rule.immutable",
    "process.code_signature.exists",
    "process.code_signature.trusted",
    "process.code_signature.valid",
    "process.interactive",
    "tls.established",
    "tls.resumed",
];

/// Keywords that Elasticsearch also keeps by their words, under `.text`.
const WITH_TEXT: &[&str] = &[
    "client.as.organization.name",
    "client.user.name",
    "destination.as.organization.name",
    "destination.user.name",
    "error.stack_trace",
    "file.path",
    "host.os.full",
    "host.os.name",
    "process.command_line",
    "process.executable",
    "process.name",
    "process.parent.command_line",
    "process.parent.executable",
    "process.parent.name",
    "process.title",
    "process.working_directory",
    "server.as.organization.name",
    "source.as.organization.name",
    "source.user.full_name",
    "source.user.name",
    "url.full",
    "url.original",
    "user.full_name",
    "user.name",
    "user_agent.original",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_kinds() {
        let table = [
            ("event.outcome", Kind::Keyword),
            ("source.as.number", Kind::Long),
            ("source.ip", Kind::Ip),
            ("@timestamp", Kind::Date),
            ("message", Kind::Text),
            ("user.name.text", Kind::Text),
            ("event.outcome.text", Kind::Unknown),
            ("azure.activitylogs.properties", Kind::Flattened),
            ("azure.activitylogs.properties.status_code", Kind::Flattened),
            ("azure.activitylogs.identity.claims.appid", Kind::Flattened),
            ("azure.activitylogs.properties_x", Kind::Unknown),
            ("azure.activitylogs.identity.claims_initiated_by_user.name", Kind::Keyword),
            ("Event.outcome", Kind::Unknown),
            ("", Kind::Unknown),
        ];
        for (name, expected) in table {
            assert_eq!(kind(name), expected, "{name}");
        }
    }

    #[test]
    fn every_name_stands_once() {
        let lists = [KEYWORDS, WILDCARDS, TEXTS, LONGS, FLOATS, DATES, IPS, BOOLEANS];
        assert_eq!(all().count(), lists.iter().map(|names| names.len()).sum::<usize>());
        for names in lists.iter().chain([&WITH_TEXT]) {
            assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
        }
    }
}
