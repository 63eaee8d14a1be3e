//! THE table of operations: one slice for each namespace.

mod authorization;
mod catalogue;
mod compute;
mod deployments;
mod detection;
mod directory;
mod hardline;
mod insights;
mod network;
mod resources;
mod scale_sets;
mod serial_console;
mod storage;

use crate::operation::{Audit, Operation, OperationId, Require, Target};
use http::Method;
use std::sync::LazyLock;

static TABLE: LazyLock<Vec<Operation>> = LazyLock::new(|| {
    [
        resources::rows(),
        deployments::rows(),
        catalogue::rows(),
        compute::rows(),
        scale_sets::rows(),
        serial_console::rows(),
        authorization::rows(),
        insights::rows(),
        network::rows(),
        storage::rows(),
        hardline::rows(),
        directory::rows(),
        detection::rows(),
    ]
    .concat()
});

/// Every row, in the order of the namespaces above.
pub fn all() -> &'static [Operation] {
    &TABLE
}

/// The row of `id`.
pub fn get(id: OperationId) -> &'static Operation {
    match TABLE.iter().find(|o| o.id == id) {
        Some(row) => row,
        None => unreachable!("{id:?} has no row; the test `ids_and_rows_are_one_to_one` keeps this true"),
    }
}

/// A row whose required action is its own name.
fn row(
    id: OperationId,
    name: &'static str,
    method: Method,
    target: Target,
    audit: Audit,
    summary: &'static str,
) -> Operation {
    Operation { id, name, requires: Require::Action(name), method, target, audit, summary }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_and_rows_are_one_to_one() {
        let rows: BTreeSet<_> = all().iter().map(|o| o.id).collect();
        assert_eq!(rows.len(), all().len(), "an id has two rows");
        assert_eq!(rows, OperationId::ALL.iter().copied().collect());
        let names: BTreeSet<_> =
            all().iter().map(|o| (o.name.to_ascii_lowercase(), o.method.as_str())).collect();
        assert_eq!(names.len(), all().len(), "two rows have the same name and method");
    }

    #[test]
    fn no_two_rows_match_the_same_request() {
        for a in all() {
            for b in all() {
                let same = a.method == b.method && a.target == b.target && a.target != Target::Elsewhere;
                assert!(a.id == b.id || !same, "{:?} and {:?}", a.id, b.id);
            }
        }
    }
}
