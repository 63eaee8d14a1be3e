//! Detection rules of a program that is killed again and again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod arm_client;
mod dev_process;
mod program;

use arm_client::{ArmClient, until};
use dev_process::Dev;
use program::Home;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A rule that is due every second, on an action that is quickly done.
const RULE: &str = r#"[rule]
rule_id = "kills"
name = "Consoles enabled"
description = "A test"
risk_score = 1
severity = "low"
type = "query"
language = "kuery"
timestamp_override = "event.ingested"
from = "now-10m"
interval = "1s"
query = 'event.action:"MICROSOFT.SERIALCONSOLE/CONSOLESERVICES/ENABLECONSOLE/ACTION" and event.outcome:success'
"#;

fn start(home: &Home) -> Dev {
    Dev::start(home, &["--no-guest", "--listen", "127.0.0.1:0"])
}

fn subscription(client: &ArmClient) -> String {
    client.group().split("/resourceGroups/").next().unwrap().to_owned()
}

async fn alerts(client: &ArmClient) -> Vec<Value> {
    let path =
        format!("{}/providers/Hardline.Detection/alerts?$filter=rule eq 'kills'", subscription(client));
    client.get(&path).await["value"].as_array().unwrap().clone()
}

/// When the rule ran last.
async fn last_run(client: &ArmClient) -> Option<String> {
    let path = format!("{}/providers/Hardline.Detection/rules/kills", subscription(client));
    let rule = client.get(&path).await;
    rule["properties"]["lastRun"]["startedAt"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn every_event_is_one_alert_whenever_the_program_is_killed() {
    let home = Home::new();
    let mut dev = start(&home);
    let mut client = ArmClient::sign_in(&dev.env()).await;
    let path = format!("{}/providers/Hardline.Detection/rules/kills", subscription(&client));
    let made = client.send(Method::PUT, &path, Some(&json!({"properties": {"source": RULE}}))).await;
    made.expect(&[201]);
    let mut done = 0;
    for round in 0..10 {
        // Fewer and fewer, so that the rule's run and the kill meet in ever other places.
        for _ in 0..10 - round {
            let enabled = client
                .post(&format!(
                    "{}/providers/Microsoft.SerialConsole/consoleServices/default/enableConsole",
                    subscription(&client)
                ))
                .await;
            enabled.expect(&[200]);
            done += 1;
        }
        dev.kill();
        dev = start(&home);
        client = ArmClient::sign_in(&dev.env()).await;
    }
    let all = until("an alert for every event", async || {
        Some(alerts(&client).await).filter(|all| all.len() >= done)
    })
    .await;
    let before = last_run(&client).await.unwrap();
    until("another run over the same events", async || {
        last_run(&client).await.filter(|after| *after > before)
    })
    .await;
    assert_eq!(alerts(&client).await.len(), done, "no run adds one");
    let events: BTreeSet<_> =
        all.iter().map(|alert| alert["properties"]["correlationId"].to_string()).collect();
    assert_eq!(events.len(), done, "each event has its own");
    dev.stop();
}
