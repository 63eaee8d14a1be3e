//! The blob endpoint behind an account's keys: lists, properties, ranges; SharedKey, account SAS, service SAS.

use crate::signing::{Client, account_sas, fetch, refused, service_sas};
use crate::{account, keys, machine_with, with_host};
use hardline_testkit::TestServer;
use hardline_testkit::console::events;
use hardline_testkit::request::read;
use http::Method;

const LATER: &str = "2099-01-01T00:00:00Z";

#[tokio::test]
async fn containers_and_blobs_are_listed_and_read_with_a_key() {
    let server = TestServer::start().await;
    let host = with_host(&server).await;
    account(&server, "acct1").await;
    host.show(Some(b"BM the display".to_vec()));
    let vm = machine_with(&server, &host, "web-1", "acct1").await;
    let other = machine_with(&server, &host, "db", "acct1").await;
    let managed = hardline_testkit::console::boot_vm(&server, "managed").await;
    let [key, _] = keys(&server, "acct1").await;
    let mut client = Client::new(&server, "acct1", &key);
    let (container, blob) = (format!("bootdiagnostics-web1-{vm}"), format!("web-1.{vm}.serialconsole.log"));
    let port = server.running().address().port();
    for host_style in [None, Some(format!("acct1.blob.core.hardline.test:{port}"))] {
        client.host = host_style;
        let containers = client.get("/", "comp=list").await.expect(200);
        assert_eq!(containers.header("content-type"), "application/xml");
        assert!(containers.text.contains(&format!("<Name>{container}</Name>")), "{}", containers.text);
        assert!(containers.text.contains(&other) && !containers.text.contains(&managed));
        let one = client.get("/", "comp=list&maxresults=1&prefix=bootdiagnostics-").await.expect(200);
        assert!(one.text.contains(&format!("<NextMarker>{container}</NextMarker>")), "{}", one.text);
        let head =
            client.send(Method::HEAD, &format!("/{container}"), "restype=container", &[]).await.expect(200);
        assert!(!head.header("etag").is_empty() && !head.header("last-modified").is_empty());
        let blobs = client.get(&format!("/{container}"), "comp=list&restype=container").await.expect(200);
        assert!(blobs.text.contains(&format!("<Name>{blob}</Name>")), "{}", blobs.text);
        assert!(
            blobs.text.contains("<Content-Length>19</Content-Length>")
                && blobs.text.contains("screenshot.bmp")
        );
        let none =
            client.get(&format!("/{container}"), "comp=list&prefix=x&restype=container").await.expect(200);
        assert!(none.text.contains("<Blobs></Blobs><NextMarker></NextMarker>"), "{}", none.text);

        let whole = client.get(&format!("/{container}/{blob}"), "").await.expect(200);
        assert_eq!(
            (whole.text.as_str(), whole.header("x-ms-blob-type")),
            ("Linux version 6.1\r\n", "AppendBlob")
        );
        let range = [("x-ms-range", "bytes=0-4")];
        let part = client.send(Method::GET, &format!("/{container}/{blob}"), "", &range).await.expect(206);
        assert_eq!((part.text.as_str(), part.header("content-range")), ("Linux", "bytes 0-4/19"));
        let head = client.send(Method::HEAD, &format!("/{container}/{blob}"), "", &[]).await.expect(200);
        assert_eq!(head.header("content-length"), "19");
        let picture = format!("/{container}/web-1.{vm}.screenshot.bmp");
        assert_eq!(client.get(&picture, "").await.expect(200).text, "BM the display");
    }
    // What was printed since is there without anybody asking for it elsewhere.
    host.print(&vm, b"login: ");
    client.host = None;
    assert!(client.get(&format!("/{container}/{blob}"), "").await.expect(200).text.ends_with("login: "));
    for (path, query, error) in [
        ("/nowhere", "comp=list&restype=container", (404, "ContainerNotFound")),
        (
            &*format!("/bootdiagnostics-managed-{managed}"),
            "comp=list&restype=container",
            (404, "ContainerNotFound"),
        ),
        (&*format!("/{container}/other.log"), "", (404, "BlobNotFound")),
        (&*format!("/{container}"), "comp=acl&restype=container", (400, "InvalidQueryParameterValue")),
        (&*format!("/{container}/{blob}"), "comp=metadata", (400, "InvalidQueryParameterValue")),
        ("/", "comp=list&maxresults=0", (400, "OutOfRangeQueryParameterValue")),
        ("/", "", (400, "InvalidUri")),
    ] {
        assert_eq!(refused(&client.get(path, query).await), (error.0, error.1.to_owned()), "{path}?{query}");
    }
    for method in [Method::PUT, Method::DELETE, Method::POST] {
        let answer = client.send(method, &format!("/{container}/{blob}"), "", &[]).await;
        assert_eq!(refused(&answer), (405, "UnsupportedHttpVerb".into()));
    }
    // Whoever reads with a key leaves that.
    let events = events(&server, &server.vm_path("web-1")).await;
    let read =
        events.iter().filter(|(name, status, ..)| name.ends_with("/blobs/read") && status == "Succeeded");
    let (_, _, caller, properties) = read.collect::<Vec<_>>()[0];
    assert_eq!(caller, "Storage account key");
    assert_eq!(
        (properties["accountKey"].as_str(), properties["storageAccount"].as_str()),
        (Some("key1"), Some("acct1"))
    );
    assert!(!format!("{events:?}").contains(&key));
    server.stop().await;
}

#[tokio::test]
async fn sas_of_both_kinds_open_what_they_name_until_they_end() {
    let server = TestServer::start().await;
    let host = with_host(&server).await;
    account(&server, "acct1").await;
    account(&server, "acct2").await;
    let vm = machine_with(&server, &host, "vm1", "acct1").await;
    let [first, second] = keys(&server, "acct1").await;
    let [strange, _] = keys(&server, "acct2").await;
    let container = format!("bootdiagnostics-vm1-{vm}");
    let name = format!("vm1.{vm}.serialconsole.log");
    let (listing, list, blob) = (
        "/acct1/?comp=list".to_owned(),
        format!("/acct1/{container}?restype=container&comp=list"),
        format!("/acct1/{container}/{name}?"),
    );
    let ask = async |url: &str, sas: &str| {
        let answer = fetch(&server, &format!("{url}&{sas}").replace("?&", "?")).await;
        if answer.status == 200 { (200, String::new()) } else { refused(&answer) }
    };
    let good = (200, String::new());
    for key in [&first, &second] {
        let all = account_sas("acct1", key, ["rl", "b", "sco", "", LATER, "", "https"]);
        for url in [&listing, &list, &blob] {
            assert_eq!(ask(url, &all).await, good, "{url}");
        }
        let one = service_sas("acct1", key, &container, Some(&name), "r", LATER);
        assert_eq!(ask(&blob, &one).await, good);
        let many = service_sas("acct1", key, &container, None, "rl", LATER);
        assert_eq!(ask(&list, &many).await, good);
        assert_eq!(ask(&blob, &many).await, good);
    }
    let forbidden = |code: &str| (403, code.to_owned());
    let sas = |fields| account_sas("acct1", &first, fields);
    for (url, sas, code) in [
        (&blob, sas(["rl", "b", "sc", "", LATER, "", ""]), "AuthorizationResourceTypeMismatch"),
        (&list, sas(["rl", "b", "so", "", LATER, "", ""]), "AuthorizationResourceTypeMismatch"),
        (&listing, sas(["rl", "b", "co", "", LATER, "", ""]), "AuthorizationResourceTypeMismatch"),
        (&blob, sas(["rl", "qtf", "sco", "", LATER, "", ""]), "AuthorizationServiceMismatch"),
        (&blob, sas(["wl", "b", "sco", "", LATER, "", ""]), "AuthorizationPermissionMismatch"),
        (&list, sas(["r", "b", "sco", "", LATER, "", ""]), "AuthorizationPermissionMismatch"),
        (&blob, sas(["r", "b", "sco", "", LATER, "192.0.2.1", ""]), "AuthorizationSourceIPMismatch"),
        (&blob, sas(["r", "b", "sco", "", "2020-01-01", "", ""]), "AuthenticationFailed"),
        (&blob, sas(["r", "b", "sco", "2098-01-01", LATER, "", ""]), "AuthenticationFailed"),
        (
            &blob,
            account_sas("acct1", &strange, ["rl", "b", "sco", "", LATER, "", ""]),
            "AuthenticationFailed",
        ),
        (&blob, account_sas("acct2", &first, ["rl", "b", "sco", "", LATER, "", ""]), "AuthenticationFailed"),
        (&blob, service_sas("acct1", &strange, &container, Some(&name), "r", LATER), "AuthenticationFailed"),
        (&blob, service_sas("acct1", &first, &container, Some("other"), "r", LATER), "AuthenticationFailed"),
        (&blob, service_sas("acct1", &first, "logs", None, "r", LATER), "AuthenticationFailed"),
        (
            &blob,
            format!("{}&si=policy", service_sas("acct1", &first, &container, None, "r", LATER)),
            "AuthenticationFailed",
        ),
        (
            &list,
            service_sas("acct1", &first, &container, None, "r", LATER),
            "AuthorizationPermissionMismatch",
        ),
    ] {
        assert_eq!(ask(url, &sas).await, forbidden(code), "{url} {sas}");
    }
    // The same token on another account, and on one that is not there: no difference to see.
    let all = sas(["rl", "b", "sco", "", LATER, "", ""]);
    for account in ["acct2", "nobody"] {
        assert_eq!(
            ask(&blob.replace("/acct1/", &format!("/{account}/")), &all).await,
            forbidden("AuthenticationFailed")
        );
    }
    // Headers that a token asks for; never another type, in which a browser would run what a guest printed.
    let text = format!(
        "r\n\n{LATER}\n/blob/acct1/{container}/{name}\n\n\n\n2026-04-06\nb\n\n\n\nattachment\n\n\ntext/html"
    );
    let signature = crate::signing::encode(&crate::signing::sign(&first, &text));
    let answer = fetch(
        &server,
        &format!("{blob}sp=r&se={LATER}&sv=2026-04-06&sr=b&rscd=attachment&rsct=text/html&sig={signature}"),
    )
    .await
    .expect(200);
    assert_eq!(
        (answer.header("content-disposition"), answer.header("content-type")),
        ("attachment", "text/plain; charset=utf-8")
    );
    server.stop().await;
}

#[tokio::test]
async fn a_signed_request_is_refused_when_anything_of_it_is_changed() {
    let server = TestServer::start().await;
    account(&server, "acct1").await;
    account(&server, "acct2").await;
    let [key, _] = keys(&server, "acct1").await;
    let [strange, _] = keys(&server, "acct2").await;
    let good = Client::new(&server, "acct1", &key);
    good.get("/", "comp=list").await.expect(200);
    let failed = (403, "AuthenticationFailed".to_owned());
    assert_eq!(refused(&Client::new(&server, "acct1", &strange).get("/", "comp=list").await), failed);
    for date in ["Sat, 21 Nov 2015 11:00:00 GMT", "Sat, 21 Nov 2099 11:00:00 GMT", "now"] {
        let late = Client { date: date.into(), ..Client::new(&server, "acct1", &key) };
        let answer = late.get("/", "comp=list").await;
        assert_eq!(refused(&answer), failed, "{date}");
        assert!(answer.text.contains("AuthenticationErrorDetail"), "{}", answer.text);
    }
    // Signed for one account, sent to another; and shapes that are none.
    let raw = async |path: &str, authorization: &str| {
        let request = server.client().get(format!("{}{path}", server.url())).header("x-ms-date", &good.date);
        refused(&read(request.header("authorization", authorization).send().await.unwrap()).await)
    };
    let text = format!("GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:{}\n/acct1/acct2/\ncomp:list", good.date);
    let signature = crate::signing::sign(&key, &text);
    assert_eq!(raw("/acct2/?comp=list", &format!("SharedKey acct1:{signature}")).await, failed);
    for bad in [
        "SharedKey",
        "SharedKey acct1",
        "SharedKey acct1:",
        "SharedKeyLite acct1:c2ln",
        "Bearer abc",
        "Basic x",
    ] {
        assert_eq!(raw("/acct1/?comp=list", bad).await, (400, "InvalidAuthenticationInfo".into()), "{bad}");
    }
    // Without anything: as if nothing were there.
    assert_eq!(refused(&fetch(&server, "/acct1/?comp=list").await), (404, "ResourceNotFound".into()));
    server.stop().await;
}

#[tokio::test]
async fn a_firewall_a_closed_account_and_plain_http() {
    let server = TestServer::builder().plain().start().await;
    account(&server, "acct1").await;
    let [key, _] = keys(&server, "acct1").await;
    let set = async |properties: serde_json::Value| {
        let body = serde_json::json!({"properties": properties});
        server.owner().patch(&crate::path(&server, "acct1"), &body).await.expect(200);
        let answer = Client::new(&server, "acct1", &key).get("/", "comp=list").await;
        if answer.status == 200 { String::new() } else { refused(&answer).1 }
    };
    use serde_json::json;
    assert_eq!(set(json!({"networkAcls": {"defaultAction": "Deny"}})).await, "AuthorizationFailure");
    let sas = account_sas("acct1", &key, ["rl", "b", "sco", "", LATER, "", ""]);
    assert_eq!(
        refused(&fetch(&server, &format!("/acct1/?comp=list&{sas}")).await),
        (403, "AuthorizationFailure".into())
    );
    assert_eq!(
        set(json!({"networkAcls": {"ipRules": [{"value": "192.0.2.0/24"}]}})).await,
        "AuthorizationFailure"
    );
    assert_eq!(set(json!({"networkAcls": {"ipRules": [{"value": "127.0.0.0/8"}]}})).await, "");
    assert_eq!(set(json!({"publicNetworkAccess": "Disabled"})).await, "AuthorizationFailure");
    assert_eq!(set(json!({"publicNetworkAccess": "Enabled", "networkAcls": {"defaultAction": "Allow", "ipRules": []}})).await, "");
    assert_eq!(set(json!({"allowSharedKeyAccess": false})).await, "KeyBasedAuthenticationNotPermitted");
    assert_eq!(set(json!({"allowSharedKeyAccess": true})).await, "");
    let plain = read(
        server.client().get(format!("{}/acct1/?comp=list&{sas}", server.plain_url())).send().await.unwrap(),
    )
    .await;
    assert_eq!(refused(&plain), (400, "AccountRequiresHttps".into()));
    set(json!({"supportsHttpsTrafficOnly": false})).await;
    let plain = read(
        server.client().get(format!("{}/acct1/?comp=list&{sas}", server.plain_url())).send().await.unwrap(),
    )
    .await;
    assert_eq!(plain.status, 200, "{}", plain.text);
    server.stop().await;
}
