//! Pictures of large collections against copies of their instants, while everything about the collections
//! changes (V1 in `picture.rs`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use proptest::sample::Index;
use russet_data::hash::{self, Hash};
use russet_data::list::{self, Direction, End, List, Node};
use russet_data::listpack::Element;
use russet_data::object::{Object, ValueType};
use russet_data::picture::{ElementSink, Part};
use russet_data::set::{self, Set};
use russet_data::sorted_set::{self, SortedSet};

/// Members or fields that there may be.
const NAMES: usize = 400;
/// Nothing is one block, and lists have many nodes.
const SETS: set::Limits = set::Limits { intset_entries: 0, listpack_entries: 0, listpack_value: 0 };
const HASHES: hash::Limits = hash::Limits { entries: 0, value: 0 };
const LISTS: list::Limits =
    list::Limits { max_listpack_size: 3, compress_depth: 2, alone_bytes: 80 };

#[derive(Clone, Debug)]
enum Step {
    /// Gives a member or field a value, or puts an element of a list in the place of another.
    Put(Index, u8),
    Remove(Index),
    /// Puts an element of a list before another one.
    Insert(Index, u8),
    Push(End, u8),
    Pop(End),
    /// Removes elements that follow each other.
    RemoveRange(Index, usize),
    /// Removes elements of a list that are the same.
    RemoveMatching(u8, Direction),
    /// Makes a copy, which has no part in the picture, and drops the original.
    Copy,
    /// Drops everything and begins anew with so many elements.
    Drop(usize),
    /// Begins a picture if none is being taken, otherwise takes some parts.
    Continue(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let end = || prop_oneof![Just(End::Left), Just(End::Right)];
    let direction = prop_oneof![Just(Direction::Forward), Just(Direction::Backward)];
    prop_oneof![
        16 => (any::<Index>(), any::<u8>()).prop_map(|(name, value)| Step::Put(name, value)),
        12 => any::<Index>().prop_map(Step::Remove),
        8 => (any::<Index>(), any::<u8>()).prop_map(|(at, value)| Step::Insert(at, value)),
        8 => (end(), any::<u8>()).prop_map(|(end, value)| Step::Push(end, value)),
        8 => end().prop_map(Step::Pop),
        2 => (any::<Index>(), 0..30_usize).prop_map(|(at, count)| Step::RemoveRange(at, count)),
        2 => (any::<u8>(), direction).prop_map(|(value, way)| Step::RemoveMatching(value, way)),
        1 => Just(Step::Copy),
        1 => (0..NAMES).prop_map(Step::Drop),
        24 => (1..8_usize).prop_map(Step::Continue),
    ]
}

/// Few different ones, some of which are long.
fn text(value: u8) -> Vec<u8> {
    let value = value % 32;
    value.to_string().repeat(if value.is_multiple_of(7) { 50 } else { 1 }).into_bytes()
}

/// Some are integers, which sets store as such.
fn name(number: usize) -> Vec<u8> {
    if number.is_multiple_of(3) { number.to_string() } else { format!("name {number}") }
        .into_bytes()
}

fn empty(of: ValueType) -> Object {
    match of {
        ValueType::Set => Object::Set(Set::new()),
        ValueType::Hash => Object::Hash(Hash::new()),
        ValueType::SortedSet => Object::SortedSet(SortedSet::new()),
        _ => Object::List(List::new()),
    }
}

fn filled(of: ValueType, elements: usize) -> Object {
    let mut object = empty(of);
    for number in 0..elements {
        match &mut object {
            Object::List(list) => push(list, End::Right, number as u8),
            _ => put(&mut object, number, number as u8),
        }
    }
    object
}

fn put(object: &mut Object, number: usize, value: u8) {
    match object {
        Object::Set(set) => drop(set.insert(&name(number), &SETS)),
        Object::Hash(hash) => drop(hash.insert(&name(number), &text(value), &HASHES)),
        Object::SortedSet(set) => {
            // Some scores are of another width.
            let score = f64::from(value) / if value.is_multiple_of(5) { 7.0 } else { 1.0 };
            set.put(&name(number), sorted_set::Limits::NONE, |_| (Some(score), ()));
        }
        Object::List(_) | Object::String(_) => unreachable!("there are no members"),
    }
}

fn push(list: &mut List, end: End, value: u8) {
    let element = text(value);
    list.prepare(LISTS, element.len(), 1);
    list.push(end, &element[..]);
}

fn apply(object: &mut Object, step: &Step) {
    match (object, step) {
        (Object::List(list), step) => apply_to_list(list, step),
        (object, Step::Put(number, value)) => put(object, number.index(NAMES), *value),
        (Object::Set(set), Step::Remove(number)) => drop(set.remove(&name(number.index(NAMES)))),
        (Object::Set(set), Step::Pop(_)) => {
            // Odd multiples of an odd number: from any point on they get everywhere.
            let mut random = 0_u64;
            let mut next = || {
                random = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
                random
            };
            set.remove_random(&mut next, |_| ());
        }
        (Object::Hash(hash), Step::Remove(number)) => {
            hash.remove(&name(number.index(NAMES)));
        }
        (Object::SortedSet(set), Step::Remove(number)) => {
            set.remove(&name(number.index(NAMES)));
        }
        (Object::SortedSet(set), Step::RemoveRange(at, count)) => {
            let start = at.index(set.len() + 1);
            set.remove_range(start..(start + count).min(set.len()));
        }
        (Object::SortedSet(set), Step::Pop(end)) if !set.is_empty() => {
            let rank = if *end == End::Left { 0 } else { set.len() - 1 };
            set.remove_range(rank..rank + 1);
        }
        _ => {}
    }
}

fn apply_to_list(list: &mut List, step: &Step) {
    let len = list.len();
    match step {
        Step::Put(at, value) if len > 0 => {
            list.prepare(LISTS, text(*value).len(), 0);
            list.set(at.index(len), Element::from(&text(*value)[..]));
        }
        Step::Insert(at, value) => {
            list.prepare(LISTS, text(*value).len(), 1);
            list.insert(at.index(len + 1), Element::from(&text(*value)[..]));
        }
        Step::Push(end, value) => push(list, *end, *value),
        Step::Pop(end) => list.drop_one(*end),
        Step::Remove(at) if len > 0 => list.remove_range(at.index(len), 1),
        Step::RemoveRange(at, count) => list.remove_range(at.index(len + 1), *count),
        Step::RemoveMatching(value, direction) => {
            list.remove_matching(&text(*value), 5, *direction);
        }
        _ => {}
    }
    list.settle(LISTS);
}

/// The elements of a collection: sorted, or by their places if it is a list.
type Content = BTreeMap<Vec<u8>, Vec<u8>>;

fn content(object: &Object) -> Content {
    let mut content = Content::new();
    match object {
        Object::Set(set) => content.extend(set.iter().map(|member| (member.to_vec(), Vec::new()))),
        Object::Hash(hash) => {
            content.extend(hash.iter().map(|(field, value)| (field.to_vec(), value.to_vec())));
        }
        Object::SortedSet(set) => {
            let pair = |(member, score): (Element<'_>, f64)| {
                (member.to_vec(), score.to_be_bytes().to_vec())
            };
            content.extend(set.iter().map(pair));
        }
        Object::List(list) => {
            let mut index = 0_u32;
            list.for_each(|element| {
                content.insert(index.to_be_bytes().to_vec(), element.to_vec());
                index += 1;
            });
        }
        Object::String(_) => unreachable!("it has no elements"),
    }
    content
}

/// What was taken.
#[derive(Default)]
struct Album {
    content: Content,
    /// The nodes of a list, by their places.
    nodes: BTreeMap<u32, Vec<Vec<u8>>>,
    has_ended: bool,
}

impl Album {
    fn paste(&mut self, part: Part<'_>) {
        assert!(!self.has_ended, "there was to be no more");
        let known = match part {
            Part::Member(member) => self.content.insert(member.to_vec(), Vec::new()).is_some(),
            Part::Field(field, value) => {
                self.content.insert(field.to_vec(), value.to_vec()).is_some()
            }
            Part::Scored(member, score) => {
                self.content.insert(member.to_vec(), score.to_be_bytes().to_vec()).is_some()
            }
            Part::Node(place, node) => {
                let elements = match node {
                    Node::Packed(listpack) => listpack.iter().map(|each| each.to_vec()).collect(),
                    Node::Plain(element) => vec![element.to_vec()],
                };
                self.nodes.insert(place, elements).is_some()
            }
        };
        assert!(!known, "V1: once");
    }

    fn into_content(mut self) -> Content {
        let places = self.nodes.keys().copied();
        assert!(places.eq(0..self.nodes.len() as u32), "each node has its place");
        for (index, element) in (0_u32..).zip(self.nodes.into_values().flatten()) {
            self.content.insert(index.to_be_bytes().to_vec(), element);
        }
        self.content
    }
}

#[derive(Default)]
struct Sink(Mutex<Album>);

impl ElementSink for Sink {
    fn take(&self, part: Part<'_>) {
        self.0.lock().expect("no test panics").paste(part);
    }

    fn end(&self) {
        let mut album = self.0.lock().expect("no test panics");
        assert!(!std::mem::replace(&mut album.has_ended, true), "it ends once");
    }
}

/// A picture that is being taken, and what it should become.
struct Session {
    sink: Arc<Sink>,
    expected: Content,
}

impl Session {
    fn finish(self) {
        let album = std::mem::take(&mut *self.sink.0.lock().expect("no test panics"));
        assert!(album.has_ended);
        assert_eq!(album.into_content(), self.expected, "V1");
    }
}

struct World {
    object: Object,
    session: Option<Session>,
    finished: usize,
}

impl World {
    fn run(&mut self, step: Step) {
        match step {
            Step::Continue(parts) => self.continue_picture(parts),
            Step::Drop(elements) => self.replace_by(filled(self.object.value_type(), elements)),
            Step::Copy => self.replace_by(self.object.clone()),
            step => {
                apply(&mut self.object, &step);
                // What is small again is another structure, and the large one was dropped.
                self.end_if_dropped();
            }
        }
        check(&self.object);
    }

    fn replace_by(&mut self, object: Object) {
        self.object = object;
        self.end_if_dropped();
    }

    fn end_if_dropped(&mut self) {
        if self.object.divisible().and_then(|collection| collection.sink()).is_none() {
            self.finished += usize::from(self.session.take().map(Session::finish).is_some());
        }
    }

    fn continue_picture(&mut self, parts: usize) {
        let expected = content(&self.object);
        let Some(collection) = self.object.divisible_mut() else { return };
        let Some(session) = &self.session else {
            let sink = Arc::<Sink>::default();
            collection.begin_picture(sink.clone());
            self.session = Some(Session { sink, expected });
            return;
        };
        for _ in 0..parts {
            let mut album = session.sink.0.lock().expect("no test panics");
            let is_done = collection.continue_picture(&mut |part| album.paste(part));
            drop(album);
            if is_done {
                session.sink.end();
                return self.end_if_dropped();
            }
        }
    }
}

fn check(object: &Object) {
    match object {
        Object::Set(set) => set.check_invariants(),
        Object::Hash(hash) => hash.check_invariants(),
        Object::SortedSet(set) => set.check_invariants(),
        Object::List(list) => list.check_invariants(),
        Object::String(_) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_picture_is_of_its_instant(
        of in prop::sample::select(vec![
            ValueType::Set, ValueType::Hash, ValueType::SortedSet, ValueType::List,
        ]),
        elements in 0..NAMES,
        steps in prop::collection::vec(step(), 0..600),
    ) {
        let object = filled(of, elements);
        let mut world = World { object, session: None, finished: 0 };
        steps.into_iter().for_each(|step| world.run(step));
        world.run(Step::Drop(NAMES));
        // Begun, and taken to the end.
        (0..2 * NAMES).for_each(|_| world.run(Step::Continue(1)));
        prop_assert!(world.finished > 0);
    }
}

#[test]
fn what_comes_into_an_empty_sorted_set_is_in_no_picture_of_it() {
    let object = filled(ValueType::SortedSet, 1);
    let mut world = World { object, session: None, finished: 0 };
    // Empty in either epoch, which changes with each picture.
    for taken in 1..=4 {
        world.run(Step::Pop(End::Left));
        world.run(Step::Continue(1));
        assert!(world.session.is_some(), "a picture of nothing is being taken");
        put(&mut world.object, 0, 0);
        world.run(Step::Continue(3));
        assert_eq!(world.finished, taken);
    }
}
