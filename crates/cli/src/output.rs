//! Printing a result in the format asked for.

use crate::args::OutputArgs;
use crate::error::Error;
use crate::{query, table, yaml};
use serde_json::Value;
use std::io::Write as _;

/// The formats of az.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// JSON, indented
    Json,
    /// JSON with colours
    Jsonc,
    /// A table of the scalars
    Table,
    /// Values separated by tabs
    Tsv,
    /// YAML
    Yaml,
    /// Nothing
    None,
}

/// Prints `value`. Without `--query`, a table shows `brief` in its place.
pub fn print(args: &OutputArgs, value: &Value, brief: impl Fn(&Value) -> Value) -> Result<(), Error> {
    let picked = match &args.query {
        Some(expression) => query::apply(expression, value)?,
        None if args.output == Format::Table => brief(value),
        None => value.clone(),
    };
    let text = match args.output {
        Format::Json => indented(&picked)?,
        Format::Jsonc => coloured(&indented(&picked)?),
        Format::Table => table::table(&picked),
        Format::Tsv => table::tsv(&picked),
        Format::Yaml => yaml::emit(&picked),
        Format::None => String::new(),
    };
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Error::Output)
}

fn indented(value: &Value) -> Result<String, Error> {
    serde_json::to_string_pretty(value).map(|t| t + "\n").map_err(|e| Error::Answer(e.to_string()))
}

/// Keys blue, strings yellow, everything else as it is.
fn coloured(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    for line in json.split_inclusive('\n') {
        let (key, rest) = match line.find("\": ") {
            Some(at) if line.trim_start().starts_with('"') => line.split_at(at + 1),
            _ => ("", line),
        };
        if !key.is_empty() {
            let indent = key.len() - key.trim_start().len();
            out.push_str(&format!("{}\u{1b}[94m{}\u{1b}[39m", " ".repeat(indent), key.trim_start()));
        }
        match (rest.find('"'), rest.rfind('"')) {
            (Some(from), Some(to)) if from < to => {
                let (before, quoted) = rest.split_at(from);
                let (quoted, after) = quoted.split_at(to - from + 1);
                out.push_str(&format!("{before}\u{1b}[33m{quoted}\u{1b}[39m{after}"));
            }
            _ => out.push_str(rest),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::coloured;

    #[test]
    fn colours() {
        let json = "{\n  \"a\": \"x\",\n  \"b\": [\n    1\n  ]\n}\n";
        let plain =
            coloured(json).replace("\u{1b}[94m", "").replace("\u{1b}[33m", "").replace("\u{1b}[39m", "");
        assert_eq!(plain, json);
        assert!(coloured(json).contains("\u{1b}[94m\"a\"\u{1b}[39m: \u{1b}[33m\"x\"\u{1b}[39m,"));
    }
}
