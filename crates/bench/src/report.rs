//! Medians over the rounds and their ratios to Hardline's peers, as one Markdown table a measurement.

use crate::measure::Figures;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// All runs so far.
#[derive(Default)]
pub struct Report {
    order: Vec<String>,
    runs: BTreeMap<(String, String), Vec<Figures>>,
    failures: Vec<String>,
}

impl Report {
    /// One run's figures.
    pub fn add(&mut self, test: &str, peer: &str, figures: Figures) {
        if !self.order.iter().any(|t| t == test) {
            self.order.push(test.into());
        }
        self.runs.entry((test.into(), peer.into())).or_default().push(figures);
    }

    /// A run that gave none.
    pub fn fail(&mut self, test: &str, peer: &str, error: &anyhow::Error) {
        self.failures.push(format!("{test}, {peer}: {error:#}"));
    }

    /// The tables.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        for test in &self.order {
            let peers: Vec<&String> = self.runs.keys().filter(|(t, _)| t == test).map(|(_, p)| p).collect();
            let names: Vec<&str> = self
                .runs
                .iter()
                .filter(|((t, _), _)| t == test)
                .flat_map(|(_, runs)| runs.iter().flat_map(|f| f.keys().copied()))
                .fold(Vec::new(), |mut names, name| {
                    if !names.contains(&name) {
                        names.push(name);
                    }
                    names
                });
            let _ = writeln!(text, "\n### {test}\n");
            let _ = writeln!(
                text,
                "| figure | {} |",
                peers.iter().map(|p| format!("{p} | x")).collect::<Vec<_>>().join(" | ")
            );
            let _ = writeln!(text, "|---|{}", "---|---|".repeat(peers.len()));
            for name in names {
                let ours = self.median(test, "hardline", name);
                let mut row = format!("| {name} |");
                for peer in &peers {
                    let value = self.median(test, peer, name);
                    // The ratio says: hardline's figure as a multiple of this peer's.
                    let ratio = match (ours, value) {
                        (Some(o), Some(v)) if v != 0.0 && peer.as_str() != "hardline" => {
                            format!("{:.2}", o / v)
                        }
                        _ => String::new(),
                    };
                    let _ = write!(row, " {} | {ratio} |", value.map_or("-".into(), number));
                }
                let _ = writeln!(text, "{row}");
            }
        }
        text.push_str("\n`x`: Hardline's figure as a multiple of that peer's, same run, medians.\n");
        for failure in &self.failures {
            let _ = writeln!(text, "\nfailed: {failure}");
        }
        text
    }

    fn median(&self, test: &str, peer: &str, name: &str) -> Option<f64> {
        let runs = self.runs.get(&(test.to_owned(), peer.to_owned()))?;
        let mut values: Vec<f64> = runs.iter().filter_map(|f| f.get(name).copied()).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }
}

fn number(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 || v == v.trunc() => format!("{value:.0}"),
        v if v >= 1.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}
