//! The rules of a subscription: those that the product brings and those that somebody loaded, read and ready.

use crate::state::State;
use hardline_detect::rule::place::Remark;
use hardline_detect::rule::shipped::{SHIPPED, Shipped};
use hardline_detect::rule::{Entry, File, Outcome, Rule, read};
use hardline_store::StoreError;
use hardline_store::db::detection_rules::{self, DetectionRule};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// Most rules that a subscription may have beside those that the product brings.
pub const LIMIT: usize = 2000;
/// Most bytes that a subscription's rules may have together, with their exceptions.
pub const ROOM: usize = 32 << 20;
/// Most bytes of texts that are kept read.
const KEPT: usize = 64 << 20;

/// A rule of a subscription.
#[derive(Clone, Debug)]
pub struct Installed {
    /// Its id.
    pub rule_id: String,
    /// Its text: TOML, or a line of an export.
    pub source: Arc<str>,
    /// What the text says.
    pub entry: Arc<Entry>,
    /// Whether the product brings it.
    pub built_in: bool,
    /// Whether somebody wants it to run.
    pub enabled: bool,
    /// Where somebody wrote something about it.
    pub row: Option<DetectionRule>,
}

impl Installed {
    /// The rule, where it can run at all.
    pub fn rule(&self) -> Option<&Rule> {
        match &self.entry.outcome {
            Outcome::Rule(rule) => Some(rule),
            _ => None,
        }
    }

    /// The rule, where it runs.
    pub fn running(&self) -> Option<&Rule> {
        self.rule().filter(|_| self.enabled)
    }

    /// Its version as a precondition sees it.
    pub fn etag(&self) -> &str {
        self.row.as_ref().map_or("builtin", |row| &row.etag)
    }
}

/// A rule that the product brings.
struct BuiltIn {
    rule_id: String,
    source: Arc<str>,
    entry: Arc<Entry>,
    enabled: bool,
}

static BUILT_IN: LazyLock<Vec<BuiltIn>> = LazyLock::new(|| {
    let read = |shipped: &Shipped| {
        let entry = Arc::new(one(shipped.file, shipped.text));
        BuiltIn {
            rule_id: entry.rule_id.clone(),
            source: Arc::from(shipped.text),
            entry,
            enabled: shipped.on,
        }
    };
    SHIPPED.iter().map(read).collect()
});

/// Texts of rules that are in the store, read: a subscription's rules are looked at every few seconds and change seldom.
#[derive(Default)]
struct Known {
    /// By their hash.
    entries: HashMap<[u8; 32], Arc<Entry>>,
    /// How long the texts are together.
    bytes: usize,
}

static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

/// What a text of the store says.
fn known(source: &str) -> Arc<Entry> {
    let hash = Sha256::digest(source.as_bytes()).into();
    let kept = KNOWN.lock().unwrap_or_else(PoisonError::into_inner).entries.get(&hash).cloned();
    kept.unwrap_or_else(|| {
        let entry = Arc::new(entry(source));
        let mut all = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if all.bytes + source.len() > KEPT {
            *all = Known::default();
        }
        all.bytes += source.len();
        all.entries.insert(hash, entry.clone());
        entry
    })
}

/// What a text says: TOML, or one line of an export. Nothing of it is kept: anybody may send one.
pub fn entry(source: &str) -> Entry {
    one("", source)
}

fn one(name: &str, source: &str) -> Entry {
    let mut report = read(&[File { name, bytes: source.as_bytes() }]);
    match report.entries.is_empty() {
        false => report.entries.swap_remove(0),
        true => hardline_detect::rule::read_toml(name, source),
    }
}

/// A rule of somebody's, or one that the product brings, as its row says.
pub fn of(row: DetectionRule) -> Installed {
    match BUILT_IN.iter().find(|rule| rule.rule_id.eq_ignore_ascii_case(&row.name)) {
        Some(rule) => of_product(rule, Some(row)),
        None => of_somebody(row),
    }
}

/// What is wrong with exceptions for a rule.
///
/// # Errors
/// The problems, in words.
pub fn check_exceptions(rule: &Installed, items: &[Value]) -> Result<(), Vec<Remark>> {
    let Some(text) = with_exceptions(&rule.entry, items) else { return Ok(()) };
    match &entry(&text).outcome {
        Outcome::Broken(problems) => Err(problems.clone()),
        Outcome::Unsupported(rule) => {
            Err(rule.reasons.iter().map(|reason| said(&reason.to_string())).collect())
        }
        _ => Ok(()),
    }
}

fn said(message: &str) -> Remark {
    Remark { key: "exceptions".into(), position: None, end: None, span: None, message: message.into() }
}

/// The text of an entry's rule with more exceptions, which are read as those of an export; none where there are none.
fn with_exceptions(entry: &Entry, items: &[Value]) -> Option<String> {
    let Outcome::Rule(rule) = &entry.outcome else { return None };
    if items.is_empty() {
        return None;
    }
    let mut line = rule.parameters();
    let mut list = match line.remove("exceptions_list") {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    };
    list.extend_from_slice(items);
    line.insert("exceptions_list".into(), list.into());
    Some(Value::Object(line).to_string())
}

/// A rule with the exceptions that its row has.
fn excepted(entry: &Arc<Entry>, row: &DetectionRule) -> Arc<Entry> {
    let items: Vec<Value> = serde_json::from_str(&row.exceptions).unwrap_or_default();
    with_exceptions(entry, &items).map_or_else(|| entry.clone(), |text| known(&text))
}

/// Whether the product brings a rule of this id.
pub fn is_built_in(rule_id: &str) -> bool {
    BUILT_IN.iter().any(|rule| rule.rule_id.eq_ignore_ascii_case(rule_id))
}

/// All rules of a subscription, those that the product brings first.
///
/// # Errors
/// When the store fails.
pub async fn all(state: &State, subscription: &str) -> Result<Vec<Installed>, StoreError> {
    let limit = i64::try_from(LIMIT + BUILT_IN.len()).unwrap_or(i64::MAX);
    let rows = detection_rules::list(&state.store, subscription, limit).await?;
    let mut by_key: HashMap<String, DetectionRule> =
        rows.into_iter().map(|row| (row.name.to_lowercase(), row)).collect();
    let mut all: Vec<_> =
        BUILT_IN.iter().map(|rule| of_product(rule, by_key.remove(&rule.rule_id.to_lowercase()))).collect();
    let mut loaded: Vec<_> = by_key.into_values().map(of_somebody).collect();
    loaded.sort_by(|a, b| (&a.entry.name, &a.rule_id).cmp(&(&b.entry.name, &b.rule_id)));
    all.extend(loaded);
    Ok(all)
}

/// One rule of a subscription.
///
/// # Errors
/// When the store fails.
pub async fn get(state: &State, subscription: &str, rule_id: &str) -> Result<Option<Installed>, StoreError> {
    let row = detection_rules::get(&state.store, subscription, rule_id).await?;
    let ours = BUILT_IN.iter().find(|rule| rule.rule_id.eq_ignore_ascii_case(rule_id));
    Ok(match ours {
        Some(rule) => Some(of_product(rule, row)),
        None => row.map(of_somebody),
    })
}

fn of_product(rule: &BuiltIn, row: Option<DetectionRule>) -> Installed {
    Installed {
        rule_id: rule.rule_id.clone(),
        source: rule.source.clone(),
        entry: row.as_ref().map_or_else(|| rule.entry.clone(), |row| excepted(&rule.entry, row)),
        built_in: true,
        enabled: row.as_ref().map_or(rule.enabled, |row| row.enabled),
        row,
    }
}

fn of_somebody(row: DetectionRule) -> Installed {
    Installed {
        rule_id: row.name.clone(),
        source: Arc::from(row.source.as_str()),
        entry: excepted(&known(&row.source), &row),
        built_in: false,
        enabled: row.enabled,
        row: Some(row),
    }
}
