//! Dependencies and order.
//!
//! A node comes after the nodes that its `dependsOn` names, those whose state its body refers to, the resource in which it
//! stands as a child, and, in a serial loop, the batch before.

use super::resources::Draft;
use super::{Ignorant, Outside, Plan};
use crate::template::evaluate::{Budget, Walk};
use crate::template::position::{ERRORS_LIMIT, TemplateError};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Every spelling of a resource in `dependsOn`, in lower case.
#[derive(Default)]
struct Spellings(HashMap<String, BTreeSet<usize>>);

impl Spellings {
    fn of(drafts: &[Draft]) -> Self {
        let mut all = Self::default();
        for (n, Draft { node, .. }) in drafts.iter().enumerate() {
            let relative = node.id.rsplit_once("/providers/").map_or("", |(_, relative)| relative);
            let typed = format!("{}/{}", node.resource_type, node.name);
            // What resource functions give for a group, whose id has no provider.
            let provided = match node.id.split_once("/resourceGroups/") {
                Some((above, _)) if relative.is_empty() => format!("{above}/providers/{typed}"),
                _ => String::new(),
            };
            let mut keys = vec![node.id.as_str(), relative, &typed, &node.name, &provided];
            keys.extend(node.symbol.as_deref());
            keys.extend(node.copy.as_ref().map(|(name, _)| name.as_str()));
            for key in keys.into_iter().filter(|key| !key.is_empty()) {
                all.0.entry(key.to_lowercase()).or_default().insert(n);
            }
        }
        all
    }

    fn find(&self, text: &str) -> Option<&BTreeSet<usize>> {
        self.0.get(&text.trim_end_matches('/').to_lowercase())
    }
}

/// Finds the dependencies, orders the drafts and puts them into the plan.
pub(super) fn connect(
    plan: &mut Plan,
    mut drafts: Vec<Draft>,
    budget: &Budget,
) -> Result<(), Vec<TemplateError>> {
    let spellings = Spellings::of(&drafts);
    let mut errors = Vec::new();
    let mut before: Vec<BTreeSet<usize>> = Vec::with_capacity(drafts.len());
    for n in 0..drafts.len() {
        let mut edges = serial(&drafts, n);
        let Some(draft) = drafts.get_mut(n) else { break };
        edges.extend(draft.parent);
        let mut seen = HashSet::new();
        for (text, pointer) in std::mem::take(&mut draft.depends_on) {
            if !seen.insert(text.to_lowercase()) {
                continue;
            }
            match spellings.find(&text) {
                Some(found) => edges.extend(found),
                None => {
                    let refusal = plan.source.plain(
                        &pointer,
                        format!(
                            "The resource '{text}' is not defined in the template. Please see https://aka.ms/arm-syntax-resources for usage details."
                        ),
                    );
                    match outside(plan, &text) {
                        Some(id) if draft.node.condition => draft.node.outside.push(Outside { id, refusal }),
                        Some(_) => {}
                        None => errors.push(refusal),
                    }
                }
            }
        }
        if draft.node.condition && !draft.node.existing {
            let mut walk = Walk::default();
            plan.body(&draft.node, &Ignorant, budget, &mut walk);
            errors.extend(walk.faults.iter().map(|(pointer, message)| plan.source.fault(pointer, message)));
            plan.nested_needs(&draft.node, budget, &mut walk);
            edges.extend(walk.needs.iter().filter_map(|need| spellings.find(need.id())).flatten());
        }
        before.push(edges);
        if errors.len() >= ERRORS_LIMIT {
            break;
        }
    }
    errors.truncate(ERRORS_LIMIT);
    if !errors.is_empty() {
        return Err(errors);
    }
    let order = sort(&before).map_err(|stuck| {
        let draft = drafts.get(stuck);
        let (id, pointer) = draft.map_or(("", ""), |d| (d.node.id.as_str(), d.node.pointer.as_str()));
        let message = format!(
            "Circular dependency detected on resource: '{id}'. Please see https://aka.ms/arm-syntax-resources for usage details."
        );
        vec![plan.source.plain(pointer, message)]
    })?;
    let places: HashMap<usize, usize> = order.iter().enumerate().map(|(place, n)| (*n, place)).collect();
    let mut nodes: Vec<_> = drafts.into_iter().map(|d| Some(d.node)).collect();
    for n in order {
        let (Some(mut node), Some(edges)) = (nodes.get_mut(n).and_then(Option::take), before.get(n)) else {
            continue;
        };
        node.depends_on = edges.iter().filter_map(|e| places.get(e)).copied().collect();
        node.depends_on.sort_unstable();
        plan.nodes.push(node);
    }
    Ok(())
}

/// The instances of the batch before.
fn serial(drafts: &[Draft], n: usize) -> BTreeSet<usize> {
    let Some((this_loop, batch)) = drafts.get(n).and_then(|d| d.batch) else { return BTreeSet::new() };
    let previous = batch.checked_sub(1).map(|batch| (this_loop, batch));
    drafts
        .iter()
        .enumerate()
        .take(n)
        .filter(|(_, d)| previous.is_some() && d.batch == previous)
        .map(|(place, _)| place)
        .collect()
}

/// The id of a resource outside that a `dependsOn` means: an id, or `Namespace/type/name`.
fn outside(plan: &Plan, text: &str) -> Option<String> {
    let full = match text.starts_with('/') {
        true => text.to_owned(),
        false => format!("{}/providers/{text}", plan.target.to_string().trim_end_matches('/')),
    };
    let id = crate::resource_id::ResourceId::parse(&full).ok()?;
    (!id.names().is_empty() || text.starts_with('/')).then(|| id.to_string())
}

/// An order in which everything comes after what is before it, otherwise that of the template. On a circle one that is on it.
fn sort(before: &[BTreeSet<usize>]) -> Result<Vec<usize>, usize> {
    let mut open: Vec<usize> = before.iter().map(BTreeSet::len).collect();
    let mut after: Vec<Vec<usize>> = vec![Vec::new(); before.len()];
    for (n, edges) in before.iter().enumerate() {
        for edge in edges {
            if let Some(list) = after.get_mut(*edge) {
                list.push(n);
            }
        }
    }
    let mut ready: BTreeSet<usize> =
        open.iter().enumerate().filter(|(_, c)| **c == 0).map(|(n, _)| n).collect();
    let mut order = Vec::with_capacity(before.len());
    while let Some(n) = ready.pop_first() {
        order.push(n);
        for next in after.get(n).into_iter().flatten() {
            if let Some(count) = open.get_mut(*next) {
                *count -= 1;
                if *count == 0 {
                    ready.insert(*next);
                }
            }
        }
    }
    // What is left is on a circle or behind one: walking back ends on it.
    let Some(mut stuck) = open.iter().position(|count| *count > 0) else { return Ok(order) };
    for _ in 0..before.len() {
        let back = before.get(stuck).into_iter().flatten().find(|n| open.get(**n).is_some_and(|c| *c > 0));
        stuck = back.copied().unwrap_or(stuck);
    }
    Err(stuck)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn edges(lists: &[&[usize]]) -> Vec<BTreeSet<usize>> {
        lists.iter().map(|l| l.iter().copied().collect()).collect()
    }

    #[test]
    fn order_and_circles() {
        assert_eq!(sort(&edges(&[&[], &[], &[]])), Ok(vec![0, 1, 2]));
        assert_eq!(sort(&edges(&[&[2], &[], &[1]])), Ok(vec![1, 2, 0]));
        assert_eq!(sort(&edges(&[&[0]])), Err(0));
        assert!(matches!(sort(&edges(&[&[1], &[2], &[1]])), Err(1 | 2)));
    }

    proptest! {
        #[test]
        fn everything_comes_after_what_is_before_it(pairs in proptest::collection::vec((0_usize..20, 0_usize..20), 0..60)) {
            let mut before = vec![BTreeSet::new(); 20];
            for (a, b) in pairs {
                // Edges to smaller numbers only make no circle.
                if a > b {
                    before[a].insert(b);
                }
            }
            let order = sort(&before).unwrap();
            prop_assert_eq!(order.len(), 20);
            for (place, n) in order.iter().enumerate() {
                prop_assert!(before[*n].iter().all(|e| order[..place].contains(e)));
            }
        }
    }
}
