//! `hardline dev` as a process: its readiness, its files, its end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod dev_process;
mod program;

use dev_process::Dev;
use program::{Done, Home};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

const NO_GUEST: &[&str] = &["--no-guest", "--listen", "127.0.0.1:0"];

#[tokio::test]
async fn the_env_file_serves_the_client_verbs() {
    let home = Home::new();
    let dev = Dev::start(&home, NO_GUEST);
    let mode = std::fs::metadata(dev.env_file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let env = dev.env();
    assert_eq!(env["REQUESTS_CA_BUNDLE"], env["SSL_CERT_FILE"]);
    assert!(env["HARDLINE_URL"].starts_with("https://localhost:"));
    assert!(dev.output().contains(&format!("{}/portal/", env["HARDLINE_URL"])));

    let client = dev.client();
    client.run(&["vm", "list"]).await.expect(0);
    let id = env["HARDLINE_CLIENT_ID"].clone();
    let login = ["login", "--service-principal", "-u", &id, "-p", &env["HARDLINE_CLIENT_SECRET"]];
    let account =
        client.run(&[&login[..], &["--query", "subscriptionId", "-o", "tsv"]].concat()).await.expect(0);
    assert_eq!(account.text().trim(), env["HARDLINE_SUBSCRIPTION"]);

    let file = dev.env_file();
    dev.stop();
    assert!(!file.exists());
}

#[tokio::test]
async fn a_second_start_has_the_same_identities() {
    let home = Home::new();
    let first = Dev::start(&home, NO_GUEST);
    let before = first.env();
    first.stop();
    let second = Dev::start(&home, NO_GUEST);
    let after = second.env();
    for (name, value) in &before {
        if name != "HARDLINE_URL" {
            assert_eq!(&after[name], value, "{name}");
        }
    }
    second.client().run(&["vm", "list"]).await.expect(0);
    second.stop();
}

async fn refused(home: &Home, args: &[&str]) -> Done {
    let done = home.run(&[&["dev", "--data-dir", "data"], args].concat()).await.expect(1);
    assert_eq!(done.err.lines().filter(|l| l.starts_with("hardline: ")).count(), 1, "{}", done.err);
    done
}

#[tokio::test]
async fn a_second_instance_is_refused_in_one_line() {
    let home = Home::new();
    let dev = Dev::start(&home, NO_GUEST);
    let done = refused(&home, NO_GUEST).await;
    assert!(done.err.contains(&format!("another hardline (process {})", dev.pid())), "{}", done.err);
    dev.client().run(&["vm", "list"]).await.expect(0);
    dev.stop();
}

#[tokio::test]
async fn a_port_in_use_is_refused_in_one_line() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let done = refused(&Home::new(), &["--no-guest", "--listen", &address]).await;
    assert!(done.err.contains(&format!("{address} is in use")), "{}", done.err);
}

#[tokio::test]
async fn plain_http_is_for_loopback_only() {
    let done =
        refused(&Home::new(), &["--no-guest", "--listen", "127.0.0.1:0", "--plain-listen", "0.0.0.0:0"])
            .await;
    assert!(done.err.contains("loopback"), "{}", done.err);
}
