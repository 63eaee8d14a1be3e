//! The list of functions in the documentation is the table's own.

use hardline_arm::template::functions::FUNCTIONS;
use std::fmt::Write as _;
use std::path::Path;

const HEAD: &str = "# Template functions

What `Microsoft.Resources/deployments` evaluates. Names are understood in any case; a function that is not here is
`InvalidTemplate` with the place where it stands, before anything is deployed. The list is printed from the table in
`crates/arm/src/template/functions/mod.rs`; a test compares them.

Texts are counted in characters, where Azure counts UTF-16 units. Expressions may be 24,576 characters long and nest 32 deep;
a template may have 256 parameters, 256 variables, 64 outputs and 800 resources, loops unrolled.

Not supported: key vault references in parameters, template specs, `references`, `toLogicalZone`,
`toPhysicalZone`.

| group | function | arguments | note |
|---|---|---|---|
";

#[test]
fn the_documentation_lists_every_function() {
    let mut page = HEAD.to_owned();
    for f in FUNCTIONS {
        let arguments = match f.max {
            Some(max) if max == f.min => max.to_string(),
            Some(max) => format!("{} to {max}", f.min),
            None => format!("{} or more", f.min),
        };
        writeln!(page, "| {} | `{}` | {arguments} | {} |", f.group, f.name, f.note).unwrap();
    }
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/template-functions.md");
    // `UPDATE_DOCS=1 cargo test -p hardline-arm --test template` writes it.
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&kept, &page).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&kept).unwrap_or_default(), page, "{}", kept.display());
}

#[test]
fn groups_and_names_are_in_order() {
    let mut sorted: Vec<_> = FUNCTIONS.iter().map(|f| (f.group, f.name.to_lowercase())).collect();
    sorted.sort();
    sorted.dedup_by(|a, b| a.1 == b.1);
    assert_eq!(sorted, FUNCTIONS.iter().map(|f| (f.group, f.name.to_lowercase())).collect::<Vec<_>>());
}
