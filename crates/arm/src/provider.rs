//! Resource providers: their types, read from the table of operations, and the api-versions that they name (contract 1.1).
//!
//! Any api-version is taken. The lists here are for clients that ask for one before they send anything (`az resource show`
//! takes the first that is no preview), so the newest comes first.

use crate::operations;
use std::collections::BTreeMap;

/// The namespaces of the table, in their order: `Microsoft.Compute`, `Hardline.Console`, …
pub fn namespaces() -> Vec<&'static str> {
    let mut found: Vec<&str> =
        operations::all().iter().filter_map(|row| row.name.split('/').next()).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// A namespace as the table writes it, by its name in any case; none when it is not there.
pub fn namespace(name: &str) -> Option<&'static str> {
    namespaces().into_iter().find(|known| known.eq_ignore_ascii_case(name))
}

/// The types of a namespace without it (`virtualMachines`, `locations/operations`), parents too, and `operations`, which
/// every provider has.
pub fn resource_types(namespace: &str) -> Vec<&'static str> {
    let mut found = BTreeMap::from([("operations".to_owned(), "operations")]);
    for row in operations::all() {
        let Some((of, kind)) = row.target.resource_type().split_once('/') else { continue };
        if !of.eq_ignore_ascii_case(namespace) {
            continue;
        }
        let ends = kind.match_indices('/').map(|(at, _)| at).chain([kind.len()]);
        for part in ends.filter_map(|end| kind.get(..end)) {
            found.entry(part.to_ascii_lowercase()).or_insert(part);
        }
    }
    found.into_values().collect()
}

/// The api-versions of a namespace that clients are known to send, the newest first.
pub fn api_versions(namespace: &str) -> &'static [&'static str] {
    match namespace.to_ascii_lowercase().as_str() {
        "microsoft.resources" => {
            &["2024-11-01", "2022-12-01", "2021-04-01", "2020-10-01", "2019-10-01", "2016-06-01"]
        }
        "microsoft.compute" => &[
            "2026-04-01",
            "2025-11-01",
            "2024-11-01",
            "2024-07-01",
            "2023-09-01",
            "2022-11-01",
            "2021-03-01",
            "2020-06-01",
        ],
        "microsoft.network" => &[
            "2025-09-01",
            "2025-07-01",
            "2024-07-01",
            "2023-11-01",
            "2022-01-01",
            "2020-11-01",
            "2015-06-15",
        ],
        "microsoft.storage" => &["2025-08-01", "2024-01-01", "2023-01-01", "2021-09-01", "2019-06-01"],
        "microsoft.serialconsole" => &["2024-07-01", "2018-05-01"],
        "microsoft.authorization" => {
            &["2022-05-01-preview", "2022-04-01", "2018-01-01-preview", "2015-07-01"]
        }
        "microsoft.insights" => &["2015-04-01"],
        ours if ours.starts_with("hardline.") => &["2026-11-01"],
        _ => &["2024-11-01"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_come_from_the_table_with_their_parents() {
        let compute = resource_types("microsoft.compute");
        for kind in ["virtualMachines", "locations", "locations/operations", "operations"] {
            assert!(compute.contains(&kind), "{kind} in {compute:?}");
        }
        assert_eq!(resource_types("Microsoft.Nothing"), ["operations"]);
        assert_eq!(namespace("MICROSOFT.compute"), Some("Microsoft.Compute"));
        assert_eq!(namespace("Microsoft.Nothing"), None);
    }

    #[test]
    fn the_newest_version_comes_first_and_all_are_versions() {
        for namespace in namespaces() {
            let versions = api_versions(namespace);
            assert!(!versions.is_empty());
            let parsed: Vec<crate::api_version::ApiVersion> =
                versions.iter().map(|v| v.parse().unwrap()).collect();
            assert!(parsed.is_sorted_by(|a, b| a > b), "{namespace}: {versions:?}");
        }
    }
}
