//! The functions of the template language: one table of names, groups and numbers of arguments.
//!
//! `docs/template-functions.md` is printed from the table by a test. Texts are counted in characters (Azure counts UTF-16
//! units, which differ beyond the basic plane).

mod arguments;
mod arrays;
mod cidr;
mod dates;
mod encoding;
mod format;
mod lambdas;
mod logic;
mod numbers;
mod objects;
mod resources;
mod strings;

use super::evaluate::{Outcome, Scope, Stop};
use super::expression::{Expression, Kind, Step};
pub(crate) use arguments::type_of;
use serde_json::Value;

pub(crate) use arguments::number_of;
pub(crate) use resources::interleave;

/// A function of the language.
pub struct Function {
    /// As the documentation spells it; any case is understood.
    pub name: &'static str,
    /// The group in which Azure's reference lists it.
    pub group: &'static str,
    /// Fewest arguments.
    pub min: usize,
    /// Most arguments; none if there is no limit.
    pub max: Option<usize>,
    /// What differs from Azure or is limited, for the documentation; may be empty.
    pub note: &'static str,
    pub(crate) run: Run,
}

/// How a function gets its arguments.
#[derive(Clone, Copy)]
pub(crate) enum Run {
    /// `parameters` (true) or `variables`.
    Names(bool),
    /// Values only.
    Values(fn(&[Value]) -> Result<Value, String>),
    /// Values, the name as it was written, and what is around the expression.
    Scoped(fn(&mut Scope<'_>, &str, &[Value]) -> Outcome),
    /// Expressions, which the function evaluates itself.
    Lazy(fn(&mut Scope<'_>, &str, &[Expression]) -> Outcome),
}

const MANY: Option<usize> = None;

const fn row(group: &'static str, name: &'static str, min: usize, max: Option<usize>, run: Run) -> Function {
    Function { name, group, min, max, note: "", run }
}

impl Function {
    const fn but(mut self, note: &'static str) -> Self {
        self.note = note;
        self
    }
}

use Run::{Lazy, Names, Scoped, Values};

/// All functions, by group and name.
pub const FUNCTIONS: &[Function] = &[
    row("Array", "array", 1, Some(1), Values(arrays::array_or_one)),
    row("Array", "concat", 1, MANY, Values(arrays::concat)),
    row("Array", "contains", 2, Some(2), Values(arrays::contains)),
    row("Array", "createArray", 0, MANY, Values(arrays::create)),
    row("Array", "empty", 1, Some(1), Values(arrays::empty)),
    row("Array", "first", 1, Some(1), Values(arrays::first)),
    row("Array", "flatten", 1, Some(1), Values(arrays::flatten)),
    row("Array", "indexFromEnd", 2, Some(2), Values(arrays::index_from_end)),
    row("Array", "indexOf", 2, Some(2), Values(arrays::index_of)),
    row("Array", "intersection", 2, MANY, Values(objects::intersection)),
    row("Array", "last", 1, Some(1), Values(arrays::last)),
    row("Array", "lastIndexOf", 2, Some(2), Values(arrays::last_index_of)),
    row("Array", "length", 1, Some(1), Values(arrays::length)),
    row("Array", "max", 1, MANY, Values(numbers::max)),
    row("Array", "min", 1, MANY, Values(numbers::min)),
    row("Array", "range", 2, Some(2), Values(arrays::range)),
    row("Array", "skip", 2, Some(2), Values(arrays::skip)),
    row("Array", "take", 2, Some(2), Values(arrays::take)),
    row("Array", "tryGet", 2, MANY, Values(objects::try_get)),
    row("Array", "tryIndexFromEnd", 2, Some(2), Values(arrays::try_index_from_end)),
    row("Array", "union", 2, MANY, Values(objects::union)),
    row("CIDR", "cidrHost", 2, Some(2), Values(cidr::host)),
    row("CIDR", "cidrSubnet", 3, Some(3), Values(cidr::subnet)),
    row("CIDR", "parseCidr", 1, Some(1), Values(cidr::parse)),
    row("Comparison", "coalesce", 1, MANY, Values(logic::coalesce)),
    row("Comparison", "equals", 2, Some(2), Values(logic::equals)),
    row("Comparison", "greater", 2, Some(2), Values(logic::greater)),
    row("Comparison", "greaterOrEquals", 2, Some(2), Values(logic::greater_or_equals)),
    row("Comparison", "less", 2, Some(2), Values(logic::less)),
    row("Comparison", "lessOrEquals", 2, Some(2), Values(logic::less_or_equals)),
    row("Date", "dateTimeAdd", 2, Some(3), Values(dates::add))
        .but("without a format the result is `yyyy-MM-ddTHH:mm:ssZ`; years and months are those of the calendar"),
    row("Date", "dateTimeFromEpoch", 1, Some(1), Values(dates::from_epoch)),
    row("Date", "dateTimeToEpoch", 1, Some(1), Values(dates::to_epoch)),
    row("Date", "utcNow", 0, Some(1), Scoped(dates::utc_now))
        .but("default values of parameters only, as in Azure; without a format `yyyyMMddTHHmmssZ`"),
    row("Deployment", "deployer", 0, Some(0), Scoped(resources::deployer)),
    row("Deployment", "deployment", 0, Some(0), Scoped(resources::deployment)),
    row("Deployment", "environment", 0, Some(0), Scoped(resources::environment)),
    row("Deployment", "parameters", 1, Some(1), Names(true)),
    row("Deployment", "variables", 1, Some(1), Names(false)),
    row("Lambda", "filter", 2, Some(2), Lazy(lambdas::filter)),
    row("Lambda", "groupBy", 2, Some(2), Lazy(lambdas::group_by)),
    row("Lambda", "lambda", 1, MANY, Lazy(lambdas::misplaced)).but("as an argument of the functions of this group"),
    row("Lambda", "lambdaVariables", 1, Some(1), Scoped(lambdas::variables)),
    row("Lambda", "map", 2, Some(2), Lazy(lambdas::map)),
    row("Lambda", "mapValues", 2, Some(2), Lazy(lambdas::map_values)),
    row("Lambda", "reduce", 3, Some(3), Lazy(lambdas::reduce)),
    row("Lambda", "sort", 2, Some(2), Lazy(lambdas::sort)),
    row("Lambda", "toObject", 2, Some(3), Lazy(lambdas::to_object)),
    row("Logical", "and", 2, MANY, Lazy(logic::and)),
    row("Logical", "bool", 1, Some(1), Values(logic::boolean)),
    row("Logical", "false", 0, Some(0), Values(logic::no)),
    row("Logical", "if", 3, Some(3), Lazy(logic::choose)),
    row("Logical", "not", 1, Some(1), Values(logic::not)),
    row("Logical", "or", 2, MANY, Lazy(logic::or)),
    row("Logical", "true", 0, Some(0), Values(logic::yes)),
    row("Numeric", "add", 2, Some(2), Values(numbers::add)),
    row("Numeric", "copyIndex", 0, Some(2), Scoped(numbers::copy_index)),
    row("Numeric", "div", 2, Some(2), Values(numbers::div)),
    row("Numeric", "float", 1, Some(1), Values(numbers::float)),
    row("Numeric", "int", 1, Some(1), Values(numbers::int)),
    row("Numeric", "mod", 2, Some(2), Values(numbers::modulo)),
    row("Numeric", "mul", 2, Some(2), Values(numbers::mul)),
    row("Numeric", "sub", 2, Some(2), Values(numbers::sub)),
    row("Object", "createObject", 0, MANY, Values(objects::create)),
    row("Object", "items", 1, Some(1), Values(objects::items)),
    row("Object", "json", 1, Some(1), Values(encoding::json)),
    row("Object", "null", 0, Some(0), Values(objects::null)),
    row("Object", "objectKeys", 1, Some(1), Values(objects::keys)),
    row("Object", "shallowMerge", 1, Some(1), Values(objects::shallow_merge)),
    row("Resource", "extensionResourceId", 3, MANY, Scoped(resources::extension_resource_id)),
    row("Resource", "list*", 2, Some(3), Scoped(resources::list))
        .but("`listKeys` and every other name that begins with `list`, where the resource has that operation"),
    row("Resource", "managementGroupResourceId", 2, MANY, Scoped(resources::management_group_resource_id)),
    row("Resource", "pickZones", 3, Some(5), Values(resources::pick_zones)).but("there are no zones: always an empty array"),
    row("Resource", "providers", 1, Some(2), Scoped(resources::providers)).but("the providers and types of this server"),
    row("Resource", "reference", 1, Some(3), Scoped(resources::reference)),
    row("Resource", "resourceId", 2, MANY, Scoped(resources::resource_id)),
    row("Resource", "subscriptionResourceId", 2, MANY, Scoped(resources::subscription_resource_id)),
    row("Resource", "tenantResourceId", 2, MANY, Scoped(resources::tenant_resource_id)),
    row("Scope", "managementGroup", 0, Some(0), Scoped(resources::management_group)),
    row("Scope", "resourceGroup", 0, Some(0), Scoped(resources::resource_group)),
    row("Scope", "subscription", 0, Some(0), Scoped(resources::subscription)),
    row("Scope", "tenant", 0, Some(0), Scoped(resources::tenant)),
    row("String", "base64", 1, Some(1), Values(encoding::base64)),
    row("String", "base64ToJson", 1, Some(1), Values(encoding::base64_to_json)),
    row("String", "base64ToString", 1, Some(1), Values(encoding::base64_to_string)),
    row("String", "dataUri", 1, Some(1), Values(encoding::data_uri)),
    row("String", "dataUriToString", 1, Some(1), Values(encoding::data_uri_to_string)),
    row("String", "endsWith", 2, Some(2), Values(strings::ends_with)),
    row("String", "format", 1, MANY, Values(format::format))
        .but("of .NET's format strings: alignment, and `D`, `N`, `F`, `X` and zeros for numbers"),
    row("String", "guid", 1, MANY, Values(encoding::guid))
        .but("UUID version 5 of the arguments joined by `-`, in the namespace 11fb06fb-712d-4ddd-98c7-e71bbd588830, by which other tools reproduce Azure's values"),
    row("String", "join", 2, Some(2), Values(strings::join)),
    row("String", "newGuid", 0, Some(0), Scoped(encoding::new_guid))
        .but("default values of parameters only, as in Azure"),
    row("String", "padLeft", 2, Some(3), Values(strings::pad_left)),
    row("String", "replace", 3, Some(3), Values(strings::replace)),
    row("String", "split", 2, Some(2), Values(strings::split)),
    row("String", "startsWith", 2, Some(2), Values(strings::starts_with)),
    row("String", "string", 1, Some(1), Values(strings::string)),
    row("String", "substring", 2, Some(3), Values(strings::substring)),
    row("String", "toLower", 1, Some(1), Values(strings::to_lower)),
    row("String", "toUpper", 1, Some(1), Values(strings::to_upper)),
    row("String", "trim", 1, Some(1), Values(strings::trim)),
    row("String", "uniqueString", 1, MANY, Values(encoding::unique_string)).but(UNIQUE),
    row("String", "uri", 2, Some(2), Values(encoding::uri)),
    row("String", "uriComponent", 1, Some(1), Values(encoding::uri_component)),
    row("String", "uriComponentToString", 1, Some(1), Values(encoding::uri_component_to_string)),
];

/// Azure does not publish its hash, so names made by it differ from ours.
const UNIQUE: &str = "13 characters a-z and 2-7: the first 65 bits of SHA-256 of the arguments joined by `-`. Always the same for the same arguments, and not what Azure gives, whose hash is not published";

/// A function by its name in any case.
pub fn find(name: &str) -> Option<&'static Function> {
    let found = FUNCTIONS.iter().find(|f| f.name.eq_ignore_ascii_case(name));
    let list = || {
        let is_list = name.len() > 4 && name.get(..4).is_some_and(|p| p.eq_ignore_ascii_case("list"));
        FUNCTIONS.iter().find(|f| f.name == "list*" && is_list)
    };
    found.or_else(list)
}

/// The fault of a function that is not there.
pub(crate) fn unknown(name: &str) -> Stop {
    Stop::Fault(format!(
        "The template function '{name}' is not valid. Please see https://aka.ms/arm-functions for usage details."
    ))
}

/// The fault of a function that may not be used where it stands.
pub(crate) fn unexpected(name: &str) -> Stop {
    Stop::Fault(format!(
        "The template function '{name}' is not expected at this location. Please see https://aka.ms/arm-functions for usage details."
    ))
}

/// The fault of a wrong number of arguments.
pub(crate) fn wrong_count(name: &str, wanted: impl std::fmt::Display, given: usize) -> Stop {
    Stop::Fault(format!(
        "Unable to evaluate template language function '{name}': function requires {wanted} argument(s) while {given} were provided. Please see https://aka.ms/arm-functions for usage details."
    ))
}

pub(crate) fn check_arity(function: &Function, name: &str, given: usize) -> Result<(), Stop> {
    let wanted = match function.max {
        Some(max) if max == function.min => format!("'{max}'"),
        Some(max) => format!("'{}' to '{max}'", function.min),
        None => format!("at least '{}'", function.min),
    };
    if given < function.min || function.max.is_some_and(|max| given > max) {
        return Err(wrong_count(name, wanted, given));
    }
    Ok(())
}

/// Checks names and numbers of arguments of every call in an expression, evaluated or not.
/// `own` knows the template's own functions, by `namespace.name` in lower case, with their numbers of arguments.
pub(crate) fn check(expression: &Expression, own: &dyn Fn(&str) -> Option<usize>) -> Result<(), Stop> {
    match &expression.kind {
        Kind::Text(_) | Kind::Integer(_) => Ok(()),
        Kind::Call { namespace, name, arguments } => {
            match namespace {
                None => {
                    let function = find(name).ok_or_else(|| unknown(name))?;
                    check_arity(function, name, arguments.len())?;
                }
                Some(namespace) => {
                    let key = format!("{namespace}.{name}");
                    let wanted = own(&key.to_lowercase()).ok_or_else(|| unknown(&key))?;
                    if wanted != arguments.len() {
                        return Err(wrong_count(&key, format!("'{wanted}'"), arguments.len()));
                    }
                }
            }
            arguments.iter().try_for_each(|a| check(a, own))
        }
        Kind::Access { base, steps } => {
            check(base, own)?;
            steps.iter().try_for_each(|step| match step {
                Step::Property(_) => Ok(()),
                Step::Index(index) => check(index, own),
            })
        }
    }
}

#[cfg(test)]
mod tests;
