//! Both forms against a naive model.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Members with their scores; order is established when it is asked for.
#[derive(Clone, Default, Debug)]
struct Model(BTreeMap<Vec<u8>, f64>);

impl Model {
    fn in_order(&self) -> Vec<(f64, Vec<u8>)> {
        let mut elements: Vec<_> =
            self.0.iter().map(|(member, score)| (*score, member.clone())).collect();
        elements.sort_by(|one, other| {
            one.0.partial_cmp(&other.0).expect("no NaN").then_with(|| one.1.cmp(&other.1))
        });
        elements
    }

    fn remove_range(&mut self, ranks: Range<usize>) {
        for (_, member) in &self.in_order()[ranks] {
            self.0.remove(member);
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Put(Vec<u8>, f64),
    Remove(Vec<u8>),
    /// In thousandths of the length.
    RemoveRange(usize, usize),
    ByScore(ScoreBound, ScoreBound),
}

fn member() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => (0u32..300).prop_map(|number| format!("member{number}").into_bytes()),
        3 => (-50i32..50).prop_map(|number| number.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ]
}

fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-20i32..20).prop_map(f64::from),
        2 => (-1000i32..1000).prop_map(|number| f64::from(number) / 8.0),
        1 => prop::sample::select(vec![f64::INFINITY, f64::NEG_INFINITY, 1e300, 5e-324, 1e17]),
        1 => any::<f64>().prop_filter("a score", |score| !score.is_nan() && *score != 0.0),
    ]
}

fn bound() -> impl Strategy<Value = ScoreBound> {
    (score(), any::<bool>()).prop_map(|(score, inclusive)| {
        if inclusive { ScoreBound::Inclusive(score) } else { ScoreBound::Exclusive(score) }
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (member(), score()).prop_map(|(member, score)| Step::Put(member, score)),
        5 => member().prop_map(Step::Remove),
        1 => (0usize..1000, 0usize..300).prop_map(|(at, part)| Step::RemoveRange(at, part)),
        2 => (bound(), bound()).prop_map(|(min, max)| Step::ByScore(min, max)),
    ]
}

fn put(set: &mut SortedSet, model: &mut Model, member: &[u8], score: f64, limits: Limits) {
    let old = set.put(member, limits, |old| ((old != Some(score)).then_some(score), old));
    assert_eq!(model.0.insert(member.to_vec(), score), old);
}

fn insert(set: &mut SortedSet, score: f64, member: &[u8], limits: Limits) {
    set.put(member, limits, |_| (Some(score), ()));
}

fn assert_same(set: &SortedSet, model: &Model) {
    set.check_invariants();
    let elements = model.in_order();
    assert_eq!(set.len(), elements.len());
    let owned = |(member, score): (Member<'_>, f64)| (score, member.to_vec());
    assert!(set.iter().map(owned).eq(elements.iter().cloned()));
    assert!(set.iter().rev().map(owned).eq(elements.iter().rev().cloned()));
    for (rank, (score, member)) in elements.iter().enumerate().step_by(7) {
        assert_eq!(set.rank(member), Some((rank, *score)));
        assert_eq!(set.score(member), Some(*score));
        assert_eq!(set.at(rank).map(owned), Some((*score, member.clone())));
    }
    assert!(set.at(elements.len()).is_none());
}

/// What the limits are that keep a set small, make it large at once, and let it grow.
const LIMITS: [Limits; 3] = [
    Limits { entries: 1000, member_bytes: 64 },
    Limits { entries: 0, member_bytes: 64 },
    Limits { entries: 30, member_bytes: 20 },
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn steps_do_what_they_do_to_the_model(
        steps in prop::collection::vec(step(), 1..300), limits in prop::sample::select(LIMITS.to_vec()),
    ) {
        let (mut set, mut model) = (SortedSet::new(), Model::default());
        for step in steps {
            match step {
                Step::Put(member, score) => put(&mut set, &mut model, &member, score, limits),
                Step::Remove(member) => {
                    prop_assert_eq!(set.remove(&member), model.0.remove(&member));
                }
                Step::RemoveRange(at, part) => {
                    let from = set.len() * at / 1000;
                    let to = (from + set.len() * part / 1000).min(set.len());
                    set.remove_range(from..to);
                    model.remove_range(from..to);
                }
                Step::ByScore(min, max) => {
                    let within = |score: f64| !min.is_above(score) && max.admits(score);
                    let elements = model.in_order();
                    let expected = elements.iter().filter(|(score, _)| within(*score));
                    let found = set.range(set.ranks_by_score(min, max));
                    let found: Vec<_> =
                        found.map(|(member, score)| (score, member.to_vec())).collect();
                    prop_assert!(expected.eq(found.iter()));
                }
            }
        }
        assert_same(&set, &model);
        assert_same(&set.clone(), &model);
    }

    #[test]
    fn members_of_one_score_are_found_by_member(
        members in prop::collection::btree_set(member(), 0..200),
        one in member(), other in member(),
        limits in prop::sample::select(LIMITS.to_vec()),
    ) {
        let mut set = SortedSet::new();
        for member in &members {
            insert(&mut set, 1.5, member, limits);
        }
        let bounds = |member| [
            LexBound::Lowest, LexBound::Highest, LexBound::Inclusive(member),
            LexBound::Exclusive(member),
        ];
        for min in bounds(&one[..]) {
            for max in bounds(&other[..]) {
                let within = |member: &&Vec<u8>| {
                    let member = Member::Bytes(&member[..]);
                    !min.is_above(member) && max.admits(member)
                };
                let found = set.range(set.ranks_by_lex(min, max)).map(|(member, _)| member.to_vec());
                prop_assert!(found.eq(members.iter().filter(within).cloned()));
            }
        }
    }

    #[test]
    fn what_is_built_is_what_was_put(
        elements in prop::collection::vec((member(), score()), 0..200),
        removed in prop::collection::vec(member(), 0..50),
        limits in prop::sample::select(LIMITS.to_vec()),
    ) {
        let (mut builder, mut model) = (Builder::new(), Model::default());
        for (member, score) in elements {
            builder.put(&member, |old| old.map_or(score, |old| old.max(score)));
            let held = model.0.entry(member).or_insert(score);
            *held = held.max(score);
        }
        for member in removed {
            builder.remove(&member);
            model.0.remove(&member);
        }
        prop_assert_eq!(builder.len(), model.0.len());
        let longest = model.0.keys().map(Vec::len).max().unwrap_or(0);
        let fits = model.0.len() <= limits.entries && longest <= limits.member_bytes;
        let set = builder.finish(limits);
        prop_assert!(fits || set.encoding() == Encoding::Skiplist);
        assert_same(&set, &model);
    }

    #[test]
    fn a_scan_shows_every_element(count in 0usize..2000, limits in prop::sample::select(LIMITS.to_vec())) {
        let mut set = SortedSet::new();
        for number in 0..count {
            insert(&mut set, number as f64 / 2.0, format!("m{number}").as_bytes(), limits);
        }
        let (mut cursor, mut seen) = (0, BTreeMap::new());
        loop {
            cursor = set.scan(cursor, &mut |member, score| {
                seen.insert(member.to_vec(), score);
            });
            if cursor == 0 { break; }
        }
        prop_assert_eq!(seen.len(), count);
        prop_assert!(seen.iter().all(|(member, score)| set.score(member) == Some(*score)));
    }
}

#[test]
fn a_set_becomes_large_past_its_limits_and_stays_so() {
    let limits = Limits { entries: 3, member_bytes: 5 };
    let mut set = SortedSet::new();
    for member in ["a", "b", "c"] {
        insert(&mut set, 1.0, member.as_bytes(), limits);
    }
    assert_eq!(set.encoding(), Encoding::Listpack);
    let mut long = set.clone();
    insert(&mut long, 0.0, b"longer", limits);
    assert_eq!(long.encoding(), Encoding::Skiplist);
    insert(&mut set, 0.0, b"d", limits);
    assert_eq!(set.encoding(), Encoding::Skiplist);
    set.remove_range(0..3);
    assert_eq!((set.len(), set.encoding()), (1, Encoding::Skiplist));
    assert_eq!(SortedSet::for_members(6, limits).encoding(), Encoding::Skiplist);
    assert_eq!(SortedSet::for_members(5, limits).encoding(), Encoding::Listpack);
}

#[test]
fn scores_in_a_listpack_are_what_redis_writes() {
    let limits = LIMITS[0];
    let mut set = SortedSet::new();
    for (score, member) in [(-0.0, "zero"), (0.1, "tenth"), (3.0, "three"), (1e17, "large")] {
        insert(&mut set, score, member.as_bytes(), limits);
    }
    let Form::Packed(packed) = &set.0 else { panic!("small") };
    let scores: Vec<_> =
        packed.listpack().iter().skip(1).step_by(2).map(|score| score.to_vec()).collect();
    assert_eq!(scores, [&b"0"[..], b"0.10000000000000001", b"3", b"1e+17"]);
    assert!(set.score(b"zero").is_some_and(f64::is_sign_positive));
}

/// What the essay says of memory.
#[test]
fn an_element_with_a_member_of_twelve_bytes_costs_what_the_essay_says() {
    let count = 50_000_u32;
    let bytes_per_element = |score: &dyn Fn(u32) -> f64| {
        let mut set = SortedSet::new();
        for number in 0..count {
            insert(&mut set, score(number), format!("member{number:06}").as_bytes(), LIMITS[1]);
        }
        set.allocated_bytes() as f64 / f64::from(count)
    };
    let whole = bytes_per_element(&|number| f64::from(number * 31_337 % 50_021));
    assert!(whole <= 42.0, "{whole}");
    let fraction = bytes_per_element(&|number| f64::from(number * 31_337 % 50_021) / 7.0);
    assert!(fraction <= 58.0, "{fraction}");
}
