//! Evaluation of expressions, and of values whose strings are expressions.
//!
//! An expression may need what is not there: another parameter or variable that comes first ([`Stop::Wanted`]; the caller
//! settles that one and tries again, so that long chains need no stack), or a fact about another resource
//! ([`Stop::Pending`]). Work and the size of values are limited by one budget. Faults never quote values: they may be
//! secrets.

use super::expression::{self, Expression, Kind, Step, Text};
use super::functions::{self, Run, number_of};
use super::position::below;
use super::surroundings::{Named, Need, OwnFunction, OwnOutput, Runtime, Surroundings};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{HashMap, HashSet};

/// What one planning or one late evaluation may cost: bytes made plus a fixed price a value.
const BUDGET: usize = 64 << 20;
/// The price of a value beside its bytes.
const VALUE_COST: usize = 16;
/// Deepest nesting of a value.
const DEPTH_LIMIT: usize = 64;
/// Most iterations of one copy loop: Azure's limit.
pub(crate) const COPY_LIMIT: i64 = 800;

/// Why an expression has no value.
#[derive(Debug, PartialEq)]
pub(crate) enum Stop {
    /// It is wrong.
    Fault(String),
    /// A parameter (`true`) or variable, lower-cased, must be settled first.
    Wanted(bool, String),
    /// Facts about resources are needed first.
    Pending(Vec<Need>),
}

impl From<String> for Stop {
    fn from(message: String) -> Self {
        Self::Fault(message)
    }
}

pub(crate) type Outcome = Result<Value, Stop>;

/// Parameters or variables: those that are settled, and the names of all, in lower case.
#[derive(Clone, Default)]
pub(crate) struct Names {
    pub declared: HashSet<String>,
    pub settled: HashMap<String, Value>,
}

/// One loop around what is evaluated.
#[derive(Clone, Debug)]
pub(crate) struct Loop {
    pub name: String,
    pub index: i64,
    pub of_resource: bool,
}

/// Work that may still be done.
pub(crate) struct Budget(Cell<usize>);

impl Budget {
    pub fn new() -> Self {
        Self(Cell::new(BUDGET))
    }

    pub fn spend(&self, cost: usize) -> Result<(), String> {
        match self.0.get().checked_sub(cost) {
            Some(rest) => {
                self.0.set(rest);
                Ok(())
            }
            None => {
                self.0.set(0);
                Err("The template makes more values than is allowed.".into())
            }
        }
    }

    /// Pays for a value.
    pub fn weigh(&self, value: &Value) -> Result<(), String> {
        self.spend(weight(value, 0)?)
    }
}

fn weight(value: &Value, depth: usize) -> Result<usize, String> {
    if depth > DEPTH_LIMIT {
        return Err(format!("A value is nested deeper than {DEPTH_LIMIT} levels."));
    }
    let inner = match value {
        Value::String(text) => text.len(),
        Value::Array(items) => {
            items.iter().try_fold(0, |sum, v| Ok::<_, String>(sum + weight(v, depth + 1)?))?
        }
        Value::Object(map) => {
            map.iter().try_fold(0, |sum, (k, v)| Ok::<_, String>(sum + k.len() + weight(v, depth + 1)?))?
        }
        _ => 0,
    };
    Ok(inner + VALUE_COST)
}

/// What an expression can see.
pub(crate) struct Scope<'a> {
    pub surroundings: &'a Surroundings,
    pub budget: &'a Budget,
    pub parameters: &'a Names,
    /// None where variables may not be used.
    pub variables: Option<&'a Names>,
    /// The template's own functions, by `namespace.name` in lower case; none inside of one.
    pub functions: Option<&'a HashMap<String, OwnFunction>>,
    /// The template's resources by name, id and symbolic name, in lower case.
    pub resources: Option<&'a HashMap<String, Named>>,
    /// None where the state of resources may not be used.
    pub runtime: Option<&'a dyn Runtime>,
    /// How many `newGuid()` were made; none where `newGuid()` and `utcNow()` may not be used.
    pub guids: Option<&'a Cell<u32>>,
    pub loops: Vec<Loop>,
    pub lambdas: Vec<(String, Value)>,
}

impl<'a> Scope<'a> {
    /// The value of an expression.
    pub fn evaluate(&mut self, expression: &Expression) -> Outcome {
        let value = self.look(expression)?.into_owned();
        Ok(value)
    }

    /// The value of an expression, borrowed when it is a parameter or variable or a part of one.
    fn look(&mut self, expression: &Expression) -> Result<Cow<'a, Value>, Stop> {
        match &expression.kind {
            Kind::Text(text) => Ok(Cow::Owned(Value::String(text.clone()))),
            Kind::Integer(number) => Ok(Cow::Owned((*number).into())),
            Kind::Call { namespace, name, arguments } => self.call(namespace.as_deref(), name, arguments),
            Kind::Access { base, steps } => {
                let mut value = self.look(base)?;
                for step in steps {
                    value = match step {
                        Step::Property(name) => property(value, name, true, self.budget)?,
                        Step::Index(index) => {
                            let literal = matches!(index.kind, Kind::Text(_));
                            match self.evaluate(index)? {
                                Value::String(name) => property(value, &name, literal, self.budget)?,
                                Value::Number(number) => item(value, number.as_i64())?,
                                _ => {
                                    return Err(Stop::Fault(
                                        "The language expression index must be a string or an integer."
                                            .into(),
                                    ));
                                }
                            }
                        }
                    };
                }
                Ok(value)
            }
        }
    }

    fn call(
        &mut self,
        namespace: Option<&str>,
        name: &str,
        arguments: &[Expression],
    ) -> Result<Cow<'a, Value>, Stop> {
        let value = match namespace {
            Some(namespace) => self.own_function(namespace, name, arguments)?,
            None => {
                let function = functions::find(name).ok_or_else(|| functions::unknown(name))?;
                functions::check_arity(function, name, arguments.len())?;
                let told = |message: String| {
                    Stop::Fault(format!(
                        "Unable to evaluate template language function '{name}': {message} Please see https://aka.ms/arm-functions for usage details."
                    ))
                };
                match function.run {
                    Run::Names(is_parameter) => {
                        let shown = matches!(arguments.first().map(|a| &a.kind), Some(Kind::Text(_)));
                        let values = self.arguments(arguments)?;
                        let [Value::String(key)] = values.as_slice() else {
                            return Err(told("its argument must be a string.".into()));
                        };
                        let value = self.named(is_parameter, key, shown)?;
                        self.budget.spend(VALUE_COST)?;
                        return Ok(Cow::Borrowed(value));
                    }
                    Run::Values(run) => run(&self.arguments(arguments)?).map_err(told)?,
                    Run::Scoped(run) => {
                        let values = self.arguments(arguments)?;
                        run(self, name, &values)?
                    }
                    Run::Lazy(run) => run(self, name, arguments)?,
                }
            }
        };
        self.budget.weigh(&value)?;
        Ok(Cow::Owned(value))
    }

    /// The values of all arguments. What is pending is collected over all of them.
    pub fn arguments(&mut self, arguments: &[Expression]) -> Result<Vec<Value>, Stop> {
        let (mut values, mut needs) = (Vec::with_capacity(arguments.len()), Vec::new());
        for argument in arguments {
            match self.look(argument) {
                Ok(value) => {
                    if let Cow::Borrowed(value) = value {
                        self.budget.weigh(value)?;
                    }
                    values.push(value.into_owned());
                }
                Err(Stop::Pending(more)) => needs.extend(more),
                Err(other) => return Err(other),
            }
        }
        if needs.is_empty() { Ok(values) } else { Err(Stop::Pending(needs)) }
    }

    /// A parameter or variable. The name is shown only if the template spells it out.
    fn named(&self, is_parameter: bool, name: &str, shown: bool) -> Result<&'a Value, Stop> {
        let (names, word) = match (is_parameter, self.variables) {
            (true, _) => (self.parameters, "parameter"),
            (false, Some(variables)) => (variables, "variable"),
            (false, None) => return Err(functions::unexpected("variables")),
        };
        let key = name.to_lowercase();
        match names.settled.get(&key) {
            Some(value) => Ok(value),
            None if names.declared.contains(&key) => Err(Stop::Wanted(is_parameter, key)),
            None => Err(Stop::Fault(format!(
                "The template {word}{} is not found. Please see https://aka.ms/arm-template/#{word}s for usage details.",
                if shown { format!(" '{name}'") } else { String::new() }
            ))),
        }
    }

    fn own_function(&mut self, namespace: &str, name: &str, arguments: &[Expression]) -> Outcome {
        let key = format!("{namespace}.{name}");
        let Some(function) = self.functions.and_then(|f| f.get(&key.to_lowercase())) else {
            return Err(functions::unknown(&key));
        };
        if arguments.len() != function.parameters.len() {
            return Err(functions::wrong_count(&key, function.parameters.len(), arguments.len()));
        }
        let values = self.arguments(arguments)?;
        let mut parameters = Names::default();
        for (name, value) in function.parameters.iter().zip(values) {
            parameters.settled.insert(name.to_lowercase(), value);
        }
        let mut inside = Scope {
            parameters: &parameters,
            variables: None,
            functions: None,
            resources: None,
            runtime: None,
            guids: None,
            loops: Vec::new(),
            lambdas: Vec::new(),
            ..*self
        };
        match &function.output {
            OwnOutput::Expression(expression) => inside.evaluate(expression),
            OwnOutput::Value(value) => inside.whole(value),
        }
    }

    /// The value of a text: itself, or what its expression gives.
    pub fn text(&mut self, text: &str) -> Outcome {
        match expression::classify(text) {
            Text::Literal(text) => Ok(Value::String(text.into())),
            Text::Expression(text) => {
                self.budget.spend(text.len())?;
                let parsed = expression::parse(text).map_err(|e| e.to_string())?;
                self.evaluate(&parsed)
            }
        }
    }

    /// A value with every expression in it evaluated; the first fault ends it.
    pub fn whole(&mut self, value: &Value) -> Outcome {
        let mut walk = Walk::default();
        let value = self.deep(value, "", &mut walk);
        walk.end(value)
    }

    /// A value with every expression in it evaluated. Faults and needs are collected in `walk`; where one was, is null.
    pub fn deep(&mut self, value: &Value, pointer: &str, walk: &mut Walk) -> Value {
        if let Err(message) = self.budget.spend(VALUE_COST) {
            walk.stop(pointer, Stop::Fault(message));
            return Value::Null;
        }
        match value {
            Value::String(text) => match self.text(text) {
                Ok(value) => {
                    // A clone of a variable costs, too.
                    if let Err(message) = self.budget.weigh(&value) {
                        walk.stop(pointer, Stop::Fault(message));
                    }
                    value
                }
                Err(stop) => {
                    walk.stop(pointer, stop);
                    Value::Null
                }
            },
            Value::Array(items) => {
                let mut made = Vec::with_capacity(items.len());
                for (n, item) in items.iter().enumerate() {
                    if walk.full() {
                        break;
                    }
                    made.push(self.deep(item, &below(pointer, &n), walk));
                }
                Value::Array(made)
            }
            Value::Object(map) => {
                let mut made = Map::new();
                for (key, inner) in map {
                    if walk.full() {
                        break;
                    }
                    let pointer = below(pointer, key);
                    match inner {
                        Value::Array(loops) if key == "copy" && is_copy(loops) => {
                            for (n, copy) in loops.iter().enumerate() {
                                self.copied(copy, &below(&pointer, &n), &mut made, walk);
                            }
                        }
                        _ => {
                            let value = self.deep(inner, &pointer, walk);
                            made.insert(key.clone(), value);
                        }
                    }
                }
                Value::Object(made)
            }
            other => other.clone(),
        }
    }

    /// One loop of a `copy` list: makes the property that it names.
    pub fn copied(&mut self, copy: &Value, pointer: &str, into: &mut Map<String, Value>, walk: &mut Walk) {
        let name = copy.get("name").and_then(Value::as_str).unwrap_or_default();
        let input = copy.get("input").unwrap_or(&Value::Null);
        let count = match self.count(copy.get("count").unwrap_or(&Value::Null), name) {
            Ok(count) => count,
            Err(stop) => return walk.stop(&below(pointer, &"count"), stop),
        };
        let pointer = below(pointer, &"input");
        let mut items = Vec::new();
        for index in 0..count {
            if walk.full() {
                break;
            }
            self.loops.push(Loop { name: name.into(), index, of_resource: false });
            items.push(self.deep(input, &pointer, walk));
            self.loops.pop();
        }
        into.insert(name.into(), Value::Array(items));
    }

    /// How often a loop runs.
    pub fn count(&mut self, count: &Value, name: &str) -> Result<i64, Stop> {
        let value = match count {
            Value::String(text) => self.text(text)?,
            other => other.clone(),
        };
        let fault = |what: &str| {
            Stop::Fault(format!(
                "The template copy definition '{name}' has an invalid copy count: {what} Please see https://aka.ms/arm-copy for usage details."
            ))
        };
        match number_of(&value) {
            None => Err(fault("it must be an integer.")),
            Some(n) if n < 0 => Err(fault("it must not be negative.")),
            Some(n) if n > COPY_LIMIT => Err(fault(&format!("it must not exceed '{COPY_LIMIT}'."))),
            Some(n) => Ok(n),
        }
    }
}

/// Whether a property called `copy` is a list of loops, and not somebody's data.
pub(crate) fn is_copy(items: &[Value]) -> bool {
    !items.is_empty()
        && items.iter().all(|i| {
            i.get("name").is_some_and(Value::is_string)
                && i.get("count").is_some()
                && i.get("input").is_some()
        })
}

/// What was met on the way through a value.
#[derive(Default)]
pub(crate) struct Walk {
    /// Pointers and messages.
    pub faults: Vec<(String, String)>,
    pub needs: Vec<Need>,
    pub wanted: Option<(bool, String)>,
}

impl Walk {
    pub fn stop(&mut self, pointer: &str, stop: Stop) {
        match stop {
            Stop::Fault(message) => self.faults.push((pointer.into(), message)),
            Stop::Wanted(is_parameter, name) => self.wanted = Some((is_parameter, name)),
            Stop::Pending(needs) => {
                for need in needs {
                    if !self.needs.contains(&need) {
                        self.needs.push(need);
                    }
                }
            }
        }
    }

    /// Whether going on tells nothing new.
    fn full(&self) -> bool {
        self.wanted.is_some() || self.faults.len() >= super::position::ERRORS_LIMIT
    }

    /// The value if nothing stopped.
    pub fn end(self, value: Value) -> Outcome {
        if let Some((is_parameter, name)) = self.wanted {
            return Err(Stop::Wanted(is_parameter, name));
        }
        match self.faults.into_iter().next() {
            Some((_, message)) => Err(Stop::Fault(message)),
            None if self.needs.is_empty() => Ok(value),
            None => Err(Stop::Pending(self.needs)),
        }
    }
}

/// A member of an object, its name in any case. The name is shown only if the template spells it out.
fn property<'a>(
    value: Cow<'a, Value>,
    name: &str,
    shown: bool,
    budget: &Budget,
) -> Result<Cow<'a, Value>, Stop> {
    let quoted = if shown { format!(" '{name}'") } else { String::new() };
    let missing = || Stop::Fault(format!("The language expression property{quoted} doesn't exist."));
    let not_object = || {
        Stop::Fault(format!(
            "The language expression property{quoted} can't be evaluated: the value is not an object."
        ))
    };
    if let Some(map) = value.as_object().filter(|map| !map.contains_key(name)) {
        // Another case is looked for in all of it.
        budget.spend(map.len())?;
    }
    match value {
        Cow::Borrowed(value) => {
            let map = value.as_object().ok_or_else(not_object)?;
            member(map, name).map(Cow::Borrowed).ok_or_else(missing)
        }
        Cow::Owned(Value::Object(mut map)) => {
            let key = member_key(&map, name).ok_or_else(missing)?;
            map.swap_remove(&key).map(Cow::Owned).ok_or_else(missing)
        }
        Cow::Owned(_) => Err(not_object()),
    }
}

/// An item of an array.
fn item(value: Cow<'_, Value>, index: Option<i64>) -> Result<Cow<'_, Value>, Stop> {
    let out = || Stop::Fault("The language expression array index is out of bounds.".to_owned());
    let not_array =
        || Stop::Fault("The language expression index can't be evaluated: the value is not an array.".into());
    let index = index.and_then(|n| usize::try_from(n).ok()).ok_or_else(out)?;
    match value {
        Cow::Borrowed(value) => {
            let items = value.as_array().ok_or_else(not_array)?;
            items.get(index).map(Cow::Borrowed).ok_or_else(out)
        }
        Cow::Owned(Value::Array(items)) => items.into_iter().nth(index).map(Cow::Owned).ok_or_else(out),
        Cow::Owned(_) => Err(not_array()),
    }
}

/// A member by name, exact before any case.
pub(crate) fn member<'m>(map: &'m Map<String, Value>, name: &str) -> Option<&'m Value> {
    map.get(name).or_else(|| map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v))
}

/// The name that a member really has.
pub(crate) fn member_key(map: &Map<String, Value>, name: &str) -> Option<String> {
    if map.contains_key(name) {
        return Some(name.into());
    }
    map.keys().find(|key| key.eq_ignore_ascii_case(name)).cloned()
}
