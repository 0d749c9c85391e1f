//! The index against a sorted vector, and its memory.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// The same multiset, as (deadline, hash bits) in order.
type Model = std::collections::BTreeMap<(i64, u32), usize>;

fn model_key(deadline_ms: i64, hash: u64) -> (i64, u32) {
    (deadline_ms.clamp(0, DEADLINE_MAX_MS), (hash % (1 << HASH_BITS)) as u32)
}

#[derive(Clone, Debug)]
enum Operation {
    Insert(i64, u64),
    /// Removes what the so-many-th insertion added.
    RemoveInserted(usize),
    Remove(i64, u64),
    /// Pops all that is due at a time, up to so many.
    PopDue(i64, usize),
}

fn deadline() -> impl Strategy<Value = i64> {
    prop_oneof![
        8 => 0..40_i64,
        8 => 0..1_000_000_i64,
        1 => prop_oneof![Just(i64::MIN), Just(-1), Just(i64::MAX), Just(DEADLINE_MAX_MS)],
        1 => DEADLINE_MAX_MS - 2..DEADLINE_MAX_MS + 2,
    ]
}

fn operation(inserts: u32) -> impl Strategy<Value = Operation> {
    prop_oneof![
        inserts => (deadline(), prop_oneof![0..3_u64, any::<u64>()])
            .prop_map(|(deadline_ms, hash)| Operation::Insert(deadline_ms, hash)),
        20 => any::<usize>().prop_map(Operation::RemoveInserted),
        2 => (deadline(), 0..3_u64)
            .prop_map(|(deadline_ms, hash)| Operation::Remove(deadline_ms, hash)),
        2 => (deadline(), 0..30_usize).prop_map(|(now_ms, limit)| Operation::PopDue(now_ms, limit)),
    ]
}

/// A history that fills the index and one that empties it again.
fn operations() -> impl Strategy<Value = Vec<Operation>> {
    (vec(operation(80), 0..600), vec(operation(5), 0..600))
        .prop_map(|(filling, emptying)| [filling, emptying].concat())
}

fn remove_from_model(model: &mut Model, key: (i64, u32)) -> bool {
    let Some(count) = model.get_mut(&key) else { return false };
    *count -= 1;
    if *count == 0 {
        model.remove(&key);
    }
    true
}

proptest! {
    #[test]
    fn behaves_like_the_model(operations in operations()) {
        let mut index = ExpiryIndex::new();
        let mut model = Model::new();
        let mut inserted = Vec::new();
        for operation in operations {
            match operation {
                Operation::Insert(deadline_ms, hash) => {
                    index.insert(deadline_ms, hash);
                    *model.entry(model_key(deadline_ms, hash)).or_default() += 1;
                    inserted.push((deadline_ms, hash));
                }
                Operation::RemoveInserted(which) if inserted.is_empty() => {
                    prop_assert!(!index.remove(which as i64, 0));
                }
                Operation::RemoveInserted(which) => {
                    let (deadline_ms, hash) = inserted.swap_remove(which % inserted.len());
                    let expected = remove_from_model(&mut model, model_key(deadline_ms, hash));
                    prop_assert_eq!(index.remove(deadline_ms, hash), expected);
                }
                Operation::Remove(deadline_ms, hash) => {
                    let expected = remove_from_model(&mut model, model_key(deadline_ms, hash));
                    prop_assert_eq!(index.remove(deadline_ms, hash), expected);
                }
                Operation::PopDue(now_ms, limit) => {
                    for _ in 0..limit {
                        let expected = model.keys().next().copied().filter(|&(deadline_ms, _)| {
                            deadline_ms < now_ms && deadline_ms != DEADLINE_MAX_MS
                        });
                        let due = index.pop_due(now_ms);
                        prop_assert_eq!(due.map(|due| (due.deadline_ms, due.hash_low)), expected);
                        let Some(key) = expected else { break };
                        remove_from_model(&mut model, key);
                    }
                }
            }
            index.check_invariants();
            prop_assert_eq!(index.len(), model.values().sum::<usize>());
            let first = model.keys().next().map(|&(deadline_ms, _)| deadline_ms);
            prop_assert_eq!(index.first(), first.filter(|&first| first < DEADLINE_MAX_MS));
        }
    }
}

/// A sequence of numbers without visible order (Knuth's multiplier).
fn scattered(number: u64) -> u64 {
    number.wrapping_mul(6_364_136_223_846_793_005).rotate_left(17)
}

fn bytes_per_item(len: u64, deadline_ms: impl Fn(u64) -> i64) -> f64 {
    let mut index = ExpiryIndex::new();
    for number in 0..len {
        index.insert(deadline_ms(number), scattered(number));
    }
    index.check_invariants();
    index.allocated_bytes() as f64 / len as f64
}

#[test]
fn takes_at_most_twelve_bytes_per_item() {
    for len in [500, 900, 976, 1_000, 1_100, 20_000] {
        let orders: [(&str, f64); 3] = [
            ("random", bytes_per_item(len, |number| (scattered(number) >> 30) as i64)),
            ("ascending", bytes_per_item(len, |number| number as i64)),
            ("descending", bytes_per_item(len, |number| (len - number) as i64)),
        ];
        for (order, bytes) in orders {
            assert!(bytes <= 12.0, "{order}: {bytes} bytes per item at {len}");
        }
    }
}

/// Keys that expire while others are added: the index as it is in service.
#[test]
fn takes_at_most_twelve_bytes_per_item_as_time_goes_by() {
    let mut index = ExpiryIndex::new();
    for number in 0..50_000_u64 {
        index.insert(number as i64 + (scattered(number) >> 54) as i64, scattered(number));
        while index.pop_due(number as i64).is_some() {}
        let overwritten = number.saturating_sub(300);
        let deadline_ms = overwritten as i64 + (scattered(overwritten) >> 54) as i64;
        index.remove(deadline_ms, scattered(overwritten));
    }
    index.check_invariants();
    let bytes = index.allocated_bytes() as f64 / index.len() as f64;
    assert!(bytes <= 12.0, "{bytes} bytes per item at {}", index.len());
}

#[test]
fn small_indexes_are_small() {
    let mut index = ExpiryIndex::new();
    assert_eq!(index.allocated_bytes(), 0);
    for number in 0..4 {
        index.insert(number, 0);
        assert_eq!(index.allocated_bytes(), 32);
    }
    while index.pop_due(i64::MAX).is_some() {}
    assert_eq!(index.allocated_bytes(), 0);
}

#[test]
fn gives_its_memory_back() {
    let mut index = ExpiryIndex::new();
    for number in 0..100_000_u64 {
        index.insert((scattered(number) >> 30) as i64, number);
    }
    for number in 0..100_000_u64 {
        assert!(index.remove((scattered(number) >> 30) as i64, number));
        if number % 10_000 == 0 {
            index.check_invariants();
        }
    }
    assert_eq!(index.allocated_bytes(), 0);
}

#[test]
fn is_due_after_the_millisecond_of_the_deadline() {
    let mut index = ExpiryIndex::new();
    index.insert(1000, 0x12_3456_789a);
    assert_eq!(index.pop_due(1000), None);
    assert_eq!(index.pop_due(1001), Some(Due { deadline_ms: 1000, hash_low: 0x16_789a }));
}

#[test]
fn a_due_item_stands_for_its_own_keys_only() {
    let mut index = ExpiryIndex::new();
    index.insert(-5, 7);
    let due = index.pop_due(1).expect("its time has passed");
    assert!(due.is_for(Some(-5), || 7));
    assert!(due.is_for(Some(0), || 7 + (1 << HASH_BITS)));
    assert!(!due.is_for(Some(0), || 8));
    assert!(!due.is_for(Some(1), || 7));
    assert!(!due.is_for(None, || 7));
}

#[test]
fn deadlines_beyond_the_range_are_never_due() {
    let mut index = ExpiryIndex::new();
    index.insert(i64::MAX, 1);
    assert_eq!(index.first(), None);
    assert_eq!(index.pop_due(i64::MAX), None);
    assert!(index.remove(i64::MAX, 1));
}

#[test]
fn random_keys_are_uniform() {
    // Leaves of very different sizes: filled in order, then thinned out at one end.
    let mut index = ExpiryIndex::new();
    (0..1000_u64).for_each(|number| index.insert(number as i64, number));
    for number in (0..1000).filter(|number| *number < 500 && number % 4 != 0) {
        assert!(index.remove(number as i64, number));
    }
    let mut state = 1;
    let mut random = || crate::eviction::next_u64(&mut state);
    let mut counts = std::collections::BTreeMap::new();
    let draws = index.len() * 100;
    for _ in 0..draws {
        let due = index.random(&mut random).expect("there are keys");
        assert_eq!(due.deadline_ms, i64::from(due.hash_low));
        *counts.entry(due.hash_low).or_insert(0.0) += 1.0;
    }
    assert_eq!(counts.len(), index.len());
    // 624 degrees of freedom: above 737 once in a thousand times, and the numbers are fixed.
    let chi_square: f64 = counts.values().map(|n: &f64| (n - 100.0).powi(2) / 100.0).sum();
    assert!(chi_square < 737.0, "{chi_square}");
    assert_eq!(ExpiryIndex::new().random(&mut random), None);
}
