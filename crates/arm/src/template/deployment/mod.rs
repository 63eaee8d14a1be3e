//! A template with its parameters as a plan: resources in order, and their bodies once what they refer to is known.
//!
//! ```text
//!   template ─► schema, functions, calls ─► parameters ─► variables ─► resources (copy, condition, children)
//!                                                                          │
//!                        errors, all of a step at once ◄───────────────────┤
//!                                                                          ▼
//!               resolve(node, runtime) ◄── nodes in order ◄── dependsOn, reference(): graph
//! ```
//! A nested deployment is a node; [`Plan::nested`] makes its plan when it is its turn.
//!
//! Who deploys keeps the body, the parameters, the time and the seed, from which [`plan`] makes the same again, and then for
//! each node whose dependencies are done: [`Plan::resolve`]; on [`Unresolved::Needs`] look up what is needed, put it into
//! [`Answers`](super::surroundings::Answers), resolve again; write the body; at the end [`Plan::outputs`] in the same way.
//! Planning may take a second of work on a template made for it: it belongs on a thread that may be busy.

mod graph;
mod outputs;
mod parameters;
mod resources;
mod source;
mod variables;

use super::evaluate::{Budget, Loop, Names, Scope, Walk};
use super::position::{Position, TemplateError, below};
use super::surroundings::{Named, Need, OwnFunction, Runtime, Surroundings};
use crate::resource_id::ResourceId;
use parameters::Parameter;
use secrecy::SecretString;
use serde_json::{Map, Value};
use source::Source;
use std::collections::HashMap;

pub use source::Template;

/// Most resources of one template, loops unrolled: Azure's limit.
pub const RESOURCES_LIMIT: usize = 800;

/// A template that was found good, with everything evaluated that needs no other resource.
pub struct Plan {
    /// What is deployed, each after all that it depends on.
    pub nodes: Vec<Node>,
    /// Where the resources go.
    pub target: ResourceId,
    source: Source,
    surroundings: Surroundings,
    parameters: Vec<Parameter>,
    symbols: Symbols,
    /// Of the resource that this plan is the nested template of.
    loops: Vec<Loop>,
}

/// Everything that an expression may name.
#[derive(Clone, Default)]
struct Symbols {
    parameters: Names,
    variables: Names,
    functions: HashMap<String, OwnFunction>,
    resources: HashMap<String, Named>,
}

/// One resource; of a copy loop one instance.
#[derive(Clone, Debug)]
pub struct Node {
    /// The full id.
    pub id: String,
    /// `Microsoft.Compute/virtualMachines`.
    pub resource_type: String,
    /// Of a child `parent/child`.
    pub name: String,
    /// As the template says.
    pub api_version: String,
    /// The key, of templates of language version 2.0.
    pub symbol: Option<String>,
    /// False: it is not deployed, and counts as done for what depends on it.
    pub condition: bool,
    /// It is only read.
    pub existing: bool,
    /// The nodes that must be done before, as indexes into [`Plan::nodes`].
    pub depends_on: Vec<usize>,
    /// What `dependsOn` names and the template does not hold.
    pub outside: Vec<Outside>,
    /// Its loop's name and its index in it.
    pub copy: Option<(String, usize)>,
    /// Set for `Microsoft.Resources/deployments`.
    pub nested: Option<Nested>,
    /// Where the resource begins in the body.
    pub position: Position,
    pointer: String,
    loops: Vec<Loop>,
}

/// A dependency on something that is not in the template. Azure refuses it; here it is enough that the resource exists,
/// so that a part of a template can be deployed again.
#[derive(Clone, Debug)]
pub struct Outside {
    /// The id that is meant.
    pub id: String,
    /// Azure's refusal, for when the resource is not there.
    pub refusal: TemplateError,
}

/// What is special about a nested deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nested {
    /// Where it goes.
    pub target: ResourceId,
    /// Its template has parameters and variables of its own (`expressionEvaluationOptions.scope` is `inner`, or it is linked).
    pub inner: bool,
    /// It has a `templateLink`; the resolved body holds it.
    pub linked: bool,
}

/// Why something has no value yet.
#[derive(Debug)]
pub enum Unresolved {
    /// These must be looked up first; then try again.
    Needs(Vec<Need>),
    /// It will never have one.
    Invalid(Vec<TemplateError>),
}

/// A runtime that knows nothing: finds out what is needed.
struct Ignorant;

impl Runtime for Ignorant {
    fn answer(&self, _: &Need) -> Option<Value> {
        None
    }
}

/// Members of a resource that say how it is deployed and are not part of its body.
const SHAPE: &[&str] = &[
    "type",
    "name",
    "apiVersion",
    "dependsOn",
    "condition",
    "copy",
    "comments",
    "metadata",
    "resources",
    "scope",
    "existing",
    "import",
    "subscriptionId",
    "resourceGroup",
];

/// Checks a template and makes its plan. `parameters` is the body's member of that name: `{"name": {"value": …}}`.
/// On failure all errors of the first step that has some.
pub fn plan(
    template: &Template,
    parameters: &Value,
    around: &Surroundings,
) -> Result<Plan, Vec<TemplateError>> {
    let source = Source::of(template);
    let mut symbols = Symbols::default();
    source.check_frame(around)?;
    symbols.functions = variables::functions(&source)?;
    source.check_calls(&symbols.functions)?;
    let budget = Budget::new();
    let parameters = parameters::settle(&source, parameters, around, &budget, &mut symbols.parameters)?;
    variables::settle(
        &source,
        around,
        &budget,
        &symbols.parameters,
        &mut symbols.variables,
        &symbols.functions,
    )?;
    let plan = Plan {
        nodes: Vec::new(),
        target: around.scope.clone(),
        source,
        surroundings: around.clone(),
        parameters,
        symbols,
        loops: Vec::new(),
    };
    plan.lay_out(&budget)
}

impl Plan {
    /// Expands the resources and puts them in order.
    fn lay_out(mut self, budget: &Budget) -> Result<Self, Vec<TemplateError>> {
        let drafts = resources::expand(&mut self, budget)?;
        graph::connect(&mut self, drafts, budget)?;
        self.dry_outputs(budget)?;
        Ok(self)
    }

    fn scope<'a>(&'a self, budget: &'a Budget, runtime: Option<&'a dyn Runtime>) -> Scope<'a> {
        Scope {
            surroundings: &self.surroundings,
            budget,
            parameters: &self.symbols.parameters,
            variables: Some(&self.symbols.variables),
            functions: Some(&self.symbols.functions),
            resources: Some(&self.symbols.resources),
            runtime,
            guids: None,
            loops: self.loops.clone(),
            lambdas: Vec::new(),
        }
    }

    /// A resource's body, without name, type, and what says how it is deployed.
    pub fn resolve(&self, node: &Node, runtime: &dyn Runtime) -> Result<Value, Unresolved> {
        let mut walk = Walk::default();
        let body = self.body(node, runtime, &Budget::new(), &mut walk);
        self.finish(body, walk)
    }

    fn finish(&self, value: Value, walk: Walk) -> Result<Value, Unresolved> {
        if !walk.faults.is_empty() {
            return Err(Unresolved::Invalid(
                walk.faults.iter().map(|(pointer, message)| self.source.fault(pointer, message)).collect(),
            ));
        }
        if walk.needs.is_empty() { Ok(value) } else { Err(Unresolved::Needs(walk.needs)) }
    }

    fn body(&self, node: &Node, runtime: &dyn Runtime, budget: &Budget, walk: &mut Walk) -> Value {
        let mut scope = self.scope(budget, Some(runtime));
        scope.loops.clone_from(&node.loops);
        let mut body = Map::new();
        for (key, value) in self.source.object(&node.pointer) {
            if SHAPE.iter().any(|s| s.eq_ignore_ascii_case(key)) {
                continue;
            }
            let pointer = below(&node.pointer, key);
            let made = match (value, &node.nested) {
                (Value::Object(properties), Some(_)) if key == "properties" => {
                    let mut made = Map::new();
                    for (key, value) in properties {
                        // A nested template is evaluated by its own plan.
                        let inner = match key.as_str() {
                            "template" => value.clone(),
                            _ => scope.deep(value, &below(&pointer, key), walk),
                        };
                        made.insert(key.clone(), inner);
                    }
                    Value::Object(made)
                }
                _ => scope.deep(value, &pointer, walk),
            };
            body.insert(key.clone(), made);
        }
        Value::Object(body)
    }

    /// What the template of a nested deployment of outer scope refers to. What is wrong in it is told by its own plan.
    fn nested_needs(&self, node: &Node, budget: &Budget, walk: &mut Walk) {
        if node.nested.as_ref().is_none_or(|nested| nested.inner) {
            return;
        }
        let mut scope = self.scope(budget, Some(&Ignorant));
        scope.loops.clone_from(&node.loops);
        let pointer = format!("{}/properties/template", node.pointer);
        let mut inside = Walk::default();
        scope.deep(self.source.at(&pointer), &pointer, &mut inside);
        walk.needs.append(&mut inside.needs);
    }

    /// The plan of a nested deployment whose template stands in this one. `body` is what [`Plan::resolve`] gave for the
    /// node, `around` the surroundings at its target. None if the node has no template in it (it is linked: read the
    /// document and call [`plan`]).
    pub fn nested(
        &self,
        node: &Node,
        body: &Value,
        around: &Surroundings,
    ) -> Option<Result<Self, Vec<TemplateError>>> {
        let nested = node.nested.as_ref().filter(|n| !n.linked)?;
        let template = self.source.template_at(&format!("{}/properties/template", node.pointer));
        if nested.inner {
            let parameters = body.pointer("/properties/parameters").unwrap_or(&Value::Null);
            return Some(plan(&template, parameters, around));
        }
        Some(self.nested_outer(node, nested, &template))
    }

    /// The template's expressions see what this plan's see; only the target is another.
    fn nested_outer(
        &self,
        node: &Node,
        nested: &Nested,
        template: &Template,
    ) -> Result<Self, Vec<TemplateError>> {
        let source = Source::of(template);
        source.check_members()?;
        source.check_calls(&self.symbols.functions)?;
        let inside = Self {
            nodes: Vec::new(),
            target: nested.target.clone(),
            source,
            surroundings: self.surroundings.clone(),
            parameters: Vec::new(),
            symbols: self.symbols.clone(),
            loops: node.loops.clone(),
        };
        inside.lay_out(&Budget::new())
    }

    /// The parameters as a deployment shows them: types and values; of secure types no value.
    pub fn parameters(&self) -> Value {
        self.parameters
            .iter()
            .map(|p| (p.name.clone(), p.shown(&self.symbols.parameters)))
            .collect::<Map<_, _>>()
            .into()
    }

    /// The texts that parameters of secure types hold: what must not be shown of anything made with them.
    pub fn secrets(&self) -> Vec<SecretString> {
        let mut found = Vec::new();
        self.parameters.iter().for_each(|p| p.secrets(&self.symbols.parameters, &mut found));
        found.into_iter().map(SecretString::from).collect()
    }

    /// The index of the node with an id.
    pub fn find(&self, id: &str) -> Option<usize> {
        self.nodes.iter().position(|n| n.id.eq_ignore_ascii_case(id))
    }
}

impl std::fmt::Debug for Plan {
    /// Without parameters and variables: they may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan")
            .field("target", &self.target)
            .field("nodes", &self.nodes)
            .finish_non_exhaustive()
    }
}
