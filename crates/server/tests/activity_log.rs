//! The activity log's query: windows, filters, pages, projection.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_server::clock::ManualClock;
use hardline_testkit::TestServer;
use hardline_testkit::server::SUBSCRIPTION;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;

fn log(filter: &str) -> String {
    let path =
        format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Insights/eventtypes/management/values");
    if filter.is_empty() { path } else { format!("{path}?$filter={filter}") }
}

fn resources(answer: &Value) -> Vec<String> {
    let name = |e: &Value| e["resourceId"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    answer["value"].as_array().unwrap().iter().map(name).collect()
}

/// A server whose log holds groups g0, g1, … made an hour apart, from 12:00 on; now it is an hour after the last.
async fn with_groups(count: u32) -> (TestServer, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new("2026-11-21T12:00:00Z".parse::<Timestamp>().unwrap()));
    let server = TestServer::builder().clock(clock.clone()).start().await;
    for n in 0..count {
        let path = format!("{}/resourceGroups/g{n}", server.subscription_path());
        server.owner().put(&path, &json!({ "location": "local" })).await.expect(201);
        clock.advance(SignedDuration::from_hours(1));
    }
    (server, clock)
}

#[tokio::test]
async fn newest_first_and_six_hours_by_default() {
    let (server, _clock) = with_groups(8).await;
    // 20:00 now: g2 was made at 14:00. Each has a start and an end event.
    let answer = server.reader().get(&log("")).await.expect(200);
    let names: Vec<_> = (2..8).rev().flat_map(|n| [format!("g{n}"), format!("g{n}")]).collect();
    assert_eq!(resources(&answer.json), names);
    let newest = &answer.json["value"][0];
    assert_eq!(
        (&newest["status"]["value"], &newest["eventName"]["value"]),
        (&json!("Succeeded"), &json!("EndRequest"))
    );
    assert_eq!(
        newest["subStatus"],
        json!({ "value": "Created", "localizedValue": "Created (HTTP Status Code: 201)" })
    );
    assert_eq!(newest["eventTimestamp"], "2026-11-21T19:00:00Z");
    assert_eq!(newest.get("particulars"), None, "that is for the other views");
    server.stop().await;
}

#[tokio::test]
async fn filters_in_the_spellings_of_the_clients() {
    let (server, _clock) = with_groups(4).await;
    let owner = server.owner();
    let ask = async |filter: &str| resources(&owner.get(&log(filter)).await.expect(200).json);
    let window =
        "eventTimestamp ge 2026-11-21T13:00:00.000000 and eventTimestamp le 2026-11-21T14:00:00.000000";
    assert_eq!(ask(window).await, ["g2", "g2", "g1", "g1"]);
    assert_eq!(
        ask("eventTimestamp gt '2026-11-21T13:00:00Z' and resourceGroupName eq 'G3'").await,
        ["g3", "g3"]
    );
    let uri = format!("{}/resourcegroups/G1", server.subscription_path());
    assert_eq!(ask(&format!("resourceUri eq '{uri}'")).await, ["g1", "g1"]);
    assert_eq!(ask(&format!("resourceId eq {uri} and status eq 'succeeded'")).await, ["g1"]);
    assert_eq!(ask("resourceProvider eq 'microsoft.resources' and status eq 'Started'").await.len(), 4);
    assert!(ask("resourceProvider eq 'Microsoft.Compute'").await.is_empty());
    assert_eq!(ask(&format!("caller eq '{}'", owner.name().to_uppercase())).await.len(), 8);
    assert!(ask("caller eq 'somebody'").await.is_empty());
    let bad = owner.get(&log("eventTimestamp ge 'soon'")).await.expect(400);
    assert_eq!(bad.code(), "InvalidFilterInQueryString");
    server.stop().await;
}

#[tokio::test]
async fn pages_have_every_event_once_while_new_ones_come() {
    let (server, _clock) = with_groups(4).await;
    let owner = server.owner();
    let mut link = format!(
        "{}{}&$top=3&api-version=2015-04-01",
        server.url(),
        log("resourceProvider eq 'Microsoft.Resources'")
    );
    let mut seen = Vec::new();
    loop {
        let page = owner.get(&link).await.expect(200).json;
        let ids =
            page["value"].as_array().unwrap().iter().map(|e| e["eventDataId"].as_str().unwrap().to_owned());
        seen.extend(ids);
        let path = format!("{}/resourceGroups/during{}", server.subscription_path(), seen.len());
        owner.put(&path, &json!({ "location": "local" })).await.expect(201);
        match page["nextLink"].as_str() {
            Some(next) => link = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen.len(), 8);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 8, "an event came twice");
    let forged = owner.get(&format!("{}?$skiptoken=AAAA", log(""))).await.expect(400);
    assert_eq!(forged.code(), "InvalidParameter");
    server.stop().await;
}

#[tokio::test]
async fn records_are_fetched_in_order_from_where_the_page_before_ended() {
    let (server, _clock) = with_groups(4).await;
    let owner = server.owner();
    let path = format!("/subscriptions/{SUBSCRIPTION}/providers/Hardline.Insights/eventRecords");
    let mut link = format!("{path}?$top=3");
    let mut told = Vec::new();
    for _ in 0..4 {
        let page = owner.get(&link).await.expect(200).json;
        let records = page["records"].as_array().unwrap();
        told.extend(records.iter().map(|record| record["resultType"].as_str().unwrap().to_owned()));
        link = page["nextLink"].as_str().unwrap().to_owned();
    }
    assert_eq!(told, ["Start", "Success"].repeat(4));
    // The last link is good for what comes later.
    let group = format!("{}/resourceGroups/later", server.subscription_path());
    owner.put(&group, &json!({ "location": "local" })).await.expect(201);
    let page = server.reader().get(&link).await.expect(200).json;
    assert_eq!(page["records"].as_array().unwrap().len(), 2);
    assert!(page["records"][1]["resourceId"].as_str().unwrap().ends_with("/RESOURCEGROUPS/LATER"));
    server.stranger().get(&path).await.expect(403);
    owner.get(&format!("{path}?$skiptoken=AAAA")).await.expect(400);
    server.stop().await;
}

#[tokio::test]
async fn select_keeps_what_it_names() {
    let (server, _clock) = with_groups(1).await;
    let answer = server.owner().get(&format!("{}?$select=caller , OperationName", log(""))).await.expect(200);
    let event = answer.json["value"][0].as_object().unwrap();
    assert_eq!(event.keys().collect::<Vec<_>>(), ["caller", "operationName"]);
    server.stop().await;
}

#[tokio::test]
async fn secrets_of_a_request_stay_out_of_the_log() {
    let (server, _clock) = with_groups(0).await;
    let path =
        format!("{}/resourceGroups/g?sig=topsecret&authorization=topsecret", server.subscription_path());
    server
        .owner()
        .put(&path, &json!({ "location": "local", "tags": { "t": "topsecret" } }))
        .await
        .expect(201);
    let answer = server.owner().get(&log("")).await.expect(200);
    assert_eq!(answer.json["value"].as_array().unwrap().len(), 2);
    assert!(!answer.text.contains("topsecret"), "{}", answer.text);
    server.stop().await;
}
