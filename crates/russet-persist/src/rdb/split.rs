//! Cutting a file into pieces that can be read independently of each other.

use std::io::{ErrorKind, Read};

use super::error::{Error, Problem};
use super::items::{CHECKSUM_SINCE, HEADER_BYTES, Item, Items, version};
use crate::crc64;

/// Bytes that a piece should have; a value that is longer is a piece of its own.
const PIECE_BYTES: usize = 1 << 20;

/// A whole number of items.
#[derive(Debug)]
pub struct Piece {
    /// The items, to be read by [`Items::new`].
    pub bytes: Vec<u8>,
    /// The database that is selected when they begin.
    pub db: u64,
    /// How many bytes of the file come before.
    pub offset: u64,
}

/// What came of comparing the checksum at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is right.
    Right,
    /// It is zero: whoever wrote the file made none.
    Absent,
}

/// How far a file was read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Items,
    /// Up to the checksum.
    Checksum,
    All,
}

/// Reads a file from anywhere, piece by piece, and checks its checksum.
pub struct Splitter<R> {
    source: R,
    /// What was read and is in no piece yet.
    buffer: Vec<u8>,
    /// Where `buffer` begins in the file.
    offset: u64,
    db: u64,
    version: u32,
    /// Of everything before `buffer`; not kept if checksums are not checked.
    checksum: Option<u64>,
    progress: Progress,
    verdict: Option<Verdict>,
}

impl<R: Read> Splitter<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// If it is no header of a version that is known.
    pub fn new(source: R, checks: bool) -> Result<Self, Error> {
        let mut splitter = Splitter {
            source,
            buffer: Vec::with_capacity(PIECE_BYTES),
            offset: 0,
            db: 0,
            version: 0,
            checksum: checks.then_some(0),
            progress: Progress::Items,
            verdict: None,
        };
        splitter.fill(HEADER_BYTES)?;
        let header = splitter.buffer.first_chunk().ok_or(splitter.truncated())?;
        splitter.version = version(*header)?;
        splitter.take(HEADER_BYTES);
        Ok(splitter)
    }

    /// The version of the file.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Bytes that are in pieces already.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// What came of the checksum; nothing before the end, if the version has none, or if it was not to be
    /// checked.
    pub fn verdict(&self) -> Option<Verdict> {
        self.verdict
    }

    /// What is left of the source behind the end of the file: bytes read already, and the source.
    pub fn into_rest(self) -> (Vec<u8>, R) {
        (self.buffer, self.source)
    }

    /// The next piece; `None` after the last. What is well before something that is wrong is a piece.
    ///
    /// # Errors
    /// If there is no item where one should be, or the checksum is wrong.
    pub fn next_piece(&mut self) -> Result<Option<Piece>, Error> {
        let mut wanted = PIECE_BYTES;
        while self.progress == Progress::Items {
            self.fill(wanted)?;
            let (db, offset) = (self.db, self.offset);
            let (whole, next_db, ended) = self.whole_items()?;
            if whole > 0 || ended {
                self.db = next_db;
                let bytes = self.take(whole);
                if ended {
                    self.progress = Progress::Checksum;
                }
                if !bytes.is_empty() {
                    return Ok(Some(Piece { bytes, db, offset }));
                }
            } else if self.buffer.len() < wanted {
                // Nothing more comes.
                return Err(self.truncated());
            } else {
                wanted = wanted.saturating_mul(2);
            }
        }
        if self.progress == Progress::Checksum {
            self.check()?;
            self.progress = Progress::All;
        }
        Ok(None)
    }

    /// How many bytes of the buffer are whole items, which database is selected after them, and
    /// whether the last of them is the end.
    fn whole_items(&self) -> Result<(usize, u64, bool), Error> {
        let mut items = Items::new(&self.buffer, self.db);
        let mut whole = (0, self.db);
        loop {
            let item = match items.next_item() {
                Ok(item) => item,
                // It is found again at the beginning of what is left.
                Err(_) if whole.0 > 0 => None,
                Err(Error { problem: Problem::Truncated, .. }) => None,
                Err(error) => return Err(error.behind(self.offset)),
            };
            match item {
                // A database that was selected last is selected again with what follows.
                None => return Ok((whole.0, whole.1, false)),
                Some(Item::End) => return Ok((items.offset(), items.db(), true)),
                Some(_) => whole = (items.offset(), items.db()),
            }
        }
    }

    /// Reads until the buffer has so many bytes or nothing more comes.
    fn fill(&mut self, bytes: usize) -> Result<(), Error> {
        while self.buffer.len() < bytes {
            let missing = (bytes - self.buffer.len()) as u64;
            match self.source.by_ref().take(missing).read_to_end(&mut self.buffer) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    let offset = self.offset + self.buffer.len() as u64;
                    return Err(Error { offset, problem: Problem::Io(error.to_string()) });
                }
            }
        }
        Ok(())
    }

    fn truncated(&self) -> Error {
        let offset = self.offset + self.buffer.len() as u64;
        Error { offset, problem: Problem::Truncated }
    }

    /// Takes bytes off the front of the buffer.
    fn take(&mut self, bytes: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(bytes);
        let taken = std::mem::replace(&mut self.buffer, rest);
        self.checksum = self.checksum.map(|sum| crc64::update(sum, &taken));
        self.offset += bytes as u64;
        taken
    }

    /// Reads the checksum. Zero means that there is none.
    fn check(&mut self) -> Result<(), Error> {
        if self.version < CHECKSUM_SINCE {
            return Ok(());
        }
        let expected = self.checksum;
        self.fill(size_of::<u64>())?;
        let found = *self.buffer.first_chunk().ok_or(self.truncated())?;
        let found = u64::from_le_bytes(found);
        self.verdict = match expected {
            None => None,
            Some(_) if found == 0 => Some(Verdict::Absent),
            Some(expected) if found == expected => Some(Verdict::Right),
            Some(expected) => {
                let problem = Problem::Checksum { expected, found };
                return Err(Error { offset: self.offset, problem });
            }
        };
        self.take(size_of::<u64>());
        Ok(())
    }
}
