//! Lists against a vector of strings.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// Small enough for many nodes, and of every kind: counted, sized, with and without compression.
fn limits() -> impl Strategy<Value = Limits> {
    let sizes = prop::sample::select(vec![-1, 0, 1, 2, 3, 4, 7]);
    let lengths = prop::sample::select(vec![usize::MAX, 70, 1]);
    (sizes, 0u32..3, lengths).prop_map(|(max_listpack_size, compress_depth, alone_bytes)| Limits {
        max_listpack_size,
        compress_depth,
        alone_bytes,
    })
}

/// Few different ones, so that some are found; some long, so that nodes are full or compressible.
fn element() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        5 => (0u8..6).prop_map(|value| value.to_string().into_bytes()),
        3 => (0u8..6).prop_map(|value| format!("string {value}").into_bytes()),
        2 => (b'a'..b'd', 60usize..100).prop_map(|(byte, len)| vec![byte; len]),
        1 => (b'a'..b'c', 2000usize..5000).prop_map(|(byte, len)| vec![byte; len]),
        1 => (b'a'..b'c', 8000usize..9000).prop_map(|(byte, len)| vec![byte; len]),
    ]
}

#[derive(Clone, Debug)]
enum Change {
    Push(End, Vec<u8>),
    DropOne(End),
    Insert(Index, Vec<u8>),
    Set(Index, Vec<u8>),
    RemoveRange(Index, usize),
    RemoveMatching(Vec<u8>, usize, Direction),
    Settle,
}

fn change() -> impl Strategy<Value = Change> {
    let end = || prop_oneof![Just(End::Left), Just(End::Right)];
    let direction = prop_oneof![Just(Direction::Forward), Just(Direction::Backward)];
    prop_oneof![
        8 => (end(), element()).prop_map(|(end, element)| Change::Push(end, element)),
        2 => end().prop_map(Change::DropOne),
        4 => (any::<Index>(), element()).prop_map(|(at, element)| Change::Insert(at, element)),
        3 => (any::<Index>(), element()).prop_map(|(at, element)| Change::Set(at, element)),
        1 => (any::<Index>(), 0usize..8).prop_map(|(at, count)| Change::RemoveRange(at, count)),
        1 => (element(), 1usize..4, direction)
            .prop_map(|(element, most, direction)| Change::RemoveMatching(element, most, direction)),
        1 => Just(Change::Settle),
    ]
}

fn apply(list: &mut List, limits: Limits, model: &mut Vec<Vec<u8>>, change: Change) {
    match change {
        Change::Push(end, element) => {
            list.prepare(limits, element.len(), 1);
            list.push(end, &element[..]);
            let at = if end == End::Left { 0 } else { model.len() };
            model.insert(at, element);
        }
        Change::DropOne(end) => {
            list.drop_one(end);
            if !model.is_empty() {
                model.remove(if end == End::Left { 0 } else { model.len() - 1 });
            }
        }
        Change::Insert(at, element) => {
            let at = at.index(model.len() + 1);
            list.prepare(limits, element.len(), 1);
            list.insert(at, element[..].into());
            model.insert(at, element);
        }
        Change::Set(at, element) if !model.is_empty() => {
            let at = at.index(model.len());
            list.prepare(limits, element.len(), 0);
            list.set(at, element[..].into());
            model[at] = element;
        }
        Change::Set(..) => {}
        Change::RemoveRange(at, count) => {
            let at = at.index(model.len() + 1);
            list.remove_range(at, count);
            model.drain(at..model.len().min(at + count));
        }
        Change::RemoveMatching(element, most, direction) => {
            let removed = list.remove_matching(&element, most, direction);
            let mut found: Vec<usize> =
                (0..model.len()).filter(|&at| model[at] == element).collect();
            if direction == Direction::Backward {
                found.reverse();
            }
            found.truncate(most);
            found.sort_unstable();
            assert_eq!(removed, found.len());
            found.into_iter().rev().for_each(|at| drop(model.remove(at)));
        }
        Change::Settle => list.settle(limits),
    }
}

fn to_vecs(list: &List) -> Vec<Vec<u8>> {
    let mut elements = Vec::new();
    list.for_each(|element| elements.push(element.to_vec()));
    elements
}

fn is_listpack(list: &List) -> bool {
    list.encoding() == Encoding::Listpack
}

/// What is visited from an index on.
fn visited(list: &List, from: usize, direction: Direction) -> Vec<Vec<u8>> {
    let mut elements = Vec::new();
    let _: ControlFlow<()> = list.visit(from, direction, |element| {
        elements.push(element.to_vec());
        ControlFlow::Continue(())
    });
    elements
}

fn check(list: &List, model: &[Vec<u8>]) {
    list.check_invariants();
    assert_eq!((list.len(), list.is_empty()), (model.len(), model.is_empty()));
    assert_eq!(to_vecs(list), model);
    let peeked = [End::Left, End::Right].map(|end| list.peek(end).map(|element| element.to_vec()));
    assert_eq!(peeked, [model.first().cloned(), model.last().cloned()]);
    for (at, expected) in model.iter().enumerate() {
        assert_eq!(list.get(at, |element| element.to_vec()).as_ref(), Some(expected));
    }
    assert_eq!(list.get(model.len(), |_| ()), None);
    let middle = model.len() / 2;
    assert_eq!(visited(list, middle, Direction::Forward), model[middle..]);
    if !model.is_empty() {
        let mut backwards = visited(list, middle, Direction::Backward);
        backwards.reverse();
        assert_eq!(backwards, model[..=middle]);
    }
}

proptest! {
    #[test]
    fn behaves_like_a_vector(
        limits in limits(),
        changes in prop::collection::vec(change(), 1..80),
    ) {
        let (mut list, mut model) = (List::new(), Vec::new());
        for change in changes {
            apply(&mut list, limits, &mut model, change);
            check(&list, &model);
        }
        prop_assert_eq!(to_vecs(&list.clone()), model);
    }
}

fn numbers(limits: Limits, count: usize) -> List {
    let mut list = List::new();
    for number in 0..count {
        let element = format!("element {number:04}");
        list.prepare(limits, element.len(), 1);
        list.push(End::Right, element.as_bytes());
    }
    list
}

#[test]
fn a_list_becomes_long_and_short_as_in_redis() {
    let limits = Limits { max_listpack_size: 4, ..Limits::default() };
    let mut list = numbers(limits, 4);
    assert!(is_listpack(&list));
    list.prepare(limits, 1, 1);
    list.push(End::Left, &b"x"[..]);
    assert!(!is_listpack(&list));
    list.drop_one(End::Left);
    for left in [3, 2] {
        list.settle(limits);
        assert!(!is_listpack(&list));
        list.drop_one(End::Right);
        assert_eq!(list.len(), left);
    }
    list.settle(limits);
    assert!(is_listpack(&list));
    assert_eq!(to_vecs(&list), [&b"element 0000"[..], b"element 0001"]);
}

/// One queue per end, through many nodes: numbers of nodes only grow, or only fall.
#[test]
fn a_list_is_a_queue() {
    for (into, from) in [(End::Left, End::Right), (End::Right, End::Left)] {
        let limits = Limits { max_listpack_size: 10, compress_depth: 1, ..Limits::default() };
        let mut list = List::new();
        for number in 0i64..2000 {
            list.prepare(limits, 20, 1);
            list.push(into, number);
            if number >= 50 {
                assert_eq!(list.peek(from), Some(Element::Int(number - 50)));
                list.drop_one(from);
            }
        }
        list.check_invariants();
        assert_eq!(list.len(), 50);
    }
}

#[test]
fn replacing_elements_by_others_of_their_length_splits_nothing() {
    let mut list = numbers(Limits::default(), 5000);
    let cost = list.free_cost();
    for at in 0..5000 {
        list.set(at, (&b"replacd 0000"[..]).into());
    }
    assert_eq!(list.free_cost(), cost);
    list.check_invariants();
}

#[test]
fn removing_most_elements_gives_memory_back() {
    let mut list = numbers(Limits::default(), 20_000);
    let before = list.allocated_bytes();
    for at in (0..20_000).rev().filter(|at| at % 10 != 0) {
        list.remove_range(at, 1);
    }
    list.check_invariants();
    assert_eq!(list.len(), 2000);
    assert!(list.allocated_bytes() < before / 3, "{} of {before}", list.allocated_bytes());
}

#[test]
fn compression_saves_memory() {
    let plain = numbers(Limits::default(), 20_000);
    let compressed = numbers(Limits { compress_depth: 1, ..Limits::default() }, 20_000);
    compressed.check_invariants();
    assert_eq!(to_vecs(&plain), to_vecs(&compressed));
    assert!(compressed.allocated_bytes() < plain.allocated_bytes() / 2);
}

/// Of 13 bytes each, as in the essay of the listpack, and little besides.
#[test]
fn a_long_list_costs_little_more_than_its_elements() {
    let list = numbers(Limits::default(), 100_000);
    let per_element = list.allocated_bytes() as f64 / 100_000.0;
    assert!(per_element < 13.0 + 2.0 + 0.3, "{per_element}");
}
