//! What there is here for rules to look at, so that a rule that can never say anything is told.

use super::events::INDEX;
use hardline_arm::operations;
use hardline_detect::rule::Rule;
use hardline_detect::rule::lint::{self, Surroundings};
use std::sync::LazyLock;

static SURROUNDINGS: LazyLock<Surroundings> = LazyLock::new(|| {
    let names = operations::all().iter().map(|row| row.name);
    Surroundings::of_activity_log(INDEX, names, false, false)
});

/// Why a rule can never say anything here, or says less than its author meant.
pub fn lint(rule: &Rule) -> Vec<String> {
    lint::lint(rule, &SURROUNDINGS).iter().map(ToString::to_string).collect()
}
