//! What is asked of several instances: their ids in a body, and `$filter` of their list and of the list of machines.

use crate::error::ArmError;
use crate::filter::{self, Op, Term};
use crate::models::vm::VmError;
use crate::resource_id::ResourceId;
use serde_json::Value;

/// Most ids in one body.
const LIMIT: usize = 1000;
/// Longest id, characters.
const ID_LIMIT: usize = 80;

/// Which instances are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// All: nothing was named, or `*`.
    All,
    /// These, each once, in their order.
    These(Vec<String>),
}

impl Asked {
    /// Reads `{"instanceIds": ["0", "1"]}`. Where `named`, an absent or empty list is refused.
    pub fn parse(body: &[u8], named: bool) -> Result<Self, VmError> {
        let empty = body.iter().all(u8::is_ascii_whitespace);
        let body: Value = if empty { Value::Null } else { content(body)? };
        let ids = match &body {
            Value::Null => None,
            Value::Object(map) => map.get("instanceIds").filter(|ids| !ids.is_null()),
            _ => return Err(VmError::Content("the body must be a JSON object.".into())),
        };
        let Some(ids) = ids else { return Self::unnamed(named) };
        let wrong = || {
            VmError::parameter(
                "instanceIds",
                format!(
                    "'instanceIds' must be a list of at most {LIMIT} texts of at most {ID_LIMIT} characters."
                ),
            )
        };
        let ids = ids.as_array().filter(|ids| ids.len() <= LIMIT).ok_or_else(wrong)?;
        let mut these = Vec::new();
        for id in ids {
            let id = id.as_str().filter(|id| id.chars().count() <= ID_LIMIT).ok_or_else(wrong)?;
            if id == "*" {
                return Ok(Self::All);
            }
            if !these.iter().any(|known: &String| known.eq_ignore_ascii_case(id)) {
                these.push(id.to_owned());
            }
        }
        if these.is_empty() { Self::unnamed(named) } else { Ok(Self::These(these)) }
    }

    fn unnamed(named: bool) -> Result<Self, VmError> {
        if named { Err(VmError::missing("instanceIds")) } else { Ok(Self::All) }
    }

    /// What Azure says of an id that no instance has.
    pub fn unknown(id: &str) -> VmError {
        VmError::parameter(
            "instanceIds",
            format!("The provided instanceId {id} is not an active Virtual Machine Scale Set VM instanceId."),
        )
    }
}

fn content(body: &[u8]) -> Result<Value, VmError> {
    serde_json::from_slice(body)
        .map_err(|e| VmError::Content(format!("not JSON (line {}, column {}).", e.line(), e.column())))
}

/// A condition on instances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `properties/latestModelApplied eq true`
    LatestModel(bool),
    /// `instanceView/statuses/code eq 'PowerState/running'`
    Status(String),
    /// `startswith(instanceView/statuses/code, 'PowerState') eq true`
    StatusStarts(String),
}

impl Condition {
    /// Reads `$filter` of a list of instances.
    pub fn parse(text: &str) -> Result<Vec<Self>, ArmError> {
        if let Some(start) = starts_with(text) {
            return Ok(vec![Self::StatusStarts(start)]);
        }
        let condition = |term| match term {
            Term::Compare { name, op: Op::Eq, value } => match member(&name) {
                "latestmodelapplied" => match value.to_ascii_lowercase().as_str() {
                    "true" => Some(Self::LatestModel(true)),
                    "false" => Some(Self::LatestModel(false)),
                    _ => None,
                },
                "code" => Some(Self::Status(value)),
                _ => None,
            },
            _ => None,
        };
        let terms = filter::parse(text)?;
        let read: Option<Vec<_>> = terms.into_iter().map(condition).collect();
        read.ok_or_else(|| {
            ArmError::invalid_filter(
                "instances are filtered by 'properties/latestModelApplied eq true|false', 'instanceView/statuses/code eq …' and 'startswith(instanceView/statuses/code, …) eq true'",
            )
        })
    }

    /// Whether an instance fits; `codes` are those of its statuses.
    pub fn fits(&self, latest_model: bool, codes: &[&str]) -> bool {
        match self {
            Self::LatestModel(wanted) => *wanted == latest_model,
            Self::Status(wanted) => codes.iter().any(|code| code.eq_ignore_ascii_case(wanted)),
            Self::StatusStarts(start) => codes
                .iter()
                .any(|code| code.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))),
        }
    }
}

/// The set whose machines `$filter` of a list of virtual machines asks for: `'virtualMachineScaleSet/id' eq '…'`, the name with
/// its quotes as `az vm list --vmss` sends it.
pub fn machines_of(text: &str) -> Result<ResourceId, ArmError> {
    let name = "virtualMachineScaleSet/id";
    let plain = text.trim().replacen(&format!("'{name}'"), name, 1);
    let id = match filter::parse(&plain)?.as_slice() {
        [Term::Compare { name: asked, op: Op::Eq, value }] if asked.eq_ignore_ascii_case(name) => {
            ResourceId::parse(value).ok()
        }
        _ => None,
    };
    id.ok_or_else(|| {
        ArmError::invalid_filter(
            "virtual machines are filtered by \"'virtualMachineScaleSet/id' eq '{id}'\" alone",
        )
    })
}

/// The member that a name of a filter means.
fn member(name: &str) -> &'static str {
    let name = name.to_ascii_lowercase();
    match name.strip_prefix("properties/").unwrap_or(&name) {
        "latestmodelapplied" => "latestmodelapplied",
        "instanceview/statuses/code" => "code",
        _ => "",
    }
}

/// The text of `startswith(instanceView/statuses/code, 'text') eq true`.
fn starts_with(text: &str) -> Option<String> {
    let text = text.trim();
    let name = "startswith(";
    let rest = text.get(..name.len()).filter(|t| t.eq_ignore_ascii_case(name)).and(text.get(name.len()..))?;
    let (inside, equals) = rest.rsplit_once(')')?;
    let words: Vec<_> = equals.split_whitespace().map(str::to_ascii_lowercase).collect();
    if words != ["eq", "true"] {
        return None;
    }
    let (of, start) = inside.split_once(',')?;
    let start = start.trim().strip_prefix('\'')?.strip_suffix('\'')?;
    (member(of.trim()) == "code" && !start.contains('\'')).then(|| start.to_owned())
}
