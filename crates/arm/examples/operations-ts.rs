//! Prints the table of operations as TypeScript, for the portal:
//! `cargo run -q -p hardline-arm --example operations-ts > web/src/api/operations.ts`.

use hardline_arm::operation::{Operation, Target};
use hardline_arm::operations;
use std::fmt::Write as _;
use std::io::Write as _;

const HEAD: &str = "\
// Generated from the server's table of operations. Do not edit; run
//   cargo run -q -p hardline-arm --example operations-ts > web/src/api/operations.ts

/** One row of the server's table. */
export interface Operation {
  /** `operationName` in the activity log. */
  readonly name: string;
  /** The action that a role must allow; null where being signed in is enough. */
  readonly requires: string | null;
  readonly method: \"GET\" | \"HEAD\" | \"PUT\" | \"PATCH\" | \"POST\" | \"DELETE\";
  /** What the path names: a resource, the resources of a type below a parent, a verb of a resource, or no ARM path. */
  readonly target: \"item\" | \"collection\" | \"verb\" | \"elsewhere\";
  /** Resource type; empty with `elsewhere`. */
  readonly type: string;
  /** Last segment of the path; empty unless `verb`. */
  readonly verb: string;
  readonly summary: string;
}

export const operations = {
";

fn main() -> std::io::Result<()> {
    let mut text = String::from(HEAD);
    for row in operations::all() {
        print_row(&mut text, row);
    }
    text.push_str("} as const satisfies Record<string, Operation>;\n");
    std::io::stdout().write_all(text.as_bytes())
}

fn print_row(text: &mut String, row: &Operation) {
    let (target, verb) = match row.target {
        Target::Item(_) => ("item", ""),
        Target::Collection(_) => ("collection", ""),
        Target::Verb(_, verb) => ("verb", verb),
        Target::ProviderOperations
        | Target::TenantProvider
        | Target::SubscriptionProvider
        | Target::SubscriptionProviderVerb(_)
        | Target::Elsewhere => ("elsewhere", ""),
    };
    let requires = row.requires.action().map_or_else(|| "null".to_owned(), quoted);
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "  {:?}: {{\n    name: {},\n    requires: {requires},\n    method: \"{}\",\n    target: \"{target}\",\n    type: {},\n    verb: {},\n    summary: {},\n  }},",
        row.id,
        quoted(row.name),
        row.method,
        quoted(row.target.resource_type()),
        quoted(verb),
        quoted(row.summary),
    );
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
