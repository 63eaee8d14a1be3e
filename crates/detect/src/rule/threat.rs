//! MITRE ATT&CK entries of a rule.

use serde::Serialize;

/// A name in the framework.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Named {
    /// `T1552`
    pub id: String,
    /// `Unsecured Credentials`
    pub name: String,
    /// A page about it.
    pub reference: String,
}

/// A technique with its sub-techniques.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Technique {
    /// Id, name, page.
    #[serde(flatten)]
    pub named: Named,
    /// What it is more exactly.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subtechnique: Vec<Named>,
}

/// A tactic and the techniques in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Threat {
    /// `MITRE ATT&CK`
    pub framework: String,
    /// What the attacker wants.
    pub tactic: Named,
    /// How.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub technique: Vec<Technique>,
}
