//! The table against a `BTreeMap`, on hashes that collide and hashes that do not.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn masks() -> impl Strategy<Value = MaskedHasher> {
    prop_oneof![
        3 => Just(u64::MAX),
        1 => Just(0),
        1 => Just(0x7),
        // Tags that are nearly all equal, in buckets that are not.
        1 => Just(0x0f),
        1 => Just(0xff00_0000_0000_00ff),
        // Buckets that are nearly all equal, under tags that are not.
        1 => Just(0xfff8),
    ]
    .prop_map(|mask| MaskedHasher { mask })
}

#[derive(Clone, Debug)]
enum Operation {
    Insert(u64),
    Remove(u64),
    Update(u64),
    Replace(u64),
    Find(u64),
    /// Many at once, so that the table passes through several levels.
    InsertMany(u64, u64),
    RemoveMany(u64, u64),
    Retain(u64),
    SetEpoch(u64, bool),
    Clear,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let number = || 0..600_u64;
    prop::collection::vec(
        prop_oneof![
            20 => number().prop_map(Operation::Insert),
            20 => number().prop_map(Operation::Remove),
            5 => number().prop_map(Operation::Update),
            5 => number().prop_map(Operation::Replace),
            5 => number().prop_map(Operation::Find),
            5 => (number(), 0..300_u64).prop_map(|(first, n)| Operation::InsertMany(first, n)),
            5 => (number(), 0..300_u64).prop_map(|(first, n)| Operation::RemoveMany(first, n)),
            1 => (1..5_u64).prop_map(Operation::Retain),
            2 => (any::<u64>(), any::<bool>()).prop_map(|(at, to)| Operation::SetEpoch(at, to)),
            1 => Just(Operation::Clear),
        ],
        1..120,
    )
}

/// The table and what it should hold, by number the generation.
struct Checked {
    table: Table<TestItem>,
    model: BTreeMap<u64, u32>,
    hasher: MaskedHasher,
    generation: u32,
}

impl Checked {
    fn insert(&mut self, number: u64) {
        self.generation += 1;
        if let std::collections::btree_map::Entry::Vacant(vacant) = self.model.entry(number) {
            vacant.insert(self.generation);
            insert(&mut self.table, &self.hasher, number, self.generation);
        }
    }

    fn remove(&mut self, number: u64) {
        let removed = remove(&mut self.table, &self.hasher, number);
        assert_eq!(removed.as_ref().map(TestItem::generation), self.model.remove(&number));
        assert!(removed.is_none_or(|item| item.key() == key(number)));
    }

    /// Puts a new item in the place of the old one with `change`.
    fn change(&mut self, number: u64, change: impl FnOnce(&mut SlotMut<'_, TestItem>, TestItem)) {
        let key = key(number);
        let slot = self.table.find_mut(self.hasher.hash(&key), &key);
        assert_eq!(
            slot.as_ref().map(|slot| slot.item().generation()),
            self.model.get(&number).copied()
        );
        if let Some(mut slot) = slot {
            self.generation += 1;
            change(&mut slot, TestItem::new(&key, self.generation));
            assert_eq!(slot.item().generation(), self.generation);
            self.model.insert(number, self.generation);
        }
    }

    fn apply(&mut self, operation: Operation) {
        match operation {
            Operation::Insert(number) => self.insert(number),
            Operation::Remove(number) => self.remove(number),
            Operation::Update(number) => {
                self.change(number, |slot, moved| slot.update(|item| *item = moved));
            }
            Operation::Replace(number) => self.change(number, |slot, moved| {
                let before = slot.item().generation();
                assert_eq!(slot.replace(moved).generation(), before);
            }),
            Operation::Find(number) => {
                let key = key(number);
                let found = self.table.find(self.hasher.hash(&key), &key);
                let generation = found.map(|item| item.generation());
                assert_eq!(generation, self.model.get(&number).copied());
            }
            Operation::InsertMany(first, n) => (first..first + n).for_each(|n| self.insert(n)),
            Operation::RemoveMany(first, n) => (first..first + n).for_each(|n| self.remove(n)),
            Operation::Retain(divisor) => {
                let keep = |number: u64| number.is_multiple_of(divisor);
                self.table.retain(|item| keep(number(item.key())));
                self.model.retain(|number, _| keep(*number));
            }
            Operation::SetEpoch(at, epoch) => {
                self.table.set_epoch(at, epoch);
                assert_eq!(self.table.epoch(at), epoch && !self.table.is_empty());
            }
            Operation::Clear => {
                self.table.clear();
                self.model.clear();
            }
        }
    }

    fn check(&self) {
        self.table.check_invariants(&self.hasher);
        assert_eq!(self.table.len(), self.model.len());
        assert_eq!(contents(&self.table), self.model.keys().copied().collect::<Vec<_>>());
        assert_eq!(ALIVE.get(), self.model.len() as isize, "leaked or freed twice");
        let statistics = self.table.statistics();
        let items = statistics.chains_by_len.iter().enumerate().map(|(len, n)| len * n);
        assert_eq!(items.sum::<usize>(), self.model.len());
        assert_eq!(statistics.chains_by_len.iter().sum::<usize>(), self.table.bucket_count());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn behaves_as_a_map(hasher in masks(), operations in operations(), drained in 0..50_usize) {
        let mut checked =
            Checked { table: Table::new(), model: BTreeMap::new(), hasher, generation: 0 };
        for operation in operations {
            checked.apply(operation);
            checked.check();
        }
        // However it ends, nothing is leaked.
        let mut items = checked.table.into_iter();
        let left = checked.model.len().saturating_sub(drained);
        let taken: BTreeSet<u64> =
            items.by_ref().take(drained).map(|item| number(item.key())).collect();
        prop_assert!(taken.iter().all(|number| checked.model.contains_key(number)));
        prop_assert_eq!(taken.len() + left, checked.model.len());
        prop_assert_eq!(items.len(), left);
        drop(items);
        prop_assert_eq!(ALIVE.get(), 0);
    }

    /// Redis' guarantee: what is there all the time is visited.
    #[test]
    fn scan_visits_all_that_stay(
        hasher in masks(),
        stay in 0..400_u64,
        sizes in prop::collection::vec(0..1200_u64, 1..200),
    ) {
        let mut table = table_of(0..stay, &hasher);
        let mut visited = BTreeSet::new();
        let mut size = stay;
        let mut cursor = 0;
        let mut sizes = sizes.into_iter().cycle();
        loop {
            cursor = table.scan(cursor, &mut |item| {
                visited.insert(number(item.key()));
            });
            if cursor == 0 {
                break;
            }
            let next = stay + sizes.next().expect("a cycle has no end");
            (size..next).for_each(|number| insert(&mut table, &hasher, number, 0));
            (next..size).for_each(|number| drop(remove(&mut table, &hasher, number)));
            size = next;
        }
        prop_assert!((0..stay).all(|number| visited.contains(&number)));
    }

    #[test]
    fn candidates_include_all_that_agree(hasher in masks(), n in 0..1500_u64, bits in 1..40_u32) {
        let table = table_of(0..n, &hasher);
        for wanted in 0..n.min(50) {
            let hash = hasher.hash(&key(wanted)) & ((1 << bits) - 1);
            let mut found = BTreeSet::new();
            table.candidates(hash, bits, &mut |item| assert!(found.insert(number(item.key()))));
            let agrees = |other: &u64| (hasher.hash(&key(*other)) ^ hash) & ((1 << bits) - 1) == 0;
            prop_assert!((0..n).filter(agrees).all(|other| found.contains(&other)));
            // The tags of a table of this size know these bits.
            if bits <= 16 {
                prop_assert!(found.iter().all(agrees));
            }
        }
    }
}
