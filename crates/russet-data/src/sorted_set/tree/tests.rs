//! Random edits against a sorted vector.

use proptest::prelude::*;

use super::leaf::LEAF_MAX;
use super::*;

/// Items are numbers; their prefix is a part of them, so that some items share one.
const ITEMS_PER_PREFIX: u64 = 3;

fn prefix(item: u64) -> u32 {
    (item / ITEMS_PER_PREFIX) as u32
}

fn below(limit: u64) -> Place<impl Fn(u64) -> bool> {
    Place::among(prefix(limit), move |item| item < limit)
}

#[derive(Clone, Debug)]
enum Edit {
    /// Adds numbers from one on by a step.
    Fill {
        from: u64,
        count: u64,
        step: u64,
    },
    /// The same downwards.
    FillDown {
        from: u64,
        count: u64,
    },
    Remove(u64),
    /// Removes so many, one by one, at a position in thousandths.
    RemoveAt(usize, usize),
    /// Removes a part of the positions, in thousandths.
    RemoveRange(usize, usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        4 => (0u64..20_000, 1u64..600, 1u64..40)
            .prop_map(|(from, count, step)| Edit::Fill { from, count, step }),
        2 => (0u64..20_000, 1u64..400).prop_map(|(from, count)| Edit::FillDown { from, count }),
        3 => (0u64..20_000).prop_map(Edit::Remove),
        2 => (0usize..1000, 1usize..300).prop_map(|(at, count)| Edit::RemoveAt(at, count)),
        3 => (0usize..1000, 0usize..1000).prop_map(|(from, to)| Edit::RemoveRange(from, to)),
    ]
}

fn insert(tree: &mut Tree<u64>, model: &mut Vec<u64>, item: u64) {
    if let Err(at) = model.binary_search(&item) {
        model.insert(at, item);
        tree.insert(prefix(item), item, below(item));
    }
}

fn remove(tree: &mut Tree<u64>, model: &mut Vec<u64>, item: u64) {
    if let Ok(at) = model.binary_search(&item) {
        model.remove(at);
        assert_eq!(tree.remove_before(below(item + 1)), Some(item));
    }
}

fn assert_same(tree: &Tree<u64>, model: &[u64]) {
    tree.check_invariants(prefix, |one, other| one < other);
    assert_eq!(tree.len(), model.len());
    assert!(tree.range(0..model.len()).eq(model.iter().copied()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn edits_do_what_they_do_to_a_vector(edits in prop::collection::vec(edit(), 1..40)) {
        let (mut tree, mut model) = (Tree::new(), Vec::new());
        for edit in edits {
            match edit {
                Edit::Fill { from, count, step } => {
                    (0..count).for_each(|n| insert(&mut tree, &mut model, from + n * step));
                }
                Edit::FillDown { from, count } => {
                    (0..count).for_each(|n| insert(&mut tree, &mut model, from + count - n));
                }
                Edit::Remove(from) => {
                    (from..from + 50).for_each(|item| remove(&mut tree, &mut model, item));
                }
                Edit::RemoveAt(part, count) => {
                    for _ in 0..count.min(model.len()) {
                        let at = (model.len() - 1) * part / 999;
                        let expected = model.remove(at);
                        tree.remove_range(at..at + 1, &mut |item| assert_eq!(item, expected));
                    }
                }
                Edit::RemoveRange(one, other) => {
                    let at = |part: usize| model.len() * part / 999;
                    let range = at(one.min(other))..at(one.max(other));
                    let mut removed = Vec::new();
                    tree.remove_range(range.clone(), &mut |item| removed.push(item));
                    prop_assert_eq!(removed, model.drain(range).collect::<Vec<_>>());
                }
            }
            assert_same(&tree, &model);
        }
    }

    #[test]
    fn ranges_are_walked_from_both_ends(
        len in 0u64..1000, one in 0usize..1000, other in 0usize..1000, ends: Vec<bool>,
    ) {
        let tree: Tree<u64> = (0..len).map(|item| (prefix(item), item)).collect();
        let (from, to) = (one.min(other).min(len as usize), one.max(other).min(len as usize));
        let mut items = tree.range(from..to);
        let mut model = from as u64..to as u64;
        for front in ends.iter().cycle().take(if ends.is_empty() { 0 } else { 1100 }) {
            prop_assert_eq!(items.len(), (model.end - model.start) as usize);
            let (item, expected) = if *front {
                (items.next(), model.next())
            } else {
                (items.next_back(), model.next_back())
            };
            prop_assert_eq!(item, expected);
        }
        let positions = (0..len + 2).map(|limit| tree.position(below(limit)) as u64);
        prop_assert!(positions.eq((0..len + 2).map(|limit| limit.min(len))));
    }
}

#[test]
fn removing_any_range_of_three_levels_mends_the_seam() {
    let len = 12_000;
    let full = || -> Tree<u64> { (0..len).map(|item| (prefix(item), item)).collect() };
    for from in [0, 1, 63, 64, 4_000, 11_990] {
        for to in [from + 1, from + 70, from + 5_000, len - 1, len] {
            let to = to.min(len);
            let mut tree = full();
            let mut removed = 0;
            tree.remove_range(from as usize..to as usize, &mut |_| removed += 1);
            assert_eq!(removed, to - from);
            assert_same(&tree, &(0..from).chain(to..len).collect::<Vec<_>>());
        }
    }
}

#[test]
fn the_first_item_of_a_prefix_is_found_unless_it_begins_a_leaf() {
    let len = 12_000;
    let tree: Tree<u64> = (0..len).map(|item| (prefix(item), item)).collect();
    let found = (0..prefix(len)).filter(|prefix| {
        let first = tree.first_with(*prefix);
        assert!(first.is_none_or(|first| first == u64::from(*prefix) * ITEMS_PER_PREFIX));
        first.is_some()
    });
    assert!(found.count() as u64 > len / ITEMS_PER_PREFIX - 2 * len / LEAF_MAX as u64);
    for absent in [prefix(len), NO_PREFIX] {
        assert_eq!(tree.first_with(absent), None);
        tree.prefetch_branch(absent);
        tree.prefetch_leaf(absent);
    }
}

/// What the essay says of memory, for items that arrive in random order and in ascending order.
#[test]
fn an_item_costs_eighteen_bytes_at_most() {
    let count = 50_000;
    let mut random = Tree::new();
    for number in 0..count {
        let item = number * 31_337 % 50_021;
        random.insert(prefix(item), item, below(item));
    }
    let ascending: Tree<u64> = (0..count).map(|item| (prefix(item), item)).collect();
    for tree in [random, ascending] {
        let bytes = tree.allocated_bytes() as f64 / tree.len() as f64;
        assert!(bytes <= 18.0, "{bytes}");
    }
}
