//! Words in quotes: splitting lines into them, and quoting bytes so that people can read them.
//!
//! The rules are those of Redis' inline commands and configuration lines. Words are separated
//! by white space. A quote may open anywhere in a word, and where it closes the word must end.
//! In double quotes `\n \r \t \b \a` and `\xHH` stand for bytes, and a backslash before any
//! other byte for that byte. In single quotes only `\'` is special.

use std::ops::Range;

/// Splits `line` into its words. `None` if a quote is not closed, or closed right before other
/// text. As in Redis, a zero byte ends the line.
pub fn split_args(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    Words::new(line)
        .map(|word| match word {
            Ok(Word::Plain(range)) => Some(line[range].to_vec()),
            Ok(Word::Quoted(bytes)) => Some(bytes),
            Err(Unbalanced) => None,
        })
        .collect()
}

/// Appends `bytes` to `out` in double quotes, with everything escaped that is not printable
/// ASCII. [`split_args`] gives the same bytes back.
pub fn quote(bytes: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    for &byte in bytes {
        match byte {
            b'\\' | b'"' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            BELL => out.extend_from_slice(b"\\a"),
            BACKSPACE => out.extend_from_slice(b"\\b"),
            b' '..=b'~' => out.push(byte),
            _ => {
                let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
                out.extend_from_slice(b"\\x");
                out.extend_from_slice(&digits);
            }
        }
    }
    out.push(b'"');
}

const BELL: u8 = 0x07;
const BACKSPACE: u8 = 0x08;

/// One word of a line.
pub(crate) enum Word {
    /// Stands in the line as it is, at this range.
    Plain(Range<usize>),
    /// Had quotes; these are the bytes meant.
    Quoted(Vec<u8>),
}

/// A quote is not closed, or closed right before other text.
pub(crate) struct Unbalanced;

/// The words of a line, first to last. Not to be used further after an error.
pub(crate) struct Words<'a> {
    line: &'a [u8],
    position: usize,
}

impl<'a> Words<'a> {
    pub(crate) fn new(line: &'a [u8]) -> Self {
        let end = memchr::memchr(0, line).unwrap_or(line.len());
        Self { line: &line[..end], position: 0 }
    }

    fn peek(&self) -> Option<u8> {
        self.line.get(self.position).copied()
    }

    fn next_byte(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.position += 1;
        Some(byte)
    }

    /// Reads on from the first quote of a word, whose beginning before it is `word`.
    fn quoted(&mut self, mut word: Vec<u8>) -> Result<Word, Unbalanced> {
        let closed = match self.next_byte() {
            Some(b'"') => self.double(&mut word),
            _ => self.single(&mut word),
        };
        closed.ok_or(Unbalanced)?;
        match self.peek() {
            Some(next) if !is_space(next) => Err(Unbalanced),
            _ => Ok(Word::Quoted(word)),
        }
    }

    /// Reads to the end of a part in double quotes. `None` if it has none.
    fn double(&mut self, word: &mut Vec<u8>) -> Option<()> {
        loop {
            let byte = match self.next_byte()? {
                b'"' => return Some(()),
                b'\\' => self.escaped()?,
                byte => byte,
            };
            word.push(byte);
        }
    }

    /// Reads to the end of a part in single quotes. `None` if it has none.
    fn single(&mut self, word: &mut Vec<u8>) -> Option<()> {
        loop {
            match self.next_byte()? {
                b'\'' => return Some(()),
                b'\\' if self.peek() == Some(b'\'') => {
                    self.position += 1;
                    word.push(b'\'');
                }
                byte => word.push(byte),
            }
        }
    }

    /// Reads what follows a backslash in double quotes.
    fn escaped(&mut self) -> Option<u8> {
        Some(match self.next_byte()? {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'b' => BACKSPACE,
            b'a' => BELL,
            b'x' => match self.line[self.position..] {
                [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    self.position += 2;
                    hex_value(high) << 4 | hex_value(low)
                }
                // Without two digits it is a plain `x`.
                _ => b'x',
            },
            byte => byte,
        })
    }
}

impl Iterator for Words<'_> {
    type Item = Result<Word, Unbalanced>;

    fn next(&mut self) -> Option<Self::Item> {
        while is_space(self.peek()?) {
            self.position += 1;
        }
        let start = self.position;
        while let Some(byte) = self.peek() {
            if byte == b'"' || byte == b'\'' {
                return Some(self.quoted(self.line[start..self.position].to_vec()));
            }
            if ends_word(byte) {
                break;
            }
            self.position += 1;
        }
        Some(Ok(Word::Plain(start..self.position)))
    }
}

/// What may stand between words: the white space of C.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// What ends an unquoted word. Vertical tab and form feed do not, though they may precede one.
fn ends_word(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

/// The value of an ASCII hexadecimal digit.
fn hex_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Each line with its words separated by `|`, or `None`. All checked against Redis 7.0.
    const LINES: &[(&[u8], Option<&[u8]>)] = &[
        (b"", Some(b"")),
        (b" \t\r\n\x0b\x0c ", Some(b"")),
        (b"SET key value", Some(b"SET|key|value")),
        (b"  SET \t key\rvalue ", Some(b"SET|key|value")),
        (b"\x0bPING \x0ba", Some(b"PING|a")),
        (b"a\x0bb\x0cc", Some(b"a\x0bb\x0cc")),
        (b"\xa0b \x80", Some(b"\xa0b|\x80")),
        (br#""a b" c"#, Some(b"a b|c")),
        (br#"a"b c""#, Some(b"ab c")),
        (br#""\x41\xfF\n\r\t\b\a\q\\\"""#, Some(b"A\xff\n\r\t\x08\x07q\\\"")),
        (br#""\xZZ" "\x4" "\x""#, Some(b"xZZ|x4|x")),
        (br"'a\'b\n'", Some(br"a'b\n")),
        (br#"'a"b' "c'd""#, Some(b"a\"b|c'd")),
        (b"\"a\"\x0bb", Some(b"a|b")),
        (br#""a\"#, None),
        (br#""a"#, None),
        (br#""a"b"#, None),
        (br#""a""b""#, None),
        (b"'a", None),
        (b"'a'b", None),
        (br"'a\'", None),
        (b"a'", None),
        (b"a\0b \"", Some(b"a")),
    ];

    #[test]
    fn splits_as_redis_does() {
        for (line, expected) in LINES {
            let words = split_args(line).map(|words| words.join(&b'|'));
            assert_eq!(words.as_deref(), *expected, "{}", line.escape_ascii());
        }
    }

    #[test]
    fn empty_words_are_words() {
        assert_eq!(split_args(br#""" a '' ""#), None);
        assert_eq!(split_args(br#""" ''"#), Some(vec![vec![], vec![]]));
    }

    #[test]
    fn quotes_as_redis_does() {
        let mut out = b"x ".to_vec();
        quote(b"a\"\\\n\r\t\x07\x08\0\x1f ~\x7f\xff'", &mut out);
        assert_eq!(out, br#"x "a\"\\\n\r\t\a\b\x00\x1f ~\x7f\xff'""#);
    }

    proptest! {
        #[test]
        fn what_is_quoted_splits_back(words: Vec<Vec<u8>>) {
            let mut line = Vec::new();
            for word in &words {
                quote(word, &mut line);
                line.push(b' ');
            }
            prop_assert_eq!(split_args(&line), Some(words));
        }

        #[test]
        fn any_line_is_split_or_refused(line: Vec<u8>) {
            if let Some(words) = split_args(&line) {
                prop_assert!(words.iter().map(Vec::len).sum::<usize>() <= line.len());
            }
        }
    }
}
