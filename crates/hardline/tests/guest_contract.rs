//! A real guest through the contract alone: its state, its log and display behind signed addresses, its console through
//! the WebSocket, and where the bytes and secrets of all that are to be found afterwards.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod arm_client;
mod dev_process;
mod guest_console;
mod program;

use arm_client::{ArmClient, count};
use dev_process::Dev;
use guest_console::PROMPT;
use hardline_arm::sas::{AccountKey, sign_blob_read};
use hardline_store::db::{Db, secrets};
use hardline_testkit::console::{Console, Options};
use program::Home;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

async fn refused_as_storage_does(client: &ArmClient, what: &str, url: &str) {
    refused(client, what, url, 403, "Auth").await;
}

async fn refused(client: &ArmClient, what: &str, url: &str, status: u16, code: &str) {
    let answer = client.open(url).await;
    assert_eq!(answer.status, status, "{what}: {}", answer.text());
    assert_eq!(answer.header("content-type"), "application/xml", "{what}");
    let text = answer.text();
    let text = text.trim_start_matches('\u{FEFF}');
    assert!(text.starts_with("<?xml version=\"1.0\" encoding=\"utf-8\"?>"), "{what}: {text}");
    assert!(text.contains(&format!("<Error><Code>{code}")), "{what}: {text}");
    assert!(!answer.header("x-ms-request-id").is_empty(), "{what}");
}

/// The address with another character at this place of a member's value.
fn flipped(url: &str, member: &str, place: usize) -> String {
    let start = url.find(&format!("{member}=")).unwrap_or_else(|| panic!("no {member} in {url}"));
    let at = start + member.len() + 1 + place;
    let other = if url.as_bytes()[at] == b'A' { 'B' } else { 'A' };
    format!("{}{other}{}", &url[..at], &url[at + 1..])
}

#[tokio::test]
async fn a_guests_log_and_display_are_behind_signed_addresses() {
    let home = Home::new();
    let dev = Dev::with_guests(&home);
    let env = dev.env();
    assert_eq!(env["HARDLINE_VM"], "demo");
    let client = ArmClient::sign_in(&env).await;
    assert_eq!(client.power_state("demo").await, "running");

    let log = client.log_with("demo", PROMPT, 1).await;
    assert!(log.starts_with(b"[    0.000000] Linux version "), "the kernel's first line is the log's first");
    let first = String::from_utf8_lossy(&log).into_owned();
    assert!(first.contains("demo login: "), "{first}");

    let (log_uri, screen_uri) = client.boot_diagnostics("demo").await;
    let screen = client.open(&screen_uri).await.expect(&[200]);
    let lines = lines_of_text(&screen.body);
    assert!(lines >= 10, "{lines} lines of text on the display");

    for (member, places) in
        [("sig", vec![0, 10, 30]), ("se", vec![3]), ("st", vec![3]), ("sv", vec![0]), ("sp", vec![0])]
    {
        for place in places {
            for uri in [&log_uri, &screen_uri] {
                let what = format!("{member} changed at {place}");
                refused_as_storage_does(&client, &what, &flipped(uri, member, place)).await;
            }
        }
    }
    // Without any, a private container does not even say that it is there.
    refused(&client, "no SAS", log_uri.split('?').next().unwrap(), 404, "ResourceNotFound").await;

    // Another machine's path with this machine's SAS.
    let (other, _) = client.boot_diagnostics("demo2").await;
    let (path, _) = other.split_once('?').unwrap();
    let (_, sas) = log_uri.split_once('?').unwrap();
    refused_as_storage_does(&client, "another machine's path", &format!("{path}?{sas}")).await;

    // Signed with the server's own key, but over since an hour.
    let db = Db::open_sqlite(&dev.data().join("hardline.db")).await.unwrap();
    let key = AccountKey::new(secrets::get(&db, "managed-storage-key").await.unwrap().expect("the key"));
    db.close().await;
    let (place, _) = log_uri.split_once('?').unwrap();
    let parts: Vec<&str> = place.rsplitn(4, '/').collect();
    let end: jiff::Timestamp = member_of(sas, "se").parse().unwrap();
    let hours = |n: i64| end - jiff::SignedDuration::from_hours(n);
    let sign = |from, to| format!("{place}?{}", sign_blob_read(&key, parts[2], parts[1], parts[0], from, to));
    let lives = client.open(&sign(hours(48), end)).await.expect(&[200]);
    assert_eq!(lives.header("x-ms-blob-type"), "AppendBlob", "the key is the one that counts");
    refused_as_storage_does(&client, "an expired SAS", &sign(hours(72), hours(48))).await;
    dev.stop();
}

fn member_of(query: &str, name: &str) -> String {
    let found = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")[..]));
    found.unwrap_or_else(|| panic!("no {name} in {query}")).replace("%3A", ":").replace("%3a", ":")
}

/// How many rows of characters a picture of a text screen shows: bright strokes on a dark ground, with dark between.
fn lines_of_text(bmp: &[u8]) -> usize {
    let number = |at: usize| u32::from_le_bytes(bmp[at..at + 4].try_into().unwrap()) as usize;
    assert!(bmp.starts_with(b"BM"));
    assert_eq!(number(2), bmp.len(), "the header tells the file's length");
    let (pixels, width, height) = (number(10), number(18), number(22));
    let bytes = usize::from(u16::from_le_bytes([bmp[28], bmp[29]])) / 8;
    assert!(matches!(bytes, 3 | 4) && number(30) == 0, "{bytes} bytes a pixel, not compressed");
    assert!(width >= 640 && height >= 400, "{width} x {height}");
    let stride = (width * bytes).div_ceil(4) * 4;
    assert_eq!(bmp.len(), pixels + stride * height, "as long as its pixels are many");
    let bright = |row: usize| {
        let row = &bmp[pixels + row * stride..][..width * bytes];
        row.chunks_exact(bytes).filter(|pixel| pixel[..3].iter().any(|colour| *colour >= 0x90)).count()
    };
    let rows: Vec<usize> = (0..height).map(bright).collect();
    let all: usize = rows.iter().sum();
    assert!(all * 2 < width * height, "mostly dark: {all} bright pixels");
    // A row of characters begins where a line of pixels has strokes and the one before it has none.
    rows.windows(2).filter(|pair| pair[0] == 0 && pair[1] > 0).count()
}

#[tokio::test]
async fn a_guests_console_is_typed_into_and_the_password_stays_nowhere() {
    let home = Home::new().env(
        "HARDLINE_LOG",
        "info,hardline=trace,hardline_server=trace,hardline_agent=trace,hardline_store=trace",
    );
    let dev = Dev::with_guests(&home);
    let env = dev.env();
    let client = ArmClient::sign_in(&env).await;
    client.log_with("demo", PROMPT, 1).await;

    let ticket = text_session(&client, &env).await;
    let (offset, output) = own_session(&client, &env).await;
    let log = client.log("demo").await;
    let at = usize::try_from(offset).unwrap();
    assert_eq!(
        &log[at..at + output.len()],
        output,
        "what the console showed stands in the log at its offset"
    );
    assert_eq!(count(&log, "answer=42"), 1, "{}", String::from_utf8_lossy(&log));
    assert_eq!(count(&log, "reply=42"), 1);
    assert_eq!(count(&log, "Linux version"), 1);

    // Where secrets may be, and where not.
    let password = &env["HARDLINE_GUEST_PASSWORD"];
    assert_eq!(count(&log, password), 0, "in the log");
    let events = client.get(&events_path(&env)).await.to_string();
    assert!(events.contains("serialPorts/connect/action"), "{events}");
    assert!(!events.contains(password), "in the activity log");
    let (_, screen) = client.boot_diagnostics("demo").await;
    client.open(&screen).await.expect(&[200]);
    let own_log = dev.log();
    assert!(own_log.contains("TRACE") || own_log.contains("DEBUG"), "it logs all it can:\n{own_log}");
    for secret in ["HARDLINE_GUEST_PASSWORD", "HARDLINE_PASSWORD", "HARDLINE_CLIENT_SECRET"] {
        assert!(!own_log.contains(&env[secret]), "{secret} in the server's own log");
        let files = files_with(dev.data(), env[secret].as_bytes());
        assert_eq!(files, ["dev.env", "secrets"].map(|name| dev.data().join(name)), "{secret}");
    }
    for secret in [client.token.as_str(), &ticket, "sig="] {
        assert!(!own_log.contains(secret), "{secret:.8} in the server's own log");
        assert_eq!(files_with(dev.data(), secret.as_bytes()), Vec::<PathBuf>::new(), "{secret:.8}");
    }
    for pid in dev.guests() {
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
        assert_eq!(count(&command, password) + count(&command, "$6$"), 0, "on QEMU's command line");
    }
    let data = dev.data().to_owned();
    dev.stop();
    assert_eq!(files_with(&data, password.as_bytes()), [data.join("secrets")], "after the end");
}

/// As `az` does it: a connection string, a socket without a subprotocol, the token as the first message, text.
/// Gives the id of the session, which opens it.
async fn text_session(client: &ArmClient, env: &BTreeMap<String, String>) -> String {
    let path = format!("{}/providers/Microsoft.SerialConsole/serialPorts/0/connect", client.vm("demo"));
    let answer = client.post(&format!("{path}?api-version=2018-05-01")).await.expect(&[200]).json();
    let url = answer["connectionString"].as_str().unwrap();
    assert!(url.starts_with("wss://"), "{url}");
    let mut az = Console::dial(&client.url, &client.ca_pem, url, &Options::default()).await.unwrap();
    az.send_text(&client.token).await;
    az.until_text(PROMPT).await;
    for key in env["HARDLINE_GUEST_USER"].chars().chain(['\r']) {
        az.send_text(&key.to_string()).await;
    }
    az.until_text("Password: ").await;
    az.send_text(&format!("{}\r", env["HARDLINE_GUEST_PASSWORD"])).await;
    az.until_text("$ ").await;
    az.send_text("echo answer=$((6*7))\r").await;
    az.until_text("answer=42").await;
    assert_eq!(az.text.matches("$((6*7))").count(), 1, "each key is echoed once: {}", az.text);
    assert!(!az.text.contains(&env["HARDLINE_GUEST_PASSWORD"]), "{}", az.text);
    az.text.clear();
    az.send_text("exit\r").await;
    az.until_text(PROMPT).await;
    az.leave().await;
    let id = url.rsplit('/').nth(1).unwrap();
    assert_eq!(id.len(), 32, "{url}");
    id.to_owned()
}

/// In our own subprotocol; the output since the snapshot, and the offset of its first byte.
async fn own_session(client: &ArmClient, env: &BTreeMap<String, String>) -> (u64, Vec<u8>) {
    let mut console = guest_console::open(client, "demo").await;
    let offset = console.offset;
    guest_console::log_in(&mut console, env).await;
    console.type_in(b"echo reply=$((6*7))\r").await;
    console.until_output(b"reply=42\r\n").await;
    console.type_in(b"exit\r").await;
    while count(&console.output, PROMPT) < 2 {
        console.frame().await.unwrap();
    }
    let output = std::mem::take(&mut console.output);
    console.leave().await;
    (offset, output)
}

fn events_path(env: &BTreeMap<String, String>) -> String {
    let filter = "eventTimestamp%20ge%20'2020-01-01T00:00:00Z'";
    format!(
        "/subscriptions/{}/providers/Microsoft.Insights/eventtypes/management/values?api-version=2015-04-01&$filter={filter}",
        env["HARDLINE_SUBSCRIPTION"]
    )
}

/// Every file below `dir` with these bytes in it, sorted.
fn files_with(dir: &Path, needle: &[u8]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        // Launches and spools come and go while the guests run.
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                let bytes = std::fs::read(entry.path()).unwrap_or_default();
                if bytes.windows(needle.len()).any(|w| w == needle) {
                    found.push(entry.path());
                }
            }
        }
    }
    found.sort();
    found
}
