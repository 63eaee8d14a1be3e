//! What a rule would have said of the past.

use crate::past::{Past, at, event, rule, window};
use hardline_detect::engine::execution::Limits;
use hardline_detect::engine::{Document, Trial, TrialResult, Warning, Window, plan};
use hardline_detect::rule::Rule;
use jiff::SignedDuration;
use serde_json::json;

fn tried(rule: &Rule, past: Window, documents: &[Document]) -> TrialResult {
    let mut trial = Trial::new(rule, past, SignedDuration::from_mins(10), Limits::default()).unwrap();
    for page in documents.chunks(3) {
        trial.feed(page);
    }
    trial.finish()
}

/// What runs on time, every five minutes, really make of it.
fn really(rule: &Rule, past: Window, documents: &[Document]) -> u64 {
    let mut source = Past::new(documents.to_vec());
    let mut started = past.from;
    let mut previous = None;
    while started <= past.to {
        for window in plan(&rule.schedule, previous, started).unwrap().windows {
            source.run(rule, Window { from: window.from.max(past.from), to: window.to });
        }
        previous = Some(started);
        started += SignedDuration::from_mins(5);
    }
    source.alerts.len() as u64
}

/// Events of an hour, an odd number of seconds apart, with a few names.
fn hour(count: u64) -> Vec<Document> {
    let one = |n: u64| {
        let name = ["ann", "ben", "cid"][usize::try_from(n * n % 7 % 3).unwrap()];
        event(
            n,
            at(0.5 + n as f64 * 59.0 / count as f64),
            &json!({ "user.name": name, "azure.resource.name": n % 5 }),
        )
    };
    (0..count).map(one).collect()
}

const PAST: fn() -> Window = || window(0.0, 60.0);

#[test]
fn a_trial_counts_what_runs_would_have_made() {
    let table = [
        ("type = \"query\"\nquery = \"user.name: ann\"\n", true),
        ("type = \"query\"\nquery = \"user.name: nobody\"\n", true),
        (
            "type = \"new_terms\"\nquery = \"\"\nnew_terms_fields = [\"user.name\", \"azure.resource.name\"]\n\
             history_window_start = \"now-7d\"\n",
            true,
        ),
        ("type = \"threshold\"\nquery = \"\"\n[rule.threshold]\nfield = \"user.name\"\nvalue = 3\n", true),
        (
            "type = \"threshold\"\nquery = \"\"\n[rule.threshold]\nfield = []\nvalue = 2\n\
             [[rule.threshold.cardinality]]\nfield = \"azure.resource.name\"\nvalue = 4\n",
            true,
        ),
        (
            "type = \"query\"\nquery = \"\"\n[rule.alert_suppression]\ngroup_by = [\"user.name\"]\n\
             [rule.alert_suppression.duration]\nvalue = 20\nunit = \"m\"\n",
            true,
        ),
        ("type = \"query\"\nquery = \"\"\n[rule.alert_suppression]\ngroup_by = [\"user.name\"]\n", true),
    ];
    for (parts, _) in table {
        for count in [5, 40, 120] {
            let (rule, documents) = (rule(parts), hour(count));
            let result = tried(&rule, PAST(), &documents);
            assert_eq!(result.alerts, really(&rule, PAST(), &documents), "{parts} {count}");
            assert_eq!(result.buckets.iter().map(|b| b.alerts).sum::<u64>(), result.alerts);
            assert_eq!(result.buckets.iter().map(|b| b.matched).sum::<u64>(), result.matched);
            assert_eq!(result.read, count);
        }
    }
}

#[test]
fn the_limit_of_each_run_holds_and_what_is_lost_is_told() {
    let mut rule = rule("type = \"query\"\nquery = \"\"\n");
    rule.schedule.max_signals = 10;
    // Thirty events in one minute: ten in their run, ten in the next, whose window still holds them, and the last ten in none.
    let documents: Vec<_> = (0..30).map(|n| event(n, at(12.0 + f64::from(n) / 60.0), &json!({}))).collect();
    let result = tried(&rule, PAST(), &documents);
    assert_eq!(result.alerts, really(&rule, PAST(), &documents));
    assert_eq!((result.alerts, result.lost, result.cut_runs, result.matched), (20, 10, 2, 30));
}

#[test]
fn the_first_alerts_are_shown_and_bars_are_not_too_many() {
    let rule = rule("type = \"query\"\nquery = \"user.name: ann\"\n");
    let documents = hour(40);
    let result = tried(&rule, PAST(), &documents);
    assert_eq!(result.samples.len() as u64, result.alerts);
    assert_eq!(result.samples[0].event.1, "0");
    assert_eq!(result.samples[0].reason, "event by ann created medium alert Name.");
    assert_eq!(result.buckets.len(), 7);
    assert_eq!(result.buckets[1].start, at(10.0));
    let year = window(-365.0 * 1440.0, 0.0);
    let trial = Trial::new(&rule, year, SignedDuration::from_secs(1), Limits::default()).unwrap();
    assert!(trial.finish().buckets.len() <= 5001);
}

#[test]
fn limits_of_a_trial_are_told() {
    let parts = "type = \"new_terms\"\nquery = \"\"\nnew_terms_fields = [\"azure.resource.name\"]\nhistory_window_start = \"now-7d\"\n";
    let limits = Limits { terms: 2, ..Limits::default() };
    let mut trial = Trial::new(&rule(parts), PAST(), SignedDuration::from_mins(10), limits).unwrap();
    trial.feed(&hour(40));
    let result = trial.finish();
    assert_eq!(result.alerts, 2);
    assert!(
        matches!(result.warnings.as_slice(), [Warning::TooManyTerms { limit: 2, .. }]),
        "{:?}",
        result.warnings
    );
}
