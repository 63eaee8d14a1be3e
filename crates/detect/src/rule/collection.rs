//! Many rule files at once: each rule is reported as read, as unsupported with the reasons, or as broken with the places.
//!
//! Nothing here is fatal for the rest: a file that cannot be read is an entry of the report, and the next is read.

use super::document::Source;
use super::exception::Exception;
use super::export::{self, Line};
use super::place::{Position, Remark};
use super::reading::{self, Reading, Readout};
use super::unsupported::Unsupported;
use super::{Rule, UnsupportedRule};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Largest TOML file, in bytes.
pub const TOML_LIMIT: usize = 1 << 20;
/// Largest export, in bytes.
pub const EXPORT_LIMIT: usize = 64 << 20;
/// Longest line of an export, in bytes.
pub const LINE_LIMIT: usize = 2 << 20;
/// Most rules of one report.
pub const RULES_LIMIT: usize = 10_000;

/// A file as it was brought.
#[derive(Clone, Copy, Debug)]
pub struct File<'a> {
    /// Its name, with folders; the ending says whether it is TOML or an export.
    pub name: &'a str,
    /// What is in it.
    pub bytes: &'a [u8],
}

/// What became of one rule, or of a file in which no rule could be found.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The file's name.
    pub file: String,
    /// The line of an export, from 1; none for a file with one rule.
    pub line: Option<usize>,
    /// The rule's id, if it could be read.
    pub rule_id: String,
    /// Its name, if it could be read.
    pub name: String,
    /// What became of it.
    pub outcome: Outcome,
    /// What is worth saying beside: unknown keys, limits.
    pub notes: Vec<Remark>,
}

/// What became of a rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It runs.
    Rule(Box<Rule>),
    /// It is a rule of a kind that does not run here.
    Unsupported(Box<UnsupportedRule>),
    /// Something is wrong with it.
    Broken(Vec<Remark>),
    /// Another rule of the report has the same id; that one counts.
    Duplicate {
        /// Where the other one stands.
        of: String,
    },
}

impl Entry {
    /// The entry for a page: what became of the rule, why, and where.
    pub fn document(&self) -> Value {
        let mut document = Map::from_iter([
            ("file".to_owned(), json!(self.file)),
            ("line".to_owned(), json!(self.line)),
            ("rule_id".to_owned(), json!(self.rule_id)),
            ("name".to_owned(), json!(self.name)),
            ("outcome".to_owned(), json!(self.outcome.word())),
            ("notes".to_owned(), json!(self.notes)),
        ]);
        let mut set = |key: &str, value: Value| drop(document.insert(key.to_owned(), value));
        match &self.outcome {
            Outcome::Rule(rule) => set("rule", Value::Object(rule.parameters())),
            Outcome::Unsupported(rule) => {
                set("rule", Value::Object(rule.parameters()));
                let reason = |r: &Unsupported| json!({ "code": r.code(), "message": r.to_string() });
                set("reasons", rule.reasons.iter().map(reason).collect());
            }
            Outcome::Broken(faults) => set("faults", json!(faults)),
            Outcome::Duplicate { of } => set("of", json!(of)),
        }
        Value::Object(document)
    }
}

impl Outcome {
    /// A word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Rule(_) => "read",
            Self::Unsupported(_) => "unsupported",
            Self::Broken(_) => "broken",
            Self::Duplicate { .. } => "duplicate",
        }
    }
}

/// What became of many.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// In the order of the files and their lines.
    pub entries: Vec<Entry>,
    /// Exceptions that were read with the rules of an export.
    pub exceptions: usize,
}

impl Report {
    /// The rules that run.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.entries.iter().filter_map(|entry| match &entry.outcome {
            Outcome::Rule(rule) => Some(&**rule),
            _ => None,
        })
    }

    /// How many entries have an outcome of this word.
    pub fn count(&self, word: &str) -> usize {
        self.entries.iter().filter(|entry| entry.outcome.word() == word).count()
    }
}

/// Reads files, of both kinds.
pub fn read(files: &[File<'_>]) -> Report {
    let mut report = Report::default();
    for file in files {
        if report.entries.len() >= RULES_LIMIT {
            report.entries.push(refused(
                file.name,
                format!("more than {RULES_LIMIT} rules at once; bring the rest in another load"),
            ));
            break;
        }
        match text(file) {
            Err(message) => report.entries.push(refused(file.name, message)),
            Ok((Form::Toml, text)) => report.entries.push(read_toml(file.name, text)),
            Ok((Form::Export, text)) => read_export(file.name, text, &mut report),
        }
    }
    mark_duplicates(&mut report.entries);
    report
}

#[derive(Clone, Copy)]
enum Form {
    Toml,
    Export,
}

fn text<'a>(file: &File<'a>) -> Result<(Form, &'a str), String> {
    let bytes = file.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file.bytes);
    let ending = file.name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let form = match ending.as_str() {
        "toml" => Form::Toml,
        "ndjson" | "json" | "jsonl" => Form::Export,
        _ if bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{') => Form::Export,
        _ => Form::Toml,
    };
    let limit = match form {
        Form::Toml => TOML_LIMIT,
        Form::Export => EXPORT_LIMIT,
    };
    if bytes.len() > limit {
        return Err(format!("the file is larger than {} MiB", limit >> 20));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok((form, text)),
        Err(error) => Err(format!("the file is no UTF-8 text: byte {} is wrong", error.valid_up_to())),
    }
}

fn refused(file: &str, message: String) -> Entry {
    Entry {
        file: file.to_owned(),
        line: None,
        rule_id: String::new(),
        name: String::new(),
        outcome: Outcome::Broken(vec![Remark::new("", "", None, message)]),
        notes: Vec::new(),
    }
}

fn entry(file: &str, line: Option<usize>, reading: Reading) -> Entry {
    let outcome = match reading.readout {
        Readout::Rule(rule) => Outcome::Rule(rule),
        Readout::Unsupported(rule) => Outcome::Unsupported(rule),
        Readout::Broken(faults) => Outcome::Broken(faults),
    };
    Entry {
        file: file.to_owned(),
        line,
        rule_id: reading.rule_id,
        name: reading.name,
        outcome,
        notes: reading.notes,
    }
}

/// Reads one TOML file, which holds one rule.
pub fn read_toml(name: &str, text: &str) -> Entry {
    let source = match Source::toml(text) {
        Ok(source) => source,
        Err(remark) => {
            return Entry { outcome: Outcome::Broken(vec![remark]), ..refused(name, String::new()) };
        }
    };
    let table = |key: &str| source.value.get(key).and_then(Value::as_object);
    let Some(rule) = table("rule") else {
        return refused(name, "the file has no table [rule], so it is no rule".into());
    };
    let metadata = table("metadata").cloned().unwrap_or_default();
    let (exceptions, faults) = inline(&source, rule);
    let mut reading = reading::read(&source, rule, "rule", metadata, exceptions);
    if !faults.is_empty() {
        reading.readout = Readout::Broken(faults);
    }
    for key in source.value.as_object().into_iter().flat_map(Map::keys) {
        if !["rule", "metadata", "transform"].contains(&key.as_str()) {
            reading.notes.push(source.remark(key, "this table is not known here and changes nothing"));
        }
    }
    if source.value.pointer("/metadata/maturity").and_then(Value::as_str) == Some("deprecated") {
        reading.notes.push(source.remark("metadata/maturity", "its authors have deprecated it"));
    }
    settle_inline(&mut reading);
    entry(name, None, reading)
}

/// Exceptions that stand in the rule itself: entries of `exceptions_list` with conditions of their own.
fn inline(
    source: &Source<'_>,
    rule: &Map<String, Value>,
) -> (Vec<Result<Exception, Unsupported>>, Vec<Remark>) {
    let (mut exceptions, mut faults) = (Vec::new(), Vec::new());
    let list = rule.get("exceptions_list").and_then(Value::as_array);
    for (index, item) in list.into_iter().flatten().enumerate() {
        let Some(object) = item.as_object().filter(|object| object.contains_key("entries")) else { continue };
        match export::exception(object) {
            export::Read::Exception(exception) => exceptions.push(Ok(exception)),
            export::Read::Unsupported(reason) => exceptions.push(Err(reason)),
            export::Read::Broken(message) => {
                faults.push(source.remark(&format!("{}exceptions_list/{index}", source.root), message));
            }
        }
    }
    (exceptions, faults)
}

/// Exceptions that were read are not kept a second time.
fn settle_inline(reading: &mut Reading) {
    if let Readout::Rule(rule) = &mut reading.readout
        && let Some(Value::Array(list)) = rule.about.kept.get_mut("exceptions_list")
    {
        list.retain(|item| item.get("entries").is_none());
        if list.is_empty() {
            rule.about.kept.remove("exceptions_list");
        }
    }
}

/// The lines of a text with their places: number from 1, bytes.
fn lines(text: &str) -> impl Iterator<Item = (usize, Range<usize>)> {
    let mut at = 0;
    text.split('\n').enumerate().map(move |(index, line)| {
        let range = at..at + line.len();
        at += line.len() + 1;
        (index + 1, range)
    })
}

/// An object of an export and where it stands.
type Found = (usize, Range<usize>, Value);

fn read_export(file: &str, text: &str, report: &mut Report) {
    let mut rules: Vec<Found> = Vec::new();
    let mut lists: HashMap<String, Vec<Result<Exception, Unsupported>>> = HashMap::new();
    let mut known: HashSet<String> = HashSet::new();
    for (number, range) in lines(text) {
        let line = text.get(range.clone()).unwrap_or_default();
        if line.trim().is_empty() {
            continue;
        }
        let mut broken = |message: String, column: usize| {
            let mut remark = Remark::new("", text, Some(range.clone()), message);
            remark.position = Some(Position { line: number, column });
            let mut entry = refused(file, String::new());
            entry.line = Some(number);
            entry.outcome = Outcome::Broken(vec![remark]);
            report.entries.push(entry);
        };
        if line.len() > LINE_LIMIT {
            broken(format!("the line is longer than {} MiB", LINE_LIMIT >> 20), 1);
            continue;
        }
        let value: Value = match serde_json::from_str(line) {
            Ok(value) => value,
            Err(error) => {
                broken(format!("the line is no JSON: {error}"), error.column().max(1));
                continue;
            }
        };
        let Some(object) = value.as_object() else {
            broken("the line is no JSON object; an export has one rule a line".into(), 1);
            continue;
        };
        let list = object.get("list_id").and_then(Value::as_str).unwrap_or_default();
        match export::line(object) {
            Line::Rule if rules.len() >= RULES_LIMIT => {
                broken(format!("more than {RULES_LIMIT} rules at once; bring the rest in another load"), 1);
                break;
            }
            Line::Rule => rules.push((number, range, value)),
            Line::List => {
                known.insert(list.to_owned());
            }
            Line::Item => match export::exception(object) {
                export::Read::Exception(exception) => {
                    report.exceptions += 1;
                    lists.entry(list.to_owned()).or_default().push(Ok(exception));
                }
                export::Read::Unsupported(reason) => {
                    lists.entry(list.to_owned()).or_default().push(Err(reason));
                }
                export::Read::Broken(message) => broken(format!("an exception: {message}"), 1),
            },
            Line::Summary | Line::Other => {}
        }
    }
    for (number, range, value) in rules {
        let Some(object) = value.as_object().cloned() else { continue };
        let source = Source::line(text, range, value);
        let (mut exceptions, faults) = inline(&source, &object);
        let mut missing = Vec::new();
        for list in export::lists(&object) {
            match lists.get(list) {
                Some(found) => exceptions.extend(found.iter().cloned()),
                None if known.contains(list) => {}
                None => missing.push(source.remark(
                    "exceptions_list",
                    format!("the export does not hold the exception list '{list}'; the rule runs without it"),
                )),
            }
        }
        let mut reading = reading::read(&source, &object, "", Map::new(), exceptions);
        reading.notes.extend(missing);
        if !faults.is_empty() {
            reading.readout = Readout::Broken(faults);
        }
        settle_inline(&mut reading);
        report.entries.push(entry(file, Some(number), reading));
    }
}

fn mark_duplicates(entries: &mut [Entry]) {
    let mut seen: HashMap<String, String> = HashMap::new();
    for entry in entries {
        if entry.rule_id.is_empty() || matches!(entry.outcome, Outcome::Broken(_)) {
            continue;
        }
        let place = match entry.line {
            Some(line) => format!("{}, line {line}", entry.file),
            None => entry.file.clone(),
        };
        match seen.get(&entry.rule_id) {
            Some(of) => entry.outcome = Outcome::Duplicate { of: of.clone() },
            None => {
                seen.insert(entry.rule_id.clone(), place);
            }
        }
    }
}
