//! Forty-five rules to measure with, in the format of those that the product brings: most look for one kind of event, some for
//! values that are new, some count.

use anyhow::Result;
use serde_json::{Value, json};

/// How many there are.
pub const COUNT: usize = 45;

/// What their ids begin with.
pub const IDS: &str = "00000000-0000-4000-8000-";

/// What rules look for.
const ACTIONS: [&str; 9] = [
    "MICROSOFT.COMPUTE/VIRTUALMACHINES/RETRIEVEBOOTDIAGNOSTICSDATA/ACTION",
    "MICROSOFT.COMPUTE/VIRTUALMACHINES/WRITE",
    "MICROSOFT.COMPUTE/VIRTUALMACHINES/DELETE",
    "MICROSOFT.COMPUTE/VIRTUALMACHINES/RESTART/ACTION",
    "MICROSOFT.AUTHORIZATION/ROLEASSIGNMENTS/WRITE",
    "MICROSOFT.STORAGE/STORAGEACCOUNTS/WRITE",
    "MICROSOFT.STORAGE/STORAGEACCOUNTS/LISTKEYS/ACTION",
    "HARDLINE.CONSOLE/SERIALPORTS/SESSION/ACTION",
    "HARDLINE.CONSOLE/SERIALPORTS/STREAM/ACTION",
];
const PRINCIPAL: &str = "azure.activitylogs.identity.authorization.evidence.principal_id";

/// A rule: its id, and its text.
pub struct Rule {
    /// Its id.
    pub id: String,
    /// TOML.
    pub source: String,
}

/// The rules. Each looks back by `from` (`now-2m`) every `interval` (`1m`).
pub fn rules(from: &str, interval: &str) -> Result<Vec<Rule>> {
    (0..COUNT).map(|n| rule(n, from, interval)).collect()
}

fn rule(n: usize, from: &str, interval: &str) -> Result<Rule> {
    let action = ACTIONS.get(n % ACTIONS.len()).copied().unwrap_or_default();
    let query = match n / ACTIONS.len() {
        0 => format!(
            "data_stream.dataset:azure.activitylogs and event.action:\"{action}\" and event.outcome:failure"
        ),
        1 => format!(
            "event.action:\"{action}\" and event.outcome:(success or Success) and source.ip:(203.0.113.0/24 or 198.51.100.{n})"
        ),
        2 => format!(
            "event.action:\"{action}\" and not user.email:(*@example.org or *@hardline.test) and {PRINCIPAL}:*0{n}"
        ),
        3 => format!("azure.resource.name:SRV-{n}* and event.action:(\"{action}\" or *DEALLOCATE*)"),
        _ => format!("event.action:\"{action}\" and event.outcome:success"),
    };
    let (kind, more) = match n {
        36..=40 => (
            "new_terms",
            format!(
                "[rule.new_terms]\nfield = \"new_terms_fields\"\nvalue = [\"{PRINCIPAL}\"]\n\
                 [[rule.new_terms.history_window_start]]\nfield = \"history_window_start\"\nvalue = \"now-2h\"\n"
            ),
        ),
        41.. => (
            "threshold",
            format!(
                "[rule.threshold]\nfield = [\"{PRINCIPAL}\"]\nvalue = 50\n\
                 [[rule.threshold.cardinality]]\nfield = \"azure.resource.name\"\nvalue = 20\n"
            ),
        ),
        _ => ("query", String::new()),
    };
    let id = format!("{IDS}{n:012}");
    let name = format!("Measured {n}");
    Ok(Rule { source: source(&id, &name, kind, &query, &more, from, interval), id })
}

/// A rule's text; `more` are tables of its own.
pub fn source(
    id: &str,
    name: &str,
    kind: &str,
    query: &str,
    more: &str,
    from: &str,
    interval: &str,
) -> String {
    format!(
        "[metadata]\ncreation_date = \"2026/11/22\"\nmaturity = \"production\"\nupdated_date = \"2026/11/22\"\n\
         [rule]\nauthor = [\"Hardline\"]\ndescription = \"A rule to measure with.\"\nfrom = \"{from}\"\n\
         index = [\"logs-azure.activitylogs-*\"]\ninterval = \"{interval}\"\nlanguage = \"kuery\"\nlicense = \"Apache-2.0\"\n\
         name = \"{name}\"\nrisk_score = 21\nrule_id = \"{id}\"\nseverity = \"low\"\n\
         timestamp_override = \"event.ingested\"\ntype = \"{kind}\"\nquery = '''\n{query}\n'''\n{more}"
    )
}

/// The body that loads a rule.
pub fn body(rule: &Rule, enabled: bool) -> Value {
    json!({ "properties": { "source": rule.source, "enabled": enabled } })
}
