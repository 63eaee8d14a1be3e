//! From a tree of values to a rule. Everything that is wrong is told, not only the first fault.

use super::date_math::{DateMath, DateMathError, Interval, Unit};
use super::document::Source;
use super::exception::Exception;
use super::keys::{Keys, Remarks};
use super::place::Remark;
use super::unsupported::Unsupported;
use super::{
    About, DEFAULT_FROM, DEFAULT_INTERVAL_MINUTES, DEFAULT_MAX_SIGNALS, Kind, MAX_SIGNALS_LIMIT, NewTerms,
    Rule, Schedule, Severity, Suppression, UnsupportedRule, nested,
};
use crate::kql::Query;
use serde_json::{Map, Value};
use std::cell::RefCell;

/// Longest query, in bytes.
const QUERY_LIMIT: usize = 64 << 10;
/// Most fields of a new-terms rule, a threshold or a suppression.
const FIELDS_LIMIT: usize = 3;
/// Most fields by which a threshold rule groups.
const THRESHOLD_FIELDS_LIMIT: usize = 5;
/// Longest `rule_id`.
const ID_LIMIT: usize = 256;
/// Longest name.
const NAME_LIMIT: usize = 1024;

/// Keys that rule files have and that change nothing here.
const KEPT: &[&str] = &[
    "actions",
    "created_at",
    "created_by",
    "data_view_id",
    "exceptions_list",
    "execution_summary",
    "id",
    "immutable",
    "integration",
    "meta",
    "namespace",
    "output_index",
    "related_integrations",
    "required_fields",
    "response_actions",
    "revision",
    "risk_score_mapping",
    "rule_name_override",
    "rule_source",
    "severity_mapping",
    "throttle",
    "timeline_id",
    "timeline_title",
    "updated_at",
    "updated_by",
];

/// What a rule's table turned out to be.
pub(super) enum Readout {
    Rule(Box<Rule>),
    Unsupported(Box<UnsupportedRule>),
    Broken(Vec<Remark>),
}

/// A rule that was read, with its name and id as far as they are known.
pub(super) struct Reading {
    pub rule_id: String,
    pub name: String,
    pub readout: Readout,
    pub notes: Vec<Remark>,
}

/// Reads the rule in `table`, which stands at `path` of the source. `exceptions` are those that belong to it.
pub(super) fn read(
    source: &Source<'_>,
    table: &Map<String, Value>,
    path: &str,
    metadata: Map<String, Value>,
    exceptions: Vec<Result<Exception, Unsupported>>,
) -> Reading {
    let remarks = RefCell::new(Remarks::default());
    let keys = Keys::new(source, table, path, &remarks);
    let mut about = about(&keys, metadata);
    let mut reasons = unsupported(&keys, &about);
    let mut rule = None;
    if reasons.is_empty() {
        rule = running(&keys, &about);
    } else {
        // Whatever else such a rule says is its own business.
        for key in
            ["query", "index", "from", "to", "interval", "max_signals", "timestamp_override", "enabled"]
        {
            let _ = keys.value(key);
        }
    }
    let mut known = Vec::new();
    for exception in exceptions {
        match exception {
            Ok(exception) => known.push(exception),
            Err(reason) => reasons.push(reason),
        }
    }
    let foreign =
        ["anomaly_threshold", "machine_learning_job_id", "threat_index", "threat_query", "saved_id"];
    let mut names = KEPT.to_vec();
    if !reasons.is_empty() {
        names.extend(foreign);
        names.extend(["threat_mapping", "threat_language", "threat_filters", "threat_indicator_path"]);
        names.extend(["event_category_override", "tiebreaker_field", "timestamp_field", "filters"]);
        names.extend([
            "new_terms",
            "threshold",
            "alert_suppression",
            "items_per_search",
            "concurrent_searches",
        ]);
        names.extend(["timestamp_override_fallback_disabled"]);
    }
    about.kept = keys.rest(&names);
    let (rule_id, name) = (about.rule_id.clone(), about.name.clone());
    let Remarks { faults, notes } = remarks.into_inner();
    let readout = match (faults.is_empty(), reasons.is_empty(), rule) {
        (false, ..) => Readout::Broken(faults),
        (true, false, _) => Readout::Unsupported(Box::new(UnsupportedRule { about, reasons })),
        (true, true, Some(mut rule)) => {
            rule.about = about;
            rule.exceptions = known;
            Readout::Rule(Box::new(rule))
        }
        (true, true, None) => Readout::Broken(vec![source.remark(path, "it could not be read")]),
    };
    Reading { rule_id, name, readout, notes }
}

fn about(keys: &Keys<'_>, metadata: Map<String, Value>) -> About {
    let severity = keys.required("severity");
    let severity = Severity::parse(&severity).unwrap_or_else(|| {
        if !severity.is_empty() {
            keys.fault("severity", format!("'{severity}' is none of low, medium, high, critical"));
        }
        Severity::Low
    });
    let about = About {
        rule_id: keys.required("rule_id"),
        name: keys.required("name"),
        description: keys.required("description"),
        severity,
        risk_score: keys.number("risk_score", 100).and_then(|n| u8::try_from(n).ok()).unwrap_or_else(|| {
            if keys.value("risk_score").is_none() {
                keys.fault("", "'risk_score' is missing");
            }
            0
        }),
        version: keys.number("version", u64::MAX).unwrap_or(1),
        kind: keys.required("type"),
        language: keys.text("language").unwrap_or_else(|| "kuery".into()),
        tags: keys.texts("tags"),
        author: keys.texts("author"),
        license: keys.text("license").unwrap_or_default(),
        references: keys.texts("references"),
        false_positives: keys.texts("false_positives"),
        note: keys.text("note").unwrap_or_default(),
        setup: keys.text("setup").unwrap_or_default(),
        threat: nested::threats(keys),
        investigation_fields: nested::investigation_fields(keys),
        building_block_type: keys.text("building_block_type"),
        metadata,
        kept: Map::new(),
    };
    for (key, text, limit) in [("rule_id", &about.rule_id, ID_LIMIT), ("name", &about.name, NAME_LIMIT)] {
        if text.len() > limit {
            keys.fault(key, format!("it is longer than {limit} bytes"));
        }
    }
    for key in ["severity_mapping", "risk_score_mapping"] {
        if keys.value(key).and_then(Value::as_array).is_some_and(|list| !list.is_empty()) {
            keys.note(key, "it is kept and shown; alerts here have the rule's own severity and score");
        }
    }
    about
}

/// Why the rule cannot run here, as far as its own table says.
fn unsupported(keys: &Keys<'_>, about: &About) -> Vec<Unsupported> {
    let mut reasons = Vec::new();
    match about.kind.as_str() {
        "query" | "new_terms" | "threshold" | "" => {
            if about.language != "kuery" {
                reasons.push(Unsupported::Language(about.language.clone()));
            }
        }
        "eql" => reasons.push(Unsupported::Eql),
        "esql" => reasons.push(Unsupported::Esql),
        "machine_learning" => reasons.push(Unsupported::MachineLearning),
        "threat_match" => reasons.push(Unsupported::ThreatMatch),
        "saved_query" => reasons.push(Unsupported::SavedQuery),
        other => reasons.push(Unsupported::Kind(other.to_owned())),
    }
    if let Some(view) = keys.text("data_view_id").filter(|view| !view.is_empty()) {
        reasons.push(Unsupported::DataView(view));
    }
    if reasons.is_empty() {
        let filters = keys.items("filters").len();
        if filters > 0 {
            reasons.push(Unsupported::Filters(filters));
        }
    }
    reasons
}

fn running(keys: &Keys<'_>, about: &About) -> Option<Rule> {
    let schedule = schedule(keys)?;
    let query = query(keys);
    let index = keys.texts("index");
    let kind = match about.kind.as_str() {
        "new_terms" => {
            let terms = nested::new_terms(keys)?;
            check_history(keys, &schedule, &terms);
            Kind::NewTerms(terms)
        }
        "threshold" => Kind::Threshold(nested::threshold(keys)?),
        _ => Kind::Query,
    };
    let suppression = suppression(keys, &kind);
    check_fields(keys, &kind);
    Some(Rule {
        about: About::default(),
        schedule,
        index,
        timestamp_override: keys.text("timestamp_override").filter(|field| !field.is_empty()),
        fallback_disabled: keys.flag("timestamp_override_fallback_disabled").unwrap_or(false),
        kind,
        query,
        suppression,
        exceptions: Vec::new(),
        enabled: keys.flag("enabled").unwrap_or(true),
    })
}

fn check_fields(keys: &Keys<'_>, kind: &Kind) {
    match kind {
        Kind::NewTerms(terms) if terms.fields.is_empty() => {
            keys.fault("new_terms", "it names no field whose values could be new");
        }
        Kind::NewTerms(terms) if terms.fields.len() > FIELDS_LIMIT => {
            keys.fault("new_terms", format!("it names more than {FIELDS_LIMIT} fields"));
        }
        Kind::Threshold(threshold) if threshold.field.len() > THRESHOLD_FIELDS_LIMIT => {
            keys.fault("threshold/field", format!("it names more than {THRESHOLD_FIELDS_LIMIT} fields"));
        }
        Kind::Threshold(threshold) if threshold.cardinality.len() > FIELDS_LIMIT => {
            keys.fault("threshold/cardinality", format!("it names more than {FIELDS_LIMIT} fields"));
        }
        _ => {}
    }
}

fn query(keys: &Keys<'_>) -> String {
    let query = keys.text("query").unwrap_or_default();
    if query.len() > QUERY_LIMIT {
        keys.fault("query", format!("it is longer than {} KiB", QUERY_LIMIT >> 10));
        return query;
    }
    match Query::parse(&query) {
        Ok(parsed) => {
            for warning in parsed.warnings() {
                keys.note_within("query", &query, &warning.span, warning.message.as_str());
            }
        }
        Err(problems) => {
            for problem in problems {
                keys.fault_within("query", &query, &problem.span, problem.message);
            }
        }
    }
    query
}

fn schedule(keys: &Keys<'_>) -> Option<Schedule> {
    let math = |key: &'static str, default: &str| {
        let text = keys.text(key).unwrap_or_else(|| default.to_owned());
        said(keys, key, DateMath::parse(&text))
    };
    let from = math("from", DEFAULT_FROM);
    let to = math("to", "now");
    let interval = match keys.text("interval") {
        Some(text) => said(keys, "interval", Interval::parse(&text)),
        None => Interval::new(DEFAULT_INTERVAL_MINUTES, Unit::Minute).ok(),
    };
    let limit = keys.number("max_signals", u64::from(u32::MAX)).map(usize::try_from);
    let mut max_signals = limit.and_then(Result::ok).unwrap_or(DEFAULT_MAX_SIGNALS);
    if max_signals == 0 {
        keys.fault("max_signals", "a rule that may make no alerts says nothing; 1 is the least");
    }
    if max_signals > MAX_SIGNALS_LIMIT {
        keys.note("max_signals", format!("no run makes more than {MAX_SIGNALS_LIMIT} alerts"));
        max_signals = MAX_SIGNALS_LIMIT;
    }
    let schedule = Schedule { from: from?, to: to?, interval: interval?, max_signals };
    check_order(keys, &schedule);
    Some(schedule)
}

/// A point of time at which the order of a rule's expressions is looked at: any one will do.
const SOME_DAY: i64 = 1_760_000_000;

fn check_order(keys: &Keys<'_>, schedule: &Schedule) {
    let Ok(day) = jiff::Timestamp::from_second(SOME_DAY) else { return };
    match (schedule.from.resolve(day), schedule.to.resolve(day)) {
        (Ok(from), Ok(to)) if from >= to => {
            keys.fault("from", format!("{} does not lie before {}", schedule.from, schedule.to));
        }
        (Ok(from), Ok(to)) if to.duration_since(from) < schedule.interval.duration() => {
            keys.note(
                "from",
                format!(
                    "a run looks back less far than to the run before ({} and {}): what lies between is never seen",
                    schedule.from, schedule.interval
                ),
            );
        }
        (Err(error), _) => keys.fault("from", error.to_string()),
        (_, Err(error)) => keys.fault("to", error.to_string()),
        _ => {}
    }
}

fn check_history(keys: &Keys<'_>, schedule: &Schedule, terms: &NewTerms) {
    let Ok(day) = jiff::Timestamp::from_second(SOME_DAY) else { return };
    let Ok((from, to)) = schedule.window(day) else { return };
    match terms.history_window_start.resolve(to) {
        Ok(start) if start >= from => keys.fault(
            "",
            format!(
                "history_window_start {} must begin before the rule's window, {}",
                terms.history_window_start, schedule.from
            ),
        ),
        Err(error) => keys.fault("", format!("history_window_start: {error}")),
        Ok(_) => {}
    }
}

/// The value, or its fault told.
pub(super) fn said<T>(keys: &Keys<'_>, key: &'static str, value: Result<T, DateMathError>) -> Option<T> {
    value.map_err(|error| keys.fault(key, error.to_string())).ok()
}

fn suppression(keys: &Keys<'_>, kind: &Kind) -> Option<Suppression> {
    let table = keys.table("alert_suppression")?;
    let mut group_by = table.texts("group_by");
    if group_by.len() > FIELDS_LIMIT {
        table.fault("group_by", format!("it names more than {FIELDS_LIMIT} fields"));
    }
    let duration = table.table("duration").and_then(|duration| {
        let count = duration.number("value", 1_000_000_000);
        let unit = duration.text("unit").unwrap_or_default();
        let (Some(count), Some(letter)) = (count, unit.chars().next().and_then(Unit::parse)) else {
            duration.fault("", "it is written as value = 60 and unit = \"m\" (s, m or h)");
            return None;
        };
        said(&duration, "value", Interval::new(i64::try_from(count).unwrap_or(i64::MAX), letter))
    });
    let missing_fields_too = match table.text("missing_fields_strategy").as_deref() {
        None | Some("suppress") => true,
        Some("doNotSuppress") => false,
        Some(other) => {
            table
                .fault("missing_fields_strategy", format!("'{other}' is neither suppress nor doNotSuppress"));
            true
        }
    };
    if let Kind::Threshold(_) = kind {
        if !group_by.is_empty() {
            table.note("group_by", "a threshold rule's alerts are grouped by the fields of its threshold");
            group_by.clear();
        }
        if duration.is_none() {
            table.fault("", "for a threshold rule it needs a duration");
        }
    } else if group_by.is_empty() {
        table.fault("", "'group_by' is missing: it names the fields by which alerts are the same");
    }
    let _ = table.rest(&[]);
    Some(Suppression { group_by, duration, missing_fields_too })
}
