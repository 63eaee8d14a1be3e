//! Every built-in role against every operation, as a table that people can read: `golden/roles.txt`.
//!
//! When the table changes on purpose, run the test with `HARDLINE_UPDATE_GOLDEN=1` and read the difference.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_arm::operation::Require;
use hardline_arm::operations;
use hardline_arm::rbac::{Plane, built_in_roles};
use std::fmt::Write as _;
use std::path::Path;

fn table() -> String {
    let roles = built_in_roles();
    let mut text = String::from(
        "Who may do what: the built-in roles against the table of operations.\n\
         x = allowed, . = refused, m = with any role at the scope or below it,\n\
         * = anybody who is signed in, s = needs a shared access signature\n\n",
    );
    for (column, role) in roles.iter().enumerate() {
        writeln!(text, "{}{}", "  |".repeat(column), format_args!("  {}", role.role_name)).unwrap();
    }
    writeln!(text, "{}", "  |".repeat(roles.len())).unwrap();
    for operation in operations::all() {
        for role in roles {
            let mark =
                match operation.requires {
                    Require::SignedIn => '*',
                    Require::Sas => 's',
                    Require::Member(_) => 'm',
                    Require::Action(action) | Require::Visible(action) => {
                        if role.allows(Plane::Control, action) { 'x' } else { '.' }
                    }
                };
            write!(text, "  {mark}").unwrap();
        }
        writeln!(text, "   {:<6} {}", operation.method.as_str(), operation.name).unwrap();
    }
    text
}

#[test]
fn roles_and_operations_are_the_golden_table() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/roles.txt");
    let now = table();
    if std::env::var_os("HARDLINE_UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &now).unwrap();
    }
    let golden = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(golden == now, "tests/golden/roles.txt is out of date; now:\n{now}");
}

#[test]
fn a_reader_reads_documents_and_neither_consoles_nor_logs() {
    let reader = built_in_roles().iter().find(|r| r.role_name == "Reader").unwrap();
    for operation in operations::all() {
        let Some(action) = operation.requires.action() else { continue };
        let guest = action.ends_with("/action");
        assert!(!(guest && reader.allows(Plane::Control, action)), "{}", operation.name);
    }
}
