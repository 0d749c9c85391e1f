//! Listpacks from outside: bytes that are refused, or a listpack that behaves like a list.
//!
//! What is left of an input behind the bytes of the listpack says what is done to it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use russet_data::listpack::Listpack;

fuzz_target!(|input: &[u8]| {
    // A listpack begins with its length.
    let Some(&length) = input.first_chunk() else { return };
    let length = (u32::from_le_bytes(length) as usize).min(input.len());
    let (bytes, steps) = input.split_at(length);
    let Ok(mut listpack) = Listpack::from_bytes(bytes.to_vec()) else { return };
    listpack.check_invariants();
    let mut model: Vec<Vec<u8>> = listpack.iter().map(|element| element.to_vec()).collect();
    assert_eq!(listpack.len(), model.len());
    for step in steps.chunks(4).take(64) {
        let at = usize::from(step[0]) % (model.len() + 1);
        let value = step[1..].to_vec();
        let position = listpack.seek(at as i64);
        assert_eq!(position.is_some(), at < model.len());
        match (position, step.len()) {
            (Some(position), 1) => {
                assert_eq!(listpack.get(position).to_vec(), model.remove(at));
                listpack.remove(position);
            }
            (Some(position), 2) => {
                listpack.replace(position, &value[..]);
                model[at] = value;
            }
            (Some(position), 3) => {
                let mut tail = listpack.split_off(position);
                assert_eq!(tail.len(), model.len() - at);
                tail.append(&listpack);
                listpack = tail;
                model.rotate_left(at);
            }
            _ => {
                listpack.insert(position.unwrap_or(listpack.end()), &value[..]);
                model.insert(at, value);
            }
        }
        listpack.check_invariants();
    }
    let elements: Vec<_> = listpack.iter().map(|element| element.to_vec()).collect();
    assert_eq!(elements, model);
    if let (Some(wanted), Some(first)) = (model.last(), listpack.first()) {
        let found = listpack.find(wanted, first, 0).expect("it is the last one, if not before");
        assert_eq!(listpack.get(found).to_vec(), *wanted);
    }
    let written = listpack.to_bytes();
    let read = Listpack::from_bytes(written.clone()).expect("what is written can be read");
    assert_eq!(read.to_bytes(), written);
});
