//! Append-only files from anywhere: commands, or a damage with its place, but no panic and no more memory
//! than the bytes are worth.

#![no_main]

use std::io::{Cursor, Read};

use libfuzzer_sys::fuzz_target;
use russet_persist::aof::{Damage, Reader, write_command};
use russet_persist::rdb::Splitter;

/// Passes over the RDB file that a log may begin with.
fn preamble(bytes: &[u8]) -> Option<(impl Read, u64)> {
    let mut splitter = Splitter::new(bytes, false).ok()?;
    while splitter.next_piece().ok()?.is_some() {}
    let offset = splitter.offset();
    let (read, rest) = splitter.into_rest();
    Some((Cursor::new(read).chain(rest), offset))
}

fuzz_target!(|bytes: &[u8]| {
    let (mut rest, offset) = (Vec::new(), 0);
    let offset = match preamble(bytes) {
        Some((mut source, offset)) => {
            source.read_to_end(&mut rest).expect("it is in memory");
            offset
        }
        None => {
            rest.extend_from_slice(bytes);
            offset
        }
    };
    let end = offset + rest.len() as u64;
    let mut reader = Reader::new(&rest[..], offset);
    let mut again = Vec::new();
    loop {
        let whole = reader.offset();
        match reader.next_command() {
            Ok(Some(argv)) => {
                assert!(!argv.is_empty() && reader.offset() > whole && reader.offset() <= end);
                again.clear();
                write_command(&mut again, &argv);
                let read = Reader::new(&again[..], 0).next_command();
                assert_eq!(read.expect("it was just written"), Some(argv));
            }
            Ok(None) => break,
            Err(Damage::Truncated(at) | Damage::Format(at)) => {
                assert!((offset..=end).contains(&at));
                break;
            }
            Err(Damage::Io { .. }) => unreachable!("memory does not fail"),
        }
    }
});
