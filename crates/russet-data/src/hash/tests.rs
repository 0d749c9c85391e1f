//! Hashes against a tree, and where they change their structure.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::testing::{Draws, random};

const LIMITS: Limits = Limits { entries: 6, value: 10 };

#[derive(Clone, Debug)]
enum Step {
    Insert(Vec<u8>, Vec<u8>),
    Remove(Vec<u8>),
    Copy,
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        5 => (0..12_i64).prop_map(|number| number.to_string().into_bytes()),
        5 => "[a-d]{0,2}".prop_map(String::into_bytes),
        1 => "[a-b]{11,12}|0[0-9]".prop_map(String::into_bytes),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (text(), text()).prop_map(|(field, value)| Step::Insert(field, value)),
        3 => text().prop_map(Step::Remove),
        1 => Just(Step::Copy),
    ]
}

fn pairs(hash: &Hash) -> BTreeMap<Vec<u8>, Vec<u8>> {
    hash.iter().map(|(field, value)| (field.to_vec(), value.to_vec())).collect()
}

proptest! {
    #[test]
    fn agrees_with_a_tree(steps in prop::collection::vec(step(), 0..100)) {
        let (mut hash, mut model) = (Hash::new(), BTreeMap::new());
        for step in steps {
            match step {
                Step::Insert(field, value) => {
                    let is_new = hash.insert(&field, &value, &LIMITS);
                    prop_assert_eq!(hash.get(&field).map(|found| found.to_vec()), Some(value.clone()));
                    prop_assert_eq!(is_new, model.insert(field, value).is_none());
                }
                Step::Remove(field) => {
                    prop_assert_eq!(hash.contains(&field), model.contains_key(&field));
                    prop_assert_eq!(hash.remove(&field), model.remove(&field).is_some());
                    prop_assert_eq!(hash.get(&field), None);
                }
                Step::Copy => hash = hash.clone(),
            }
            hash.check_invariants();
            prop_assert_eq!(hash.len(), model.len());
        }
        prop_assert_eq!(pairs(&hash), model.clone());
        let (mut scanned, mut cursor) = (BTreeMap::new(), 0);
        loop {
            cursor = hash.scan(cursor, &mut |field, value| {
                scanned.insert(field.to_vec(), value.to_vec());
            });
            if cursor == 0 {
                break;
            }
        }
        prop_assert_eq!(scanned, model.clone());
        let mut sampled = BTreeMap::new();
        let mut rng = 7_u64;
        let mut random = || {
            rng = rng.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            rng
        };
        hash.sample(model.len(), &mut random, |(field, value)| {
            sampled.insert(field.to_vec(), value.to_vec());
        });
        let one = hash.random(&mut random).map(|(field, value)| (field.to_vec(), value.to_vec()));
        prop_assert_eq!(one.is_some(), !model.is_empty());
        prop_assert!(one.is_none_or(|(field, value)| model.get(&field) == Some(&value)));
        prop_assert_eq!(sampled, model);
    }
}

#[test]
fn the_structure_follows_from_what_arrives() {
    let encoding = |pairs: &[(&str, &str)]| {
        let mut hash = Hash::new();
        for (field, value) in pairs {
            hash.insert(field.as_bytes(), value.as_bytes(), &LIMITS);
        }
        hash.encoding()
    };
    assert_eq!(encoding(&[("a", "0123456789")]), Encoding::Listpack);
    assert_eq!(encoding(&[("a", "0123456789a")]), Encoding::Hashtable);
    assert_eq!(encoding(&[("0123456789a", "b")]), Encoding::Hashtable);
    let many = ["a", "b", "c", "d", "e", "f", "g"].map(|field| (field, "v"));
    assert_eq!(encoding(&many[..6]), Encoding::Listpack);
    assert_eq!(encoding(&many), Encoding::Hashtable);
    assert_eq!(encoding(&[&many[..6], &many[..6]].concat()), Encoding::Listpack);
}

#[test]
fn memory_is_counted_as_it_changes() {
    let mut hash = Hash::new();
    for number in 0..10_000 {
        hash.insert(format!("field:{number:06}").as_bytes(), b"0123456789abcdef", &LIMITS);
    }
    let per_field = Value::allocated_bytes(&hash) as f64 / 10_000.0;
    // 32 for the record of 2 + 12 + 16 bytes, and the share of the table.
    assert!((42.0..43.5).contains(&per_field), "{per_field}");
    for number in 0..10_000 {
        hash.insert(format!("field:{number:06}").as_bytes(), b"", &LIMITS);
    }
    hash.check_invariants();
    let per_field = Value::allocated_bytes(&hash) as f64 / 10_000.0;
    assert!((26.0..27.5).contains(&per_field), "{per_field}");
}

#[test]
fn every_field_is_equally_likely() {
    for limits in [Limits { entries: 200, value: 64 }, Limits { entries: 0, value: 64 }] {
        let mut hash = Hash::new();
        for number in 0..100 {
            hash.insert(format!("f{number}").as_bytes(), b"value", &limits);
        }
        let mut random = random(1);
        let [mut drawn, mut tens, mut halves] = [const { Draws::new() }; 3];
        for _ in 0..10_000 {
            drawn.count(hash.random(&mut random).expect("there are fields").0.to_vec());
        }
        for _ in 0..1_000 {
            hash.sample(10, &mut random, |(field, _)| tens.count(field.to_vec()));
            hash.sample(50, &mut random, |(field, _)| halves.count(field.to_vec()));
        }
        for (draws, what) in [(drawn, "one"), (tens, "ten"), (halves, "fifty")] {
            draws.assert_uniform_among_100(&format!("{what} of {:?}", hash.encoding()));
        }
    }
}
