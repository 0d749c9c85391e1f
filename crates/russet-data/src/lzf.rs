//! LZF: compression that is fast rather than good (Marc Lehmann's format, the one Redis uses).
//!
//! The middle of a long list can be kept compressed, and RDB files hold compressed strings. Both
//! must be readable by Redis, so the format is given; the search for repetitions is our own.
//!
//! Compressed bytes are a sequence of two kinds of items:
//!
//! ```text
//! 000lllll                    l + 1 bytes that follow stand for themselves
//! lllooooo oooooooo           l + 2 bytes repeat what was o + 1 bytes ago, l from 1 to 6
//! 111ooooo llllllll oooooooo  l + 9 bytes repeat what was o + 1 bytes ago
//! ```
//!
//! A repetition may overlap what it produces: one byte repeated many times is that byte and a
//! repetition at distance 1.
//!
//! The compressor remembers, for each hash of three bytes, where they were seen last, and takes the
//! first repetition it meets. Its table is no larger than the input makes use of, and it loses its
//! patience with bytes that do not repeat: what cannot be compressed is passed over the fastest.

use std::mem;

/// The longest run of bytes that stand for themselves.
const MAX_LITERALS: usize = 32;
/// How far back a repetition can reach.
const MAX_DISTANCE: usize = 1 << 13;
/// The shortest repetition.
const MIN_REPEAT: usize = 3;
/// The longest repetition.
const MAX_REPEAT: usize = 255 + 9;
/// After so many bytes without a repetition every other byte is tried, after twice as many every third.
const PATIENCE: usize = 24;
/// Tables of so many bits are on the stack.
const SMALL_TABLE_BITS: u32 = 8;
/// The most bytes that one compressed byte can stand for.
const MAX_EXPANSION: usize = MAX_REPEAT / MIN_REPEAT;

/// Bytes that are not LZF, or not of the length they should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bytes that are not LZF of the length they should have")]
pub struct Malformed;

/// Compresses `input` to at most `most` bytes; `None` if that does not do.
#[must_use]
pub fn compress(input: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut output = Vec::with_capacity(most.min(input.len()));
    append_compressed(&mut output, input, most).then_some(output)
}

/// Appends `input` compressed to at most `most` bytes, or nothing if that does not do. Returns which.
pub fn append_compressed(output: &mut Vec<u8>, input: &[u8], most: usize) -> bool {
    // Positions are kept in 32 bits.
    if u32::try_from(input.len()).is_err() {
        return false;
    }
    let start = output.len();
    let table_bits = (input.len() | 1).ilog2().clamp(6, 14);
    // One more than the position; zero is "never". Values of keys are short, as a rule, and there are
    // many: their table is not worth an allocation.
    let (mut small, mut large) = ([0u32; 1 << SMALL_TABLE_BITS], Vec::new());
    let last_seen = if table_bits <= SMALL_TABLE_BITS {
        &mut small[..1 << table_bits]
    } else {
        large.resize(1 << table_bits, 0);
        &mut large[..]
    };
    let (mut literals_from, mut at) = (0, 0);
    while let Some(three) = input.get(at..).and_then(|rest| rest.first_chunk::<MIN_REPEAT>()) {
        let seen = &mut last_seen[hash(*three) >> (32 - table_bits)];
        let candidate = mem::replace(seen, at as u32 + 1).checked_sub(1);
        let repeat = candidate.map(|candidate| candidate as usize).and_then(|candidate| {
            let distance = at - candidate;
            (distance <= MAX_DISTANCE)
                .then(|| (distance, common(&input[candidate..], &input[at..])))
        });
        match repeat {
            Some((distance, length)) if length >= MIN_REPEAT => {
                write_literals(output, &input[literals_from..at]);
                write_repeat(output, distance, length);
                at += length;
                literals_from = at;
                if output.len() - start > most {
                    output.truncate(start);
                    return false;
                }
            }
            // The longer nothing repeats, the less often it is looked for.
            _ => at += 1 + (at - literals_from) / PATIENCE,
        }
    }
    write_literals(output, &input[literals_from..]);
    if output.len() - start > most {
        output.truncate(start);
        return false;
    }
    true
}

/// The `length` bytes that `input` was compressed from.
///
/// # Errors
/// If `input` is not LZF, or of another length.
pub fn decompress(input: &[u8], length: usize) -> Result<Vec<u8>, Malformed> {
    // What is claimed is only believed as far as the input can make it true.
    let mut output = Vec::with_capacity(length.min(input.len().saturating_mul(MAX_EXPANSION)));
    let mut rest = input;
    while let Some((&control, after)) = rest.split_first() {
        rest = after;
        let literals = usize::from(control) + 1;
        if literals <= MAX_LITERALS {
            let (bytes, after) = rest.split_at_checked(literals).ok_or(Malformed)?;
            output.extend_from_slice(bytes);
            rest = after;
        } else {
            let mut repeat = usize::from(control >> 5) + 2;
            if repeat == 9 {
                let (&more, after) = rest.split_first().ok_or(Malformed)?;
                repeat += usize::from(more);
                rest = after;
            }
            let (&low, after) = rest.split_first().ok_or(Malformed)?;
            rest = after;
            let distance = (usize::from(control & 0x1f) << 8 | usize::from(low)) + 1;
            let from = output.len().checked_sub(distance).ok_or(Malformed)?;
            repeat_from(&mut output, from, repeat);
        }
        if output.len() > length {
            return Err(Malformed);
        }
    }
    if output.len() == length { Ok(output) } else { Err(Malformed) }
}

/// Spreads three bytes over 32 bits, best in the high ones.
fn hash([a, b, c]: [u8; 3]) -> usize {
    u32::from_le_bytes([a, b, c, 0]).wrapping_mul(0x9e37_79b1) as usize
}

/// How many bytes two slices have in common, as far as one repetition can say.
fn common(earlier: &[u8], later: &[u8]) -> usize {
    let most = later.len().min(MAX_REPEAT);
    let (earlier, later) = (&earlier[..most], &later[..most]);
    let words = earlier.as_chunks::<8>().0.iter().zip(later.as_chunks::<8>().0);
    let mut same = 0;
    for (one, other) in words {
        let different = u64::from_le_bytes(*one) ^ u64::from_le_bytes(*other);
        if different != 0 {
            return same + different.trailing_zeros() as usize / 8;
        }
        same += 8;
    }
    let rest = earlier[same..].iter().zip(&later[same..]);
    same + rest.take_while(|(one, other)| one == other).count()
}

fn write_literals(output: &mut Vec<u8>, literals: &[u8]) {
    for run in literals.chunks(MAX_LITERALS) {
        output.push(run.len() as u8 - 1);
        output.extend_from_slice(run);
    }
}

fn write_repeat(output: &mut Vec<u8>, distance: usize, length: usize) {
    let [high, low] = (distance as u16 - 1).to_be_bytes();
    match length {
        3..=8 => output.push((length as u8 - 2) << 5 | high),
        _ => output.extend([7 << 5 | high, (length - 9) as u8]),
    }
    output.push(low);
}

fn repeat_from(output: &mut Vec<u8>, from: usize, length: usize) {
    // Whole copies of what is there, twice as much each time if the repetition overlaps itself.
    let end = output.len() + length;
    while output.len() < end {
        let available = (output.len() - from).min(end - output.len());
        output.extend_from_within(from..from + available);
    }
}

const _: () = {
    assert!(MAX_DISTANCE - 1 == 0x1fff);
    assert!(MAX_LITERALS == 1 << 5);
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn repetitions_are_found() {
        assert_eq!(compress(b"aaaaaaaaaa", 10).as_deref(), Some(&[0, b'a', 0xe0, 0, 0][..]));
        let text = b"item:000001 item:000002 item:000003 item:000004".repeat(20);
        let compressed = compress(&text, text.len()).expect("repetitive");
        assert!(compressed.len() < text.len() / 8, "{}", compressed.len());
    }

    #[test]
    fn what_does_not_get_small_enough_is_refused() {
        assert_eq!(compress(b"abcdefgh", 8), None);
        assert_eq!(compress(b"aaaaaaaaaa", 4), None);
        assert_eq!(compress(b"", 0), Some(Vec::new()));
    }

    #[test]
    fn malformed_bytes_are_refused() {
        for (bytes, length) in [
            (&[5, b'a'][..], 6),
            (&[0x20, 0], 3),
            (&[0, b'a', 0xe0], 10),
            (&[0, b'a', 0xe0, 0], 10),
            (&[0, b'a', 0x20], 4),
            (&[0, b'a', 0x20, 1], 4),
            (&[0, b'a'], 2),
            (&[1, b'a', b'b'], 1),
            (&[], 1),
        ] {
            assert_eq!(decompress(bytes, length), Err(Malformed), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn what_was_compressed_comes_back(
            pieces in prop::collection::vec(
                (prop::collection::vec(0u8..4, 0..50), 1usize..40),
                0..40,
            ),
        ) {
            let input: Vec<u8> = pieces.into_iter().flat_map(|(piece, times)| piece.repeat(times)).collect();
            if let Some(compressed) = compress(&input, input.len()) {
                prop_assert!(compressed.len() <= input.len());
                prop_assert_eq!(decompress(&compressed, input.len()), Ok(input));
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(input: Vec<u8>, length in 0usize..1000) {
            if let Ok(output) = decompress(&input, length) {
                prop_assert_eq!(output.len(), length);
            }
        }
    }
}
