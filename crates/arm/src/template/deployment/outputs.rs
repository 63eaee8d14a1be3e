//! Outputs.

use super::parameters::Type;
use super::{Ignorant, Plan, Unresolved};
use crate::template::evaluate::{Budget, Loop, Walk, member};
use crate::template::functions::type_of;
use crate::template::position::{TemplateError, below};
use crate::template::surroundings::Runtime;
use serde_json::{Map, Value, json};

/// Most outputs: Azure's limit.
const LIMIT: usize = 64;

impl Plan {
    /// The outputs as a deployment shows them: `{"name": {"type": …, "value": …}}`; of secure types no value.
    pub fn outputs(&self, runtime: &dyn Runtime) -> Result<Value, Unresolved> {
        let mut walk = Walk::default();
        let outputs = self.evaluated(runtime, &Budget::new(), &mut walk);
        self.finish(outputs, walk)
    }

    /// Finds what is wrong with the outputs before anything is deployed.
    pub(super) fn dry_outputs(&self, budget: &Budget) -> Result<(), Vec<TemplateError>> {
        let root = self.source.member("outputs");
        let count = self.source.object(&root).len();
        if count > LIMIT {
            let message = format!(
                "The number of template outputs limit exceeded. Limit: '{LIMIT}' and actual: '{count}'. Please see https://aka.ms/arm-deploy for usage details."
            );
            return Err(vec![self.source.plain(&root, message)]);
        }
        let mut walk = Walk::default();
        let outputs = self.evaluated(&Ignorant, budget, &mut walk);
        match self.finish(outputs, walk) {
            Err(Unresolved::Invalid(errors)) => Err(errors),
            _ => Ok(()),
        }
    }

    fn evaluated(&self, runtime: &dyn Runtime, budget: &Budget, walk: &mut Walk) -> Value {
        let root = self.source.member("outputs");
        let mut shown = Map::new();
        for (name, output) in self.source.object(&root) {
            let pointer = below(&root, name);
            if let Some(output) = self.output(output, &pointer, runtime, budget, walk) {
                shown.insert(name.clone(), output);
            }
        }
        Value::Object(shown)
    }

    /// One output; none when its condition is false or something is wrong or unknown yet.
    fn output(
        &self,
        output: &Value,
        pointer: &str,
        runtime: &dyn Runtime,
        budget: &Budget,
        walk: &mut Walk,
    ) -> Option<Value> {
        let mut fault = |pointer: &str, message: &str| {
            walk.faults.push((pointer.into(), message.into()));
            None
        };
        let Some(output) = output.as_object() else { return fault(pointer, "an output must be an object.") };
        let Some(kind) = member(output, "type").and_then(Value::as_str).and_then(Type::parse) else {
            return fault(pointer, "an output needs a 'type' that is known.");
        };
        let mut scope = self.scope(budget, Some(runtime));
        if let Some(condition) = member(output, "condition") {
            match scope.deep(condition, &below(pointer, &"condition"), walk) {
                Value::Bool(true) => {}
                Value::Bool(false) => return None,
                _ => {
                    if walk.faults.is_empty() && walk.needs.is_empty() {
                        walk.faults
                            .push((pointer.into(), "its 'condition' must be of type 'Boolean'.".into()));
                    }
                    return None;
                }
            }
        }
        let (faults, needs) = (walk.faults.len(), walk.needs.len());
        let mut unknown = false;
        let value = if let Some(copy) = member(output, "copy") {
            let at = below(pointer, &"copy");
            let count = match scope.count(copy.get("count").unwrap_or(&Value::Null), "output") {
                Ok(count) => count,
                Err(stop) => {
                    walk.stop(&below(&at, &"count"), stop);
                    return None;
                }
            };
            let input = copy.get("input").unwrap_or(&Value::Null);
            let at = below(&at, &"input");
            let mut items = Vec::new();
            for index in 0..count {
                scope.loops.push(Loop { name: "output".into(), index, of_resource: true });
                items.push(scope.deep(input, &at, walk));
                scope.loops.pop();
            }
            Value::Array(items)
        } else if let Some(value) = member(output, "value") {
            let mut own = Walk::default();
            let value = scope.deep(value, &below(pointer, &"value"), &mut own);
            unknown = !own.needs.is_empty();
            for (pointer, message) in own.faults {
                walk.faults.push((pointer, message));
            }
            if unknown {
                walk.stop(pointer, crate::template::evaluate::Stop::Pending(own.needs));
            }
            value
        } else {
            walk.faults.push((pointer.into(), "an output needs a 'value' or a 'copy'.".into()));
            return None;
        };
        if unknown || walk.faults.len() > faults || walk.needs.len() > needs {
            return None;
        }
        if !kind.fits(&value) && !value.is_null() {
            let message = format!(
                "Template output JToken type is not valid. Expected '{}'. Actual '{}'. Please see https://aka.ms/arm-template/#outputs for usage details.",
                kind.expected(),
                type_of(&value)
            );
            walk.faults.push((pointer.into(), message));
            return None;
        }
        Some(if kind.is_secure() {
            json!({ "type": kind.name() })
        } else {
            json!({ "type": kind.name(), "value": value })
        })
    }
}
