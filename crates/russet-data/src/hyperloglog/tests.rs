//! Sketches against plain registers, and bytes from outside.

use proptest::prelude::*;

use super::*;

const SPARSE_MAX: usize = 3000;

fn add(sketch: &mut Vec<u8>, element: &[u8]) -> bool {
    let (register, rank) = register_of(element);
    raise(sketch, register, rank, SPARSE_MAX).expect("a good sketch")
}

fn values(sketch: &[u8]) -> Vec<u8> {
    let mut registers = Registers::new();
    registers.merge(Sketch::new(sketch).expect("a sketch")).expect("a good sketch");
    registers.values().to_vec()
}

/// Bytes that Redis 7.0 has for these elements.
#[test]
fn the_bytes_are_those_of_redis() {
    let mut sketch = new_sketch();
    assert_eq!(sketch, b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\xff");
    for element in [&b"a"[..], b"b", b"c"] {
        assert!(add(&mut sketch, element));
        assert!(!add(&mut sketch, element));
    }
    outdate_count(&mut sketch);
    assert_eq!(sketch, b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80\x60\xf3\x80P\xb1\x84K\xfb\x80BZ");
    assert_eq!(Sketch::new(&sketch).expect("a sketch").estimate(), Ok(3));
}

#[test]
fn the_hash_is_murmur_hash_64a() {
    let hashes: [(&[u8], u64); 4] = [
        (b"", 0xd8df_ea65_85bc_9732),
        (b"a", 0x53d2_470a_9b43_b1a7),
        (b"12345678", 0x95eb_b863_8913_2953),
        (b"hello world", 0xa919_bc30_51f6_24b7),
    ];
    for (element, hash) in hashes {
        assert_eq!(murmur_hash(element), hash);
    }
}

#[test]
fn a_count_is_cached_until_it_is_out_of_date() {
    let mut sketch = new_sketch();
    let cached = |sketch: &[u8]| Sketch::new(sketch).expect("a sketch").cached_count();
    assert_eq!(cached(&sketch), Some(0));
    outdate_count(&mut sketch);
    assert_eq!(cached(&sketch), None);
    cache_count(&mut sketch, 1 << 40);
    assert_eq!(cached(&sketch), Some(1 << 40));
}

#[test]
fn what_is_no_sketch_is_refused() {
    let sketch = new_sketch();
    assert!(Sketch::new(&sketch[..15]).is_none());
    for (at, byte) in [(0, b'h'), (3, b'l'), (4, 0), (4, 2)] {
        let mut bad = sketch.clone();
        bad[at] = byte;
        assert!(Sketch::new(&bad).is_none(), "{at}");
    }
    let mut dense = sketch;
    assert_eq!(make_dense(&mut dense), Ok(true));
    assert_eq!(make_dense(&mut dense), Ok(false));
    assert!(Sketch::new(&dense).is_some());
    dense.push(0);
    assert!(Sketch::new(&dense).is_none());
}

#[test]
fn a_sparse_sketch_becomes_dense_when_it_is_too_long_or_a_value_too_great() {
    let mut sketch = new_sketch();
    for number in 0..2_000_u32 {
        add(&mut sketch, &number.to_le_bytes());
        let is_sparse = Sketch::new(&sketch).expect("a sketch").encoding() == Encoding::Sparse;
        assert!(!is_sparse || sketch.len() <= SPARSE_MAX);
    }
    assert_eq!(sketch.len(), DENSE_BYTES);
    let mut sketch = new_sketch();
    assert_eq!(raise(&mut sketch, 5, 33, SPARSE_MAX), Ok(true));
    assert_eq!((sketch.len(), values(&sketch)[5]), (DENSE_BYTES, 33));
}

#[test]
fn runs_are_cut_and_joined() {
    let mut sketch = new_sketch();
    let runs = |sketch: &[u8]| Sketch::new(sketch).expect("a sketch").describe_runs();
    let mut raise = |register, rank| {
        assert_eq!(super::raise(&mut sketch, register, rank, SPARSE_MAX), Ok(true));
        runs(&sketch).expect("it is sparse")
    };
    assert_eq!(raise(100, 2), "Z:100 v:2,1 Z:16283");
    assert_eq!(raise(101, 2), "Z:100 v:2,2 Z:16282");
    assert_eq!(raise(99, 2), "Z:99 v:2,3 Z:16282");
    assert_eq!(raise(98, 2), "Z:98 v:2,4 Z:16282");
    assert_eq!(raise(102, 2), "Z:98 v:2,4 v:2,1 Z:16281");
    assert_eq!(raise(100, 3), "Z:98 v:2,2 v:3,1 v:2,2 Z:16281");
    assert_eq!(raise(0, 1), "v:1,1 Z:97 v:2,2 v:3,1 v:2,2 Z:16281");
    assert_eq!(raise(16383, 1), "v:1,1 Z:97 v:2,2 v:3,1 v:2,2 Z:16280 v:1,1");
    assert_eq!(raise(40, 1), "v:1,1 z:39 v:1,1 z:57 v:2,2 v:3,1 v:2,2 Z:16280 v:1,1");
}

#[test]
fn this_machine_computes_as_it_should() {
    assert_eq!(self_test(), Ok(()));
}

proptest! {
    #[test]
    fn sparse_and_dense_agree_with_registers(
        raises in prop::collection::vec((0..200_usize, 1..6_u8), 0..300),
    ) {
        let (mut sparse, mut dense) = (new_sketch(), new_sketch());
        make_dense(&mut dense).expect("a good sketch");
        let mut model = vec![0; REGISTERS];
        for (near, rank) in raises {
            // Many neighbours, at both ends of the registers.
            let register = if near < 100 { near } else { REGISTERS - near + 99 };
            let is_lower = model[register] < rank;
            model[register] = rank.max(model[register]);
            prop_assert_eq!(raise(&mut sparse, register, rank, usize::MAX), Ok(is_lower));
            prop_assert_eq!(raise_dense(&mut dense, register, rank), is_lower);
        }
        prop_assert_eq!(&values(&sparse), &model);
        prop_assert_eq!(&values(&dense), &model);
        let estimate = |bytes: &[u8]| Sketch::new(bytes).expect("a sketch").estimate();
        prop_assert_eq!(estimate(&sparse), estimate(&dense));
        let mut registers = Registers::new();
        registers.merge(Sketch::new(&dense).expect("a sketch")).expect("a good sketch");
        prop_assert_eq!(Ok(registers.estimate()), estimate(&dense));
        prop_assert!(registers.set().all(|(at, rank)| model[at] == rank));
        prop_assert_eq!(make_dense(&mut sparse), Ok(true));
        prop_assert_eq!(sparse, dense);
    }

    #[test]
    fn any_sparse_bytes_are_judged(
        body in prop::collection::vec(any::<u8>(), 0..60),
        register in 0..REGISTERS,
    ) {
        let mut bytes = new_sketch();
        bytes.truncate(HEADER_BYTES);
        bytes.extend_from_slice(&body);
        let sketch = Sketch::new(&bytes).expect("the header is good");
        let good = sketch.estimate().is_ok();
        prop_assert_eq!(Registers::new().merge(sketch).is_ok(), good);
        prop_assert!(sketch.describe_runs().is_some());
        let mut raised = bytes.clone();
        let outcome = raise(&mut raised, register, 3, SPARSE_MAX);
        prop_assert!(!good || outcome.is_ok());
        prop_assert_eq!(make_dense(&mut bytes).is_ok(), good);
    }
}
