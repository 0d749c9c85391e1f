//! The longest common subsequence of two strings, as the LCS command answers it.
//!
//! # The table
//!
//! The textbook method fills a table with the length `L(i, j)` of the longest common
//! subsequence of the first `i` bytes of `a` and the first `j` bytes of `b`, then walks back
//! from the last cell: over a diagonal where the bytes are equal, else up if `L(i-1, j)` is
//! larger than `L(i, j-1)`, else left. Redis does so with four bytes per cell. Among several
//! longest subsequences it thus answers a certain one, which has to be this one's answer too.
//!
//! Two neighbours in a row differ by 0 or 1, and where the bytes differ `L(i, j)` is the larger
//! of the two cells that the walk compares. So the walk goes up exactly if `L(i, j)` is larger
//! than `L(i, j-1)`: one bit per cell tells the way.
//!
//! ```text
//!             b  →  64 columns per word        L(i, j):     steps:
//!        ┌────────┬────────┬─────               0 1 1 2      1 0 1
//!      a │ word   │ word   │                    0 1 2 2      1 1 0
//!      ↓ │ word   │ word   │
//! ```
//!
//! And 64 such bits are computed at once: with the steps of one row as the clear bits of a word
//! `v`, and the columns whose byte equals this row's as the set bits of `m`, the next row is
//! `(v + (v & m)) | (v & !m)`, where the carry of the sum goes to the word at the right
//! (H. Hyyrö, "Bit-Parallel LCS-length Computation Revisited", 2004).
//!
//! Words are computed column by column, so that the 256 possible values of `m` for a column
//! stay in the nearest cache. A cell costs one bit, a 32nd of Redis' table, and 64 cells about
//! as many instructions as one there. For the length alone no table is kept.

/// Why no subsequence was computed. The texts are those that Redis answers, behind `ERR `.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LcsError {
    /// A string has 4 GiB or more.
    #[error("String too long for LCS")]
    StringTooLong,
    /// Redis' table would be larger than proto-max-bulk-len. The limit is kept although the
    /// table here is smaller, as it bounds the time too.
    #[error("Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")]
    OverLimit,
    /// The allocator gave no room for the table.
    #[error("Insufficient memory, failed allocating transient memory for LCS")]
    OutOfMemory,
}

/// A piece that two strings have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// Index of its first byte in the first string.
    pub a_start: usize,
    /// Index of its first byte in the second string.
    pub b_start: usize,
    /// Bytes, at least one.
    pub length: usize,
}

/// What `LCS ... IDX` answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matches {
    /// The pieces that make up the subsequence, the last one first.
    pub matches: Vec<Match>,
    /// Length of the whole subsequence, pieces that were too short included.
    pub length: usize,
}

/// Length of the longest common subsequence of `a` and `b` (`LCS ... LEN`).
///
/// `max_table` is proto-max-bulk-len, in bytes.
pub fn length(a: &[u8], b: &[u8], max_table: u64) -> Result<usize, LcsError> {
    check(a, b, max_table)?;
    let mut columns = Columns::new(a, b)?;
    let mut length = 0;
    while let Some(last_row) = columns.next(|_| {}) {
        length += last_row.count_zeros() as usize;
    }
    Ok(length)
}

/// The longest common subsequence of `a` and `b`, of several the one that Redis finds.
///
/// `max_table` is proto-max-bulk-len, in bytes.
pub fn subsequence(a: &[u8], b: &[u8], max_table: u64) -> Result<Vec<u8>, LcsError> {
    let mut reversed = Vec::new();
    walk(a, b, max_table, |piece| {
        reversed.extend(a[piece.a_start..][..piece.length].iter().rev());
    })?;
    reversed.reverse();
    Ok(reversed)
}

/// The pieces of [`subsequence`] that are at least `min_length` bytes long (`LCS ... IDX`,
/// `MINMATCHLEN`).
///
/// `max_table` is proto-max-bulk-len, in bytes.
pub fn matches(a: &[u8], b: &[u8], min_length: usize, max_table: u64) -> Result<Matches, LcsError> {
    let mut answer = Matches { matches: Vec::new(), length: 0 };
    walk(a, b, max_table, |piece| {
        answer.length += piece.length;
        if piece.length >= min_length {
            answer.matches.push(piece);
        }
    })?;
    Ok(answer)
}

fn check(a: &[u8], b: &[u8], max_table: u64) -> Result<(), LcsError> {
    /// Bytes per cell in Redis.
    const CELL: u128 = 4;
    const TOO_LONG: usize = u32::MAX as usize - 1;
    if a.len() >= TOO_LONG || b.len() >= TOO_LONG {
        return Err(LcsError::StringTooLong);
    }
    let table = CELL * (a.len() as u128 + 1) * (b.len() as u128 + 1);
    if table > u128::from(max_table) { Err(LcsError::OverLimit) } else { Ok(()) }
}

/// Computes the table and walks it back, telling of each piece that is passed.
fn walk(a: &[u8], b: &[u8], max_table: u64, mut tell: impl FnMut(Match)) -> Result<(), LcsError> {
    check(a, b, max_table)?;
    let mut columns = Columns::new(a, b)?;
    let mut table = with_room(columns.count() * a.len())?;
    while columns.next(|word| table.push(word)).is_some() {}
    let is_step = |row: usize, at: usize| {
        let word: u64 = table[at / 64 * a.len() + row];
        word >> (at % 64) & 1 == 0
    };

    let (mut i, mut j) = (a.len(), b.len());
    let mut piece_length = 0;
    while i > 0 && j > 0 {
        if a[i - 1] == b[j - 1] {
            i -= 1;
            j -= 1;
            piece_length += 1;
            continue;
        }
        if piece_length > 0 {
            tell(Match { a_start: i, b_start: j, length: piece_length });
            piece_length = 0;
        }
        if is_step(i - 1, j - 1) {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    if piece_length > 0 {
        tell(Match { a_start: i, b_start: j, length: piece_length });
    }
    Ok(())
}

/// Computes the table, one column of words after the other.
struct Columns<'strings> {
    a: &'strings [u8],
    /// What is still to come.
    b: std::slice::Chunks<'strings, u8>,
    /// Carries from the column before into each row, 64 rows to a word.
    carries: Vec<u64>,
}

impl<'strings> Columns<'strings> {
    fn new(a: &'strings [u8], b: &'strings [u8]) -> Result<Columns<'strings>, LcsError> {
        let mut carries = with_room(a.len().div_ceil(64))?;
        carries.resize(a.len().div_ceil(64), 0);
        Ok(Columns { a, b: b.chunks(64), carries })
    }

    /// Columns still to come.
    fn count(&self) -> usize {
        self.b.len()
    }

    /// Computes a column and tells its words from the first row to the last; answers the last
    /// one. Bits beyond the end of `b` stay set. `None` behind the last column.
    fn next(&mut self, mut tell: impl FnMut(u64)) -> Option<u64> {
        let columns = self.b.next()?;
        let mut matching = [0u64; 256];
        for (at, &byte) in columns.iter().enumerate() {
            matching[usize::from(byte)] |= 1 << at;
        }
        let mut word = u64::MAX;
        for (rows, carries) in self.a.chunks(64).zip(&mut self.carries) {
            let incoming = *carries;
            *carries = 0;
            for (row, &byte) in rows.iter().enumerate() {
                let matching = matching[usize::from(byte)];
                let (sum, carry) = word.overflowing_add(word & matching);
                let (sum, carry_by_carry) = sum.overflowing_add(incoming >> row & 1);
                *carries |= u64::from(carry | carry_by_carry) << row;
                word = sum | (word & !matching);
                tell(word);
            }
        }
        Some(word)
    }
}

fn with_room(count: usize) -> Result<Vec<u64>, LcsError> {
    let mut words = Vec::new();
    words.try_reserve_exact(count).map_err(|_| LcsError::OutOfMemory)?;
    Ok(words)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NO_LIMIT: u64 = u64::MAX;

    #[test]
    fn the_example_of_the_command_is_answered() {
        let (a, b) = (b"ohmytext", b"mynewtext");
        assert_eq!(subsequence(a, b, NO_LIMIT), Ok(b"mytext".to_vec()));
        assert_eq!(length(a, b, NO_LIMIT), Ok(6));
        let text = Match { a_start: 4, b_start: 5, length: 4 };
        let my = Match { a_start: 2, b_start: 0, length: 2 };
        let all = Matches { matches: vec![text, my], length: 6 };
        assert_eq!(matches(a, b, 0, NO_LIMIT), Ok(all));
        let long = Matches { matches: vec![text], length: 6 };
        assert_eq!(matches(a, b, 4, NO_LIMIT), Ok(long));
    }

    #[test]
    fn empty_strings_have_nothing_in_common() {
        for (a, b) in [(&b""[..], &b""[..]), (b"a", b""), (b"", b"a"), (b"a", b"b")] {
            assert_eq!(length(a, b, NO_LIMIT), Ok(0));
            assert_eq!(subsequence(a, b, NO_LIMIT), Ok(vec![]));
        }
    }

    #[test]
    fn the_limit_is_that_of_a_table_of_four_bytes_per_cell() {
        assert_eq!(length(b"abc", b"abcd", 80), Ok(3));
        assert_eq!(length(b"abc", b"abcd", 79), Err(LcsError::OverLimit));
        assert_eq!(subsequence(b"abc", b"abcd", 79), Err(LcsError::OverLimit));
    }

    /// The textbook's table and walk.
    fn naive(a: &[u8], b: &[u8]) -> Vec<u8> {
        let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
        for i in 1..=a.len() {
            for j in 1..=b.len() {
                table[i][j] = if a[i - 1] == b[j - 1] {
                    table[i - 1][j - 1] + 1
                } else {
                    table[i - 1][j].max(table[i][j - 1])
                };
            }
        }
        let mut found = Vec::new();
        let (mut i, mut j) = (a.len(), b.len());
        while i > 0 && j > 0 {
            if a[i - 1] == b[j - 1] {
                found.insert(0, a[i - 1]);
                i -= 1;
                j -= 1;
            } else if table[i - 1][j] > table[i][j - 1] {
                i -= 1;
            } else {
                j -= 1;
            }
        }
        found
    }

    proptest! {
        #[test]
        fn words_of_cells_agree_with_single_cells(
            a in proptest::collection::vec(b'a'..b'e', 0..200),
            b in proptest::collection::vec(b'a'..b'e', 0..200),
        ) {
            let expected = naive(&a, &b);
            prop_assert_eq!(length(&a, &b, NO_LIMIT), Ok(expected.len()));
            prop_assert_eq!(subsequence(&a, &b, NO_LIMIT), Ok(expected));
        }

        #[test]
        fn pieces_are_common_ordered_and_complete(
            a in proptest::collection::vec(b'a'..b'd', 0..100),
            b in proptest::collection::vec(b'a'..b'd', 0..100),
        ) {
            let answer = matches(&a, &b, 0, NO_LIMIT).expect("no limit");
            let mut joined = Vec::new();
            let (mut a_from, mut b_from) = (0, 0);
            for piece in answer.matches.iter().rev() {
                prop_assert!(piece.a_start >= a_from && piece.b_start >= b_from);
                (a_from, b_from) = (piece.a_start + piece.length, piece.b_start + piece.length);
                prop_assert_eq!(&a[piece.a_start..a_from], &b[piece.b_start..b_from]);
                joined.extend_from_slice(&a[piece.a_start..a_from]);
            }
            prop_assert_eq!(joined.len(), answer.length);
            prop_assert_eq!(subsequence(&a, &b, NO_LIMIT), Ok(joined));
        }
    }
}
