//! What a value means in a field of each kind.

use super::{check, now, query};
use serde_json::json;

#[test]
fn whole_and_floating_numbers() {
    let document = json!({
        "source": { "as": { "number": 3598 }, "port": "443", "bytes": 12.9 }, "event.risk_score": 47.5,
        "u": { "n": 7, "f": 1.5, "s": "10" }, "process.pid": 9_007_199_254_740_993_u64,
    });
    check(
        &document,
        &[
            ("source.as.number: 3598", true),
            ("source.as.number: \"3598\"", true),
            ("source.as.number: 3598.0", true),
            ("source.as.number: 3.598e3", true),
            ("source.as.number: 3599", false),
            ("source.as.number: 3598.5", false),
            ("source.as.number: (* and not (3598 or 8068))", false),
            ("source.as.number: (* and not (3599 or 8068))", true),
            ("source.as.number: (1 or 2 or 3 or 4 or 3598.0)", true),
            ("source.as.number > 3597", true),
            ("source.as.number > 3598", false),
            ("source.as.number >= 3598", true),
            ("source.as.number < 3598.5", true),
            ("source.as.number <= 3597.5", false),
            ("source.as.number > 100000", false),
            ("source.as.number > x", false),
            ("source.as.number: x", false),
            ("source.as.number: 35*", false),
            ("source.as.number: *", true),
            // Text that is a number, and a fraction in a field of whole numbers.
            ("source.port: 443", true),
            ("source.port < 1000", true),
            ("source.bytes: 12", true),
            ("source.bytes: 12.9", false),
            ("event.risk_score: 47.5", true),
            ("event.risk_score > 47", true),
            ("event.risk_score: 47", false),
            // Not in the table: as the value is.
            ("u.n: 7", true),
            ("u.n > 6.5", true),
            ("u.n: x", false),
            ("u.f <= 1.5", true),
            ("u.s: 10", true),
            ("u.s: 10.0", false),
            ("u.s > 9", false),
            ("process.pid: 9007199254740993", true),
            ("process.pid: 9007199254740992", false),
        ],
    );
}

#[test]
fn keywords_that_hold_numbers_and_booleans() {
    let document = json!({ "event": { "code": 5, "id": true, "action": "b" } });
    check(
        &document,
        &[
            ("event.code: 5", true),
            ("event.code: \"5\"", true),
            ("event.code: 5.0", false),
            ("event.id: true", true),
            ("event.id: \"true\"", true),
            ("event.id: tr*", true),
            // Ranges of keywords go by their letters.
            ("event.action > a", true),
            ("event.action >= b", true),
            ("event.action < b", false),
            ("event.action > B", true),
            ("event.code < 41", false),
            ("event.code < 6", true),
        ],
    );
}

#[test]
fn addresses_networks_and_ranges() {
    let document = json!({ "source.ip": "203.0.113.7", "host.ip": ["10.1.2.3", "2001:db8::7"], "client.ip": "nonsense" });
    check(
        &document,
        &[
            ("source.ip: 203.0.113.7", true),
            ("source.ip: \"203.0.113.7\"", true),
            ("source.ip: 203.0.113.8", false),
            ("source.ip: 203.0.113.0/24", true),
            ("source.ip: 203.0.112.0/24", false),
            ("source.ip: \"203.0.113.0/24\"", true),
            ("source.ip: (10.0.0.0/8 or 203.0.113.0/24)", true),
            ("host.ip: 10.0.0.0/8", true),
            ("host.ip: \"2001:db8::/32\"", true),
            ("host.ip: 2001\\:db8\\:\\:7", true),
            ("host.ip: \"2001:db8:0:0::7\"", true),
            ("not host.ip: 10.0.0.0/8", false),
            ("source.ip: \"::ffff:203.0.113.7\"", true),
            ("source.ip >= 203.0.113.0", true),
            ("source.ip < 203.0.113.7", false),
            ("source.ip <= 203.0.113.7", true),
            ("source.ip > 3.0.0.0", true),
            ("source.ip > 203.0.113.0/24", false),
            ("source.ip: 203.0.*", false),
            ("source.ip: *", true),
            ("source.ip: x", false),
            ("client.ip: nonsense", false),
            ("client.ip: *", true),
        ],
    );
}

#[test]
fn dates_ranges_and_date_math() {
    let document = json!({
        "@timestamp": "2026-11-20T12:30:15.123456Z", "event": { "ingested": 1_763_719_200_000_u64, "created": "2026-11-21T12:00:00+02:00" },
        "unknown": { "date": "2026-11-20" },
    });
    check(
        &document,
        &[
            ("@timestamp: \"2026-11-20T12:30:15.123Z\"", true),
            ("@timestamp: \"2026-11-20T12:30:15.124Z\"", false),
            ("@timestamp: 2026-11-20", true),
            ("@timestamp: 2026-11-21", false),
            ("@timestamp: 2026-11", true),
            ("@timestamp: 2026", true),
            ("@timestamp: \"2026-11-20T12:30\"", true),
            ("@timestamp > 2026-11-19", true),
            // A day is a whole day: greater begins behind it, less ends before it.
            ("@timestamp > 2026-11-20", false),
            ("@timestamp >= 2026-11-20", true),
            ("@timestamp <= 2026-11-20", true),
            ("@timestamp < 2026-11-20", false),
            ("@timestamp < 2026-11-21", true),
            ("@timestamp > now-30d", true),
            ("@timestamp > now-12h", false),
            ("@timestamp > now-1d/d", false),
            ("@timestamp >= now-1d/d", true),
            ("@timestamp < now/d", true),
            ("@timestamp <= now", true),
            ("@timestamp > now", false),
            ("@timestamp: now-1d/d", true),
            ("@timestamp > 2026-11-01||+19d", true),
            ("@timestamp > 2026-11-01||+20d", false),
            ("@timestamp > tomorrow", false),
            ("@timestamp: x", false),
            ("@timestamp: *", true),
            ("@timestamp: 2026*", false),
            ("event.ingested: 2025-11-21", true),
            ("event.ingested: 1763719200000", true),
            ("event.created: \"2026-11-21T10:00:00Z\"", true),
            ("event.created: now", true),
            // Not in the table: by its letters.
            ("unknown.date > 2026-11-19", true),
            ("unknown.date: 2026-11", false),
            ("unknown.date > now-30d", false),
        ],
    );
}

#[test]
fn without_a_time_comparisons_with_now_hold_for_nothing() {
    let document = json!({ "@timestamp": "2026-11-20T12:30:15Z" });
    for text in ["@timestamp > now-30d", "@timestamp < now-30d", "@timestamp: now", "@timestamp <= now+5y"] {
        assert!(!query(text).matches(&document), "{text}");
    }
    assert!(query("@timestamp > now-30d").matches_at(&document, now()));
    assert!(query("@timestamp > 2026-11-01").matches(&document));
}

#[test]
fn booleans() {
    let document = json!({ "process": { "interactive": true }, "tls": { "established": "false", "resumed": "" }, "u": false });
    check(
        &document,
        &[
            ("process.interactive: true", true),
            ("process.interactive: \"true\"", true),
            ("process.interactive: false", false),
            ("process.interactive: TRUE", false),
            ("process.interactive: 1", false),
            ("process.interactive: t*", false),
            ("process.interactive: *", true),
            ("tls.established: false", true),
            ("tls.resumed: false", true),
            ("not tls.established: true", true),
            ("u: false", true),
            ("u: *", true),
        ],
    );
}

#[test]
fn null_is_no_value() {
    let document = json!({ "a": null, "b": "null", "c": "x" });
    check(
        &document,
        &[
            ("a: null", false),
            ("b: null", false),
            ("b: \"null\"", true),
            ("c: null", false),
            ("not c: null", true),
            ("a: *", false),
            ("c: (null or x)", true),
        ],
    );
}

#[test]
fn texts_are_compared_by_their_words() {
    let document = json!({ "message": ["The quick brown fox", "JUMPED over"], "user": { "name": "Alice Doe" }, "error.message": 42 });
    check(
        &document,
        &[
            ("message: quick", true),
            ("message: QUICK", true),
            ("message: slow", false),
            ("message: slow fox", true),
            ("message: \"quick brown\"", true),
            ("message: \"brown quick\"", false),
            ("message: \"quick fox\"", false),
            ("message: \"fox jumped\"", false),
            ("message: \"Quick, brown!\"", true),
            ("message: \"\"", false),
            ("message: qui*", true),
            ("message: QUI*", true),
            ("message: *", true),
            ("message: q*k b*n", true),
            ("message: z*k b*n", true),
            ("message: quick*fox", false),
            ("message: (quick and over)", true),
            ("message >= quick", true),
            ("error.message: 42", true),
            // A keyword and its view by words.
            ("user.name: Alice", false),
            ("user.name: Alice Doe", true),
            ("user.name: *Doe", true),
            ("user.name.text: alice", true),
            ("user.name.text: \"alice doe\"", true),
            ("user.name.text: *", true),
            ("user.name.text: bob", false),
        ],
    );
}

#[test]
fn flattened_objects_hold_keywords() {
    let document = json!({ "azure.activitylogs": {
        "properties": { "statusCode": "OK", "count": 5, "deep": { "flag": true, "list": ["x", "y"] } },
        "identity": { "claims": { "appid": "abc", "http://schemas_microsoft_com/identity/claims/tenantid": "t-1" } },
    } });
    check(
        &document,
        &[
            ("azure.activitylogs.properties.statusCode: OK", true),
            ("azure.activitylogs.properties.statusCode: ok", false),
            ("azure.activitylogs.properties.count: 5", true),
            ("azure.activitylogs.properties.count: 5.0", false),
            ("azure.activitylogs.properties.count > 41", true),
            ("azure.activitylogs.properties.deep.flag: true", true),
            ("azure.activitylogs.properties.deep.list: y", true),
            ("azure.activitylogs.properties.deep: *", true),
            ("azure.activitylogs.properties.status*: *", true),
            ("azure.activitylogs.properties.deep.l*: (x and y)", true),
            // The root is all leaves.
            ("azure.activitylogs.properties: OK", true),
            ("azure.activitylogs.properties: y", true),
            ("azure.activitylogs.properties: z", false),
            ("azure.activitylogs.identity.claims.appid: abc", true),
            (
                "azure.activitylogs.identity.claims.http\\://schemas_microsoft_com/identity/claims/tenantid: t-1",
                true,
            ),
            ("azure.activitylogs.identity.claims.statusCode: *", false),
            // Elasticsearch refuses patterns below a flattened field; here they match.
            ("azure.activitylogs.properties.statusCode: O*", true),
        ],
    );
}

#[test]
fn bodies_are_found_as_text_and_as_objects() {
    let role = r#"{"properties":{"roleDefinitionId":"/providers/x/8e3af657","list":[{"a":1},{"a":2}]}}"#;
    let as_text = json!({ "azure": { "activitylogs": { "properties": { "requestbody": role, "responseBody": "{\"a\":true}" } } } });
    let as_object = json!({ "azure": { "activitylogs": { "properties": {
        "requestbody": { "properties": { "roleDefinitionId": "/providers/x/8e3af657", "list": [{ "a": 1 }, { "a": 2 }] } },
        "responseBody": { "a": true },
    } } } });
    let body = "azure.activitylogs.properties.requestbody";
    let rows = [
        (format!("{body}.properties.roleDefinitionId: *8e3af657"), true),
        (format!("{body}.properties.roleDefinitionId: *ffff"), false),
        (format!("{body}.properties.list.a: 2"), true),
        (format!("{body}.properties.list.a: 3"), false),
        (format!("{body}.properties: 2"), true),
        (format!("{body}.properties.roleDefinitionId: *"), true),
        (format!("{body}.missing: *"), false),
        (format!("{body}: *8e3af657*"), true),
        (format!("{body}: *"), true),
        ("azure.activitylogs.properties.responseBody: *\\\"a\\\"\\:true*".to_owned(), true),
        ("azure.activitylogs.properties.responseBody: \"{\\\"a\\\":true}\"".to_owned(), true),
        ("azure.activitylogs.properties.responseBody: *\\\"a\\\"\\:false*".to_owned(), false),
        ("azure.activitylogs.properties.responseBody.a: true".to_owned(), true),
    ];
    for document in [&as_text, &as_object] {
        let rows: Vec<_> = rows.iter().map(|(text, expected)| (text.as_str(), *expected)).collect();
        check(document, &rows);
    }
    let broken = json!({ "azure.activitylogs.properties.requestbody": "{\"properties\":" });
    check(&broken, &[(&rows[0].0, false), (&rows[8].0, true)]);
}
