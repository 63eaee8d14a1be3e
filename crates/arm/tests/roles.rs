//! Every role against every operation, as a table that people can read: `golden/roles.txt`. The built-in roles, and three
//! custom ones that show what `actions` and `notActions` do.
//!
//! When the table changes on purpose, run the test with `HARDLINE_UPDATE_GOLDEN=1` and read the difference.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use hardline_arm::operation::{Audit, Operation, OperationId, Require};
use hardline_arm::operations;
use hardline_arm::rbac::{self, Draft, Plane, RoleDefinition, RoleKind, built_in_roles};
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;
use uuid::Uuid;

const LEGEND: &str = "\
Who may do what: roles against the table of operations.

Each line is one operation; each column one role, given at the scope of what the operation names, or above it.

  x  allowed            .  refused
  v  allowed where the role is given; elsewhere the answer leaves out what may not be read
  m  allowed with any role at all at the scope, above or below it
  *  anybody who is signed in; the answer holds only what may be read
  s  no role counts: a signature with the storage account's key is needed, or a shared access signature

  A  behind the marks: every call leaves events in the activity log. Without it, only refusals do.

The action that is asked for is the operation's name, or what stands behind 'needs'.
";

fn custom(name: &str, actions: &[&str], not_actions: &[&str]) -> RoleDefinition {
    let body = json!({ "properties": {
        "roleName": name,
        "permissions": [{ "actions": actions, "notActions": not_actions }],
        "assignableScopes": ["/subscriptions/s"],
    }});
    Draft::parse(body.to_string().as_bytes()).unwrap().definition(Uuid::nil())
}

/// The columns: a short word for the head of the table, and the role.
fn columns() -> Vec<(&'static str, RoleDefinition)> {
    let short = ["Own", "Con", "Rea", "UAA", "VMC", "Net", "Key", "Sto"];
    assert_eq!(short.len(), built_in_roles().len(), "a column for each built-in role");
    let mut columns: Vec<_> = short.into_iter().zip(built_in_roles().iter().cloned()).collect();
    columns.push(("c-1", custom("Keys only", &["Microsoft.Storage/storageAccounts/listKeys/action"], &[])));
    let console = [
        "Microsoft.Compute/virtualMachines/read",
        "Microsoft.Compute/virtualMachines/retrieveBootDiagnosticsData/action",
        "Microsoft.SerialConsole/serialPorts/connect/action",
    ];
    columns.push(("c-2", custom("Console without power", &console, &[])));
    let not = ["*/delete", "Microsoft.Authorization/*/write", "Microsoft.SerialConsole/*"];
    columns.push(("c-3", custom("Everything but deleting, rights and consoles", &["*"], &not)));
    columns
}

fn mark(operation: &Operation, role: &RoleDefinition) -> char {
    let allows = |action| role.allows(Plane::Control, action);
    match operation.requires {
        Require::SignedIn => '*',
        Require::Sas => 's',
        Require::Member(_) => 'm',
        Require::Visible(action) if allows(action) => 'v',
        Require::Action(action) | Require::Guest(action, _) if allows(action) => 'x',
        Require::Visible(_) | Require::Action(_) | Require::Guest(..) => '.',
    }
}

fn table() -> String {
    let columns = columns();
    let mut text = String::from(LEGEND);
    text.push_str("\nThe roles:\n\n");
    for (short, role) in &columns {
        match role.kind {
            RoleKind::BuiltIn => writeln!(text, "  {short}  {}, built in, {}", role.role_name, role.name),
            RoleKind::Custom => {
                let permission = &role.permissions[0];
                writeln!(
                    text,
                    "  {short}  {}, an example of a custom role\n         actions     {}\n         notActions  {}",
                    role.role_name,
                    permission.actions.join("\n                     "),
                    permission.not_actions.join("\n                     "),
                )
            }
        }
        .unwrap();
    }
    let head: Vec<_> = columns.iter().map(|(short, _)| *short).collect();
    let mut namespace = "";
    for operation in operations::all() {
        let here = operation.name.split('/').next().unwrap();
        if here != namespace {
            namespace = here;
            writeln!(text, "\n {}     {namespace}", head.join(" ")).unwrap();
        }
        for (_, role) in &columns {
            write!(text, "  {} ", mark(operation, role)).unwrap();
        }
        let audited = if operation.audit == Audit::Always { 'A' } else { ' ' };
        write!(text, "  {audited} {:<6} {}", operation.method.as_str(), operation.name).unwrap();
        if let Some(action) = operation.requires.action().filter(|action| *action != operation.name) {
            write!(text, "   needs {action}").unwrap();
            if let Require::Guest(_, action) = operation.requires {
                write!(text, ", of an instance {action}").unwrap();
            }
        }
        writeln!(text, "   ({})", operation.summary).unwrap();
    }
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
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

/// What must hold of the table whatever rows it gets, so that nobody has to see it in a difference of hundreds of lines.
fn allowed(role: Uuid, operation: &Operation) -> bool {
    let role = rbac::built_in(role).unwrap();
    operation.requires.action().is_some_and(|action| role.allows(Plane::Control, action))
}

#[test]
fn a_reader_reads_documents_and_neither_consoles_nor_logs() {
    for operation in operations::all() {
        let Some(action) = operation.requires.action() else { continue };
        let reads = action.to_ascii_lowercase().ends_with("/read");
        assert_eq!(allowed(rbac::READER, operation), reads, "{}", operation.name);
        // What is looked at and audited is what a guest printed or shows, or a secret: nothing for a Reader.
        assert!(!(reads && operation.audit == Audit::Always), "{}", operation.name);
    }
}

#[test]
fn only_owners_and_access_administrators_give_rights() {
    for operation in operations::all() {
        let Some(action) = operation.requires.action() else { continue };
        let gives = action.starts_with("Microsoft.Authorization/") && !action.ends_with("/read");
        assert!(allowed(rbac::OWNER, operation), "{}", operation.name);
        if gives {
            assert!(allowed(rbac::USER_ACCESS_ADMINISTRATOR, operation), "{}", operation.name);
            assert!(!allowed(rbac::CONTRIBUTOR, operation), "{}", operation.name);
            assert!(!allowed(rbac::VIRTUAL_MACHINE_CONTRIBUTOR, operation), "{}", operation.name);
        } else {
            assert!(allowed(rbac::CONTRIBUTOR, operation), "{}", operation.name);
            let reads = action.ends_with("/read");
            assert_eq!(allowed(rbac::USER_ACCESS_ADMINISTRATOR, operation), reads, "{}", operation.name);
        }
    }
}

#[test]
fn a_console_needs_what_azure_asks_for() {
    use OperationId::*;
    for id in [
        SerialPortConnect,
        ConsoleStream,
        VmRetrieveBootDiagnosticsData,
        InstanceRetrieveBootDiagnosticsData,
        SerialLogContent,
    ] {
        let operation = operations::get(id);
        assert!(allowed(rbac::VIRTUAL_MACHINE_CONTRIBUTOR, operation), "{}", operation.name);
        for role in [rbac::READER, rbac::USER_ACCESS_ADMINISTRATOR, rbac::STORAGE_ACCOUNT_KEY_OPERATOR] {
            assert!(!allowed(role, operation), "{}", operation.name);
        }
    }
}

#[test]
fn a_key_operator_does_nothing_but_keys() {
    for operation in operations::all() {
        let Some(action) = operation.requires.action() else { continue };
        let keys = ["listKeys", "regenerateKey"]
            .map(|verb| format!("Microsoft.Storage/storageAccounts/{verb}/action"));
        let about_keys = keys.iter().any(|key| key.eq_ignore_ascii_case(action));
        assert_eq!(allowed(rbac::STORAGE_ACCOUNT_KEY_OPERATOR, operation), about_keys, "{}", operation.name);
    }
}
