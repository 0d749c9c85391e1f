//! Strings as rows of bits.

use super::Generator;
use crate::step::Line;

/// Single bits, counts, searches and combinations.
pub fn bits(g: &mut Generator) -> Line {
    match g.rng.u32(..10) {
        0 | 1 => Line::new("SETBIT").with(g.key()).with(g.position()).with(bit(g)),
        2 => Line::new("GETBIT").with(g.key()).with(g.position()),
        3 | 4 => {
            let line = Line::new("BITCOUNT").with(g.key());
            ranged(g, line)
        }
        5 | 6 => {
            let line = Line::new("BITPOS").with(g.key()).with(bit(g));
            let line = if g.once_in(3) { line.with(g.position()) } else { line };
            ranged(g, line)
        }
        7 => Line::new("BITOP NOT").with(g.key()).with(g.key()),
        8 => {
            let operation = g.one_of(&["AND", "OR", "XOR", "NOT", "and", "NAND"]);
            let mut line = Line::new("BITOP").and(operation).with(g.key());
            for _ in 0..g.rng.u32(1..5) {
                line = line.with(g.key());
            }
            line
        }
        _ => Line::new("GET").with(g.key()),
    }
}

/// BITFIELD and BITFIELD_RO with several operations each.
pub fn bitfields(g: &mut Generator) -> Line {
    let read_only = g.once_in(4);
    let mut line = Line::new(if read_only { "BITFIELD_RO" } else { "BITFIELD" }).with(g.key());
    for _ in 0..g.rng.u32(..5) {
        // BITFIELD_RO refuses all but GET, which is asked for once in a while.
        let operation = if read_only && !g.once_in(12) { 0 } else { g.rng.u32(..4) };
        line = match operation {
            0 => line.and("GET").with(width(g)).with(offset(g)),
            1 => line.and("SET").with(width(g)).with(offset(g)).with(g.integer()),
            2 => line.and("INCRBY").with(width(g)).with(offset(g)).with(g.integer()),
            _ => line.and("OVERFLOW").and(g.one_of(&["WRAP", "SAT", "FAIL", "sat", "NONE"])),
        };
    }
    line
}

fn bit(g: &mut Generator) -> Vec<u8> {
    if g.once_in(10) { g.integer() } else { g.one_of(&["0", "1"]).as_bytes().to_vec() }
}

fn ranged(g: &mut Generator, line: Line) -> Line {
    match g.rng.u32(..4) {
        0 => line,
        1 => line.with(g.position()).with(g.position()),
        _ => line.with(g.position()).with(g.position()).and(g.one_of(&["BYTE", "BIT", "bit"])),
    }
}

fn width(g: &mut Generator) -> Vec<u8> {
    const EDGES: &[&str] =
        &["i1", "i64", "u63", "u1", "u64", "i65", "i0", "u0", "x8", "8", "", "u-1"];
    match g.rng.u32(..4) {
        0 => g.one_of(EDGES).as_bytes().to_vec(),
        1 => format!("i{}", g.rng.u32(1..=64)).into_bytes(),
        2 => format!("u{}", g.rng.u32(1..=63)).into_bytes(),
        _ => g.one_of(&["i8", "u8", "i16", "u16", "i32", "u32"]).as_bytes().to_vec(),
    }
}

fn offset(g: &mut Generator) -> Vec<u8> {
    match g.rng.u32(..8) {
        0 => g.integer_out_of_reach(),
        1 => b"#".to_vec(),
        2 | 3 => format!("#{}", g.rng.u32(..20)).into_bytes(),
        _ => g.rng.u32(..300).to_string().into_bytes(),
    }
}
