//! The manifest: which files a log consists of.
//!
//! ```text
//! file appendonly.aof.2.base.rdb seq 2 type b
//! file appendonly.aof.1.incr.aof seq 1 type h
//! file appendonly.aof.2.incr.aof seq 2 type i
//! ```
//!
//! One line per file: the base, if there is one, what is history, and the increments in order. A line is
//! pairs of a key and a value, of which others than these are passed over. A name with blanks or other
//! bytes that are not printed is in quotes, as on Redis' command lines.

use std::fmt::Write as _;

/// What a file of a log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// The state that increments are added to.
    Base,
    /// Changes since.
    Increment,
    /// No longer part of the log.
    History,
}

impl FileKind {
    const ALL: [(FileKind, &'static str); 3] =
        [(FileKind::Base, "b"), (FileKind::Increment, "i"), (FileKind::History, "h")];

    fn letter(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).expect("all are listed").1
    }
}

/// A file of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    /// Its name, without a directory.
    pub name: String,
    /// Its number among those of its kind.
    pub sequence: u64,
    /// What it is.
    pub kind: FileKind,
}

/// See the module's documentation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The base.
    pub base: Option<FileInfo>,
    /// The increments, in order.
    pub increments: Vec<FileInfo>,
    /// What may be removed, newest first.
    pub history: Vec<FileInfo>,
}

/// The longest line, with its end.
const LINE_MAX: usize = 1024;

/// What is wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}, at line {line}")]
pub struct Malformed {
    /// The number of the line, from 1 on.
    pub line: usize,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let mut manifest = Manifest::default();
        if text.is_empty() {
            return Err(Malformed { line: 1, reason: "Found an empty AOF manifest" });
        }
        for (at, line) in text.split_inclusive('\n').enumerate() {
            let malformed = |reason| Malformed { line: at + 1, reason };
            if line.starts_with('#') {
                continue;
            }
            let line = line.strip_suffix('\n').filter(|line| line.len() < LINE_MAX);
            let line =
                line.ok_or_else(|| malformed("The AOF manifest file contains too long line"))?;
            let file = parse_line(line).map_err(malformed)?;
            match file.kind {
                FileKind::Base if manifest.base.is_some() => {
                    return Err(malformed("Found duplicate base file information"));
                }
                FileKind::Base => manifest.base = Some(file),
                FileKind::History => manifest.history.push(file),
                FileKind::Increment => {
                    if manifest.increments.last().is_some_and(|last| last.sequence >= file.sequence)
                    {
                        return Err(malformed("Found a non-monotonic sequence number"));
                    }
                    manifest.increments.push(file);
                }
            }
        }
        Ok(manifest)
    }

    /// Writes it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for file in self.base.iter().chain(&self.history).chain(&self.increments) {
            let (name, kind) = (quoted(&file.name), file.kind.letter());
            writeln!(text, "file {name} seq {} type {kind}", file.sequence)
                .expect("a string takes everything");
        }
        text
    }

    /// Adds an increment to a log whose files have names that begin with `name`, and returns it.
    pub fn add_increment(&mut self, name: &str) -> &FileInfo {
        let increment = |sequence: u64| format!("{name}.{sequence}.incr.aof");
        // With no increment left numbers begin anew; but what is history must not get a successor of the
        // same name, which would be removed with it.
        let taken = self.history.iter().filter(|file| file.name == increment(file.sequence));
        let taken = taken.chain(self.increments.last()).map(|file| file.sequence).max();
        let sequence = taken.unwrap_or(0) + 1;
        let name = increment(sequence);
        self.increments.push(FileInfo { name, sequence, kind: FileKind::Increment });
        self.increments.last().expect("it was just added")
    }

    /// The base that a rewrite is going to make: an RDB file, or commands.
    #[must_use]
    pub fn next_base(&self, name: &str, is_rdb: bool) -> FileInfo {
        let sequence = self.base.as_ref().map_or(0, |base| base.sequence) + 1;
        let format = if is_rdb { "rdb" } else { "aof" };
        let name = format!("{name}.{sequence}.base.{format}");
        FileInfo { name, sequence, kind: FileKind::Base }
    }

    /// Puts a new base in the place of the old one and of all increments but the last `kept`, which
    /// become history.
    pub fn replace_base(&mut self, base: FileInfo, kept: usize) {
        let replaced = self.increments.len().saturating_sub(kept);
        let old = self.increments.drain(..replaced).chain(self.base.take());
        let old = old.map(|file| FileInfo { kind: FileKind::History, ..file });
        self.history.splice(..0, old);
        self.base = Some(base);
    }
}

const INVALID: &str = "Invalid AOF manifest file format";

fn parse_line(line: &str) -> Result<FileInfo, &'static str> {
    let words = words(line).ok_or(INVALID)?;
    if words.len() < 6 || words.len() % 2 != 0 {
        return Err(INVALID);
    }
    let value_of = |wanted: &str| {
        let pair = words.chunks_exact(2).find(|pair| pair[0].eq_ignore_ascii_case(wanted));
        pair.map(|pair| &pair[1]).ok_or(INVALID)
    };
    let (name, sequence, kind) = (value_of("file")?, value_of("seq")?, value_of("type")?);
    if name.is_empty() || sequence.is_empty() {
        return Err(INVALID);
    }
    if name.contains('/') {
        return Err("File can't be a path, just a filename");
    }
    let kind = FileKind::ALL.iter().find(|(_, letter)| letter == kind);
    let (kind, _) = *kind.ok_or("Unknown AOF file type")?;
    let sequence = sequence.parse().map_err(|_| INVALID)?;
    Ok(FileInfo { name: name.clone(), sequence, kind })
}

/// A name, in quotes if it needs them.
fn quoted(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_graphic() && !['"', '\'', '\\', '#'].contains(&c);
    if name.chars().all(is_plain) {
        return name.to_owned();
    }
    let mut text = String::from('"');
    for byte in name.bytes() {
        match byte {
            b'"' | b'\\' => text.extend(['\\', byte.into()]),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            7 => text.push_str("\\a"),
            8 => text.push_str("\\b"),
            b' '..=b'~' => text.push(byte.into()),
            _ => write!(text, "\\x{byte:02x}").expect("a string takes everything"),
        }
    }
    text.push('"');
    text
}

/// The words of a line, of which some may be in quotes; nothing if those are not closed.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut rest = line.trim_ascii();
    while !rest.is_empty() {
        let word;
        (word, rest) = match rest.strip_prefix('"') {
            Some(quoted) => unquoted(quoted)?,
            None => {
                let end = rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        words.push(word);
        rest = rest.trim_ascii_start();
    }
    Some(words)
}

/// A word behind its opening quotes, and what follows the closing ones.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut word = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        match (*bytes.get(at)?, bytes.get(at + 1)) {
            (b'"', _) => {
                return Some((String::from_utf8_lossy(&word).into_owned(), &text[at + 1..]));
            }
            (b'\\', Some(b'x')) if hexadecimal(bytes.get(at + 2..at + 4)).is_some() => {
                word.extend(hexadecimal(bytes.get(at + 2..at + 4)));
                at += 4;
            }
            (b'\\', Some(&escaped)) => {
                word.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'a' => 7,
                    other => other,
                });
                at += 2;
            }
            (byte, _) => {
                word.push(byte);
                at += 1;
            }
        }
    }
}

/// The byte that two hexadecimal digits stand for.
fn hexadecimal(digits: Option<&[u8]>) -> Option<u8> {
    let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
    u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_was_written() {
        let mut manifest = Manifest::default();
        manifest.base = Some(manifest.next_base("ä b\"c", true));
        manifest.add_increment("appendonly.aof");
        manifest.add_increment("appendonly.aof");
        assert_eq!(Manifest::parse(&manifest.to_text()), Ok(manifest.clone()));
        let base = manifest.next_base("x", false);
        manifest.replace_base(base, 1);
        let text = "file x.2.base.aof seq 2 type b\n\
                    file appendonly.aof.1.incr.aof seq 1 type h\n\
                    file \"\\xc3\\xa4 b\\\"c.1.base.rdb\" seq 1 type h\n\
                    file appendonly.aof.2.incr.aof seq 2 type i\n";
        assert_eq!(manifest.to_text(), text);
        assert_eq!(Manifest::parse(text), Ok(manifest));
    }

    #[test]
    fn no_increment_is_named_as_one_that_is_history() {
        let mut manifest = Manifest::default();
        manifest.base = Some(manifest.next_base("log", true));
        for _ in 0..2 {
            manifest.add_increment("log");
        }
        let base = manifest.next_base("log", true);
        manifest.replace_base(base, 0);
        assert_eq!(manifest.clone().add_increment("log").name, "log.3.incr.aof");
        manifest.history.clear();
        assert_eq!(manifest.add_increment("log").name, "log.1.incr.aof");
    }

    #[test]
    fn other_keys_and_another_order_are_fine() {
        let text = "# a note\ntype i new key SEQ 3 file \"a\\x20b\\\\\"\n";
        let manifest = Manifest::parse(text).expect("it is right");
        assert_eq!(manifest.increments[0].name, "a b\\");
        assert_eq!(manifest.increments[0].sequence, 3);
    }

    #[test]
    fn lines_that_are_wrong_are_named() {
        for (text, line) in [
            ("", 1),
            ("file a seq 1 type b\nfile b seq 2 type b\n", 2),
            ("file a seq 2 type i\nfile b seq 1 type i\n", 2),
            ("file a seq x type b\n", 1),
            ("file a seq 1 type z\n", 1),
            ("file ../a seq 1 type b\n", 1),
            ("seq 1 type b\n", 1),
            ("file a seq 1 type b", 1),
            ("file a seq 1 type b x\n", 1),
            ("file a seq 1 type b\n\nfile b seq 1 type i\n", 2),
            ("file \"a seq 1 type b\n", 1),
        ] {
            assert_eq!(Manifest::parse(text).expect_err(text).line, line, "{text}");
        }
    }
}
