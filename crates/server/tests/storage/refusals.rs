//! Who tries an account's door is seen, and cannot fill the log by it.

use crate::signing::{account_sas, fetch};
use crate::{account, path};
use hardline_testkit::TestServer;
use hardline_testkit::console::events;

#[tokio::test]
async fn refused_signatures_are_in_the_activity_log_and_few() {
    let server = TestServer::start().await;
    account(&server, "acct1").await;
    let wrong =
        account_sas("acct1", "bm9uZSBvZiB0aGUga2V5cw==", ["rl", "b", "sco", "", "2099-01-01", "", ""]);
    for _ in 0..50 {
        assert_eq!(fetch(&server, &format!("/acct1/?comp=list&{wrong}")).await.status, 403);
    }
    // Nobody's account, and no signature at all, leave nothing.
    fetch(&server, &format!("/nobody/?comp=list&{wrong}")).await;
    fetch(&server, "/acct1/?comp=list").await;
    let events = events(&server, &path(&server, "acct1")).await;
    let refused: Vec<_> = events.iter().filter(|(name, ..)| name.contains("/blobServices/")).collect();
    assert_eq!(refused.len(), 10, "start and end of five");
    let (_, status, caller, properties) = refused.last().unwrap();
    assert_eq!((status.as_str(), caller.as_str()), ("Failed", "Unknown"));
    assert_eq!(properties["refusedPath"], "/acct1/");
    assert!(properties["statusMessage"].as_str().unwrap().contains("AuthenticationFailed"));
    let text = format!("{events:?}");
    assert!(!text.contains("sig="), "{text}");
    server.stop().await;
}
