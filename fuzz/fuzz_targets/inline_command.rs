//! Lines of words: what splits can be quoted and splits again, quoting loses nothing, and an
//! inline command is the words of its line.

#![no_main]

use libfuzzer_sys::fuzz_target;
use russet_resp::quoting::{quote, split_args};
use russet_resp::testing::receive;
use russet_resp::{Limits, ProtocolError};

fuzz_target!(|line: &[u8]| {
    let words = split_args(line);
    for words in [words.clone(), Some(vec![line.to_vec()])].into_iter().flatten() {
        let mut quoted = Vec::new();
        for word in &words {
            quote(word, &mut quoted);
            quoted.push(b' ');
        }
        assert!(quoted.iter().all(|byte| (b' '..=b'~').contains(byte)));
        assert_eq!(split_args(&quoted), Some(words));
    }

    let inline = !line.starts_with(b"*") && !line.contains(&0) && !line.contains(&b'\n');
    if inline {
        let outcome = receive(&[line, b"\n"].concat(), &[line.len() / 2], Limits::default());
        match words {
            Some(words) => assert_eq!(outcome.commands, [words]),
            None => assert_eq!(outcome.error, Some(ProtocolError::UnbalancedQuotes)),
        }
    }
});
