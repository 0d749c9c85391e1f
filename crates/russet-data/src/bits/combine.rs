//! Combining several strings bit by bit.

/// What BITOP does with its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Bits set in all inputs.
    And,
    /// Bits set in any input.
    Or,
    /// Bits set in an odd number of inputs.
    Xor,
    /// Bits clear in the only input.
    Not,
}

impl Operation {
    /// Reads `AND`, `OR`, `XOR` or `NOT` in any case.
    pub fn parse(text: &[u8]) -> Option<Operation> {
        [
            (&b"and"[..], Operation::And),
            (b"or", Operation::Or),
            (b"xor", Operation::Xor),
            (b"not", Operation::Not),
        ]
        .into_iter()
        .find_map(|(name, operation)| text.eq_ignore_ascii_case(name).then_some(operation))
    }
}

/// Bytes taken through all inputs before the next ones, so that the output stays in the cache
/// nearest to the processor.
const BLOCK: usize = 8 * 1024;

/// Length in bytes of the combination: that of the longest input.
pub fn combined_length(inputs: &[&[u8]]) -> usize {
    inputs.iter().map(|input| input.len()).max().unwrap_or(0)
}

/// Combines `inputs` into a new string of [`combined_length`]. Shorter inputs count as followed
/// by zeros.
///
/// # Panics
///
/// If [`Operation::Not`] gets another number of inputs than one.
pub fn combine(operation: Operation, inputs: &[&[u8]]) -> Vec<u8> {
    combine_reusing(operation, inputs, None)
}

/// [`combine`] in the memory of a vector that is not needed any more, if it has enough. For long
/// strings, fresh memory costs more than combining: the system clears it page by page.
///
/// # Panics
///
/// As [`combine`].
pub fn combine_reusing(operation: Operation, inputs: &[&[u8]], reused: Option<Vec<u8>>) -> Vec<u8> {
    let length = combined_length(inputs);
    let mut output = match reused.filter(|reused| reused.capacity() >= length) {
        Some(mut reused) => {
            reused.resize(length, 0);
            reused
        }
        None => vec![0; length],
    };
    combine_into(operation, inputs, &mut output);
    output
}

/// [`combine`] into a place given by the caller, whose content does not matter.
///
/// # Panics
///
/// If `output` is not [`combined_length`] bytes long, or [`Operation::Not`] gets another number
/// of inputs than one.
pub fn combine_into<'input>(operation: Operation, inputs: &[&'input [u8]], output: &mut [u8]) {
    assert_eq!(output.len(), combined_length(inputs), "the output has its final length");
    let Some((first, others)) = inputs.split_first() else { return };
    assert!(operation != Operation::Not || others.is_empty(), "NOT takes one input");
    for (index, block) in output.chunks_mut(BLOCK).enumerate() {
        let (from, to) = (index * BLOCK, index * BLOCK + block.len());
        let piece_of = |input: &'input [u8]| &input[from.min(input.len())..to.min(input.len())];
        let piece = piece_of(first);
        let (covered, uncovered) = block.split_at_mut(piece.len());
        covered.copy_from_slice(piece);
        uncovered.fill(0);
        if operation == Operation::Not {
            block.iter_mut().for_each(|byte| *byte = !*byte);
        }
        for other in others {
            fold(operation, block, piece_of(other));
        }
    }
}

/// Combines one more piece, which may be shorter, into a block. The loops are plain so that
/// they compile to vector instructions.
fn fold(operation: Operation, block: &mut [u8], piece: &[u8]) {
    let (covered, uncovered) = block.split_at_mut(piece.len());
    let pairs = covered.iter_mut().zip(piece);
    match operation {
        Operation::And => {
            pairs.for_each(|(byte, other)| *byte &= other);
            uncovered.fill(0);
        }
        Operation::Or => pairs.for_each(|(byte, other)| *byte |= other),
        Operation::Xor => pairs.for_each(|(byte, other)| *byte ^= other),
        Operation::Not => unreachable!("NOT has no second input"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn operations_are_read_in_any_case() {
        assert_eq!(Operation::parse(b"AND"), Some(Operation::And));
        assert_eq!(Operation::parse(b"or"), Some(Operation::Or));
        assert_eq!(Operation::parse(b"Xor"), Some(Operation::Xor));
        assert_eq!(Operation::parse(b"nOT"), Some(Operation::Not));
        assert_eq!(Operation::parse(b"nand"), None);
    }

    #[test]
    fn nothing_combines_to_nothing() {
        assert_eq!(combine(Operation::And, &[]), b"");
        assert_eq!(combine(Operation::Not, &[b""]), b"");
        assert_eq!(combine(Operation::Or, &[b"", b""]), b"");
    }

    fn naive(operation: Operation, inputs: &[&[u8]]) -> Vec<u8> {
        (0..combined_length(inputs))
            .map(|index| {
                let mut bytes = inputs.iter().map(|input| input.get(index).copied().unwrap_or(0));
                let first = bytes.next().expect("there is an input");
                bytes.fold(
                    if operation == Operation::Not { !first } else { first },
                    |one, other| match operation {
                        Operation::And => one & other,
                        Operation::Or => one | other,
                        Operation::Xor => one ^ other,
                        Operation::Not => unreachable!("NOT has one input"),
                    },
                )
            })
            .collect()
    }

    proptest! {
        #[test]
        fn combining_agrees_with_going_byte_by_byte(
            seeds in proptest::collection::vec((any::<u8>(), 0..3 * BLOCK), 1..5),
        ) {
            let inputs: Vec<Vec<u8>> = seeds
                .into_iter()
                .map(|(seed, length)| (0..length).map(|at| (at as u8).wrapping_mul(seed)).collect())
                .collect();
            let inputs: Vec<&[u8]> = inputs.iter().map(Vec::as_slice).collect();
            for operation in [Operation::And, Operation::Or, Operation::Xor] {
                let expected = naive(operation, &inputs);
                prop_assert_eq!(&combine(operation, &inputs), &expected);
                let reused = Some(vec![1; 2 * BLOCK]);
                prop_assert_eq!(combine_reusing(operation, &inputs, reused), expected);
            }
            let one = &inputs[..1];
            prop_assert_eq!(combine(Operation::Not, one), naive(Operation::Not, one));
        }
    }
}
