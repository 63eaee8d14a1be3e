//! The portal's copy of the table of operations is the table's own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::path::Path;
use std::process::Command;

#[test]
fn the_portals_table_is_fresh() {
    // Tests stand in target/…/deps, examples beside that folder; a test run builds both.
    let tests = std::env::current_exe().unwrap();
    let generator = tests.parent().unwrap().parent().unwrap().join("examples/operations-ts");
    let made = Command::new(&generator).output().unwrap_or_else(|e| panic!("{}: {e}", generator.display()));
    assert!(made.status.success());
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/src/api/operations.ts");
    assert!(
        std::fs::read(&kept).unwrap() == made.stdout,
        "run `cargo run -q -p hardline-arm --example operations-ts > web/src/api/operations.ts`"
    );
}
