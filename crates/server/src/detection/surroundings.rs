//! What there is here for rules to look at, so that a rule that can never say anything is told.

use super::events::INDEX;
use crate::places::Places;
use hardline_arm::operations;
use hardline_detect::rule::Rule;
use hardline_detect::rule::lint::{self, Surroundings};
use std::sync::LazyLock;

/// The surroundings without and with databases: of networks, of cities.
static SURROUNDINGS: LazyLock<[Surroundings; 4]> = LazyLock::new(|| {
    [(false, false), (true, false), (false, true), (true, true)].map(|(networks, cities)| {
        let names = operations::all().iter().map(|row| row.name);
        Surroundings::of_activity_log(INDEX, names, networks, cities)
    })
});

/// Why a rule can never say anything here, or says less than its author meant.
pub fn lint(rule: &Rule, places: &Places) -> Vec<String> {
    let at = usize::from(places.has_networks()) + 2 * usize::from(places.has_cities());
    let surroundings = SURROUNDINGS.get(at);
    surroundings
        .map(|there| lint::lint(rule, there).iter().map(ToString::to_string).collect())
        .unwrap_or_default()
}
