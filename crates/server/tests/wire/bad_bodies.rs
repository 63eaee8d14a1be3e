//! Bodies that are not what they should be, sent to each sort of resource: of another type, cut off, with numbers that no
//! machine has, with members twice.

use crate::resources::{done, make, samples, with_host};
use hardline_testkit::request::read;
use hardline_testkit::{Answer, As, TestServer};
use http::Method;
use serde_json::json;

/// A PUT of these bytes, said to be of this type.
async fn put(who: &As<'_>, path: &str, media: Option<&str>, body: impl Into<Vec<u8>>) -> Answer {
    let mut request = who.request(Method::PUT, &format!("{path}?api-version=2024-07-01")).await;
    if let Some(media) = media {
        request = request.header("content-type", media);
    }
    read(request.body(body.into()).send().await.unwrap()).await
}

const JSON: Option<&str> = Some("application/json");

#[tokio::test]
async fn a_body_is_json_and_says_so() {
    let (server, _host) = with_host().await;
    let owner = server.with_token(&server.owner().access_token().await);
    for sample in samples(&server, "media1") {
        let body = sample.body.to_string();
        for media in [
            None,
            Some("text/plain"),
            Some("application/xml"),
            Some("multipart/form-data; boundary=x"),
            Some("application/jsonp"),
            Some(";"),
        ] {
            let answer = put(&owner, &sample.path, media, body.clone()).await.expect(415);
            assert_eq!(answer.code(), "UnsupportedMediaType", "{}", sample.kind);
            let named = media.map_or("<null>", |media| media.split(';').next().unwrap());
            assert_eq!(
                answer.message(),
                format!(
                    "The content media type '{named}' is not supported. Only 'application/json' is supported."
                )
            );
        }
        owner.get(&sample.path).await.expect(404);
        done(&server, put(&owner, &sample.path, Some("Application/JSON; charset=utf-8"), body).await).await;
    }
    // What has no body needs no type, and may have any.
    let start = format!("{}/start?api-version=2024-07-01", server.vm_path("media1"));
    let request = owner.request(Method::POST, &start).await.header("content-type", "text/plain");
    done(&server, read(request.send().await.unwrap()).await).await;
    // Somebody without the right learns nothing from it.
    let reader = server.reader();
    assert_eq!(
        put(&reader, &server.vm_path("vm1"), Some("text/plain"), "x").await.expect(403).code(),
        "AuthorizationFailed"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_is_cut_off_or_no_object_makes_nothing() {
    let (server, _host) = with_host().await;
    let owner = server.with_token(&server.owner().access_token().await);
    for sample in samples(&server, "cut1") {
        let whole = sample.body.to_string();
        let mut bad: Vec<Vec<u8>> = [1, whole.len() / 3, whole.len() / 2, whole.len() - 1]
            .iter()
            .map(|length| whole.as_bytes()[..*length].to_vec())
            .collect();
        bad.extend(
            ["", "null", "[]", "7", "\"x\"", "{}{}", "{\"location\": \"lo\u{1}cal\"}"]
                .map(|text| text.as_bytes().to_vec()),
        );
        bad.push(b"{\"location\": \"\xff\xfe\"}".to_vec());
        bad.push("[".repeat(100_000).into_bytes());
        bad.push(format!("{{\"a\":{}", "[".repeat(100_000)).into_bytes());
        for body in bad {
            let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
            let answer = put(&owner, &sample.path, JSON, body).await;
            assert_eq!(answer.status, 400, "{} {shown}: {}", sample.kind, answer.text);
            assert!(!answer.code().is_empty() && !answer.message().is_empty(), "{}", answer.text);
        }
        owner.get(&sample.path).await.expect(404);
    }
    server.stop().await;
}

/// A body with one value of the sample's replaced, as text.
fn with(server: &TestServer, kind: &str, pointer: &str, value: &str) -> (String, String) {
    let sample = samples(server, "huge1").into_iter().find(|s| s.kind.ends_with(kind)).unwrap();
    let mut body = sample.body;
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(member.into(), json!("HERE"));
    (sample.path, body.to_string().replace("\"HERE\"", value))
}

#[tokio::test]
async fn numbers_that_nothing_has() {
    let (server, _host) = with_host().await;
    let owner = server.with_token(&server.owner().access_token().await);
    let digits = "9".repeat(400);
    for (kind, pointer) in [
        ("virtualMachineScaleSets", "/sku/capacity"),
        ("virtualMachines", "/properties/hardwareProfile/vmSize"),
        ("virtualMachines", "/location"),
        ("virtualNetworks", "/properties/addressSpace/addressPrefixes"),
        ("storageAccounts", "/sku/name"),
        ("storageAccounts", "/kind"),
        ("resourceGroups", "/location"),
        ("resourceGroups", "/tags"),
        ("deployments", "/properties/mode"),
        ("deployments", "/properties/template"),
    ] {
        for value in
            ["1e999", "-1e999", "18446744073709551616", "-9223372036854775809", "1e18", "-1", "0.5", &digits]
        {
            let (path, body) = with(&server, kind, pointer, value);
            let answer = put(&owner, &path, JSON, body).await;
            assert_eq!(answer.status, 400, "{kind} {pointer} {value:.30}: {}", answer.text);
            assert!(!answer.code().is_empty(), "{}", answer.text);
            owner.get(&path).await.expect(404);
        }
    }
    // In the query too.
    let list = format!("{}/providers/Microsoft.Compute/virtualMachines", server.group_path());
    for (query, status) in [
        ("$top=-1", 400),
        ("$top=0", 400),
        ("$top=1e3", 400),
        ("$top=99999999999999999999", 400),
        ("$top=5", 200),
    ] {
        let answer = owner.get(&format!("{list}?{query}")).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.text);
    }
    let data = format!("{}/retrieveBootDiagnosticsData", server.vm_path("vm1"));
    for minutes in ["0", "1441", "99999999999999999999", "-5", "x", "1.5"] {
        owner.post(&format!("{data}?sasUriExpirationTimeInMinutes={minutes}")).await.expect(400);
    }
    server.stop().await;
}

#[tokio::test]
async fn of_a_member_that_comes_twice_the_last_counts() {
    let (server, _host) = with_host().await;
    let owner = server.with_token(&server.owner().access_token().await);
    for sample in samples(&server, "twice1").into_iter().filter(|s| s.body.get("location").is_some()) {
        let body = sample.body.to_string();
        let first = body.replacen(
            '{',
            "{\"location\": \"mars\", \"tags\": {\"a\": \"1\"}, \"tags\": {\"a\": \"1\", \"a\": \"2\"}, ",
            1,
        );
        done(&server, put(&owner, &sample.path, JSON, first).await).await;
        let made = owner.get(&sample.path).await.expect(200).json;
        assert_eq!(
            (&made["location"], &made["tags"]),
            (&json!("local"), &json!({"a": "2"})),
            "{}",
            sample.kind
        );
        let last = format!("{}, \"location\": \"mars\"}}", body.strip_suffix('}').unwrap());
        let moved = put(&owner, &sample.path, JSON, last).await;
        assert!(matches!(moved.status, 400 | 409), "{}: {}", sample.kind, moved.text);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_secret_is_one_however_its_name_is_spelled() {
    let (server, _host) = with_host().await;
    let sample = samples(&server, "vm1").remove(1);
    make(&server, &sample).await;
    let patch =
        json!({"properties": {"OSProfile": {"AdminPassword": "hunter2 hunter2", "CUSTOMDATA": "hunter2"}}});
    let answer = server.owner().patch(&sample.path, &patch).await;
    assert!(!answer.text.contains("hunter2"), "{}", answer.text);
    assert!(!server.owner().get(&sample.path).await.expect(200).text.contains("hunter2"));
    server.stop().await;
}
