//! The Elastic Common Schema document of an event: what Elastic's integration for the activity log makes of the
//! [record], field by field, in the names that its rules use today and, beside them, in the newer ones.
//!
//! It differs where the integration is known to go wrong:
//! - a duration of more than 2147 ms does not become negative;
//! - a body that stands in the properties as JSON text is there twice, as text and as an object: a list of both, so that a
//!   condition on either finds it;
//! - who called is told also when the token has no `name`.

mod wanted;

pub use wanted::Wanted;

use super::event::ActivityEvent;
use super::place::Place;
use super::record;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::net::IpAddr;

/// The data set: what rules look for.
pub const DATASET: &str = "azure.activitylogs";
/// The data stream: type, data set, name space.
pub const DATA_STREAM: &str = "logs-azure.activitylogs-default";
/// The version of the schema.
const ECS_VERSION: &str = "8.11.0";
/// Where the claims of the person stand in a token.
const PERSON: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims";
/// The claim with the person's name.
const PERSON_NAME: &str = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name";
/// Properties that may hold JSON text.
const BODIES: [&str; 3] = ["requestbody", "requestBody", "responseBody"];

/// The document of an event that became searchable at `ingested`; `place` is what is known of the caller's address.
pub fn view(event: &ActivityEvent, ingested: Timestamp, place: Option<&Place>) -> Value {
    view_of(event, ingested, place, &Wanted::ALL)
}

/// The same with the fields only that are wanted.
pub fn view_of(event: &ActivityEvent, ingested: Timestamp, place: Option<&Place>, wanted: &Wanted) -> Value {
    let id = record::upper(&event.resource_id);
    let resource = Resource::parse(&id);
    let mut document = Document { members: Map::new(), wanted };
    document.put_with("@timestamp", || milliseconds(event.event_timestamp));
    document.constants();
    document.put_with("event.ingested", || milliseconds(ingested));
    document.put("event.id", event.event_data_id.as_str());
    document.put_with("event.action", || record::upper(&event.operation_name.value));
    document.put("event.duration", record::duration_ms(event).saturating_mul(1_000_000));
    let result = record::result_type(&event.status.value);
    if result.eq_ignore_ascii_case("success") || result.eq_ignore_ascii_case("failure") {
        document.put_with("event.outcome", || result.to_ascii_lowercase());
    }
    document.put_some("event.type", || event_type(&event.category.value).map(|kind| json!([kind])));
    document.put("log.level", record::level(event.level));
    document.put_with("azure.activitylogs.operation_name", || record::upper(&event.operation_name.value));
    document.put("azure.activitylogs.category", event.category.value.as_str());
    document.put("azure.activitylogs.result_type", result);
    document.put_with("azure.activitylogs.result_signature", || {
        format!("{}.{}", event.status.value, event.sub_status.value)
    });
    document.text("azure.activitylogs.tenant_id", &event.tenant_id);
    document.text("azure.tenant.id", &event.tenant_id);
    document.text("azure.correlation_id", &event.correlation_id);
    document.text("azure.correlation.id", &event.correlation_id);
    document.resource(&id, &resource);
    document.address(&event.http_request.client_ip_address, place);
    document.put_some("geo.name", || record::location(event));
    document.identity(event);
    document.properties(event);
    document.put_with("related.entity", || {
        let principal = event.authorization.evidence.as_ref().map(|evidence| evidence.principal_id.as_str());
        let entities = [Some(id.as_str()), principal].into_iter().flatten().filter(|id| !id.is_empty());
        entities.collect::<Value>()
    });
    Value::Object(document.members)
}

fn milliseconds(time: Timestamp) -> String {
    format!("{time:.3}")
}

fn event_type(category: &str) -> Option<&'static str> {
    match category.to_ascii_lowercase().as_str() {
        "write" | "action" => Some("change"),
        "delete" => Some("deletion"),
        "read" => Some("access"),
        _ => None,
    }
}

/// A document that grows by dotted names, those that are wanted.
struct Document<'a> {
    members: Map<String, Value>,
    wanted: &'a Wanted,
}

impl Document<'_> {
    fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.put_with(name, || value);
    }

    /// The same for a value that costs something.
    fn put_with<V: Into<Value>>(&mut self, name: &str, value: impl FnOnce() -> V) {
        self.put_some(name, || Some(value()));
    }

    /// The same for a value that may not be there.
    fn put_some<V: Into<Value>>(&mut self, name: &str, value: impl FnOnce() -> Option<V>) {
        if !self.wanted.takes(name) {
            return;
        }
        let Some(value) = value() else { return };
        let mut object = &mut self.members;
        let mut rest = name;
        while let Some((first, more)) = rest.split_once('.') {
            let inner = object.entry(first).or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(inner) = inner else { return };
            object = inner;
            rest = more;
        }
        object.insert(rest.into(), value.into());
    }

    /// The same for a text that may be empty, which is no field then.
    fn text(&mut self, name: &str, value: &str) {
        if !value.is_empty() {
            self.put(name, value);
        }
    }

    fn constants(&mut self) {
        for (name, value) in [
            ("cloud.provider", "azure"),
            ("data_stream.type", "logs"),
            ("data_stream.dataset", DATASET),
            ("data_stream.namespace", "default"),
            ("ecs.version", ECS_VERSION),
            ("event.dataset", DATASET),
            ("event.kind", "event"),
            ("event.module", "azure"),
        ] {
            self.put(name, value);
        }
    }

    fn resource(&mut self, id: &str, resource: &Resource<'_>) {
        self.text("azure.resource.id", id);
        self.text("cloud.resource_id", id);
        self.text("azure.subscription_id", resource.subscription);
        self.text("cloud.account.id", resource.subscription);
        self.text("azure.resource.group", resource.group);
        self.text("azure.resource_group.name", resource.group);
        self.text("azure.resource.provider", resource.provider);
        let namespace = resource.provider.split('/').next().unwrap_or("");
        self.text("azure.resource_provider.namespace", namespace);
        self.text("azure.resource.name", resource.name);
        self.text("azure.resource.namespace", resource.namespace);
        self.text("azure.resource.authorization_rule", resource.rule);
    }

    fn address(&mut self, address: &str, place: Option<&Place>) {
        if address.parse::<IpAddr>().is_err() {
            self.text("source.address", address);
            return;
        }
        self.put("source.ip", address);
        self.put("client.ip", address);
        self.put_with("related.ip", || json!([address]));
        let Some(place) = place else { return };
        if let Some(number) = place.as_number {
            self.put("source.as.number", number);
        }
        if let Some(organization) = &place.as_organization {
            self.put("source.as.organization.name", organization.as_str());
        }
        for (field, fact) in [
            ("continent_name", &place.continent_name),
            ("country_iso_code", &place.country_iso_code),
            ("country_name", &place.country_name),
            ("region_iso_code", &place.region_iso_code),
            ("region_name", &place.region_name),
            ("city_name", &place.city_name),
        ] {
            if let Some(fact) = fact {
                self.put(&format!("source.geo.{field}"), fact.as_str());
                self.put(&format!("geo.{field}"), fact.as_str());
            }
        }
        if let Some(at) = place.location {
            let point = json!({ "lat": at.latitude, "lon": at.longitude });
            self.put("source.geo.location", point.clone());
            self.put("geo.location", point);
        }
    }

    fn identity(&mut self, event: &ActivityEvent) {
        let asked = &event.authorization;
        self.text("azure.activitylogs.identity.authorization.action", &asked.action);
        self.text("azure.activitylogs.identity.authorization.scope", &asked.scope);
        if let Some(evidence) = &asked.evidence {
            for (name, value) in [
                ("azure.activitylogs.identity.authorization.evidence.role", &evidence.role),
                (
                    "azure.activitylogs.identity.authorization.evidence.role_assignment_scope",
                    &evidence.role_assignment_scope,
                ),
                (
                    "azure.activitylogs.identity.authorization.evidence.role_assignment_id",
                    &evidence.role_assignment_id,
                ),
                (
                    "azure.activitylogs.identity.authorization.evidence.role_definition_id",
                    &evidence.role_definition_id,
                ),
                ("azure.activitylogs.identity.authorization.evidence.principal_id", &evidence.principal_id),
                (
                    "azure.activitylogs.identity.authorization.evidence.principal_type",
                    &evidence.principal_type,
                ),
            ] {
                self.text(name, value);
            }
        }
        if let Some(name) = event.claims.get("name") {
            self.text("user.full_name", name);
        }
        if let Some(name) = event.claims.get(PERSON_NAME) {
            self.user(name);
        }
        self.put_some("azure.activitylogs.identity.claims", || {
            let claims = event.claims.iter().filter(|(name, _)| personal(name).is_none());
            // A dot would be read as an object within an object.
            filled(claims.map(|(name, value)| (name.replace('.', "_"), value.clone().into())))
        });
        self.put_some("azure.activitylogs.identity.claims_initiated_by_user", || {
            let mut initiator = Map::new();
            for (name, value) in &event.claims {
                let Some(part) = personal(name) else { continue };
                if part != "fullname" {
                    initiator.insert("schema".into(), PERSON.into());
                }
                initiator.insert(part.into(), value.clone().into());
            }
            filled(initiator)
        });
    }

    fn user(&mut self, name: &str) {
        let parts = name.split_once('@').filter(|(a, b)| !a.is_empty() && !b.is_empty() && !b.contains('@'));
        match parts {
            Some((user, domain)) => {
                self.put("user.name", user);
                self.put("user.domain", domain);
                self.put("user.email", name);
                self.put_with("related.user", || json!([user, name]));
            }
            None if name.is_empty() => {}
            None => {
                self.put("user.name", name);
                self.put_with("related.user", || json!([name]));
            }
        }
    }

    fn properties(&mut self, event: &ActivityEvent) {
        let mut category = "Administrative";
        for (name, value) in &event.properties {
            match name.as_str() {
                "eventCategory" => category = value,
                "statusMessage" => self.text("message", value),
                _ => {}
            }
        }
        self.put("azure.activitylogs.event_category", category);
        self.put_with("azure.activitylogs.properties", || {
            let mut kept = Map::new();
            for (name, value) in &event.properties {
                match name.as_str() {
                    "eventCategory" | "statusMessage" => {}
                    "serviceRequestId" => {
                        drop(kept.insert("service_request_id".into(), value.clone().into()));
                    }
                    "statusCode" => drop(kept.insert("status_code".into(), value.clone().into())),
                    body if BODIES.contains(&body) => drop(kept.insert(body.into(), text_and_object(value))),
                    other => drop(kept.insert(other.into(), value.clone().into())),
                }
            }
            kept
        });
    }
}

/// Under which name a claim is told of the person who called; none for claims about other things.
fn personal(claim: &str) -> Option<&str> {
    if claim == "name" {
        return Some("fullname");
    }
    let part = claim.strip_prefix(PERSON)?.strip_prefix('/')?;
    matches!(part, "name" | "givenname" | "surname").then_some(part)
}

/// An object; none where nothing is in it.
fn filled(members: impl IntoIterator<Item = (String, Value)>) -> Option<Value> {
    let members: Map<_, _> = members.into_iter().collect();
    (!members.is_empty()).then_some(Value::Object(members))
}

/// JSON text, and what it says; text alone where it says no object.
fn text_and_object(text: &str) -> Value {
    match serde_json::from_str::<Value>(text) {
        Ok(object @ Value::Object(_)) => json!([text, object]),
        _ => text.into(),
    }
}

/// The parts of an upper-case id, as the integration takes it apart: what follows the provider's type is the name, all of it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Resource<'a> {
    subscription: &'a str,
    group: &'a str,
    provider: &'a str,
    name: &'a str,
    namespace: &'a str,
    rule: &'a str,
}

impl<'a> Resource<'a> {
    fn parse(id: &'a str) -> Self {
        let mut parts = Self::default();
        let mut rest = id;
        if let Some((subscription, after)) = after(rest, "/SUBSCRIPTIONS/") {
            (parts.subscription, rest) = (subscription, after);
        }
        if let Some((group, after)) = after(rest, "/RESOURCEGROUPS/") {
            (parts.group, rest) = (group, after);
        }
        let Some(provider) = rest.strip_prefix("/PROVIDERS/") else { return parts };
        if parts.group.is_empty() {
            parts.provider = provider;
            return parts;
        }
        let kind_ends = provider.match_indices('/').nth(1).map(|(at, _)| at);
        let (kind, name) = kind_ends.and_then(|at| provider.split_at_checked(at)).unwrap_or((provider, ""));
        let name = name.trim_start_matches('/');
        parts.provider = kind;
        match name.split_once("/AUTHORIZATIONRULES/") {
            Some((namespace, rule)) if kind == "MICROSOFT.EVENTHUB/NAMESPACES" => {
                (parts.namespace, parts.rule) = (namespace, rule);
            }
            _ => parts.name = name,
        }
        parts
    }
}

/// The segment behind `prefix`, and what follows it.
fn after<'a>(text: &'a str, prefix: &str) -> Option<(&'a str, &'a str)> {
    let rest = text.strip_prefix(prefix)?;
    rest.split_at_checked(rest.find('/').unwrap_or(rest.len()))
}

#[cfg(test)]
mod tests;
