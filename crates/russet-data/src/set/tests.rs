//! Sets against a tree, and where they change their structure.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::testing::{Draws, random};

const LIMITS: Limits = Limits { intset_entries: 8, listpack_entries: 6, listpack_value: 10 };

fn set_of(members: &[&str]) -> Set {
    let mut set = Set::new();
    members.iter().for_each(|member| assert!(set.insert(member.as_bytes(), &LIMITS)));
    set
}

fn members(set: &Set) -> BTreeSet<Vec<u8>> {
    let members: Vec<Vec<u8>> = set.iter().map(|element| element.to_vec()).collect();
    assert_eq!(members.len(), set.len());
    members.into_iter().collect()
}

#[test]
fn the_structure_follows_from_what_arrives() {
    let encoding = |members: &[&str]| set_of(members).encoding();
    assert_eq!(encoding(&["1", "2"]), Encoding::Intset);
    assert_eq!(encoding(&["1", "2", "3", "4", "5", "6", "7", "8"]), Encoding::Intset);
    assert_eq!(encoding(&["1", "2", "3", "4", "5", "6", "7", "8", "9"]), Encoding::Hashtable);
    assert_eq!(encoding(&["1", "a"]), Encoding::Listpack);
    assert_eq!(encoding(&["01"]), Encoding::Listpack);
    assert_eq!(encoding(&["a", "b", "c", "d", "e", "f"]), Encoding::Listpack);
    assert_eq!(encoding(&["a", "b", "c", "d", "e", "f", "g"]), Encoding::Hashtable);
    assert_eq!(encoding(&["1", "2", "3", "4", "5", "6", "a"]), Encoding::Hashtable);
    assert_eq!(encoding(&["a", "0123456789"]), Encoding::Listpack);
    assert_eq!(encoding(&["a", "0123456789a"]), Encoding::Hashtable);
    assert_eq!(encoding(&["12345678901", "a"]), Encoding::Hashtable);
}

#[test]
fn without_intsets_a_first_integer_makes_a_listpack() {
    let mut set = Set::new();
    assert!(set.insert(b"1", &Limits { intset_entries: 0, ..LIMITS }));
    assert_eq!(set.encoding(), Encoding::Listpack);
    let mut set = Set::new();
    assert!(set.insert(b"1", &Limits { intset_entries: 0, listpack_entries: 0, ..LIMITS }));
    assert_eq!(set.encoding(), Encoding::Hashtable);
}

#[derive(Clone, Debug)]
enum Step {
    Insert(Vec<u8>),
    Remove(Vec<u8>),
    RemoveRandom(u64),
    Copy,
}

fn member() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => (0..24_i64).prop_map(|number| number.to_string().into_bytes()),
        3 => "[a-e]{0,2}".prop_map(String::into_bytes),
        1 => "[a-b]{12}|0[0-9]".prop_map(String::into_bytes),
        1 => prop::sample::select(vec![vec![0xfd], vec![0xfe, 1], vec![0xfd, 0xfe, 1], vec![0xfe]]),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => member().prop_map(Step::Insert),
        3 => member().prop_map(Step::Remove),
        1 => any::<u64>().prop_map(Step::RemoveRandom),
        1 => Just(Step::Copy),
    ]
}

proptest! {
    #[test]
    fn agrees_with_a_tree(steps in prop::collection::vec(step(), 0..120)) {
        let (mut set, mut model) = (Set::new(), BTreeSet::new());
        for step in steps {
            match step {
                Step::Insert(member) => {
                    let element = Element::from(&member[..]);
                    prop_assert_eq!(set.contains_element(element), model.contains(&member));
                    prop_assert_eq!(set.insert(&member, &LIMITS), model.insert(member));
                }
                Step::Remove(member) => {
                    prop_assert_eq!(set.contains(&member), model.contains(&member));
                    prop_assert_eq!(set.remove(&member), model.remove(&member));
                }
                Step::RemoveRandom(seed) => {
                    let taken = set.remove_random(&mut random(seed), |element| element.to_vec());
                    prop_assert_eq!(taken.is_none(), model.is_empty());
                    prop_assert!(taken.is_none_or(|taken| model.remove(&taken)));
                }
                Step::Copy => set = set.clone(),
            }
            set.check_invariants();
            prop_assert_eq!(set.is_empty(), model.is_empty());
        }
        prop_assert_eq!(members(&set), model.clone());
        let (mut scanned, mut cursor) = (BTreeSet::new(), 0);
        loop {
            cursor = set.scan(cursor, &mut |element| {
                scanned.insert(element.to_vec());
            });
            if cursor == 0 {
                break;
            }
        }
        prop_assert_eq!(scanned, model);
    }

    #[test]
    fn sifting_is_looking_up_each(
        sets in prop::collection::vec(prop::collection::vec(member(), 0..60), 1..4),
        are_in: bool,
        enough in 1..60_usize,
    ) {
        let made = |members: &Vec<Vec<u8>>| {
            let mut set = Set::new();
            members.iter().for_each(|member| _ = set.insert(member, &LIMITS));
            set
        };
        let sets: Vec<Set> = sets.iter().map(made).collect();
        let others: Vec<&Set> = sets[1..].iter().collect();
        let is_wanted = |member: &Element<'_>| {
            others.iter().all(|other| other.contains_element(*member) == are_in)
        };
        let expected: Vec<_> = sets[0].iter().filter(is_wanted).take(enough).collect();
        let mut found = Vec::new();
        Set::sift(sets[0].iter(), &others, are_in, &mut |member| {
            found.push(member);
            found.len() < enough
        });
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn samples_have_as_many_different_elements_as_asked_for(
        len in 0..60_usize,
        count in 0..70_usize,
        seed: u64,
        numeric: bool,
    ) {
        let mut set = Set::new();
        for number in 0..len {
            let member = if numeric { number.to_string() } else { format!("m{number}") };
            set.insert(member.as_bytes(), &LIMITS);
        }
        let mut sample = Vec::new();
        set.sample(count, &mut random(seed), |element| sample.push(element.to_vec()));
        prop_assert_eq!(sample.len(), count.min(len));
        let distinct: BTreeSet<_> = sample.into_iter().collect();
        prop_assert_eq!(distinct.len(), count.min(len));
        prop_assert!(distinct.is_subset(&members(&set)));
    }
}

#[test]
fn every_element_is_equally_likely() {
    let small = Limits { intset_entries: 0, listpack_entries: 200, listpack_value: 64 };
    let table = Limits { listpack_entries: 0, ..small };
    let intset = Limits { intset_entries: 200, ..small };
    for (limits, prefix) in [(small, "m"), (table, "m"), (table, ""), (intset, "")] {
        let mut set = Set::new();
        for number in 0..100 {
            set.insert(format!("{prefix}{number}").as_bytes(), &limits);
        }
        let mut random = random(1);
        let [mut drawn, mut taken, mut tens, mut halves] = [const { Draws::new() }; 4];
        for _ in 0..10_000 {
            drawn.count(set.random(&mut random).expect("there are elements").to_vec());
            let out = set.remove_random(&mut random, |member| member.to_vec());
            let out = out.expect("there are elements");
            set.insert(&out, &limits);
            taken.count(out);
        }
        for _ in 0..1_000 {
            set.sample(10, &mut random, |member| tens.count(member.to_vec()));
            set.sample(50, &mut random, |member| halves.count(member.to_vec()));
        }
        for (draws, what) in
            [(drawn, "one"), (taken, "one taken out"), (tens, "ten"), (halves, "fifty")]
        {
            draws.assert_uniform_among_100(&format!("{what} of {:?}", set.encoding()));
        }
    }
}

#[test]
fn memory_is_counted_as_it_changes() {
    let mut set = Set::new();
    let limits = Limits { intset_entries: 0, listpack_entries: 0, listpack_value: 0 };
    for number in 0..10_000 {
        set.insert(format!("member:{number:05}").as_bytes(), &limits);
    }
    let per_member = Value::allocated_bytes(&set) as f64 / 10_000.0;
    // 16 for the record of 12 bytes, and the share of the table.
    assert!((26.0..27.5).contains(&per_member), "{per_member}");
    assert_eq!(set.free_cost(), 10_000);
    while set.remove_random(&mut random(2), |_| ()).is_some() {}
    let mut ids = Set::new();
    for number in 0..10_000_u64 {
        ids.insert((number * 791_900).to_string().as_bytes(), &limits);
    }
    let per_id = Value::allocated_bytes(&ids) as f64 / 10_000.0;
    assert!((18.0..19.5).contains(&per_id), "{per_id}");
    set.check_invariants();
    assert!(Value::allocated_bytes(&set) < 300);
}
