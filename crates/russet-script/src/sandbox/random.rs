//! `math.random`: the same numbers for the same seed on every machine.
//!
//! The generator is the linear congruential one of POSIX' `drand48` family: 48 bits of state,
//! multiplied by 0x5DEECE66D, plus 11.

use crate::lua::{Raised, Stack};

const MULTIPLIER: u64 = 0x5_DEEC_E66D;
const INCREMENT: u64 = 0xB;
const STATE_BITS: u32 = 48;
/// What the low bits of a seeded state are.
const SEED_LOW: u64 = 0x330E;
/// The state that an interpreter begins with; each script goes on where the last one has stopped.
pub const SEED: u64 = 0x1234_ABCD_330E;
/// What a number drawn is divided by, to get one from 0 up to 1.
const RANGE: i64 = (1 << 31) - 1;

/// The next number of 31 bits.
fn draw(state: &mut u64) -> i64 {
    *state = state.wrapping_mul(MULTIPLIER).wrapping_add(INCREMENT) & ((1 << STATE_BITS) - 1);
    (*state >> (STATE_BITS - 31)) as i64
}

/// `math.random([m [, n]])`
pub fn random(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    if !stack.shared().is_running() {
        return Err(stack.error(b"math.random can only be called inside a script invocation"));
    }
    let mut state = stack.shared().random.get();
    let share = (draw(&mut state) % RANGE) as f64 / RANGE as f64;
    stack.shared().random.set(state);
    let drawn = match stack.top() {
        0 => share,
        1 => {
            let upper = super::integer(stack, 1)?;
            if upper < 1 {
                return Err(stack.argument_error(1, "interval is empty"));
            }
            (share * f64::from(upper)).floor() + 1.0
        }
        2 => {
            let (lower, upper) = (super::integer(stack, 1)?, super::integer(stack, 2)?);
            if lower > upper {
                return Err(stack.argument_error(2, "interval is empty"));
            }
            let width = f64::from(upper.wrapping_sub(lower).wrapping_add(1));
            (share * width).floor() + f64::from(lower)
        }
        _ => return Err(stack.error(b"wrong number of arguments")),
    };
    stack.push_number(drawn);
    Ok(1)
}

/// `math.randomseed(x)`
pub fn seed(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    if !stack.shared().is_running() {
        return Err(stack.error(b"math.randomseed can only be called inside a script invocation"));
    }
    let seed = super::integer(stack, 1)?;
    stack.shared().random.set(u64::from(seed as u32) << 16 | SEED_LOW);
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers that Redis draws.
    #[test]
    fn numbers_follow_each_other_as_in_redis() {
        let mut state = SEED;
        let drawn: Vec<i64> = (0..3).map(|_| draw(&mut state)).collect();
        assert_eq!(drawn, [851_401_618, 1_804_928_587, 758_783_491]);
    }
}
