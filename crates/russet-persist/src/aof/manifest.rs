//! The manifest: which files a log consists of.
//!
//! ```text
//! file appendonly.aof.2.base.rdb seq 2 type b
//! file appendonly.aof.1.incr.aof seq 1 type h
//! file appendonly.aof.2.incr.aof seq 2 type i
//! ```
//!
//! One line per file: the base, if there is one, what is history, and the increments in order. A name
//! with blanks or other bytes that are not printed is in quotes, as on Redis' command lines.

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
    /// What may be removed.
    pub history: Vec<FileInfo>,
}

/// What is wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
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
        let mut count = 0;
        for (at, line) in text.split('\n').enumerate() {
            let malformed = |reason| Malformed { line: at + 1, reason };
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let file = parse_line(line).map_err(malformed)?;
            count += 1;
            match file.kind {
                FileKind::Base if manifest.base.is_some() => {
                    return Err(malformed("there is a base already"));
                }
                FileKind::Base => manifest.base = Some(file),
                FileKind::History => manifest.history.push(file),
                FileKind::Increment => {
                    if manifest.increments.last().is_some_and(|last| last.sequence >= file.sequence)
                    {
                        return Err(malformed("increments are not in order"));
                    }
                    manifest.increments.push(file);
                }
            }
        }
        if count == 0 {
            return Err(Malformed { line: 1, reason: "the manifest names no file" });
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
        let sequence = self.increments.last().map_or(0, |last| last.sequence) + 1;
        let name = format!("{name}.{sequence}.incr.aof");
        self.increments.push(FileInfo { name, sequence, kind: FileKind::Increment });
        self.increments.last().expect("it was just added")
    }

    /// The base that a rewrite is going to make.
    #[must_use]
    pub fn next_base(&self, name: &str) -> FileInfo {
        let sequence = self.base.as_ref().map_or(0, |base| base.sequence) + 1;
        let name = format!("{name}.{sequence}.base.rdb");
        FileInfo { name, sequence, kind: FileKind::Base }
    }

    /// Puts a new base in the place of the old one and of all increments but the last `kept`, which
    /// become history.
    pub fn replace_base(&mut self, base: FileInfo, kept: usize) {
        let replaced = self.increments.len().saturating_sub(kept);
        let old = self.increments.drain(..replaced);
        let old = self.base.take().into_iter().chain(old);
        self.history.extend(old.map(|file| FileInfo { kind: FileKind::History, ..file }));
        self.base = Some(base);
    }
}

fn parse_line(line: &str) -> Result<FileInfo, &'static str> {
    let (name, rest) = match line.strip_prefix("file ") {
        Some(quoted) if quoted.starts_with('"') => unquoted(quoted)?,
        Some(rest) => {
            let (name, rest) = rest.split_once(' ').ok_or("words are missing")?;
            (name.to_owned(), rest)
        }
        None => return Err("it does not begin with a file"),
    };
    let words: Vec<&str> = rest.split_ascii_whitespace().collect();
    let ["seq", sequence, "type", kind, ..] = words[..] else { return Err("words are missing") };
    let sequence = sequence.parse().map_err(|_| "the sequence is not a number")?;
    let kind = FileKind::ALL.iter().find(|(_, letter)| *letter == kind);
    let (kind, _) = *kind.ok_or("the type is none of b, h, i")?;
    if name.is_empty() || name.contains('/') {
        return Err("a file must be named without a directory");
    }
    Ok(FileInfo { name, sequence, kind })
}

/// A name, in quotes if it needs them.
fn quoted(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_graphic() && !['"', '\'', '\\', '#'].contains(&c);
    if name.chars().all(is_plain) {
        return name.to_owned();
    }
    let mut text = String::from('"');
    for c in name.chars() {
        if ['"', '\\'].contains(&c) {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
    text
}

/// A name in quotes, and what follows it.
fn unquoted(text: &str) -> Result<(String, &str), &'static str> {
    let mut name = String::new();
    let mut characters = text.char_indices().skip(1);
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Ok((name, &text[at + 1..])),
            '\\' => name.push(characters.next().ok_or("quotes that are not closed")?.1),
            c => name.push(c),
        }
    }
    Err("quotes that are not closed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_was_written() {
        let mut manifest = Manifest::default();
        manifest.base = Some(manifest.next_base("a b\"c"));
        manifest.add_increment("appendonly.aof");
        manifest.add_increment("appendonly.aof");
        assert_eq!(Manifest::parse(&manifest.to_text()), Ok(manifest.clone()));
        let base = manifest.next_base("x");
        manifest.replace_base(base, 1);
        let text = "file x.2.base.rdb seq 2 type b\n\
                    file \"a b\\\"c.1.base.rdb\" seq 1 type h\n\
                    file appendonly.aof.1.incr.aof seq 1 type h\n\
                    file appendonly.aof.2.incr.aof seq 2 type i\n";
        assert_eq!(manifest.to_text(), text);
        assert_eq!(Manifest::parse(text), Ok(manifest));
    }

    #[test]
    fn lines_that_are_wrong_are_named() {
        for (text, line) in [
            ("", 1),
            ("# nothing\n", 1),
            ("file a seq 1 type b\nfile b seq 2 type b\n", 2),
            ("file a seq 2 type i\nfile b seq 1 type i\n", 2),
            ("file a seq x type b\n", 1),
            ("file a seq 1 type z\n", 1),
            ("file ../a seq 1 type b\n", 1),
            ("seq 1 type b\n", 1),
            ("file \"a seq 1 type b\n", 1),
        ] {
            assert_eq!(Manifest::parse(text).expect_err(text).line, line, "{text}");
        }
    }
}
