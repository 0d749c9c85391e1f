//! Strings that may be HyperLogLogs: refused, found to be corrupted, or counted, whatever they hold.
//!
//! The first two bytes of an input choose a register.

#![no_main]

use libfuzzer_sys::fuzz_target;
use russet_data::hyperloglog::{REGISTERS, Registers, Sketch, make_dense, raise};

fuzz_target!(|input: &[u8]| {
    let Some((register, bytes)) = input.split_first_chunk() else { return };
    let Some(sketch) = Sketch::new(bytes) else { return };
    let register = usize::from(u16::from_le_bytes(*register)) % REGISTERS;
    let _ = sketch.cached_count();
    let _ = sketch.describe_runs();
    let mut registers = Registers::new();
    let is_good = registers.merge(sketch).is_ok();
    assert_eq!(sketch.estimate().is_ok(), is_good);
    let mut raised = bytes.to_vec();
    let was_raised = raise(&mut raised, register, 7, 3000);
    let mut dense = bytes.to_vec();
    assert_eq!(make_dense(&mut dense).is_ok(), is_good);
    if is_good {
        assert_eq!(was_raised, Ok(registers.values()[register] < 7));
        let mut after = Registers::new();
        after.merge(Sketch::new(&raised).expect("still a sketch")).expect("a good one");
        assert!(after.values()[register] >= 7);
    }
});
