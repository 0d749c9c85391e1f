//! The steps a stream of commands is made of, and how they read in a report.

use std::fmt;
use std::time::Duration;

/// One command line: its name and arguments.
#[derive(Clone, PartialEq, Eq)]
pub struct Line(pub Vec<Vec<u8>>);

impl Line {
    /// A line of words that need no quoting.
    pub fn new(words: &str) -> Line {
        Line(words.split_ascii_whitespace().map(|word| word.as_bytes().to_vec()).collect())
    }

    /// The line with one more argument.
    pub fn with(mut self, argument: impl Into<Vec<u8>>) -> Line {
        self.0.push(argument.into());
        self
    }

    /// The line with more arguments, as words.
    pub fn and(mut self, words: &str) -> Line {
        self.0.extend(Line::new(words).0);
        self
    }

    /// Whether the line begins with these words, whatever their case.
    pub fn begins_with(&self, words: &str) -> bool {
        let words: Vec<&str> = words.split_ascii_whitespace().collect();
        self.0.len() >= words.len()
            && self
                .0
                .iter()
                .zip(words)
                .all(|(have, want)| have.eq_ignore_ascii_case(want.as_bytes()))
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 200;
        for (index, argument) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { " " };
            let plain = !argument.is_empty() && argument.iter().all(u8::is_ascii_graphic);
            let shown = argument[..argument.len().min(SHOWN)].escape_ascii();
            match (plain, argument.len() > SHOWN) {
                (true, false) => write!(out, "{separator}{shown}")?,
                (false, false) => write!(out, "{separator}\"{shown}\"")?,
                (_, true) => write!(out, "{separator}\"{shown}…\" ({} bytes)", argument.len())?,
            }
        }
        Ok(())
    }
}

/// What is done to both servers at once.
#[derive(Clone, PartialEq, Eq)]
pub enum Step {
    /// A command on one of the long-lived connections.
    Command { connection: usize, line: Line },
    /// SCAN with these options, from cursor 0 until it is 0 again.
    Iteration { connection: usize, options: Line },
    /// Bytes on a connection of their own, sent in these pieces, then end of input; all that comes
    /// back is compared.
    Bytes(Vec<Vec<u8>>),
    /// Give short expiry times the time to pass.
    Wait(Duration),
}

impl fmt::Debug for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Command { connection, line } => write!(out, "[{connection}] {line:?}"),
            Step::Iteration { connection, options } => {
                write!(out, "[{connection}] SCAN 0..0 {options:?}")
            }
            Step::Bytes(pieces) => {
                write!(out, "[new]")?;
                pieces.iter().try_for_each(|p| write!(out, " b\"{}\"", p.escape_ascii()))
            }
            Step::Wait(time) => write!(out, "(wait {time:?})"),
        }
    }
}
