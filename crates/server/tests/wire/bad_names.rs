//! Names that are none, names in other capitals, and names that somebody hopes are read as paths.

use crate::connections::{rest, tls};
use crate::resources::{done, make, samples, with_host};
use hardline_testkit::TestServer;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

#[tokio::test]
async fn names_that_are_refused() {
    let (server, _host) = with_host().await;
    let owner = server.with_token(&server.owner().access_token().await);
    let long = "a".repeat(300);
    let encoded = [
        "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "..%2F..",
        "%2E%2E%5c",
        "a%2Fb",
        "a%5Cb",
        "a%00b",
        "%ff",
        "a%0d%0aSet-Cookie:x",
        "a%20b",
        "%20",
        "a%3Fb",
        "a%23b",
        "a%25b",
        "a*b",
        "%3Cscript%3E",
        "%E2%80%AE%E2%80%AEmv",
        "a%F0%9F%98%80",
        "a%E2%80%8Bb",
        &long,
    ];
    for name in encoded {
        for sample in samples(&server, name) {
            let answer = owner.put(&sample.path, &sample.body).await;
            assert!(
                matches!(answer.status, 400 | 404 | 405),
                "{} {name:.40}: {} {}",
                sample.kind,
                answer.status,
                answer.text
            );
            assert!(!answer.code().is_empty() && !answer.message().is_empty(), "{name:.40}: {}", answer.text);
            assert_eq!(answer.header("set-cookie"), "");
        }
    }
    // Nothing was made, under whatever name.
    let resources = owner.get(&format!("{}/resources", server.subscription_path())).await.expect(200);
    assert_eq!(resources.json, json!({"value": []}));
    let groups = owner.get(&format!("{}/resourceGroups", server.subscription_path())).await.expect(200).json;
    assert_eq!(groups["value"].as_array().unwrap().len(), 1, "{groups}");
    server.stop().await;
}

#[tokio::test]
async fn letters_of_every_script_where_azure_takes_them() {
    let (server, _host) = with_host().await;
    let owner = server.owner();
    // ARM's names of groups are letters of any script; a storage account's are a DNS label.
    for sample in samples(&server, "gr%C3%BCn-%E5%B1%B1") {
        let answer = owner.put(&sample.path, &sample.body).await;
        match sample.kind {
            "Microsoft.Resources/resourceGroups" => {
                let made = answer.expect(201).json;
                assert_eq!(made["name"], "grün-山");
                let shouted = sample.path.replace("gr%C3%BCn", "GR%C3%BCN");
                assert_eq!(owner.get(&shouted).await.expect(200).json["name"], "grün-山");
            }
            "Microsoft.Compute/virtualMachines" => {
                done(&server, answer).await;
                let read = owner.get(&sample.path).await.expect(200).json;
                assert_eq!(read["name"], "grün-山");
                let data = owner
                    .post(&format!("{}/retrieveBootDiagnosticsData", sample.path))
                    .await
                    .expect(200)
                    .json;
                let log = data["serialConsoleLogBlobUri"].as_str().unwrap();
                let answer = server.anonymous().get(log).await;
                assert!(matches!(answer.status, 200 | 206), "{log}: {}", answer.text);
            }
            _ => assert!(matches!(answer.status, 200..=202 | 400), "{}: {}", sample.kind, answer.text),
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn names_that_differ_in_case_only_are_one() {
    let (server, _host) = with_host().await;
    let owner = server.with_token(&server.owner().access_token().await);
    let lower = samples(&server, "same1");
    for (sample, other) in lower.iter().zip(samples(&server, "SAME1")) {
        let made = make(&server, sample).await;
        let again = owner.put(&other.path, &other.body).await;
        if sample.kind.ends_with("storageAccounts") {
            // Such a name has no capitals at all.
            assert_eq!(again.expect(400).code(), "AccountNameInvalid");
            assert_eq!(owner.get(&other.path).await.expect(200).json, made);
            continue;
        }
        // A deployment is another one each time, and has the name by which it was asked for last.
        if !sample.kind.ends_with("deployments") {
            assert_eq!(
                (&again.json["id"], &again.json["name"]),
                (&made["id"], &made["name"]),
                "{}: {}",
                sample.kind,
                again.text
            );
            assert_eq!(owner.get(&other.path).await.expect(200).json["name"], "same1", "{}", sample.kind);
        }
        done(&server, again).await;
        let list = sample.path.rsplit_once('/').unwrap().0;
        let list = owner.get(list).await.expect(200).json;
        let named = |item: &&serde_json::Value| item["name"].as_str().unwrap().eq_ignore_ascii_case("same1");
        assert_eq!(
            list["value"].as_array().unwrap().iter().filter(named).count(),
            1,
            "{}: {list}",
            sample.kind
        );
    }
    server.stop().await;
}

#[tokio::test]
async fn dots_on_the_wire_lead_nowhere() {
    let server = TestServer::start().await;
    let token = server.owner().access_token().await;
    let group = server.group_path();
    for path in [
        format!("{group}/../../../../etc/passwd"),
        format!("{group}/providers/Microsoft.Compute/virtualMachines/../../../.."),
        format!("{group}/providers/Microsoft.Compute/virtualMachines/%2e%2e"),
        "/portal/../../../../etc/passwd".into(),
        "/portal/%2e%2e/%2e%2e/etc/passwd".into(),
        "/portal/..%2f..%2fetc%2fpasswd".into(),
        "/hardlinemanaged/../../etc/passwd".into(),
        "/hardlinemanaged/%2e%2e%2f/x".into(),
        "/console/sessions/../../healthz".into(),
        "/../healthz".into(),
    ] {
        let mut stream = tls(&server).await;
        let head = format!(
            "GET {path}?api-version=2024-07-01 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let answer = rest(&mut stream).await;
        let status = answer.split(' ').nth(1).unwrap_or("");
        let portal = path.starts_with("/portal/") && answer.contains("text/html");
        assert!(portal || matches!(status, "400" | "403" | "404" | "405"), "{path}: {answer:.300}");
        assert!(!answer.contains("root:"), "{path}");
    }
    server.stop().await;
}
