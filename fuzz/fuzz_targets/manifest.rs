//! Manifests from anywhere: files, or the line that is wrong. What was read is written so that it is read
//! again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use russet_persist::aof::Manifest;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Manifest::parse(text) {
        Ok(manifest) => {
            let written = manifest.to_text();
            // One of comments alone names no file, and would be empty; and a name in quotes may need a
            // longer line than is read.
            if !written.is_empty() && written.lines().all(|line| line.len() < 1000) {
                assert_eq!(Manifest::parse(&written), Ok(manifest));
            }
        }
        Err(error) => assert!((1..=text.split('\n').count()).contains(&error.line)),
    }
});
