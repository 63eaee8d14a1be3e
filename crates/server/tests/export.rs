//! Events leave: to a strict receiver that fails in every way, through restarts, without a loss and in order.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_server::config::Export;
use hardline_store::db::activity_events::{self, EventFilter};
use hardline_testkit::server::{Builder, SUBSCRIPTION};
use hardline_testkit::{BulkReceiver, Fault, TestServer};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

const KEY: &str = "aWQ6a2V5";

fn path(name: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Insights/diagnosticSettings/{name}")
}

fn builder(destinations: &[&str]) -> Builder {
    let export =
        Export { destinations: destinations.iter().map(ToString::to_string).collect(), ..Export::default() };
    TestServer::builder().export(export).limits(|limits| {
        limits.sink_look = Duration::from_millis(20);
        limits.sink_pause = Duration::from_millis(2);
        limits.sink_answer = Duration::from_millis(500);
    })
}

fn body(address: &str, change: &Value) -> Value {
    let mut profile = json!({
        "kind": "elasticsearch", "address": address, "authentication": "apiKey", "secret": KEY,
    });
    profile.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    json!({ "properties": {
        "logs": [{ "category": "Administrative", "enabled": true }], "hardlineProfile": profile,
    } })
}

async fn receiver() -> BulkReceiver {
    BulkReceiver::start(Some(&format!("ApiKey {KEY}"))).await
}

/// Makes or changes `count` groups, round and round.
async fn load(server: &TestServer, count: usize) {
    let put = async |n: usize| {
        let path = format!("{}/resourceGroups/load{}", server.subscription_path(), n % 7);
        let answer =
            server.owner().put(&path, &json!({ "location": "local", "tags": { "n": n.to_string() } })).await;
        assert!(answer.status < 300, "{}", answer.text);
    };
    for n in 0..count {
        put(n).await;
    }
}

/// The ids of the subscription's events with their resources, from the first of the setting's own on, in the order of writing.
async fn written(server: &TestServer) -> Vec<(String, String)> {
    let filter = EventFilter { subscription: Some(SUBSCRIPTION.into()), ..Default::default() };
    let mut events = activity_events::list(&server.state().store, &filter, 10_000).await.unwrap();
    events.sort_by_key(|event| event.seq);
    let all = events.iter().map(|event| {
        let event: Value = serde_json::from_str(&event.body).unwrap();
        let text = |name: &str| event[name].as_str().unwrap().to_owned();
        (text("eventDataId"), text("resourceId").to_lowercase())
    });
    all.skip_while(|(_, resource)| !resource.contains("diagnosticsettings")).collect()
}

async fn status(server: &TestServer, name: &str) -> Value {
    server.owner().get(&path(name)).await.expect(200).json["properties"]["hardlineProfile"]["status"].clone()
}

/// One of the figures for Prometheus.
async fn figure(server: &TestServer, name: &str) -> i64 {
    let path = format!("/subscriptions/{SUBSCRIPTION}/providers/Hardline.Insights/metrics");
    let answer = server.owner().get(&path).await.expect(200);
    assert!(answer.header("content-type").starts_with("application/openmetrics-text; version=1.0.0"));
    let line = answer.text.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name} in\n{}", answer.text)).trim().parse().unwrap()
}

/// Waits until everything that is written has come, then checks that it came in order.
async fn all_came(server: &TestServer, sink: &BulkReceiver) {
    let written = written(server).await;
    sink.wait("every event", |sink| sink.taken().len() >= written.len()).await;
    let taken = sink.taken();
    let mut orders: HashMap<&str, (Vec<&str>, Vec<&str>)> = HashMap::new();
    let resources: BTreeMap<&str, &str> = written.iter().map(|(id, r)| (id.as_str(), r.as_str())).collect();
    for (id, resource) in &written {
        orders.entry(resource).or_default().0.push(id);
    }
    for (id, _) in &taken {
        orders.get_mut(resources[id.as_str()]).unwrap().1.push(id);
    }
    for (resource, (written, taken)) in orders {
        assert_eq!(written, taken, "{resource}");
    }
    assert_eq!(sink.violations(), Vec::<String>::new());
}

/// Waits until the setting's status is as wanted.
async fn until(server: &TestServer, name: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let waiting = async {
        loop {
            let status = status(server, name).await;
            if wanted(&status) {
                return status;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.unwrap_or_else(|_| panic!("no {what}"))
}

#[tokio::test]
async fn every_event_comes_in_order_whatever_the_sink_does() {
    let sink = receiver().await;
    let server = builder(&[sink.url()]).start().await;
    server.owner().put(&path("one"), &body(sink.url(), &json!({}))).await.expect(200);
    let faults = [
        Fault::Drop,
        Fault::TakeAndDrop,
        Fault::Status(503),
        Fault::TakeAndHalf,
        Fault::Items(2, 429),
        Fault::Never,
        Fault::Items(1, 503),
        Fault::OneShort,
        Fault::Status(429),
        Fault::Items(3, 429),
        Fault::Status(401),
        Fault::TakeAndDrop,
    ];
    for fault in faults {
        sink.fail([fault]);
        load(&server, 9).await;
    }
    all_came(&server, &sink).await;
    assert!(sink.duplicates() > 0, "what was taken without an answer is sent again");
    let end = until(&server, "one", "end of the lag", |status| status["lagEvents"] == 0).await;
    assert_eq!((&end["deadLetters"], &end["lastError"]), (&json!(0), &Value::Null));
    assert_eq!(sink.queries().into_iter().collect::<Vec<_>>(), ["pipeline=_none"]);
    server.stop().await;
}

#[tokio::test]
async fn a_sink_that_takes_a_part_is_not_taken_for_one_that_is_away() {
    let sink = receiver().await;
    let server = builder(&[sink.url()]).limits(|limits| limits.sink_pause = Duration::from_millis(20));
    let server = server.start().await;
    server.owner().put(&path("one"), &body(sink.url(), &json!({}))).await.expect(200);
    sink.wait("the setting's own events", |sink| sink.taken().len() == 2).await;
    sink.be_away(true);
    load(&server, 60).await;
    // Pauses that grew with each of these answers would be longer than anybody waits here.
    sink.fail(vec![Fault::Items(2, 429); 40]);
    sink.be_away(false);
    all_came(&server, &sink).await;
    server.stop().await;
}

#[tokio::test]
async fn a_sink_that_is_away_holds_up_nobody_and_its_lag_is_shown() {
    let sink = receiver().await;
    let server = builder(&[sink.url()]).start().await;
    sink.be_away(true);
    server.owner().put(&path("one"), &body(sink.url(), &json!({}))).await.expect(200);
    load(&server, 40).await;
    let lagging = until(&server, "one", "lag", |status| {
        status["lagEvents"] == 82 && status["failuresInARow"].as_i64().unwrap() > 1
    })
    .await;
    assert!(lagging["lastError"].is_string() && lagging["lastErrorTime"].is_string(), "{lagging}");
    assert_eq!(figure(&server, "hardline_export_lag_events{setting=\"one\"}").await, 82);
    assert!(figure(&server, "hardline_export_failures{setting=\"one\"}").await > 1);
    assert!(figure(&server, "hardline_export_lag_seconds{setting=\"one\"}").await >= 0);
    // A server that is started again goes on where the one before was.
    let kept = server.stop_keeping_data().await;
    let server = builder(&[sink.url()]).directory(kept).start().await;
    load(&server, 5).await;
    sink.be_away(false);
    all_came(&server, &sink).await;
    until(&server, "one", "end of the lag", |status| status["lagEvents"] == 0).await;
    for (name, wanted) in [("lag_events", 0), ("lag_seconds", 0), ("failures", 0), ("sent_events_total", 92)]
    {
        let figure = figure(&server, &format!("hardline_export_{name}{{setting=\"one\"}}")).await;
        assert_eq!(figure, wanted, "{name}");
    }
    server.stop().await;
}

#[tokio::test]
async fn nothing_is_sent_twice_or_left_out_by_a_restart() {
    let sink = receiver().await;
    let mut server = builder(&[sink.url()]).start().await;
    server.owner().put(&path("one"), &body(sink.url(), &json!({}))).await.expect(200);
    for _ in 0..3 {
        load(&server, 10).await;
        let kept = server.stop_keeping_data().await;
        server = builder(&[sink.url()]).directory(kept).start().await;
    }
    all_came(&server, &sink).await;
    let before = sink.requests();
    let written = written(&server).await.len();
    load(&server, 1).await;
    sink.wait("the last two", |sink| sink.taken().len() == written + 2).await;
    assert!(sink.requests() <= before + 2);
    server.stop().await;
}

#[tokio::test]
async fn an_event_that_is_refused_for_good_is_a_dead_letter() {
    let sink = receiver().await;
    let server = builder(&[sink.url()]).start().await;
    server.owner().put(&path("one"), &body(sink.url(), &json!({}))).await.expect(200);
    sink.wait("the setting's own events", |sink| sink.taken().len() == 2).await;
    sink.fail([Fault::Items(1, 400)]);
    load(&server, 1).await;
    let status =
        until(&server, "one", "dead letter", |status| status["deadLetters"] == 1 && status["lagEvents"] == 0)
            .await;
    let letter = &status["lastDeadLetters"][0];
    assert_eq!(letter["reason"], "400 told_so: status 400");
    let written = written(&server).await;
    assert_eq!(written[2].0, letter["eventDataId"].as_str().unwrap());
    assert_eq!((sink.taken().len(), &status["sentEvents"]), (3, &json!(3)));
    server.stop().await;
}

#[tokio::test]
async fn requests_that_are_too_long_are_cut() {
    let sink = receiver().await;
    let server = builder(&[sink.url()]).start().await;
    sink.be_away(true);
    server.owner().put(&path("one"), &body(sink.url(), &json!({}))).await.expect(200);
    load(&server, 14).await;
    sink.fail([Fault::AtMost(1); 1]);
    sink.be_away(false);
    all_came(&server, &sink).await;
    assert_eq!(until(&server, "one", "end of the lag", |s| s["lagEvents"] == 0).await["deadLetters"], 0);
    server.stop().await;
}

#[tokio::test]
async fn a_sink_that_has_never_taken_anything_makes_no_dead_letters() {
    let sink = receiver().await;
    let server = builder(&[sink.url()]).start().await;
    // Not the stream that the receiver knows: it answers 400 to everything.
    let wrong = body(sink.url(), &json!({ "dataStream": "logs-other" }));
    server.owner().put(&path("one"), &wrong).await.expect(200);
    let status = until(&server, "one", "failures", |s| s["failuresInARow"].as_i64().unwrap() > 2).await;
    assert_eq!((&status["deadLetters"], &status["lagEvents"]), (&json!(0), &json!(2)));
    // Corrected, it begins where it should have.
    server.owner().put(&path("one"), &body(sink.url(), &json!({}))).await.expect(200);
    until(&server, "one", "end of the lag", |s| s["lagEvents"] == 0).await;
    assert_eq!(sink.taken().len(), written(&server).await.len());
    server.stop().await;
}

#[tokio::test]
async fn documents_or_records() {
    let sink = receiver().await;
    let server = builder(&[sink.url()]).start().await;
    server.owner().put(&path("ecs"), &body(sink.url(), &json!({}))).await.expect(200);
    sink.wait("its own events", |sink| sink.taken().len() == 2).await;
    server.owner().delete(&path("ecs")).await.expect(200);
    server.owner().delete(&path("ecs")).await.expect(204);
    let (id, document) = &sink.taken()[1];
    assert_eq!(document["event"]["action"], "MICROSOFT.INSIGHTS/DIAGNOSTICSETTINGS/WRITE");
    assert_eq!(document["event"]["outcome"], "success");
    assert_eq!(document["event"]["id"], id.as_str());
    assert!(document["event"]["sequence"].is_i64() && document["event"]["ingested"].is_string());

    let sink = receiver().await;
    let server_of_records = builder(&[sink.url()]).start().await;
    let raw = body(sink.url(), &json!({ "mode": "raw" }));
    server_of_records.owner().put(&path("raw"), &raw).await.expect(200);
    sink.wait("its own events", |sink| sink.taken().len() == 2).await;
    let (_, document) = &sink.taken()[1];
    let record: Value = serde_json::from_str(document["message"].as_str().unwrap()).unwrap();
    assert_eq!((&record["resultType"], &record["category"]), (&json!("Success"), &json!("Administrative")));
    assert_eq!(document.as_object().unwrap().len(), 2);
    assert_eq!(sink.queries().into_iter().collect::<Vec<_>>(), [""]);
    server.stop().await;
    server_of_records.stop().await;
}

#[tokio::test]
async fn a_secret_is_never_shown_and_goes_nowhere_else() {
    let server = builder(&["https://e.test/a/", "https://e.test/b/"]).start().await;
    let owner = server.owner();
    let written = owner.put(&path("one"), &body("https://e.test/a/", &json!({}))).await.expect(200);
    let shown = owner.get(&path("one")).await.expect(200);
    let listed = owner.get(path("").trim_end_matches('/')).await.expect(200);
    let log =
        format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Insights/eventtypes/management/values");
    let events = owner.get(&log).await.expect(200);
    for answer in [&written, &shown, &listed, &events] {
        assert!(!answer.text.contains(KEY), "{}", answer.text);
    }
    assert_eq!(listed.json["value"][0]["name"], "one");
    assert_eq!(shown.json["properties"]["hardlineProfile"]["secretSet"], true);
    // Written back as it was read, it stays; for another place it must be given again.
    owner.put(&path("one"), &shown.json).await.expect(200);
    let mut elsewhere = shown.json.clone();
    elsewhere["properties"]["hardlineProfile"]["address"] = json!("https://e.test/b/");
    let refused = owner.put(&path("one"), &elsewhere).await.expect(400);
    assert!(refused.message().contains("secret"), "{}", refused.text);
    server.stop().await;
}

#[tokio::test]
async fn settings_that_are_refused() {
    let server = builder(&["https://e.test/"]).start().await;
    let owner = server.owner();
    let check = async |body: Value, why: &str| {
        let refused = owner.put(&path("one"), &body).await.expect(400);
        assert!(refused.message().contains(why), "{}", refused.text);
    };
    let good = body("https://e.test/", &json!({}));
    check(json!({}), "properties").await;
    check(body("https://other.test/", &json!({})), "export.destinations").await;
    check(body("file:///etc/passwd", &json!({})), "export.destinations").await;
    let mut azure = good.clone();
    azure["properties"]["workspaceId"] = json!("/subscriptions/s");
    check(azure, "hardlineProfile").await;
    let mut logs = good.clone();
    logs["properties"]["logs"] = json!([{ "category": "Gossip", "enabled": true }]);
    check(logs, "Administrative").await;
    owner.put(&path(".hidden"), &good).await.expect(400);
    owner.put(&path("two words"), &good).await.expect(400);
    server.reader().put(&path("one"), &good).await.expect(403);
    for n in 0..5 {
        owner.put(&path(&format!("n{n}")), &good).await.expect(200);
    }
    owner.put(&path("n5"), &good).await.expect(409);
    owner.get(&path("n5")).await.expect(404);
    server.stop().await;
}
