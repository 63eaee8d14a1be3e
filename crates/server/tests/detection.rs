//! Detection rules over a real activity log, and their alerts, over real HTTP. The guest is played by a fake host.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_server::clock::{Clock as _, ManualClock};
use hardline_server::config::{AlertWebhook, PlaceDatabases};
use hardline_store::db::activity_events::{self, NewEvent};
use hardline_store::db::detection_runs;
use hardline_testkit::console::boot_vm;
use hardline_testkit::place_database;
use hardline_testkit::server::{Builder, SUBSCRIPTION};
use hardline_testkit::{As, FakeHost, TestServer};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::Sha256;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Somebody who is told of alerts: refuses the first message, takes the second.
struct Receiver {
    address: String,
    messages: tokio::sync::mpsc::Receiver<(String, Vec<u8>)>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/hook?key=a", listener.local_addr().unwrap());
        let (sender, messages) = tokio::sync::mpsc::channel(8);
        tokio::spawn(async move {
            for status in ["503 Service Unavailable", "200 OK"] {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
                let mut body = vec![0; length.parse().unwrap()];
                stream.read_exact(&mut body).await.unwrap();
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
                sender.send((head, body)).await.unwrap();
            }
        });
        Self { address, messages }
    }

    async fn next(&mut self) -> (String, Vec<u8>) {
        let message = tokio::time::timeout(Duration::from_secs(60), self.messages.recv()).await;
        message.expect("a message comes").unwrap()
    }
}

struct World {
    server: TestServer,
    clock: Arc<ManualClock>,
    _host: FakeHost,
}

impl World {
    async fn new() -> Self {
        Self::with(TestServer::builder()).await
    }

    async fn with(builder: Builder) -> Self {
        let start: Timestamp = "2026-11-22T03:00:00Z".parse().unwrap();
        let clock = Arc::new(ManualClock::new(start));
        let server = builder.clock(clock.clone()).start().await;
        let host = FakeHost::new("host1");
        server.running().adopt_host(host.in_process()).await.unwrap();
        boot_vm(&server, "vm1").await;
        Self { server, clock, _host: host }
    }

    fn provider(&self) -> String {
        format!("{}/providers/Hardline.Detection", self.server.subscription_path())
    }

    /// Minutes later, the rules that are due have run.
    async fn minutes(&self, minutes: i64) {
        self.clock.advance(SignedDuration::from_mins(minutes));
        self.server.run_rules().await;
    }

    async fn retrieve(&self, who: &As<'_>) {
        who.post(&format!("{}/retrieveBootDiagnosticsData", self.server.vm_path("vm1"))).await.expect(200);
    }

    async fn rules(&self) -> Vec<Value> {
        let path = format!("{}/rules", self.provider());
        self.server.owner().get(&path).await.expect(200).json["value"].as_array().unwrap().clone()
    }

    /// The rule of our own whose file's name is so.
    async fn rule_named(&self, name: &str) -> Value {
        let rules = self.rules().await;
        let found = rules
            .iter()
            .find(|rule| rule["properties"]["displayName"].as_str().unwrap().to_lowercase().contains(name));
        found.unwrap_or_else(|| panic!("{name}: {rules:#?}")).clone()
    }

    async fn alerts(&self, filter: &str) -> Vec<Value> {
        let filter = if filter.is_empty() { String::new() } else { format!("?$filter={filter}") };
        let path = format!("{}/alerts{filter}", self.provider());
        self.server.owner().get(&path).await.expect(200).json["value"].as_array().unwrap().clone()
    }

    async fn turn(&self, rule: &Value, enabled: bool) {
        let path = rule["id"].as_str().unwrap();
        self.server.owner().patch(path, &json!({"properties": {"enabled": enabled}})).await.expect(200);
    }
}

/// A rule of the test's own.
fn rule(id: &str, query: &str, more: &str) -> String {
    format!(
        "[rule]\nrule_id = \"{id}\"\nname = \"Rule {id}\"\ndescription = \"d\"\nseverity = \"high\"\nrisk_score = 73\n\
         language = \"kuery\"\ntimestamp_override = \"event.ingested\"\nfrom = \"now-9m\"\n{more}\nquery = '''{query}'''\n"
    )
}

#[tokio::test]
async fn a_retrieval_is_one_alert_with_every_fact_and_the_next_window_adds_none() {
    let world = World::new().await;
    world.server.run_rules().await;
    world.clock.advance(SignedDuration::from_mins(1));
    let retrieved = world.clock.now();
    world.retrieve(&world.server.owner()).await;
    world.minutes(4).await;
    let rule = world.rule_named("retrieved").await;
    let alerts = world.alerts(&format!("rule eq '{}'", rule["name"].as_str().unwrap())).await;
    assert_eq!(alerts.len(), 1, "{alerts:#?}");
    let properties = &alerts[0]["properties"];
    assert_eq!(
        (&properties["severity"], &properties["riskScore"], &properties["status"]),
        (&json!("medium"), &json!(47), &json!("open"))
    );
    assert_eq!(properties["principal"], "owner@hardline.test");
    assert_eq!(properties["principalId"], world.server.owner().oid().to_string());
    let vm = properties["resource"].as_str().unwrap();
    assert!(vm.eq_ignore_ascii_case(&world.server.vm_path("vm1")), "{vm}");
    assert_eq!(properties["sourceAddress"], "127.0.0.1");
    let original: Timestamp = properties["originalTime"].as_str().unwrap().parse().unwrap();
    assert_eq!(original, retrieved);
    // Every field that the rule's guide names and a loopback address can have.
    let fields = properties["fields"].as_array().unwrap();
    let wanted: Vec<_> = rule["properties"]["investigationFields"].as_array().unwrap().iter().collect();
    let missing: Vec<_> = wanted
        .iter()
        .filter(|name| !fields.iter().any(|field| field["name"] == ***name))
        .map(|name| name.as_str().unwrap())
        .collect();
    assert!(
        missing.iter().all(|name| name.starts_with("source.as") || name.starts_with("source.geo")),
        "{missing:?}"
    );

    let whole = world.server.owner().get(alerts[0]["id"].as_str().unwrap()).await.expect(200).json;
    let document = &whole["properties"]["document"];
    assert_eq!(document["kibana.alert.rule.name"], rule["properties"]["displayName"]);
    assert_eq!(document["kibana.alert.workflow_status"], "open");
    let text = whole.to_string();
    assert!(!text.contains("sig="), "an address that opens the log stands in no alert");

    world.minutes(5).await;
    world.minutes(5).await;
    assert_eq!(world.alerts(&format!("rule eq '{}'", rule["name"].as_str().unwrap())).await.len(), 1);
    let after = world.rule_named("retrieved").await;
    let run = &after["properties"]["lastRun"];
    assert_eq!((&run["alerts"], &run["windows"], &run["error"]), (&json!(0), &json!(1), &Value::Null));
    world.server.stop().await;
}

#[tokio::test]
async fn the_novelty_variant_speaks_on_the_first_retrieval_in_seven_days() {
    let world = World::new().await;
    let rules = world.rules().await;
    let novelty = rules
        .iter()
        .find(|r| r["properties"]["ruleType"] == "new_terms" && r["properties"]["enabled"] == true);
    let name = novelty.unwrap()["name"].as_str().unwrap().to_owned();
    let count = async || world.alerts(&format!("rule eq '{name}'")).await.len();
    world.server.run_rules().await;
    world.clock.advance(SignedDuration::from_mins(1));
    world.retrieve(&world.server.owner()).await;
    world.minutes(4).await;
    assert_eq!(count().await, 1);
    world.minutes(5).await;
    world.retrieve(&world.server.owner()).await;
    world.minutes(5).await;
    assert_eq!(count().await, 1, "known");
    world.retrieve(&world.server.contributor()).await;
    world.minutes(5).await;
    assert_eq!(count().await, 2, "somebody else is new");
    world.server.stop().await;
}

#[tokio::test]
async fn a_hundred_and_one_events_are_a_hundred_alerts_and_a_warning_and_the_last_comes_next() {
    let world = World::new().await;
    let text = rule(
        "many",
        "event.action:\"HARDLINE.DETECTION/TRYRULE/ACTION\" and event.outcome:success",
        "type = \"query\"",
    );
    let path = format!("{}/rules/many", world.provider());
    world.server.owner().put(&path, &json!({"properties": {"source": text}})).await.expect(201);
    world.server.run_rules().await;
    world.clock.advance(SignedDuration::from_mins(1));
    let now = world.clock.now().as_second();
    let body = json!({"rule": "many", "fromSecond": now - 60, "toSecond": now});
    for _ in 0..101 {
        world.server.owner().post_json(&format!("{}/tryRule", world.provider()), &body).await.expect(200);
    }
    world.minutes(4).await;
    let shown = world.server.owner().get(&path).await.expect(200).json;
    assert_eq!(shown["properties"]["lastRun"]["alerts"], 100);
    assert!(shown["properties"]["lastRun"]["warnings"][0].as_str().unwrap().contains("100"), "{shown:#?}");
    world.minutes(4).await;
    let shown = world.server.owner().get(&path).await.expect(200).json;
    assert_eq!(shown["properties"]["lastRun"]["alerts"], 100, "not due");
    world.minutes(1).await;
    let shown = world.server.owner().get(&path).await.expect(200).json;
    assert_eq!(shown["properties"]["lastRun"]["alerts"], 1);
    world.server.stop().await;
}

#[tokio::test]
async fn what_lies_deep_in_a_busy_window_is_found_like_what_is_at_its_start() {
    let world = World::new().await;
    let all = world.rule_named("retrieved").await;
    // Of two rules the second one reads what the first has left of the window.
    let more = rule("any", "event.action: *RETRIEVEBOOT* and event.outcome: success", "type = \"query\"");
    let body = json!({"properties": {"source": more, "enabled": true}});
    world.server.owner().put(&format!("{}/rules/any", world.provider()), &body).await.expect(201);
    world.server.run_rules().await;
    world.clock.advance(SignedDuration::from_secs(1));
    let noise = async |count: usize| {
        let store = &world.server.state().store;
        let now = world.clock.now().as_microsecond();
        let mut tx = store.begin().await.unwrap();
        let id = |n: usize| format!("{now}-{n}");
        for n in 0..count {
            let new = NewEvent {
                id: id(n),
                correlation: id(n),
                operation: id(n),
                operation_name: "Microsoft.Compute/virtualMachines/read".into(),
                time: now,
                subscription: SUBSCRIPTION.into(),
                group_key: String::new(),
                resource_key: String::new(),
                provider: String::new(),
                caller: String::new(),
                status: "Succeeded".into(),
                body: "{}".into(),
            };
            activity_events::insert(&mut tx, &new, || now).await.unwrap();
        }
        tx.commit().await.unwrap();
        world.clock.advance(SignedDuration::from_millis(2));
    };
    for count in [0, 4_700, 2_500, 1_999] {
        noise(count).await;
        world.retrieve(&world.server.owner()).await;
        world.clock.advance(SignedDuration::from_millis(2));
    }
    world.minutes(5).await;
    let name = all["name"].as_str().unwrap();
    assert_eq!(world.alerts(&format!("rule eq '{name}'")).await.len(), 4);
    assert_eq!(world.alerts("rule eq 'any'").await.len(), 4);
    world.server.stop().await;
}

#[tokio::test]
async fn missed_runs_are_made_up_for_and_what_is_lost_is_told() {
    let world = World::new().await;
    world.server.run_rules().await;
    // Half a minute after a run, and half an hour before the next.
    world.clock.advance(SignedDuration::from_secs(30));
    world.retrieve(&world.server.owner()).await;
    world.clock.advance(SignedDuration::from_secs(20 * 60 + 30));
    world.retrieve(&world.server.owner()).await;
    // The window and four before it reach 29 minutes back.
    world.minutes(9).await;
    let rule = world.rule_named("retrieved").await;
    let name = rule["name"].as_str().unwrap();
    let run = &rule["properties"]["lastRun"];
    assert_eq!(run["windows"], 5, "{run:#?}");
    let count = world.alerts(&format!("rule eq '{name}'")).await.len();
    assert_eq!((count, run["gap"]["from"].is_string()), (1, true), "{run:#?}");
    world.server.stop().await;
}

#[tokio::test]
async fn an_alert_is_acknowledged_closed_and_opened_by_who_may() {
    let world = World::new().await;
    world.server.run_rules().await;
    world.clock.advance(SignedDuration::from_mins(1));
    world.retrieve(&world.server.owner()).await;
    world.minutes(4).await;
    let alert = world.alerts("status eq 'open'").await.remove(0);
    let path = alert["id"].as_str().unwrap();
    let set = |status: &str, reason: &str| json!({"properties": {"status": status, "reason": reason}});
    world.server.reader().patch(path, &set("closed", "")).await.expect(403);
    world.server.reader().get(path).await.expect(200);
    world.server.stranger().get(path).await.expect(403);
    let after = world.server.owner().patch(path, &set("acknowledged", "I look")).await.expect(200).json;
    assert_eq!(after["properties"]["status"], "acknowledged");
    let entry = &after["properties"]["history"][0];
    assert_eq!((&entry["by"], &entry["reason"]), (&json!("owner@hardline.test"), &json!("I look")));
    assert_eq!(after["properties"]["document"]["kibana.alert.workflow_status"], "acknowledged");
    world.server.owner().patch(path, &set("closed", "mine")).await.expect(200);
    assert_eq!(world.alerts("status eq 'closed' and severity eq 'medium'").await.len(), 1);
    for wrong in [
        json!({}),
        set("gone", ""),
        set("closed", &"x".repeat(2001)),
        json!({"properties": {"status": "open", "reason": 1}}),
    ] {
        world.server.owner().patch(path, &wrong).await.expect(400);
    }
    world
        .server
        .owner()
        .patch(&format!("{}/alerts/nobody", world.provider()), &set("open", ""))
        .await
        .expect(404);
    world.server.stop().await;
}

#[tokio::test]
async fn rules_are_loaded_changed_and_removed() {
    let world = World::new().await;
    let owner = world.server.owner();
    let path = format!("{}/rules/mine", world.provider());
    let text = rule("mine", "event.action:*", "type = \"query\"");
    let broken = text.replace("event.action:*", "event.action:(");
    let refused = owner.put(&path, &json!({"properties": {"source": broken}})).await.expect(400);
    assert_eq!(refused.code(), "InvalidRule");
    assert!(refused.message().contains("line"), "{}", refused.message());
    let other = format!("{}/rules/other", world.provider());
    owner.put(&other, &json!({"properties": {"source": text}})).await.expect(400);
    world.server.reader().put(&path, &json!({"properties": {"source": text}})).await.expect(403);
    let made =
        owner.put(&path, &json!({"properties": {"source": text, "enabled": false}})).await.expect(201).json;
    assert_eq!(
        (&made["properties"]["state"], &made["properties"]["builtIn"]),
        (&json!("disabled"), &json!(false))
    );
    let etag = made["etag"].as_str().unwrap();
    world.turn(&made, true).await;
    let stale = owner
        .request(http::Method::PATCH, &format!("{path}?api-version=2026-11-01"))
        .await
        .header("if-match", etag);
    let stale = stale.json(&json!({"properties": {"enabled": false}})).send().await.unwrap();
    assert_eq!(stale.status(), 412);

    // What is excepted is no alert.
    let item = json!([{"name": "ours", "entries": [
        {"field": "user.email", "operator": "included", "type": "match", "value": "owner@hardline.test"}]}]);
    owner.patch(&path, &json!({"properties": {"exceptions": item}})).await.expect(200);
    world.server.run_rules().await;
    world.clock.advance(SignedDuration::from_mins(1));
    world.retrieve(&owner).await;
    world.retrieve(&world.server.contributor()).await;
    world.minutes(4).await;
    let alerts = world.alerts("rule eq 'mine'").await;
    let who: Vec<_> = alerts.iter().map(|a| a["properties"]["principal"].as_str().unwrap()).collect();
    assert!(who.contains(&"contributor@hardline.test") && !who.contains(&"owner@hardline.test"), "{who:?}");
    let bad = json!([{"name": "x", "entries": [{"field": "a", "type": "nonsense"}]}]);
    owner.patch(&path, &json!({"properties": {"exceptions": bad}})).await.expect(400);

    owner.delete(&path).await.expect(200);
    owner.delete(&path).await.expect(204);
    assert!(!world.alerts("rule eq 'mine'").await.is_empty(), "its alerts stay");
    let ours = world.rule_named("retrieved").await;
    let ours = ours["id"].as_str().unwrap();
    owner.delete(ours).await.expect(409);
    owner.put(ours, &json!({"properties": {"source": text}})).await.expect(409);
    owner.get(&path).await.expect(404);
    world.server.stop().await;
}

#[tokio::test]
async fn rules_have_room_and_no_more() {
    let world = World::new().await;
    let long = "# a long comment\n".repeat(61_600);
    let put = async |id: &str| {
        let source = format!("{}{long}", rule(id, "event.action:*", "type = \"query\""));
        let body = json!({"properties": {"source": source}});
        world.server.owner().put(&format!("{}/rules/{id}", world.provider()), &body).await
    };
    let mut there = 0;
    let refused = loop {
        let answer = put(&format!("rule-{there}")).await;
        if answer.status != 201 {
            break answer;
        }
        there += 1;
    };
    assert_eq!((there, refused.status), (32, 409));
    assert!(refused.text.contains("32 MiB together"), "{}", refused.text);
    put("rule-7").await.expect(200);
    let path = format!("{}/rules/rule-{there}", world.provider());
    world.server.owner().get(&path).await.expect(404);
    world.server.owner().delete(&format!("{}/rules/rule-0", world.provider())).await.expect(200);
    put("another").await.expect(201);
    world.server.stop().await;
}

#[tokio::test]
async fn a_folder_of_rule_files_is_told_file_by_file() {
    let world = World::new().await;
    let owner = world.server.owner();
    let eql = "[rule]\nrule_id = \"e\"\nname = \"E\"\ndescription = \"d\"\nseverity = \"low\"\nrisk_score = 21\ntype = \"eql\"\nlanguage = \"eql\"\nquery = 'any where true'\n";
    let files = json!({"files": [
        {"name": "good.toml", "content": rule("good", "event.action:*", "type = \"query\"")},
        {"name": "again.toml", "content": rule("good", "event.action:*", "type = \"query\"")},
        {"name": "eql.toml", "content": eql},
        {"name": "broken.toml", "content": "[rule\n"},
        {"name": "odd.toml", "content": rule("odd", "no.such.field:1", "type = \"query\"\nsurprise = 1")},
    ]});
    let path = format!("{}/importRules", world.provider());
    world.server.reader().post_json(&path, &files).await.expect(403);
    let report = owner.post_json(&path, &files).await.expect(200).json["rules"].as_array().unwrap().clone();
    let outcome: Vec<_> =
        report.iter().map(|r| (r["file"].as_str().unwrap(), r["outcome"].as_str().unwrap())).collect();
    assert_eq!(
        outcome,
        [
            ("good.toml", "running"),
            ("again.toml", "duplicate"),
            ("eql.toml", "unsupported"),
            ("broken.toml", "broken"),
            ("odd.toml", "running")
        ]
    );
    assert!(report[2]["reason"].as_str().unwrap().contains("EQL"));
    assert!(report[3]["reason"].as_str().unwrap().contains("line 1"), "{}", report[3]);
    assert!(report[4]["notes"][0].as_str().unwrap().contains("surprise"), "{}", report[4]);
    assert!(report[4]["findings"][0].as_str().unwrap().contains("no.such.field"), "{}", report[4]);
    let rules = world.rules().await;
    for ours in rules.iter().filter(|rule| rule["properties"]["builtIn"] == true) {
        assert_ne!(ours["properties"]["state"], "unsupported", "{ours:#?}");
        assert!(!ours["name"].as_str().unwrap().is_empty(), "{ours:#?}");
    }
    let state = |name: &str| rules.iter().find(|r| r["name"] == name).unwrap()["properties"]["state"].clone();
    assert_eq!(
        (state("good"), state("e"), state("odd")),
        (json!("running"), json!("unsupported"), json!("running"))
    );
    for wrong in [json!({}), json!({"files": []}), json!({"files": [{"name": "x"}]})] {
        owner.post_json(&path, &wrong).await.expect(400);
    }
    world.server.stop().await;
}

#[tokio::test]
async fn a_rule_is_tried_on_the_past_and_nothing_is_written() {
    let world = World::new().await;
    let owner = world.server.owner();
    for _ in 0..3 {
        world.retrieve(&owner).await;
        world.clock.advance(SignedDuration::from_mins(30));
    }
    let to = world.clock.now().as_second();
    let rule = world.rule_named("retrieved").await;
    let path = format!("{}/tryRule", world.provider());
    let body = json!({"rule": rule["name"], "fromSecond": to - 24 * 3600, "toSecond": to});
    let said = owner.post_json(&path, &body).await.expect(200).json;
    assert_eq!((&said["alerts"], &said["matched"]), (&json!(3), &json!(3)), "{said:#?}");
    let bars: u64 = said["buckets"].as_array().unwrap().iter().map(|b| b["alerts"].as_u64().unwrap()).sum();
    assert_eq!((bars, said["samples"].as_array().unwrap().len()), (3, 3));
    assert!(world.alerts("").await.is_empty());
    let check = format!("{}/checkRule", world.provider());
    let found = owner.post_json(&check, &json!({"source": "[rule]\nname = 1\n"})).await.expect(200).json;
    assert_eq!(found["valid"], false);
    let problem = &found["problems"][0];
    assert!(
        problem["line"].as_u64().unwrap() >= 1 && !problem["message"].as_str().unwrap().is_empty(),
        "{found:#?}"
    );
    for wrong in [
        json!({"fromSecond": 0, "toSecond": to}),
        json!({"rule": "nobody", "fromSecond": to - 1, "toSecond": to}),
        json!({"rule": rule["name"], "fromSecond": to, "toSecond": to - 1}),
        json!({"rule": rule["name"], "fromSecond": 0, "toSecond": to}),
    ] {
        let answer = owner.post_json(&path, &wrong).await;
        assert!([400, 404].contains(&answer.status), "{wrong}: {}", answer.status);
    }
    world.server.stop().await;
}

#[tokio::test]
async fn a_trial_says_the_same_however_little_it_reads() {
    let world = World::new().await;
    let owner = world.server.owner();
    for _ in 0..3 {
        world.retrieve(&owner).await;
        world.clock.advance(SignedDuration::from_mins(30));
    }
    let to = world.clock.now().as_second();
    world.clock.advance(SignedDuration::from_mins(1));
    let path = format!("{}/tryRule", world.provider());
    for name in ["retrieved", "new_identity", "many_serial_logs"] {
        let shipped =
            hardline_detect::rule::shipped::SHIPPED.iter().find(|rule| rule.file.contains(name)).unwrap();
        let narrow = shipped.text.to_owned();
        // What may stand in any field has every event read, and every field made.
        let wide = narrow.replace("data_stream.dataset:azure.activitylogs and", "\"no such words\" or");
        assert_ne!(narrow, wide);
        let mut answers = Vec::new();
        for source in [narrow, wide] {
            let body = json!({"source": source, "fromSecond": to - 24 * 3600, "toSecond": to});
            answers.push(owner.post_json(&path, &body).await.expect(200).json);
        }
        assert_eq!(answers[0], answers[1]);
        assert!(answers[0]["events"].as_u64().unwrap() > answers[0]["matched"].as_u64().unwrap());
    }
    world.server.stop().await;
}

#[tokio::test]
async fn a_webhook_is_sent_until_it_is_taken() {
    let mut receiver = Receiver::start().await;
    // Somebody else who never answers holds nobody up.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let webhook = |name: &str, address: &str| AlertWebhook {
        name: name.into(),
        address: address.into(),
        secret: Some("shared".into()),
        severity: "medium".into(),
    };
    let builder = TestServer::builder().limits(|limits| {
        limits.sink_look = Duration::from_millis(20);
        limits.sink_answer = Duration::from_secs(3600);
    });
    let builder = builder.alert_webhook(webhook("chat", &format!("http://{}", silent.local_addr().unwrap())));
    let world = World::with(builder.alert_webhook(webhook("pager", &receiver.address))).await;
    world.server.run_rules().await;
    // Only the novelty variant's alert is awaited: one message, refused once.
    let all = world.rule_named("retrieved").await;
    world.turn(&all, false).await;
    world.clock.advance(SignedDuration::from_mins(1));
    world.retrieve(&world.server.owner()).await;
    world.minutes(4).await;
    let (first, body) = receiver.next().await;
    assert!(first.starts_with("POST /hook?key=a HTTP/1.1"), "{first}");
    // When the refusal is written down, and so when the next attempt is due, nobody sees from outside.
    let (second, again) = loop {
        world.clock.advance(SignedDuration::from_mins(1));
        if let Ok(message) = tokio::time::timeout(Duration::from_millis(100), receiver.messages.recv()).await
        {
            break message.unwrap();
        }
    };
    let header = |head: &str, name: &str| {
        let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.unwrap_or_else(|| panic!("{name}: {head}")).to_owned()
    };
    assert_eq!(header(&first, "x-hardline-delivery"), header(&second, "x-hardline-delivery"));
    let mut mac = Hmac::<Sha256>::new_from_slice(b"shared").unwrap();
    mac.update(&again);
    let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    assert_eq!(header(&second, "x-hardline-signature"), signature);
    let told: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(told["alert"]["principal"], "owner@hardline.test");
    assert!(told["page"].as_str().unwrap().ends_with(told["alert"]["id"].as_str().unwrap()));
    assert!(!told.to_string().contains("sig="), "{told}");
    world.server.stop().await;
}

#[tokio::test]
async fn a_run_that_was_cut_off_is_done_again_and_counts_once() {
    let world = World::new().await;
    world.server.run_rules().await;
    world.clock.advance(SignedDuration::from_mins(1));
    world.retrieve(&world.server.owner()).await;
    world.clock.advance(SignedDuration::from_mins(4));
    // Another server takes the work, and is heard of no more.
    let rule = world.rule_named("retrieved").await;
    let name = rule["name"].as_str().unwrap();
    let now = world.clock.now().as_microsecond();
    let store = &world.server.state().store;
    let mut tx = store.begin().await.unwrap();
    let far = now + 300_000_000;
    let lost = detection_runs::lease(&mut tx, SUBSCRIPTION, name, now, now + 120_000_000, far)
        .await
        .unwrap()
        .unwrap();
    tx.commit().await.unwrap();
    hardline_server::detection::run_due(world.server.state()).await.unwrap();
    assert!(world.alerts(&format!("rule eq '{name}'")).await.is_empty(), "somebody has it");
    world.minutes(2).await;
    assert_eq!(world.alerts(&format!("rule eq '{name}'")).await.len(), 1);
    // It comes back and wants to finish.
    let mut tx = store.begin().await.unwrap();
    let late = detection_runs::DetectionRun { generation: lost.generation + 1, ..lost };
    assert!(!detection_runs::finish(&mut tx, &late).await.unwrap());
    drop(tx);
    world.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_servers_on_one_database_each_run_is_one_servers() {
    let world = World::with(TestServer::builder().postgres()).await;
    let second = world.server.second(world.clock.clone()).await;
    for n in 0..20 {
        let id = format!("query-{n}");
        let query = "event.action: *RETRIEVEBOOTDIAGNOSTICSDATA* and event.outcome: success";
        let body = json!({"properties": {"source": rule(&id, query, "type = \"query\""), "enabled": true}});
        world.server.owner().put(&format!("{}/rules/{id}", world.provider()), &body).await.expect(201);
    }
    world.server.run_rules().await;
    let generations = async || {
        let runs = detection_runs::list(&world.server.state().store, SUBSCRIPTION, 100).await.unwrap();
        runs.into_iter().map(|run| (run.rule, run.generation)).collect::<Vec<_>>()
    };
    let mut before = generations().await;
    for round in 1..=5 {
        world.clock.advance(SignedDuration::from_mins(1));
        world.retrieve(&world.server.owner()).await;
        world.clock.advance(SignedDuration::from_mins(5));
        let run = |state: &hardline_server::state::State| {
            let state = state.clone();
            tokio::spawn(async move { hardline_server::detection::run_due(&state).await.unwrap() })
        };
        let both = [world.server.state(), second.state(), world.server.state(), second.state()].map(run);
        let mut ran = Vec::new();
        for one in both {
            ran.push(one.await.unwrap());
        }
        for (_, generation) in &mut before {
            *generation += 1;
        }
        assert_eq!(generations().await, before, "each rule ran once in round {round}: {ran:?}");
        assert_eq!(ran.iter().sum::<usize>(), before.len());
        assert_eq!(world.alerts("rule eq 'query-7'").await.len(), round);
    }
    second.stop().await;
    world.server.stop().await;
}

#[tokio::test]
async fn the_operators_databases_say_where_an_address_is() {
    let directory = tempfile::TempDir::new().unwrap();
    let (networks, cities) = (directory.path().join("asn.mmdb"), directory.path().join("city.mmdb"));
    let loopback = ("127.0.0.0".parse().unwrap(), 8);
    let network = json!({"autonomous_system_number": 64500, "autonomous_system_organization": "Example Net"});
    place_database::write(&networks, "GeoLite2-ASN", &[(loopback, network)]);
    let city = json!({
        "city": {"names": {"en": "Oslo"}},
        "country": {"iso_code": "NO", "names": {"en": "Norway"}},
        "location": {"latitude": 59.9, "longitude": 10.7},
        "subdivisions": [{"iso_code": "03", "names": {"en": "Oslo County"}}],
    });
    place_database::write(&cities, "GeoLite2-City", &[(loopback, city)]);
    let places = PlaceDatabases { networks: Some(networks), cities: Some(cities) };
    let world = World::with(TestServer::builder().places(places)).await;
    let text = rule(
        "far",
        "source.as.number:(* and not (1 or 2)) and source.geo.country_name:Norway",
        "type = \"query\"",
    );
    let path = format!("{}/rules/far", world.provider());
    let made =
        world.server.owner().put(&path, &json!({"properties": {"source": text}})).await.expect(201).json;
    assert_eq!(made["properties"]["findings"], json!([]));
    world.server.run_rules().await;
    world.clock.advance(SignedDuration::from_mins(1));
    world.retrieve(&world.server.owner()).await;
    world.minutes(4).await;
    let alerts = world.alerts("rule eq 'far'").await;
    let alert = world.server.owner().get(alerts[0]["id"].as_str().unwrap()).await.expect(200).json;
    let source = &alert["properties"]["document"]["source"];
    assert_eq!(source["as"], json!({"number": 64500, "organization": {"name": "Example Net"}}));
    assert_eq!(
        (&source["geo"]["city_name"], &source["geo"]["region_iso_code"]),
        (&json!("Oslo"), &json!("NO-03"))
    );
    world.server.stop().await;
}
