//! Any text as an expression: parsed or refused; what parses prints as something that parses to the same, and its
//! evaluation ends, with the same result each time.
#![no_main]
use hardline_arm::template::deployment::{Template, plan};
use hardline_arm::template::expression::parse;
use hardline_arm::template::json::Document;
use hardline_arm::template::surroundings::{Answers, Surroundings};
use libfuzzer_sys::fuzz_target;
use serde_json::json;
use std::sync::Arc;

fuzz_target!(|text: &str| {
    let Ok(expression) = parse(text) else { return };
    assert_eq!(parse(&expression.to_string()).expect("our own"), expression);
    let template = json!({
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": { "p": { "type": "object", "defaultValue": { "a": [1, "two", { "x": null }] } } },
        "variables": { "v": format!("[{text}]") },
        "resources": [],
        "outputs": { "o": { "type": "object", "value": format!("[createObject('o', {text})]") } },
    });
    let template = Template::new(Arc::new(Document::of(template)), "");
    let now = jiff::Timestamp::from_second(1_800_000_000).expect("a time");
    let around = Surroundings::of_group("s", "g", "local", now, uuid::Uuid::nil());
    let Ok(first) = plan(&template, &json!({}), &around) else { return };
    let again = plan(&template, &json!({}), &around).expect("as before");
    if let (Ok(a), Ok(b)) = (first.outputs(&Answers::default()), again.outputs(&Answers::default())) {
        assert_eq!(a, b);
    }
});
