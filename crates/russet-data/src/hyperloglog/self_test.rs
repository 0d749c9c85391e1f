//! What `PFSELFTEST` tries: that this machine computes as it should.

use super::{
    DENSE_BYTES, REGISTERS, Registers, Sketch, make_dense, new_sketch, raise, register_of,
};

/// Elements that are counted, and after how many the estimate is compared with their number.
const CHECKPOINTS: [u64; 6] = [1, 10, 100, 1_000, 10_000, 100_000];
/// What the estimate may be off, in standard errors.
const ERRORS_ALLOWED: f64 = 5.0;

/// Counts elements in a sparse and in a dense sketch, which must agree with each other, with the
/// registers, and, nearly, with the number of elements.
///
/// # Errors
/// What is wrong.
pub fn self_test() -> Result<(), String> {
    let (mut sparse, mut dense) = (new_sketch(), new_sketch());
    let corrupted = |error| format!("{error}");
    make_dense(&mut dense).map_err(corrupted)?;
    let mut registers = vec![0; REGISTERS];
    let mut added = 0_u64;
    for checkpoint in CHECKPOINTS {
        while added < checkpoint {
            let (register, rank) = register_of(&added.to_le_bytes());
            registers[register] = rank.max(registers[register]);
            raise(&mut sparse, register, rank, usize::MAX).map_err(corrupted)?;
            raise(&mut dense, register, rank, usize::MAX).map_err(corrupted)?;
            added += 1;
        }
        for sketch in [&sparse, &dense] {
            let sketch = Sketch::new(sketch).ok_or("a sketch is none any more")?;
            let mut read = Registers::new();
            read.merge(sketch).map_err(corrupted)?;
            if read.values()[..] != registers[..] {
                return Err(format!("{:?} registers differ", sketch.encoding()));
            }
            let estimate = sketch.estimate().map_err(corrupted)?;
            let allowed = ERRORS_ALLOWED * 1.04 / (REGISTERS as f64).sqrt() * added as f64;
            if estimate.abs_diff(added) as f64 > allowed.ceil() {
                return Err(format!("{added} elements are estimated as {estimate}"));
            }
        }
    }
    if dense.len() == DENSE_BYTES { Ok(()) } else { Err("a dense sketch has grown".to_owned()) }
}
