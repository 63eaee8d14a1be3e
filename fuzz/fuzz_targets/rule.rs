//! Any bytes as a rule file, TOML or an export: reported, and what is read is written back as the same rule and runs over any
//! document without a panic.
#![no_main]
use hardline_detect::engine::{Answer, Document, Execution, Installed, Limits, Run, RuleState, Step, plan};
use hardline_detect::rule::{File, Outcome, read};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fuzz_target!(|bytes: &[u8]| {
    for name in ["rule.toml", "rules.ndjson"] {
        let report = read(&[File { name, bytes }]);
        for entry in &report.entries {
            let _ = entry.document();
            if let Outcome::Broken(faults) = &entry.outcome {
                assert!(!faults.is_empty());
                for span in faults.iter().filter_map(|fault| fault.span.clone()) {
                    assert!(span.end <= bytes.len());
                }
            }
        }
        for rule in report.rules().take(4) {
            // A number beyond 64 bits in a key that nobody knows is all that has no text.
            if let Ok(text) = rule.to_toml() {
                let again = read(&[File { name: "again.toml", bytes: text.as_bytes() }]);
                let again = again.rules().next().unwrap_or_else(|| panic!("{again:#?}\n{text}"));
                assert_eq!(again.parameters(), rule.parameters(), "{text}");
            }
            let now = jiff::Timestamp::from_second(1_800_000_000).expect("a time");
            let Ok(plan) = plan(&rule.schedule, Some(now - jiff::SignedDuration::from_hours(1)), now) else { continue };
            let installed = Installed {
                uuid: "u".into(),
                space: "default".into(),
                revision: 1,
                immutable: false,
                enabled: true,
                created: (now, "a".into()),
                updated: (now, "a".into()),
            };
            let run = Run { uuid: "r".into(), started: now, manual: false };
            let body: Value = std::str::from_utf8(bytes)
                .ok()
                .and_then(|text| serde_json::from_str(text.lines().last().unwrap_or_default()).ok())
                .unwrap_or(json!({ "@timestamp": now.to_string(), "a": ["b", 1, null] }));
            let page = [Document { index: "logs".into(), id: "1".into(), version: 1, body }];
            for window in plan.windows {
                let new = Execution::new(rule, &installed, &run, window, RuleState::default(), Limits::default());
                let Ok(mut execution) = new else { continue };
                for _ in 0..20 {
                    match execution.step() {
                        Step::Read(_) => execution.feed(&page, true),
                        Step::Ask(_) => execution.answer(Answer::default()),
                        Step::Done => break,
                    }
                }
                assert_eq!(execution.step(), Step::Done);
                let _ = execution.finish();
            }
        }
    }
});
