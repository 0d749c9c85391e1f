//! Scripts: whatever their source, the interpreter answers or says what is wrong.

#![no_main]

use libfuzzer_sys::fuzz_target;
use russet_fuzz::run_script;

fuzz_target!(|source: &[u8]| {
    run_script(source, source);
});
