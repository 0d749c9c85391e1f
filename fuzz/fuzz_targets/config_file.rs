//! Configurations: CONFIG SET takes or refuses whatever it is given, what CONFIG GET shows can
//! be set again, and rewriting a file twice is the same as once.
//!
//! Lines up to an empty one are names and values for CONFIG SET; the file follows.

#![no_main]

use libfuzzer_sys::fuzz_target;
use russet_server::config::rewrite::rewritten;
use russet_server::config::{Appended, Config, Directive, Flags, Setter};

/// Nobody: protected directives, which look at files, stay as they are.
const STRANGER: Setter = Setter { is_local: false, is_loading: false };

fuzz_target!(|input: &[u8]| {
    let mut config = Config::default();
    let mut rest = input;
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = &rest[..end];
        rest = &rest[end + 1..];
        if line.is_empty() {
            break;
        }
        let space = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
        let (name, value) = line.split_at(space);
        let value = value.get(1..).unwrap_or_default();
        if let Ok(update) = config.set(&[(name, value)], STRANGER) {
            config = update.config;
        }
        // A pattern may match hundreds; a few tell as much.
        for (name, value) in config.get(&[name]).into_iter().take(3) {
            let directive = Directive::find(name.as_bytes()).expect("shown names are known");
            if !directive.flags.intersects(Flags::IMMUTABLE | Flags::PROTECTED) {
                // What is shown, not the configuration: percentiles show six decimals, as Redis'.
                let again = config.set(&[(name.as_bytes(), &value)], STRANGER);
                let again = again.expect("shown values are right").config;
                assert_eq!(again.get(&[name.as_bytes()]), [(name, value)]);
            }
        }
    }
    let once = rewritten(rest, &config, Appended::Changed);
    assert_eq!(rewritten(&once, &config, Appended::Changed), once);
});
