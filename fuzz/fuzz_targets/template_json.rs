//! Any text as a body: read or refused; what is read has a place for every value, reads the same when printed, and as a
//! template gives a plan or errors.
#![no_main]
use hardline_arm::template::deployment::{Template, plan};
use hardline_arm::template::json::Document;
use hardline_arm::template::surroundings::{Answers, Surroundings};
use libfuzzer_sys::fuzz_target;
use std::sync::Arc;

fuzz_target!(|text: &str| {
    let Ok(document) = Document::parse(text) else { return };
    let lines = text.split('\n').count();
    assert!(document.position("").line <= lines);
    let printed = document.value.to_string();
    assert_eq!(Document::parse(&printed).expect("our own").value.to_string(), printed);
    let now = jiff::Timestamp::from_second(1_800_000_000).expect("a time");
    let around = Surroundings::of_group("s", "g", "local", now, uuid::Uuid::nil());
    let parameters = document.value.pointer("/parameters").cloned().unwrap_or_default();
    let Ok(plan) = plan(&Template::new(Arc::new(document), ""), &parameters, &around) else { return };
    for (n, node) in plan.nodes.iter().enumerate() {
        assert!(node.depends_on.iter().all(|d| *d < n));
        let _ = plan.resolve(node, &Answers::default());
    }
    let _ = plan.outputs(&Answers::default());
});
