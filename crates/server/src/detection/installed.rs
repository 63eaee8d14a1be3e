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
/// Most texts that are kept read.
const KEPT: usize = 4000;

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

/// Texts that were read, by their hash: a subscription's rules are looked at every few seconds and change seldom.
static READ: LazyLock<Mutex<HashMap<[u8; 32], Arc<Entry>>>> = LazyLock::new(Mutex::default);

/// What a text says: TOML, or one line of an export.
pub fn entry(source: &str) -> Arc<Entry> {
    let hash = Sha256::digest(source.as_bytes()).into();
    let known = READ.lock().unwrap_or_else(PoisonError::into_inner).get(&hash).cloned();
    known.unwrap_or_else(|| {
        let entry = Arc::new(one("", source));
        let mut all = READ.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEPT {
            all.clear();
        }
        all.insert(hash, entry.clone());
        entry
    })
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
    match &with_exceptions(&rule.entry, items).outcome {
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

/// The rule of an entry with more exceptions, which are read as those of an export.
fn with_exceptions(entry: &Arc<Entry>, items: &[Value]) -> Arc<Entry> {
    let Outcome::Rule(rule) = &entry.outcome else { return entry.clone() };
    if items.is_empty() {
        return entry.clone();
    }
    let mut line = rule.parameters();
    let mut list = match line.remove("exceptions_list") {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    };
    list.extend_from_slice(items);
    line.insert("exceptions_list".into(), list.into());
    self::entry(&Value::Object(line).to_string())
}

/// The same with exceptions as a row has them.
fn excepted(entry: &Arc<Entry>, row: &DetectionRule) -> Arc<Entry> {
    match serde_json::from_str::<Vec<Value>>(&row.exceptions) {
        Ok(items) => with_exceptions(entry, &items),
        Err(_) => entry.clone(),
    }
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
        entry: excepted(&entry(&row.source), &row),
        built_in: false,
        enabled: row.enabled,
        row: Some(row),
    }
}
