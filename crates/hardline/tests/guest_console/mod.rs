//! The console of a guest, in our own subprotocol.

use crate::arm_client::ArmClient;
use hardline_console::frame::{SUBPROTOCOL, ServerFrame, ServerNotice};
use hardline_testkit::console::{Console, Options};
use std::collections::BTreeMap;

/// What a guest's getty says.
pub const PROMPT: &str = "login: ";

/// Takes the seat; returns when the screen has come. What follows it is collected from `offset` on.
pub async fn open(client: &ArmClient, vm: &str) -> Console {
    let origin = client.url.replace("https:", "wss:");
    let path = format!("{}/providers/Hardline.Console/serialPorts/0/stream", client.vm(vm));
    let url = format!("{origin}{path}?api-version=2026-11-01");
    let options = Options { bearer: Some(client.token.clone()), protocol: Some(SUBPROTOCOL) };
    let mut console = Console::dial(&client.url, &client.ca_pem, &url, &options).await.unwrap();
    let mut greeted = false;
    loop {
        match console.frame().await.unwrap() {
            ServerFrame::Snapshot { .. } => break,
            ServerFrame::Notice(ServerNotice::Welcome { vm: name, .. }) => greeted = name == vm,
            other => panic!("before the screen: {other:?}"),
        }
    }
    assert!(greeted, "the greeting comes before the screen");
    console
}

/// Signs the guest's user in.
pub async fn log_in(console: &mut Console, env: &BTreeMap<String, String>) {
    console.type_in(b"\r").await;
    console.until_output(PROMPT.as_bytes()).await;
    console.type_in(format!("{}\r", env["HARDLINE_GUEST_USER"]).as_bytes()).await;
    console.until_output(b"Password: ").await;
    console.type_in(format!("{}\r", env["HARDLINE_GUEST_PASSWORD"]).as_bytes()).await;
    console.until_output(b"$ ").await;
}
