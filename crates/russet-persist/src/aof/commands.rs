//! Commands in and out of a file.

use std::io::{self, BufRead, Read};

/// Arguments longer than this are not believed.
const ARGUMENT_MAX: u64 = 1 << 32;
/// Nor are more arguments than this.
const ARGUMENTS_MAX: u64 = 1 << 24;
/// The longest line of a note.
const LINE_MAX: usize = 1 << 16;

/// Appends a command.
pub fn write_command<A: AsRef<[u8]>>(out: &mut Vec<u8>, argv: &[A]) {
    let mut digits = itoa::Buffer::new();
    let mut header = |out: &mut Vec<u8>, mark: u8, number: usize| {
        out.push(mark);
        out.extend_from_slice(digits.format(number).as_bytes());
        out.extend_from_slice(b"\r\n");
    };
    header(out, b'*', argv.len());
    for argument in argv {
        let argument = argument.as_ref();
        header(out, b'$', argument.len());
        out.extend_from_slice(argument);
        out.extend_from_slice(b"\r\n");
    }
}

/// Notes that what follows was done at a time, in Unix seconds, or later.
pub fn write_time(out: &mut Vec<u8>, now_s: i64) {
    out.extend_from_slice(b"#TS:");
    out.extend_from_slice(itoa::Buffer::new().format(now_s).as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Why a command could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// The file ends in the middle of it.
    #[error("the file ends in the middle of a command, at offset {0}")]
    Truncated(u64),
    /// There are other bytes than those of a command.
    #[error("bad file format, at offset {0}")]
    Format(u64),
    /// The system failed to deliver the bytes.
    #[error("{error}, at offset {offset}")]
    Io {
        /// Where.
        offset: u64,
        /// What it said.
        error: io::Error,
    },
}

/// What comes next in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A command.
    Command(Vec<Vec<u8>>),
    /// A note, without `#` and the end of its line.
    Note(Vec<u8>),
}

/// Reads commands from anywhere.
pub struct Reader<R> {
    source: R,
    offset: u64,
    lines: u64,
}

impl<R: BufRead> Reader<R> {
    /// Reads commands of a file of which `offset` bytes were read before.
    pub fn new(source: R, offset: u64) -> Self {
        Reader { source, offset, lines: 0 }
    }

    /// Bytes read so far. After a command, everything up to there is whole.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Lines read so far. An argument is one, whatever is in it.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// The next command; `None` at the end.
    ///
    /// # Errors
    /// If there is something else.
    pub fn next_command(&mut self) -> Result<Option<Vec<Vec<u8>>>, Damage> {
        loop {
            match self.next_step()? {
                None => return Ok(None),
                Some(Step::Command(argv)) => return Ok(Some(argv)),
                Some(Step::Note(_)) => {}
            }
        }
    }

    /// The next command or note; `None` at the end.
    ///
    /// # Errors
    /// If there is something else.
    pub fn next_step(&mut self) -> Result<Option<Step>, Damage> {
        let mut first = [0];
        if self.read_some(&mut first)? == 0 {
            return Ok(None);
        }
        match first {
            [b'#'] => {
                let line = self.line()?;
                let note = line.strip_suffix(b"\r").unwrap_or(&line);
                Ok(Some(Step::Note(note.to_vec())))
            }
            [b'*'] => self.arguments().map(Step::Command).map(Some),
            _ => Err(Damage::Format(self.offset - 1)),
        }
    }

    fn arguments(&mut self) -> Result<Vec<Vec<u8>>, Damage> {
        let count = self.number(ARGUMENTS_MAX)?;
        if count == 0 {
            return Err(Damage::Format(self.offset));
        }
        (0..count).map(|_| self.argument()).collect()
    }

    fn argument(&mut self) -> Result<Vec<u8>, Damage> {
        if self.exactly::<1>()? != *b"$" {
            return Err(Damage::Format(self.offset - 1));
        }
        let length = self.number(ARGUMENT_MAX)?;
        // What is claimed is believed as it arrives.
        let mut bytes = Vec::new();
        let read = self.source.by_ref().take(length).read_to_end(&mut bytes);
        let read = read.map_err(|error| Damage::Io { offset: self.offset, error })?;
        self.offset += read as u64;
        if (read as u64) < length {
            return Err(Damage::Truncated(self.offset));
        }
        if self.exactly::<2>()? != *b"\r\n" {
            return Err(Damage::Format(self.offset - 2));
        }
        self.lines += 1;
        Ok(bytes)
    }

    fn number(&mut self, most: u64) -> Result<u64, Damage> {
        let start = self.offset;
        let line = self.line()?;
        let text = line.strip_suffix(b"\r").unwrap_or(&line);
        let number = russet_data::number::parse_u64(text).filter(|number| *number <= most);
        number.ok_or(Damage::Format(start))
    }

    /// What is left of a line, without its end.
    fn line(&mut self) -> Result<Vec<u8>, Damage> {
        let mut line = Vec::new();
        let read = self.source.by_ref().take(LINE_MAX as u64).read_until(b'\n', &mut line);
        let read = read.map_err(|error| Damage::Io { offset: self.offset, error })?;
        let start = self.offset;
        self.offset += read as u64;
        match line.pop() {
            Some(b'\n') => {
                self.lines += 1;
                Ok(line)
            }
            _ if read == LINE_MAX => Err(Damage::Format(start)),
            _ => Err(Damage::Truncated(self.offset)),
        }
    }

    fn exactly<const N: usize>(&mut self) -> Result<[u8; N], Damage> {
        let mut bytes = [0; N];
        match self.read_some(&mut bytes)? {
            read if read == N => Ok(bytes),
            _ => Err(Damage::Truncated(self.offset)),
        }
    }

    /// Fills as much of a buffer as there is.
    fn read_some(&mut self, bytes: &mut [u8]) -> Result<usize, Damage> {
        let mut read = 0;
        while read < bytes.len() {
            match self.source.read(&mut bytes[read..]) {
                Ok(0) => break,
                Ok(more) => read += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Damage::Io { offset: self.offset, error }),
            }
        }
        self.offset += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_all(bytes: &[u8]) -> (Vec<Vec<Vec<u8>>>, u64, Option<Damage>) {
        let (mut reader, mut commands) = (Reader::new(bytes, 0), Vec::new());
        loop {
            let whole = reader.offset();
            match reader.next_command() {
                Ok(Some(command)) => commands.push(command),
                Ok(None) => return (commands, whole, None),
                Err(damage) => return (commands, whole, Some(damage)),
            }
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_up_to_where_it_ends(
            commands in prop::collection::vec(
                prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 1..5),
                0..8,
            ),
            cut in 0usize..400,
        ) {
            let mut ends = vec![0];
            let mut bytes = Vec::new();
            for command in &commands {
                write_command(&mut bytes, command);
                ends.push(bytes.len());
            }
            let (read, whole, damage) = read_all(&bytes);
            prop_assert!(damage.is_none());
            prop_assert_eq!((&read, whole), (&commands, bytes.len() as u64));
            let cut = cut.min(bytes.len());
            let (read, whole, damage) = read_all(&bytes[..cut]);
            let expected = ends.iter().filter(|end| **end <= cut).count() - 1;
            prop_assert_eq!(&read[..], &commands[..expected]);
            prop_assert_eq!(whole, ends[expected] as u64);
            prop_assert_eq!(damage.is_none(), ends[expected] == cut);
            let is_truncated = matches!(damage, None | Some(Damage::Truncated(_)));
            prop_assert!(is_truncated);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            read_all(&[b"*1\r\n$", &bytes[..]].concat());
            read_all(&bytes);
        }
    }

    #[test]
    fn notes_are_passed_over() {
        let (commands, _, damage) = read_all(b"#TS:1700000000\r\n*1\r\n$4\r\nPING\r\n");
        assert_eq!((commands, damage.is_none()), (vec![vec![b"PING".to_vec()]], true));
    }

    #[test]
    fn other_bytes_are_located() {
        for (bytes, offset) in [
            (&b"*1\r\n$4\r\nPINGxx"[..], 12),
            (b"+OK\r\n", 0),
            (b"*1\r\n*4\r\n", 4),
            (b"*x\r\n", 1),
        ] {
            let (_, _, damage) = read_all(bytes);
            assert!(matches!(damage, Some(Damage::Format(at)) if at == offset), "{damage:?}");
        }
    }
}
