//! The blob endpoint over real HTTP: what a SAS opens, ranges, conditions, and the storage service's errors.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_agent_api::v1::GapReason;
use hardline_server::blob::managed;
use hardline_server::clock::ManualClock;
use hardline_testkit::console::boot_vm;
use hardline_testkit::request::read;
use hardline_testkit::{Answer, FakeHost, TestServer};
use http::Method;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

struct World {
    server: TestServer,
    host: FakeHost,
    vm: String,
}

impl World {
    async fn new() -> Self {
        Self::on(TestServer::start().await).await
    }

    async fn on(server: TestServer) -> Self {
        let host = FakeHost::new("host1");
        server.running().adopt_host(host.in_process()).await.unwrap();
        let vm = boot_vm(&server, "vm1").await;
        Self { server, host, vm }
    }

    /// The address of a VM's log.
    async fn log_of(&self, vm: &str) -> String {
        let path = format!("{}/retrieveBootDiagnosticsData", self.server.vm_path(vm));
        let answer = self.server.owner().post(&path).await.expect(200);
        answer.json["serialConsoleLogBlobUri"].as_str().unwrap().to_owned()
    }

    async fn log(&self) -> String {
        self.log_of("vm1").await
    }

    async fn get(&self, url: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, url, headers).await
    }

    async fn send(&self, method: Method, url: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.server.client().request(method, url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        read(request.send().await.unwrap()).await
    }
}

/// The XML error: status, code, `AuthenticationErrorDetail` or an empty text.
#[track_caller]
fn refused(answer: &Answer) -> (u16, String, String) {
    assert_eq!(answer.header("content-type"), "application/xml");
    let text = answer.text.strip_prefix('\u{feff}').unwrap_or(&answer.text);
    assert!(text.starts_with("<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>"), "{text}");
    let part = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>")).unwrap_or(("", ""));
        rest.split_once("</").map_or(String::new(), |(value, _)| value.to_owned())
    };
    assert_eq!(part("Code"), answer.header("x-ms-error-code"));
    assert!(part("Message").contains(&format!("RequestId:{}", answer.header("x-ms-request-id"))), "{text}");
    (answer.status, part("Code"), part("AuthenticationErrorDetail"))
}

#[tokio::test]
async fn properties_and_ranges() {
    let world = World::new().await;
    let bytes: Vec<u8> = (0..1000u32).map(|n| b'a' + (n % 26) as u8).collect();
    let text = String::from_utf8(bytes.clone()).unwrap();
    for piece in bytes.chunks(300) {
        world.host.print(&world.vm, piece);
        world.host.seal(&world.vm);
    }
    let log = world.log().await;
    let whole = world.get(&log, &[("x-ms-version", "2026-04-06")]).await.expect(200);
    assert_eq!(whole.text, text);
    for (name, value) in [
        ("content-length", "1000"),
        ("accept-ranges", "bytes"),
        ("x-ms-blob-type", "AppendBlob"),
        ("content-type", "text/plain; charset=utf-8"),
    ] {
        assert_eq!(whole.header(name), value);
    }
    for name in ["etag", "last-modified", "x-ms-version", "x-ms-request-id"] {
        assert!(!whole.header(name).is_empty(), "{name}");
    }
    assert!(whole.header("last-modified").ends_with(" GMT"), "{}", whole.header("last-modified"));

    for (header, range, shown) in [
        ("x-ms-range", "bytes=0-33554431", "bytes 0-999/1000"),
        ("x-ms-range", "bytes=250-649", "bytes 250-649/1000"),
        ("range", "bytes=990-", "bytes 990-999/1000"),
        ("range", "bytes=-10", "bytes 990-999/1000"),
        ("range", "bytes=0-0", "bytes 0-0/1000"),
    ] {
        let part = world.get(&log, &[(header, range)]).await.expect(206);
        assert_eq!(part.header("content-range"), shown);
        let (first, last) = shown[6..].split_once('/').unwrap().0.split_once('-').unwrap();
        let (first, last): (usize, usize) = (first.parse().unwrap(), last.parse().unwrap());
        assert_eq!(part.text, text[first..=last], "{range}");
        assert_eq!(part.header("content-length"), (last - first + 1).to_string());
    }
    // The service's own header counts more; what is no range is the whole.
    let both = world.get(&log, &[("range", "bytes=0-1"), ("x-ms-range", "bytes=2-3")]).await.expect(206);
    assert_eq!(both.text, "cd");
    assert_eq!(world.get(&log, &[("range", "lines=1-2")]).await.expect(200).text.len(), 1000);
    let beyond = world.get(&log, &[("range", "bytes=1000-")]).await;
    assert_eq!(refused(&beyond).1, "InvalidRange");
    assert_eq!((beyond.status, beyond.header("content-range")), (416, "bytes */1000"));

    let head = world.send(Method::HEAD, &log, &[]).await.expect(200);
    assert_eq!((head.header("content-length"), head.text.as_str()), ("1000", ""));
    assert_eq!(head.header("etag"), whole.header("etag"));
    let same = world.get(&log, &[("if-none-match", whole.header("etag"))]).await;
    assert_eq!((same.status, same.text.as_str()), (304, ""));
    let other = world.get(&log, &[("if-match", "\"0x1\"")]).await;
    assert_eq!(refused(&other).1, "ConditionNotMet");
    world.host.print(&world.vm, b"more");
    let grown = world.get(&world.log().await, &[]).await.expect(200);
    assert_eq!(grown.text.len(), 1004);
    assert_ne!(grown.header("etag"), whole.header("etag"));
    world.server.stop().await;
}

#[tokio::test]
async fn an_empty_log_and_a_screen_that_was_never_taken() {
    let world = World::new().await;
    let log = world.log().await;
    let empty = world.get(&log, &[]).await.expect(200);
    assert_eq!((empty.text.as_str(), empty.header("content-length")), ("", "0"));
    assert_eq!(refused(&world.get(&log, &[("x-ms-range", "bytes=0-33554431")]).await).1, "InvalidRange");
    world.server.stop().await;
}

#[tokio::test]
async fn losses_stand_in_the_log_as_lines() {
    let world = World::new().await;
    world.host.print(&world.vm, b"before");
    world.host.lose(&world.vm, 4096, GapReason::RateLimit);
    world.host.print(&world.vm, b"after");
    world.host.lose(&world.vm, 0, GapReason::Detached);
    let log = world.get(&world.log().await, &[]).await.expect(200);
    assert_eq!(
        log.text,
        "before\r\n[hardline: 4096 bytes missing: rate limit]\r\nafter\r\n[hardline: an unknown number of bytes missing: port was not attached]\r\n"
    );
    let tail = world.get(&world.log().await, &[("range", "bytes=-20")]).await.expect(206);
    assert_eq!(tail.text, log.text[log.text.len() - 20..]);
    world.server.stop().await;
}

#[tokio::test]
async fn one_changed_character_is_refused() {
    let world = World::new().await;
    world.host.print(&world.vm, b"secret");
    let log = world.log().await;
    let (path, query) = log.split_once('?').unwrap();
    let signature = query.rsplit_once("sig=").unwrap().1;
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let forbidden = "AuthenticationFailed";
    for bad in [
        format!(
            "{path}?{}",
            query.replace(&format!("sig={signature}"), &format!("sig={flipped}{}", &signature[1..]))
        ),
        format!("{path}?{}", query.replace("sp=r", "sp=rw")),
        format!("{path}?{}", query.replace("se=20", "se=30")),
        format!("{path}?{}", query.replace("saoid=", "saoid=0")),
        format!("{}?{query}", path.replace("serialconsole.log", "screenshot.bmp")),
        format!("{}?{query}", path.replace("vm1.", "VM1.")),
    ] {
        let answer = world.get(&bad, &[]).await;
        let (status, code, detail) = refused(&answer);
        assert_eq!((status, code.as_str()), (403, forbidden), "{bad}");
        assert!(detail.contains("Signature did not match"), "{detail}");
        assert!(!answer.text.contains("secret"));
    }
    let naked = world.get(path, &[]).await;
    assert_eq!(refused(&naked).0, 404);
    world.server.stop().await;
}

#[tokio::test]
async fn a_sas_opens_one_machines_blob_and_no_other() {
    let world = World::new().await;
    let other = boot_vm(&world.server, "vm2").await;
    world.host.print(&other, b"theirs");
    let (mine, theirs) = (world.log().await, world.log_of("vm2").await);
    let crossed = format!("{}?{}", theirs.split_once('?').unwrap().0, mine.split_once('?').unwrap().1);
    assert_eq!(refused(&world.get(&crossed, &[]).await).1, "AuthenticationFailed");
    assert_eq!(world.get(&theirs, &[]).await.expect(200).text, "theirs");
    // A deleted machine's blobs are gone.
    let accepted = world.server.owner().delete(&world.server.vm_path("vm2")).await;
    assert!(matches!(accepted.status, 200 | 202), "{accepted:?}");
    assert_eq!(refused(&world.get(&theirs, &[]).await), (404, "BlobNotFound".into(), String::new()));
    world.server.stop().await;
}

#[tokio::test]
async fn a_sas_ends() {
    let clock = Arc::new(ManualClock::new("2026-11-21T10:00:00Z".parse::<Timestamp>().unwrap()));
    let world = World::on(TestServer::builder().clock(clock.clone()).start().await).await;
    let log = world.log().await;
    clock.advance(SignedDuration::from_mins(119));
    world.get(&log, &[]).await.expect(200);
    clock.advance(SignedDuration::from_mins(1));
    let (status, code, detail) = refused(&world.get(&log, &[]).await);
    assert_eq!((status, code.as_str()), (403, "AuthenticationFailed"));
    assert!(detail.starts_with("Signature not valid in the specified time frame"), "{detail}");
    world.server.stop().await;
}

#[tokio::test]
async fn other_methods_and_other_paths() {
    let world = World::new().await;
    let log = world.log().await;
    for method in [Method::PUT, Method::DELETE, Method::POST] {
        let answer = world.send(method, &log, &[]).await;
        assert_eq!((answer.status, refused(&answer).1.as_str()), (405, "UnsupportedHttpVerb"));
    }
    let root = format!("{}/hardlinemanaged", world.server.url());
    assert_eq!(refused(&world.get(&format!("{root}/only-a-container"), &[]).await).1, "InvalidUri");
    // A good signature on a blob that was never there.
    let key = managed::key(world.server.state()).await.unwrap();
    let now = world.server.state().clock.now();
    let sas = hardline_arm::sas::sign_blob_read(
        &key,
        "hardlinemanaged",
        "logs",
        "x.log",
        now,
        now.checked_add(SignedDuration::from_mins(5)).unwrap(),
    );
    assert_eq!(refused(&world.get(&format!("{root}/logs/x.log?{sas}"), &[]).await).1, "BlobNotFound");
    world.server.stop().await;
}
