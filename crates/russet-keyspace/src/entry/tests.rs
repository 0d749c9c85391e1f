//! Entries against a naive model: random changes, then every getter compared.

use proptest::collection::vec;
use proptest::prelude::*;
use russet_data::table::{KeyHasher, Table};

use super::*;

/// What an entry should be, stored without any cleverness.
#[derive(Clone, Debug, PartialEq)]
struct Model {
    key: Vec<u8>,
    value: Vec<u8>,
    form: Form,
    expire_at_ms: Option<i64>,
    access_bits: u32,
}

/// How the model's value came about, which is what `OBJECT ENCODING` tells.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Stored,
    Edited,
    Integer,
}

impl Model {
    fn encoding(&self) -> Encoding {
        match self.form {
            Form::Integer => Encoding::Int,
            Form::Stored if self.value.len() <= 44 => Encoding::Embstr,
            Form::Stored | Form::Edited => Encoding::Raw,
        }
    }

    fn store(&mut self, value: &[u8]) {
        self.value = value.to_vec();
        self.form = Form::Stored;
    }

    fn store_int(&mut self, value: i64) {
        self.value = value.to_string().into_bytes();
        self.form = Form::Integer;
    }

    fn assert_equals(&self, entry: &Entry) {
        entry.check_invariants();
        assert_eq!(entry.key(), self.key);
        assert_eq!(entry.string_bytes(&mut IntBuf::new()), self.value);
        assert_eq!(entry.string_len(), self.value.len());
        assert_eq!(entry.encoding(), self.encoding());
        assert_eq!(entry.value_type(), ValueType::String);
        assert_eq!(entry.expire_at_ms(), self.expire_at_ms);
        assert_eq!(entry.access_bits(), self.access_bits);
        assert!(entry.allocated_bytes() >= self.key.len());
    }
}

/// One change of an entry.
#[derive(Clone, Debug)]
enum Change {
    SetBytes(Vec<u8>),
    SetVec(Vec<u8>),
    SetInt(i64),
    SetObject(Vec<u8>),
    SetExpireAt(Option<i64>),
    SetAccessBits(u32),
    Resize(usize),
    Append(Vec<u8>),
    Overwrite(u8),
    WithKey(Vec<u8>),
    Duplicate(Vec<u8>),
    ThroughRaw,
}

/// Lengths that lie around every boundary of the layout.
fn length() -> impl Strategy<Value = usize> {
    prop_oneof![
        4 => 0..80_usize,
        2 => 240..270_usize,
        2 => INLINE_MAX - 20..INLINE_MAX + 20,
        1 => 0..5000_usize,
    ]
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    (length(), any::<u8>()).prop_map(|(len, seed)| pattern(len, seed))
}

/// `len` bytes that differ from their neighbours.
fn pattern(len: usize, seed: u8) -> Vec<u8> {
    (0..len).map(|index| (index as u8).wrapping_mul(31).wrapping_add(seed)).collect()
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => bytes().prop_map(Change::SetBytes),
        1 => bytes().prop_map(Change::SetVec),
        2 => any::<i64>().prop_map(Change::SetInt),
        1 => bytes().prop_map(Change::SetObject),
        2 => any::<Option<i64>>().prop_map(Change::SetExpireAt),
        1 => any::<u32>().prop_map(Change::SetAccessBits),
        3 => length().prop_map(Change::Resize),
        3 => bytes().prop_map(Change::Append),
        1 => any::<u8>().prop_map(Change::Overwrite),
        1 => bytes().prop_map(Change::WithKey),
        1 => bytes().prop_map(Change::Duplicate),
        1 => Just(Change::ThroughRaw),
    ]
}

/// Applies `change` to both and checks what the setters hand back.
fn apply(change: Change, mut entry: Entry, model: &mut Model) -> Entry {
    let boxed_before = match entry.value() {
        ValueRef::Object(object) => Vec::of(object).cloned(),
        ValueRef::Int(_) | ValueRef::Bytes(_) => None,
    };
    let string = |object: Option<Box<Object>>| object.as_deref().and_then(Vec::of).cloned();
    match change {
        Change::SetBytes(value) => {
            let displaced = entry.set_bytes(&value);
            if matches!(entry.value(), ValueRef::Bytes(_)) {
                assert_eq!(string(displaced), boxed_before);
            }
            model.store(&value);
        }
        Change::SetVec(value) => {
            model.store(&value);
            let displaced = entry.set_vec(value);
            if matches!(entry.value(), ValueRef::Object(_)) {
                assert_eq!(string(displaced), boxed_before);
            }
        }
        Change::SetInt(value) => {
            assert_eq!(string(entry.set_int(value)), boxed_before);
            assert!(matches!(entry.value(), ValueRef::Int(stored) if stored == value));
            model.store_int(value);
        }
        Change::SetObject(value) => {
            model.value = value.clone();
            model.form = Form::Edited;
            let displaced = entry.set_object(Box::new(Object::String(value)));
            assert_eq!(string(displaced), boxed_before);
        }
        Change::SetExpireAt(expire_at_ms) => {
            entry.set_expire_at_ms(expire_at_ms);
            model.expire_at_ms = expire_at_ms;
        }
        Change::SetAccessBits(bits) => {
            entry.set_access_bits(bits);
            model.access_bits = bits & 0xff_ffff;
        }
        Change::Resize(len) => {
            model.value.resize(len, 0);
            model.form = Form::Edited;
            assert_eq!(entry.resize_bytes(len), model.value);
        }
        Change::Append(suffix) => {
            model.value.extend_from_slice(&suffix);
            model.form = Form::Edited;
            assert_eq!(entry.append_bytes(&suffix), model.value.len());
        }
        Change::Overwrite(byte) => {
            entry.bytes_mut().fill(byte);
            model.value.fill(byte);
            model.form = Form::Edited;
        }
        Change::WithKey(key) => {
            entry = entry.with_key(&key);
            model.key = key;
        }
        Change::Duplicate(key) => {
            let copy = entry.duplicate(&key);
            model.assert_equals(&entry);
            entry = copy;
            model.key = key;
        }
        Change::ThroughRaw => {
            let raw = entry.into_raw();
            assert_eq!(raw.as_ptr() as usize % ENTRY_ALIGN, 0);
            // SAFETY: the pointer comes from `into_raw` on the line above.
            entry = unsafe { Entry::from_raw(raw) };
        }
    }
    entry
}

proptest! {
    #[test]
    fn behaves_like_the_model(
        key in bytes(),
        value in bytes(),
        expire_at_ms in any::<Option<i64>>(),
        changes in vec(change(), 0..30),
    ) {
        let mut entry = Entry::with_bytes(&key, &value, expire_at_ms);
        let mut model = Model { key, value, form: Form::Stored, expire_at_ms, access_bits: 0 };
        model.assert_equals(&entry);
        for change in changes {
            entry = apply(change, entry, &mut model);
            model.assert_equals(&entry);
        }
    }

    #[test]
    fn decimal_len_is_the_length_of_the_text(value in any::<i64>()) {
        prop_assert_eq!(decimal_len(value), value.to_string().len());
    }
}

#[test]
fn decimal_len_at_the_ends() {
    for value in [0, 1, -1, 9, 10, -10, 99, 100, i64::MAX, i64::MIN] {
        assert_eq!(decimal_len(value), value.to_string().len(), "{value}");
    }
}

/// Every change at every boundary length, under short and absurd keys.
#[test]
fn takes_every_length() {
    let lengths = [0, 1, 254, 255, 256, INLINE_MAX, INLINE_MAX + 1, 64 << 10, 1 << 20];
    for key_len in [0, 1, 254, 255, 256, 100_000] {
        let key = pattern(key_len, 7);
        for from in lengths {
            for to in lengths {
                let (before, after) = (pattern(from, 1), pattern(to, 2));
                let mut entry = Entry::with_vec(&key, before.clone(), None);
                let mut model = Model {
                    key: key.clone(),
                    value: before,
                    form: Form::Stored,
                    expire_at_ms: None,
                    access_bits: 0,
                };
                for change in [
                    Change::Resize(to),
                    Change::SetExpireAt(Some(i64::MIN)),
                    Change::SetBytes(after.clone()),
                    Change::Append(after),
                    Change::SetExpireAt(None),
                    Change::SetInt(i64::MIN),
                ] {
                    entry = apply(change, entry, &mut model);
                    model.assert_equals(&entry);
                }
            }
        }
    }
}

#[test]
fn stays_in_place_within_a_size_class() {
    let mut entry = Entry::with_bytes(b"key:000000000001", &[b'v'; 64], None);
    let address = entry.key().as_ptr() as usize & !(ENTRY_ALIGN - 1);
    entry.set_bytes(&[b'w'; 70]);
    entry.set_bytes(&[b'w'; 60]);
    entry.set_expire_at_ms(Some(1));
    entry.set_expire_at_ms(None);
    assert_eq!(entry.into_raw_address(), address);
}

impl Entry {
    /// The address of the allocation; the entry is dropped.
    fn into_raw_address(self) -> usize {
        let raw = self.into_raw();
        // SAFETY: the pointer comes from `into_raw` on the line above.
        drop(unsafe { Self::from_raw(raw) });
        raw.as_ptr() as usize
    }
}

#[test]
fn lives_in_a_table() {
    struct FirstBytes;
    impl KeyHasher for FirstBytes {
        fn hash(&self, key: &[u8]) -> u64 {
            u64::from_le_bytes(key[..8].try_into().expect("keys of eight bytes"))
        }
    }

    let hashes = (0..1000_u64).map(|number| number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut table = Table::new();
    for hash in hashes.clone() {
        table.insert_unique(hash, Entry::with_bytes(&hash.to_le_bytes(), b"", None), &FirstBytes);
    }
    for len in 1..100 {
        for hash in hashes.clone() {
            let mut slot = table.find_mut(hash, &hash.to_le_bytes()).expect("it was inserted");
            assert_eq!(slot.update(|entry| entry.append_bytes(b"x")), len);
            slot.update(|entry| entry.set_expire_at_ms((len % 3 == 0).then_some(1)));
        }
    }
    table.check_invariants(&FirstBytes);
    for hash in hashes {
        let entry = table.remove(hash, &hash.to_le_bytes()).expect("it was inserted");
        assert_eq!(entry.string_bytes(&mut IntBuf::new()), [b'x'; 99]);
    }
    assert!(table.is_empty());
}

#[test]
fn adopts_a_long_vec_without_copying() {
    let value = vec![b'x'; INLINE_MAX + 1];
    let address = value.as_ptr();
    let entry = Entry::with_vec(b"k", value, None);
    assert_eq!(entry.string_bytes(&mut IntBuf::new()).as_ptr(), address);

    let renamed = entry.with_key(b"a longer key than before");
    assert_eq!(renamed.string_bytes(&mut IntBuf::new()).as_ptr(), address);
    let value = renamed.take_object().expect("a long value is boxed");
    assert_eq!(Vec::of(&value).map(|value| value.as_ptr()), Some(address));
}

#[test]
fn overwrites_a_long_string_in_its_buffer() {
    let mut entry = Entry::with_bytes(b"k", &[b'x'; 5000], None);
    let address = entry.string_bytes(&mut IntBuf::new()).as_ptr();
    assert!(entry.set_bytes(&[b'y'; 5000]).is_none());
    assert_eq!(entry.string_bytes(&mut IntBuf::new()).as_ptr(), address);
}

#[test]
fn growing_byte_by_byte_rarely_moves_a_long_string() {
    let mut entry = Entry::with_bytes(b"k", b"", None);
    let mut addresses = std::collections::BTreeSet::new();
    for _ in 0..300_000 {
        entry.append_bytes(b"x");
        if let ValueRef::Object(object) = entry.value() {
            addresses.insert(Vec::of(object).expect("it is a string").as_ptr());
        }
    }
    assert_eq!(entry.string_len(), 300_000);
    assert!(addresses.len() <= 9, "{} moves", addresses.len());
}

#[test]
fn counts_what_the_allocator_gives() {
    let key = b"key:000000000001";
    assert_eq!(Entry::with_bytes(key, &[b'v'; 64], None).allocated_bytes(), 96);
    assert_eq!(Entry::with_int(key, 12_345_678, None).allocated_bytes(), 32);
    assert_eq!(Entry::with_int(key, 12_345_678, Some(1)).allocated_bytes(), 48);
    let boxed = Entry::with_bytes(key, &[b'v'; 2000], None);
    assert_eq!(boxed.allocated_bytes(), 32 + size_class(size_of::<Object>()) + 2048);
}

#[test]
fn expires_after_its_millisecond() {
    let entry = Entry::with_bytes(b"k", b"v", Some(1000));
    assert!(!entry.is_expired(999));
    assert!(!entry.is_expired(1000));
    assert!(entry.is_expired(1001));
    assert!(!Entry::with_bytes(b"k", b"v", None).is_expired(i64::MAX));
}
