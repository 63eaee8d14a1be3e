//! Real guests under `hardline dev`: the main job, end to end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod dev_process;
mod program;

use dev_process::{BOOT, Dev};
use program::{Home, Terminal};

fn start(home: &Home) -> Dev {
    Dev::with_guests(home)
}

/// A console on the demo guest, at its login prompt.
fn at_login(client: &Home) -> Terminal {
    let terminal = client.in_terminal(&["console", "demo"]);
    terminal.wait_for_within("login:", BOOT);
    terminal
}

fn log_in(terminal: &mut Terminal, user: &str, password: &str) {
    terminal.type_keys(format!("{user}\r").as_bytes());
    terminal.wait_for("Password:");
    terminal.type_keys(format!("{password}\r").as_bytes());
    terminal.wait_for(":~$");
}

#[tokio::test]
async fn a_guest_is_read_seen_and_typed_into() {
    let home = Home::new();
    let dev = start(&home);
    let (env, client) = (dev.env(), dev.client());
    let power = client.run(&["vm", "show", &env["HARDLINE_VM"], "--query", "powerState", "-o", "tsv"]).await;
    assert_eq!(power.expect(0).text(), "VM running\n");

    let mut terminal = at_login(&client);
    log_in(&mut terminal, &env["HARDLINE_GUEST_USER"], &env["HARDLINE_GUEST_PASSWORD"]);
    terminal.type_keys(b"echo the answer is $((6*7))\r");
    terminal.wait_for("the answer is 42");
    terminal.type_keys(b"\x1dq");
    assert!(terminal.wait().success());

    let log = String::from_utf8_lossy(&client.run(&["log", "demo"]).await.expect(0).out).into_owned();
    assert!(log.contains("Linux version"), "the log begins with the kernel's first line");
    assert!(log.contains("the answer is 42"));
    assert!(!log.contains(&env["HARDLINE_GUEST_PASSWORD"]), "what is typed without echo is in no log");

    client.run(&["screenshot", "demo", "-f", "demo.bmp"]).await.expect(0);
    let picture = std::fs::read(client.path("demo.bmp")).unwrap();
    assert!(picture.starts_with(b"BM") && picture.len() > 100_000);
    let pixels = &picture[54..];
    assert!(pixels.iter().any(|p| *p != pixels[0]), "the display shows something");
    client.run(&["screenshot", "demo", "-f", "demo.png"]).await.expect(0);
    assert!(std::fs::read(client.path("demo.png")).unwrap().starts_with(b"\x89PNG"));
    dev.stop();
}

#[tokio::test]
async fn a_guest_is_stopped_and_started_by_its_owner() {
    let home = Home::new();
    let dev = start(&home);
    let client = dev.client();
    drop(at_login(&client));
    client.run(&["vm", "stop", "demo"]).await.expect(0);
    let refused = client.run(&["console", "demo"]).await.expect(1);
    assert!(refused.err.contains("ERROR: ("), "{}", refused.err);
    client.run(&["vm", "start", "demo"]).await.expect(0);
    drop(at_login(&client));
    client.run(&["vm", "restart", "demo"]).await.expect(0);
    drop(at_login(&client));
    client.run(&["vm", "deallocate", "demo"]).await.expect(0);
    dev.stop();
}
