//! Virtual machine scale sets: the document that clients write and read, the instances that are made after its model, and
//! what is asked of many instances at once (contract 3.5, 5).
//!
//! ```text
//!   set {sku, virtualMachineProfile} ──model──> instance 0, 1, 2 …  (numbers go on counting and are never used again)
//!     Uniform    …/virtualMachineScaleSets/{set}/virtualMachines/{number}, named {set}_{number}
//!     Flexible   …/virtualMachines/{set}_{8 hex digits}: virtual machines like any other, which name their set
//! ```
//!
//! An instance has a document of its own, made of the model when it was made or upgraded last: whether it has the latest model is
//! a comparison of the two. How many instances there are is counted; no document says it.

mod asked;
mod body;
mod instance;
mod view;

pub use asked::{Asked, Condition, machines_of};
pub use body::{Input, create, patch, put};
pub use instance::{InstanceFacts, instance_document, same_model};
pub use view::{Place, SetFacts, document, instance_view, place};

use crate::models::vm::{Driver, Size, VmError};
use serde_json::Value;

/// The resource type of a set.
pub const TYPE: &str = "Microsoft.Compute/virtualMachineScaleSets";
/// The resource type of a Uniform set's instance.
pub const INSTANCE_TYPE: &str = "Microsoft.Compute/virtualMachineScaleSets/virtualMachines";
/// Most instances of a set.
pub const CAPACITY_LIMIT: u32 = 100;
/// Longest name of a set, characters: names of its instances add up to ten.
pub const NAME_LIMIT: usize = 54;
/// Longest prefix of the instances' hostnames: six digits follow.
const PREFIX_LIMIT: usize = 58;

/// Whose instances they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The set's own, numbered.
    Uniform,
    /// Virtual machines like any other.
    Flexible,
}

/// What becomes of the instances when the model changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Upgrade {
    /// Nothing, until somebody asks for it.
    Manual,
    /// They get it at once.
    Automatic,
}

/// What we read of a set's document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScaleSet {
    /// `location`, as written.
    pub location: String,
    /// `orchestrationMode`; Uniform where absent.
    pub mode: Mode,
    /// `upgradePolicy.mode`; Manual where absent.
    pub upgrade: Upgrade,
    /// The size of new instances, `sku.name`.
    pub size: Size,
    /// What the instances' hostnames begin with.
    pub prefix: String,
    /// Whether there is a model to make instances of. A Flexible set needs none.
    pub model: bool,
}

impl ScaleSet {
    /// Reads a stored document and checks its model. `name` is the set's.
    pub fn read(name: &str, stored: &Value) -> Result<Self, VmError> {
        let properties = stored.get("properties").unwrap_or(&Value::Null);
        let word = |pointer: &str| match properties.pointer(pointer) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(word)) => Ok(Some(word.as_str())),
            Some(_) => {
                let target = pointer.trim_start_matches('/').replace('/', ".");
                Err(VmError::parameter(
                    &target,
                    format!("The value of parameter '{target}' must be a string."),
                ))
            }
        };
        let location = match stored.get("location").and_then(Value::as_str).map(str::trim) {
            Some(location) if !location.is_empty() => location.to_owned(),
            _ => return Err(VmError::LocationRequired),
        };
        // In any case: az itself writes `manual`.
        let is = |given: &str, word: &str| given.eq_ignore_ascii_case(word);
        let mode = match word("/orchestrationMode")?.unwrap_or("Uniform") {
            given if is(given, "Uniform") => Mode::Uniform,
            given if is(given, "Flexible") => Mode::Flexible,
            other => return Err(unknown("orchestrationMode", other, "Uniform, Flexible")),
        };
        let upgrade = match word("/upgradePolicy/mode")?.unwrap_or("Manual") {
            given if is(given, "Manual") => Upgrade::Manual,
            given if is(given, "Automatic") && mode == Mode::Uniform => Upgrade::Automatic,
            other if mode == Mode::Uniform => {
                return Err(unknown("upgradePolicy.mode", other, "Manual, Automatic"));
            }
            other => return Err(unknown("upgradePolicy.mode", other, "Manual (for Flexible sets)")),
        };
        let model = properties.get("virtualMachineProfile").is_some_and(Value::is_object);
        let mut set = Self { location, mode, upgrade, size: Size::DEFAULT, prefix: String::new(), model };
        if !model {
            return match mode {
                Mode::Uniform => Err(VmError::missing("virtualMachineProfile")),
                Mode::Flexible => Ok(set),
            };
        }
        set.prefix = match word("/virtualMachineProfile/osProfile/computerNamePrefix")? {
            Some(prefix) if !prefix.is_empty() => checked_prefix(prefix)?,
            _ => prefix_of(name),
        };
        // The first instance stands for all: what is wrong with the model is wrong with it.
        let (_, machine) = set.instance(name, "/", stored, 0)?;
        if matches!(machine.driver, Driver::Attach { .. }) {
            return Err(VmError::parameter(
                "hardlineProfile.driver",
                "The driver 'attach' is not allowed in a scale set: its instances cannot share one serial port.",
            ));
        }
        set.size = machine.size;
        Ok(set)
    }

    /// The name of instance `number`.
    pub fn instance_name(set: &str, number: i64) -> String {
        format!("{set}_{number}")
    }

    /// The hostname of instance `number`: the prefix and the number in base 36, six digits.
    pub fn computer_name(&self, number: i64) -> String {
        const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let mut rest = u64::try_from(number).unwrap_or(0);
        let mut digits = [b'0'; 6];
        for digit in digits.iter_mut().rev() {
            *digit = usize::try_from(rest % 36).ok().and_then(|n| DIGITS.get(n)).copied().unwrap_or(b'0');
            rest /= 36;
        }
        self.prefix.chars().chain(digits.iter().map(|d| char::from(*d))).collect()
    }
}

/// Checks the name in a PUT's path.
pub fn check_name(name: &str) -> Result<(), VmError> {
    let length = name.chars().count();
    let good = (1..=NAME_LIMIT).contains(&length)
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && !name.starts_with(['_', '.'])
        && !name.ends_with(['.', '-']);
    if good {
        return Ok(());
    }
    Err(VmError::parameter(
        "vmScaleSetName",
        format!(
            "The scale set name '{}' is not valid: it must have 1 to {NAME_LIMIT} letters, digits, '-', '_' and '.', must not start with '_' or '.' and not end with '.' or '-'.",
            name.chars().take(80).collect::<String>()
        ),
    ))
}

fn unknown(target: &str, value: &str, known: &str) -> VmError {
    let value: String = value.chars().take(80).collect();
    VmError::parameter(
        target,
        format!("The value '{value}' of parameter '{target}' is not allowed. Allowed values are: {known}."),
    )
}

fn checked_prefix(prefix: &str) -> Result<String, VmError> {
    let good = prefix.len() <= PREFIX_LIMIT
        && prefix.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && prefix.starts_with(|c: char| c.is_ascii_alphabetic());
    if good {
        return Ok(prefix.to_owned());
    }
    Err(VmError::parameter(
        "computerNamePrefix",
        format!(
            "The computer name prefix '{}' is not valid: at most {PREFIX_LIMIT} letters, digits and '-', starting with a letter.",
            prefix.chars().take(80).collect::<String>()
        ),
    ))
}

/// A prefix out of a set's name, which may hold more.
fn prefix_of(name: &str) -> String {
    let plain: String =
        name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(PREFIX_LIMIT).collect();
    if checked_prefix(&plain).is_ok() { plain } else { "vmss".into() }
}

#[cfg(test)]
mod tests;
