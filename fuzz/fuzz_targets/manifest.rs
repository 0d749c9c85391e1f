//! Manifests from anywhere: files, or the line that is wrong. What was read is written so that it is read
//! again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use russet_persist::aof::Manifest;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Manifest::parse(text) {
        Ok(manifest) => assert_eq!(Manifest::parse(&manifest.to_text()), Ok(manifest)),
        Err(error) => assert!((1..=text.split('\n').count()).contains(&error.line)),
    }
});
