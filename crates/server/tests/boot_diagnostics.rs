//! retrieveBootDiagnosticsData and what its two addresses give, over real HTTP. The guests are played by a fake host.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_agent_api::v1::RunState;
use hardline_testkit::console::{boot_vm, events, set_boot_diagnostics};
use hardline_testkit::request::read;
use hardline_testkit::{Answer, FakeHost, TestServer};

async fn world() -> (TestServer, FakeHost, String) {
    let server = TestServer::start().await;
    let host = FakeHost::new("host1");
    server.running().adopt_host(host.in_process()).await.unwrap();
    let vm = boot_vm(&server, "Demo-VM.long").await;
    (server, host, vm)
}

fn path(server: &TestServer) -> String {
    format!("{}/retrieveBootDiagnosticsData", server.vm_path("Demo-VM.long"))
}

async fn retrieve(server: &TestServer) -> (String, String) {
    let answer = server.owner().post(&path(server)).await.expect(200);
    let uri = |name: &str| answer.json[name].as_str().unwrap().to_owned();
    (uri("serialConsoleLogBlobUri"), uri("consoleScreenshotBlobUri"))
}

async fn get(server: &TestServer, url: &str) -> Answer {
    read(server.client().get(url).send().await.unwrap()).await
}

#[tokio::test]
async fn two_addresses_with_what_the_guest_printed_and_shows() {
    let (server, host, vm) = world().await;
    host.print(&vm, b"Linux version 6.1\r\n");
    host.seal(&vm);
    host.print(&vm, b"demo login: ");
    host.show(Some(b"BM the display".to_vec()));
    let (log, screen) = retrieve(&server).await;
    let container = format!("{}/hardlinemanaged/bootdiagnostics-demovmlon-{vm}", server.url());
    assert!(log.starts_with(&format!("{container}/Demo-VM.long.{vm}.serialconsole.log?")), "{log}");
    assert!(screen.starts_with(&format!("{container}/Demo-VM.long.{vm}.screenshot.bmp?")), "{screen}");
    // What was not sealed yet is there too: the call has it sealed.
    let log = get(&server, &log).await.expect(200);
    assert_eq!(log.text, "Linux version 6.1\r\ndemo login: ");
    assert_eq!((log.header("x-ms-blob-type"), log.header("content-length")), ("AppendBlob", "31"));
    let screen = get(&server, &screen).await.expect(200);
    assert_eq!((screen.text.as_str(), screen.header("content-type")), ("BM the display", "image/bmp"));
    assert_eq!(screen.header("x-ms-blob-type"), "BlockBlob");
    server.stop().await;
}

#[tokio::test]
async fn it_works_when_the_machine_is_off_or_the_host_away() {
    let (server, host, vm) = world().await;
    host.print(&vm, b"last words");
    host.show(Some(b"BM last picture".to_vec()));
    retrieve(&server).await;
    let accepted = server.owner().post(&format!("{}/deallocate", server.vm_path("Demo-VM.long"))).await;
    server.owner().wait(&accepted.expect(202)).await;
    assert_eq!(host.observation(&vm).unwrap().state(), RunState::Stopped);
    let (log, screen) = retrieve(&server).await;
    assert_eq!(get(&server, &log).await.expect(200).text, "last words");
    assert_eq!(get(&server, &screen).await.expect(200).text, "BM last picture");

    // The same data under a server that no host has found yet.
    let directory = server.stop_keeping_data().await;
    let server = TestServer::builder().directory(directory).start().await;
    let (log, screen) = retrieve(&server).await;
    assert_eq!(get(&server, &log).await.expect(200).text, "last words");
    assert_eq!(get(&server, &screen).await.expect(200).text, "BM last picture");
    server.stop().await;
}

#[tokio::test]
async fn it_is_refused_while_boot_diagnostics_are_off() {
    let (server, _host, _) = world().await;
    set_boot_diagnostics(&server, "Demo-VM.long", false).await;
    let refused = server.owner().post(&path(&server)).await.expect(409);
    assert_eq!(refused.code(), "OperationNotAllowed");
    assert!(refused.message().to_lowercase().contains("boot diagnostics is not enabled"), "{}", refused.text);
    server.stop().await;
}

#[tokio::test]
async fn the_lifetime_has_bounds() {
    let (server, _host, _) = world().await;
    for bad in ["0", "1441", "-5", "x", "1.5"] {
        let refused =
            server.owner().post(&format!("{}?sasUriExpirationTimeInMinutes={bad}", path(&server))).await;
        assert_eq!(refused.status, 400, "{bad}: {}", refused.text);
    }
    for good in [1, 1440] {
        let url = format!("{}?sasUriExpirationTimeInMinutes={good}", path(&server));
        server.owner().post(&url).await.expect(200);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_reader_may_not_and_both_are_recorded() {
    let (server, host, vm) = world().await;
    host.print(&vm, b"x");
    let refused = server.reader().post(&path(&server)).await.expect(403);
    assert_eq!(refused.code(), "AuthorizationFailed");
    assert!(
        refused.message().contains("Microsoft.Compute/virtualMachines/retrieveBootDiagnosticsData/action")
    );
    let missing = path(&server).replace("Demo-VM.long", "none");
    let same = server.reader().post(&missing).await.expect(403);
    assert_eq!(same.message().replace("/none", "/Demo-VM.long"), refused.message());
    server.anonymous().post(&path(&server)).await.expect(401);
    let (log, _) = retrieve(&server).await;
    get(&server, &log).await.expect(200);
    let events = events(&server, &server.vm_path("Demo-VM.long")).await;
    let of = |operation: &str| {
        let mine = events.iter().filter(|(name, ..)| name == operation);
        mine.map(|(_, status, caller, _)| (status.as_str(), caller.as_str())).collect::<Vec<_>>()
    };
    assert_eq!(
        of("Microsoft.Compute/virtualMachines/retrieveBootDiagnosticsData/action"),
        [
            ("Started", "reader@hardline.test"),
            ("Failed", "reader@hardline.test"),
            ("Started", "owner@hardline.test"),
            ("Succeeded", "owner@hardline.test")
        ]
    );
    // The blob's reader is whoever the address was given to.
    assert_eq!(
        of("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"),
        [("Started", "owner@hardline.test"), ("Succeeded", "owner@hardline.test")]
    );
    let text = format!("{events:?}");
    assert!(!text.contains("sig="), "{text}");
    server.stop().await;
}
