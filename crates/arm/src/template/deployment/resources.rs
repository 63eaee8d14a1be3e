//! Resources: loops unrolled, children under their parents' names, ids.

use super::source::Source;
use super::{Nested, Node, Plan, RESOURCES_LIMIT};
use crate::resource_id::ResourceId;
use crate::template::evaluate::{Budget, Loop, Stop, Walk, member};
use crate::template::functions::{interleave, number_of};
use crate::template::position::{ERRORS_LIMIT, TemplateError, below, dotted};
use crate::template::surroundings::Named;
use serde_json::{Map, Value};

/// A node before its dependencies are found.
pub(super) struct Draft {
    pub node: Node,
    /// What `dependsOn` holds, with the place of each.
    pub depends_on: Vec<(String, String)>,
    /// The draft under which it stands as a child.
    pub parent: Option<usize>,
    /// Of a serial loop which batch it is in; all of the batch before come first. The loop's number tells loops apart.
    pub batch: Option<(usize, usize)>,
}

/// What a child takes from the resource around it.
#[derive(Clone)]
struct Parent {
    draft: usize,
    resource_type: String,
    name: String,
    loops: Vec<Loop>,
}

struct Expansion<'p> {
    plan: &'p Plan,
    source: &'p Source,
    budget: &'p Budget,
    drafts: Vec<Draft>,
    errors: Vec<TemplateError>,
    serial_loops: usize,
}

/// Makes the drafts of all resources and tells the plan their names.
pub(super) fn expand(plan: &mut Plan, budget: &Budget) -> Result<Vec<Draft>, Vec<TemplateError>> {
    let root = plan.source.member("resources");
    let mut expansion = Expansion {
        plan,
        source: &plan.source,
        budget,
        drafts: Vec::new(),
        errors: Vec::new(),
        serial_loops: 0,
    };
    expansion.list(&root, None);
    let Expansion { drafts, mut errors, .. } = expansion;
    errors.truncate(ERRORS_LIMIT);
    if !errors.is_empty() {
        return Err(errors);
    }
    errors.extend(duplicates(&plan.source, &drafts));
    if !errors.is_empty() {
        return Err(errors);
    }
    name(plan, &drafts);
    Ok(drafts)
}

fn duplicates(source: &Source, drafts: &[Draft]) -> Option<TemplateError> {
    let mut seen = std::collections::HashSet::new();
    let twice = drafts.iter().find(|d| d.node.condition && !seen.insert(d.node.id.to_ascii_lowercase()))?;
    let id = twice.node.id.trim_start_matches('/');
    Some(source.plain(
        &twice.node.pointer,
        format!(
            "The resource '{id}' at {} is defined multiple times in a template. Please see https://aka.ms/arm-template/#resources for usage details.",
            twice.node.position
        ),
    ))
}

/// Names by which expressions may refer to resources. A name that several have means none of them.
fn name(plan: &mut Plan, drafts: &[Draft]) {
    let mut ambiguous = Vec::new();
    for draft in drafts {
        let node = &draft.node;
        let named = Named { id: node.id.clone(), api_version: node.api_version.clone() };
        let relative = node.id.rsplit_once("/providers/").map_or("", |(_, relative)| relative);
        plan.symbols.resources.insert(node.id.to_lowercase(), named.clone());
        if !relative.is_empty() {
            plan.symbols.resources.insert(relative.to_lowercase(), named.clone());
        }
        for key in [Some(&node.name), node.symbol.as_ref()].into_iter().flatten() {
            let other = plan.symbols.resources.insert(key.to_lowercase(), named.clone());
            if other.is_some_and(|other| other.id != named.id) {
                ambiguous.push(key.to_lowercase());
            }
        }
    }
    for key in ambiguous {
        // A symbolic name is the resource's own whatever others are called.
        if !drafts.iter().any(|d| d.node.symbol.as_ref().is_some_and(|s| s.to_lowercase() == key)) {
            plan.symbols.resources.remove(&key);
        }
    }
}

impl Expansion<'_> {
    /// A list of resources, or an object of them by symbolic name.
    fn list(&mut self, pointer: &str, parent: Option<&Parent>) {
        match self.source.at(pointer) {
            Value::Array(items) => {
                for n in 0..items.len() {
                    self.resource(&below(pointer, &n), None, parent);
                }
            }
            Value::Object(map) => {
                for key in map.keys() {
                    self.resource(&below(pointer, key), Some(key), parent);
                }
            }
            _ => {
                let message = "The template's 'resources' must be a JSON array or object.".into();
                self.errors.push(self.source.plain(pointer, message));
            }
        }
    }

    fn full(&self) -> bool {
        self.errors.len() >= ERRORS_LIMIT
    }

    /// A resource with all its instances.
    fn resource(&mut self, pointer: &str, symbol: Option<&str>, parent: Option<&Parent>) {
        if self.full() {
            return;
        }
        let Some(resource) = self.source.at(pointer).as_object() else {
            let message = "A resource of the template must be a JSON object.".into();
            return self.errors.push(self.source.plain(pointer, message));
        };
        let loops = parent.map_or_else(|| self.plan.loops.clone(), |p| p.loops.clone());
        let Some(copy) = member(resource, "copy") else {
            return self.instance(pointer, resource, symbol, parent, loops, None);
        };
        let at = below(pointer, &"copy");
        let name = copy.get("name").and_then(Value::as_str).unwrap_or_default();
        if name.is_empty() {
            return self.errors.push(self.source.fault(&at, "a copy loop needs a 'name'."));
        }
        let mut scope = self.plan.scope(self.budget, None);
        scope.loops.clone_from(&loops);
        let count = match scope.count(copy.get("count").unwrap_or(&Value::Null), name) {
            Ok(count) => count,
            Err(stop) => return self.stopped(&below(&at, &"count"), stop),
        };
        let serial =
            copy.get("mode").and_then(Value::as_str).is_some_and(|m| m.eq_ignore_ascii_case("serial"));
        let size = match copy.get("batchSize") {
            None => Some(1),
            Some(Value::String(text)) => scope.text(text).ok().and_then(|v| number_of(&v)),
            Some(other) => number_of(other),
        };
        let Some(size) = size.and_then(|s| usize::try_from(s).ok()).filter(|s| *s > 0) else {
            let fault = "the batch size of a copy loop must be an integer greater than '0'.";
            return self.errors.push(self.source.fault(&at, fault));
        };
        drop(scope);
        self.serial_loops += usize::from(serial);
        for index in 0..count {
            if self.full() {
                return;
            }
            let mut loops = loops.clone();
            loops.push(Loop { name: name.into(), index, of_resource: true });
            let n = usize::try_from(index).unwrap_or_default();
            let batch = serial.then_some((self.serial_loops, n / size));
            self.instance(pointer, resource, symbol, parent, loops, batch);
        }
    }

    fn stopped(&mut self, pointer: &str, stop: Stop) {
        let mut walk = Walk::default();
        walk.stop(pointer, stop);
        self.errors.extend(walk.faults.iter().map(|(pointer, message)| self.source.fault(pointer, message)));
    }

    /// A member that says how the resource is deployed, evaluated.
    fn shape(
        &mut self,
        pointer: &str,
        resource: &Map<String, Value>,
        key: &str,
        loops: &[Loop],
    ) -> Option<Value> {
        let value = member(resource, key)?;
        let mut scope = self.plan.scope(self.budget, None);
        scope.loops = loops.to_vec();
        let mut walk = Walk::default();
        let value = scope.deep(value, &below(pointer, &key), &mut walk);
        let failed = !walk.faults.is_empty();
        self.errors.extend(walk.faults.iter().map(|(pointer, message)| self.source.fault(pointer, message)));
        (!failed).then_some(value)
    }

    /// A member that must be a text; an error if it is another thing or missing and needed.
    fn text(
        &mut self,
        pointer: &str,
        resource: &Map<String, Value>,
        key: &str,
        loops: &[Loop],
        needed: bool,
    ) -> Option<String> {
        let before = self.errors.len();
        match self.shape(pointer, resource, key, loops) {
            Some(Value::String(text)) if !text.is_empty() || !needed => return Some(text),
            None if self.errors.len() > before || !needed => {}
            Some(Value::Null) if !needed => {}
            None => {
                let at = self.source.position(pointer);
                let message = format!(
                    "Required property '{key}' not found in JSON. Path '{}', line {}, position {}.",
                    dotted(&self.source.relative(pointer)),
                    at.line,
                    at.column
                );
                self.errors.push(self.source.plain(pointer, message));
            }
            Some(_) => {
                let fault = format!("its '{key}' must be a text that is not empty.");
                self.errors.push(self.source.fault(&below(pointer, &key), &fault));
            }
        }
        None
    }

    fn instance(
        &mut self,
        pointer: &str,
        resource: &Map<String, Value>,
        symbol: Option<&str>,
        parent: Option<&Parent>,
        loops: Vec<Loop>,
        batch: Option<(usize, usize)>,
    ) {
        if self.drafts.len() >= RESOURCES_LIMIT {
            let message = format!(
                "The number of template resources limit exceeded. Limit: '{RESOURCES_LIMIT}'. Please see https://aka.ms/arm-limits for usage details."
            );
            return self.errors.push(self.source.plain(pointer, message));
        }
        let before = self.errors.len();
        let resource_type = self.text(pointer, resource, "type", &loops, true);
        let name = self.text(pointer, resource, "name", &loops, true);
        let api_version = self.text(pointer, resource, "apiVersion", &loops, true);
        let condition = match self.shape(pointer, resource, "condition", &loops) {
            None => true,
            Some(Value::Bool(condition)) => condition,
            Some(_) => {
                let fault = "its 'condition' must be of type 'Boolean'.";
                self.errors.push(self.source.fault(&below(pointer, &"condition"), fault));
                true
            }
        };
        let depends_on = self.depends_on(pointer, resource, &loops);
        let (Some(mut resource_type), Some(mut name), Some(api_version)) = (resource_type, name, api_version)
        else {
            return;
        };
        if let Some(parent) = parent {
            // A child may carry its full type and name already.
            if !resource_type.contains('/')
                || resource_type.split('/').count() <= parent.resource_type.split('/').count()
            {
                resource_type = format!("{}/{resource_type}", parent.resource_type);
            }
            if name.split('/').count() < resource_type.split('/').count() - 1 {
                name = format!("{}/{name}", parent.name);
            }
        }
        let nested = self.nested(pointer, resource, &resource_type, &loops);
        let Some(prefix) = self.prefix(pointer, resource, &nested, &loops) else { return };
        let Some(id) = self.id(pointer, &prefix, &resource_type, &name) else { return };
        if self.errors.len() > before {
            return;
        }
        let copy = resource.contains_key("copy").then(|| loops.last()).flatten();
        let node = Node {
            id,
            resource_type: resource_type.clone(),
            name: name.clone(),
            api_version,
            symbol: symbol.map(str::to_owned),
            condition,
            existing: member(resource, "existing") == Some(&Value::Bool(true)),
            depends_on: Vec::new(),
            outside: Vec::new(),
            copy: copy.map(|l| (l.name.clone(), usize::try_from(l.index).unwrap_or_default())),
            nested,
            position: self.source.position(pointer),
            pointer: pointer.into(),
            loops: loops.clone(),
        };
        let draft = self.drafts.len();
        self.drafts.push(Draft { node, depends_on, parent: parent.map(|p| p.draft), batch });
        if member(resource, "resources").is_some_and(|r| !r.is_null()) {
            let parent = Parent { draft, resource_type, name, loops };
            self.list(&below(pointer, &"resources"), Some(&parent));
        }
    }

    fn depends_on(
        &mut self,
        pointer: &str,
        resource: &Map<String, Value>,
        loops: &[Loop],
    ) -> Vec<(String, String)> {
        let at = below(pointer, &"dependsOn");
        let mut texts = Vec::new();
        match self.shape(pointer, resource, "dependsOn", loops) {
            None | Some(Value::Null) => {}
            Some(Value::Array(items)) => {
                for (n, item) in items.into_iter().enumerate() {
                    match item {
                        Value::String(text) => texts.push((text, below(&at, &n))),
                        _ => self
                            .errors
                            .push(self.source.fault(&below(&at, &n), "a dependency must be a text.")),
                    }
                }
            }
            Some(_) => self.errors.push(self.source.fault(&at, "its 'dependsOn' must be an array.")),
        }
        texts
    }

    fn nested(
        &mut self,
        pointer: &str,
        resource: &Map<String, Value>,
        resource_type: &str,
        loops: &[Loop],
    ) -> Option<Nested> {
        if !resource_type.eq_ignore_ascii_case("Microsoft.Resources/deployments") {
            return None;
        }
        let properties = member(resource, "properties").and_then(Value::as_object);
        let has = |key: &str| properties.is_some_and(|p| member(p, key).is_some());
        let (linked, inline) = (has("templateLink"), has("template"));
        if linked == inline {
            let fault = "a nested deployment needs either 'template' or 'templateLink' in its properties.";
            self.errors.push(self.source.fault(pointer, fault));
        }
        let inner = properties
            .and_then(|p| member(p, "expressionEvaluationOptions"))
            .and_then(|o| o.get("scope"))
            .and_then(Value::as_str)
            .is_some_and(|s| s.eq_ignore_ascii_case("inner"));
        let group = self.text(pointer, resource, "resourceGroup", loops, false);
        let subscription = self.text(pointer, resource, "subscriptionId", loops, false);
        let scope = self.text(pointer, resource, "scope", loops, false);
        let here = &self.plan.target;
        let target = match (scope, subscription.as_deref().or(here.subscription()), group) {
            (Some(scope), _, _) => self.scope_id(pointer, &scope)?,
            (None, Some(subscription), Some(group)) => ResourceId::of_group(subscription, &group),
            (None, Some(own), None) if subscription.is_some() => ResourceId::of_subscription(own),
            _ => here.clone(),
        };
        Some(Nested { target, inner: inner || linked, linked })
    }

    /// A `scope`: an id, or one without what is before `/providers/`.
    fn scope_id(&mut self, pointer: &str, scope: &str) -> Option<ResourceId> {
        let full = if scope.starts_with('/') {
            scope.to_owned()
        } else if scope.to_ascii_lowercase().starts_with("microsoft.management/managementgroups/") {
            format!("/providers/{scope}")
        } else {
            format!("{}/providers/{scope}", self.plan.target.to_string().trim_end_matches('/'))
        };
        match ResourceId::parse(&full) {
            Ok(id) => Some(id),
            Err(_) => {
                let fault = "its 'scope' is not a resource id.";
                self.errors.push(self.source.fault(&below(pointer, &"scope"), fault));
                None
            }
        }
    }

    /// What the id begins with.
    fn prefix(
        &mut self,
        pointer: &str,
        resource: &Map<String, Value>,
        nested: &Option<Nested>,
        loops: &[Loop],
    ) -> Option<String> {
        let id = match (nested, member(resource, "scope")) {
            (Some(nested), _) => nested.target.clone(),
            (None, None) => self.plan.target.clone(),
            (None, Some(_)) => {
                let scope = self.text(pointer, resource, "scope", loops, true)?;
                self.scope_id(pointer, &scope)?
            }
        };
        Some(id.to_string().trim_end_matches('/').to_owned())
    }

    fn id(&mut self, pointer: &str, prefix: &str, resource_type: &str, name: &str) -> Option<String> {
        let at = below(pointer, &"name");
        let is_group =
            ["Microsoft.Resources/resourceGroups", "Microsoft.Resources/subscriptions/resourceGroups"]
                .iter()
                .any(|t| t.eq_ignore_ascii_case(resource_type));
        let names: Vec<&str> = name.split('/').collect();
        let relative = interleave(resource_type, &names);
        let id = match relative {
            _ if is_group => format!("{prefix}/resourceGroups/{name}"),
            Ok(relative) => format!("{prefix}/providers/{relative}"),
            Err(_) => {
                let position = self.source.position(&at);
                let message = format!(
                    "The template resource '{name}' for type '{resource_type}' at {position} has incorrect segment lengths. A nested resource type must have identical number of segments as its resource name. A root resource type must have segment length one greater than its resource name. Please see https://aka.ms/arm-syntax-resources for usage details."
                );
                self.errors.push(self.source.plain(&at, message));
                return None;
            }
        };
        match ResourceId::parse(&id) {
            Ok(_) => Some(id),
            Err(why) => {
                self.errors.push(self.source.fault(&at, &format!("{why}.")));
                None
            }
        }
    }
}
