//! Resource providers: their types, read from the table of operations, and the api-versions that they name (contract 1.1).
//!
//! Any api-version that a client of the provider can know is taken: one from its first on, up to a year ahead of the clock
//! ([`check_api_version`]), since one release of a client mixes many and the next one brings new ones. The lists here are for
//! clients that ask for one before they send anything (`az resource show` takes the first that is no preview), and for
//! those that are told what they could have sent; the newest comes first.

use crate::api_version::ApiVersion;
use crate::error::ArmError;
use crate::operation::{Operation, OperationId};
use crate::operations;
use jiff::ToSpan as _;
use jiff::civil::Date;
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
        "microsoft.insights" => &["2021-05-01-preview", "2017-05-01-preview", "2015-04-01"],
        ours if ours.starts_with("hardline.") => &["2026-11-01"],
        _ => &["2024-11-01"],
    }
}

/// The date of the first api-version that a namespace had, previews included.
fn first(namespace: &str) -> &'static str {
    match namespace.to_ascii_lowercase().as_str() {
        "microsoft.compute" | "microsoft.storage" => "2015-05-01",
        "microsoft.network" => "2014-12-01",
        "microsoft.serialconsole" => "2018-05-01",
        "microsoft.authorization" => "2014-07-01",
        ours if ours.starts_with("hardline.") => "2026-11-01",
        _ => "2014-04-01",
    }
}

/// The date of the first api-version that an operation had: it may be younger than its namespace.
fn since(operation: &Operation, namespace: &str) -> &'static str {
    match operation.id {
        // Before that there was no managed storage, and so nothing to sign (contract 3.1).
        OperationId::VmRetrieveBootDiagnosticsData | OperationId::InstanceRetrieveBootDiagnosticsData => {
            MANAGED_STORAGE
        }
        _ => first(namespace),
    }
}

/// The first api-version of Microsoft.Compute whose boot diagnostics need no storage account of somebody's (contract 3.1).
pub const MANAGED_STORAGE: &str = "2020-06-01";

/// Refuses an api-version that no client of an operation can know: older than the operation, or more than a year ahead of
/// `today`. `location` is the one that there is.
///
/// # Errors
/// 400 as contract section 10 has them: `InvalidApiVersionParameter` for what ARM itself answers (Microsoft.Resources),
/// `NoRegisteredProviderFound` for the types of the providers.
pub fn check_api_version(
    operation: &Operation,
    version: &ApiVersion,
    today: Date,
    location: &str,
) -> Result<(), ArmError> {
    let kind = match operation.target.resource_type() {
        "" => operation.name,
        kind => kind,
    };
    let (namespace, kind) = kind.split_once('/').unwrap_or((kind, ""));
    let since = since(operation, namespace);
    let supported: Vec<_> = api_versions(namespace).iter().copied().filter(|v| *v >= since).collect();
    let known = || version.since(since) && version.date() <= today.saturating_add(1.year());
    // What is named is taken, whatever the clock says.
    if known() || supported.contains(&version.as_str()) {
        return Ok(());
    }
    if namespace.eq_ignore_ascii_case("Microsoft.Resources") {
        return Err(ArmError::unsupported_api_version(version.as_str(), &supported));
    }
    Err(ArmError::no_registered_provider(location, version.as_str(), kind, &supported))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_that_nobody_can_know_are_refused() {
        let check = |id, version: &str| {
            let version = version.parse().unwrap();
            let today = jiff::civil::date(2026, 11, 22);
            let checked = check_api_version(operations::get(id), &version, today, "local");
            checked.map_err(|e| (e.code.to_string(), e.message))
        };
        for version in ["2015-05-01-preview", "2015-06-15", "2026-04-01", "2027-11-22"] {
            assert_eq!(check(OperationId::VmGet, version), Ok(()), "{version}");
        }
        for version in ["1999-01-01", "2014-12-31", "2027-11-23", "2099-01-01-preview"] {
            let (code, text) = check(OperationId::VmGet, version).unwrap_err();
            assert_eq!(code, "NoRegisteredProviderFound", "{version}");
            assert!(text.contains(&format!("API version '{version}' for type 'virtualMachines'")), "{text}");
        }
        let (code, text) = check(OperationId::GroupGet, "1999-01-01").unwrap_err();
        assert_eq!(code, "InvalidApiVersionParameter");
        assert!(text.ends_with("The supported versions are '2024-11-01,2022-12-01,2021-04-01,2020-10-01,2019-10-01,2016-06-01'."), "{text}");
        // Every list of a namespace is taken by all its operations, but where the operation is younger.
        for operation in operations::all() {
            let Some(namespace) =
                operation.target.resource_type().split('/').next().filter(|n| !n.is_empty())
            else {
                continue;
            };
            for version in api_versions(namespace) {
                let younger = *version < since(operation, namespace);
                assert_eq!(check(operation.id, version).is_err(), younger, "{}: {version}", operation.name);
            }
        }
        for id in
            [OperationId::VmRetrieveBootDiagnosticsData, OperationId::InstanceRetrieveBootDiagnosticsData]
        {
            assert_eq!(check(id, "2020-06-01"), Ok(()));
            let (code, text) = check(id, "2019-12-01").unwrap_err();
            assert_eq!(code, "NoRegisteredProviderFound");
            assert!(text.contains("'2020-06-01'") || text.contains(", 2020-06-01'"), "{text}");
        }
    }

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
