//! The slow log: the last commands that took longer than `slowlog-log-slower-than`.

use std::collections::VecDeque;

use crate::exec::Args;

/// Arguments kept of a command; the last place says how many more there were.
const ARGUMENTS: usize = 32;
/// Bytes kept of an argument.
const ARGUMENT_BYTES: usize = 128;

/// One slow command.
#[derive(Clone, Debug)]
pub struct SlowEntry {
    /// Unique, rising.
    pub id: u64,
    /// When it ran, Unix time in seconds.
    pub at_s: i64,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// Its arguments, cut short.
    pub argv: Vec<Vec<u8>>,
    /// The client's address.
    pub peer: String,
    /// The client's name.
    pub name: Vec<u8>,
}

/// See the module's documentation.
#[derive(Default)]
pub struct SlowLog {
    entries: VecDeque<SlowEntry>,
    next_id: u64,
}

impl SlowLog {
    /// Adds an entry, whose id is set here, and drops the oldest beyond `most`.
    pub fn push(&mut self, mut entry: SlowEntry, most: usize) {
        entry.id = self.next_id;
        self.next_id += 1;
        self.entries.push_front(entry);
        self.entries.truncate(most);
    }

    /// Newest first.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &SlowEntry> {
        self.entries.iter()
    }

    /// Forgets all entries; ids go on rising.
    pub fn reset(&mut self) {
        self.entries.clear();
    }

    /// A command's arguments as an entry keeps them.
    pub fn abridge(args: Args<'_>) -> Vec<Vec<u8>> {
        let kept = if args.len() > ARGUMENTS { ARGUMENTS - 1 } else { args.len() };
        let mut argv: Vec<Vec<u8>> = args.iter_from(0).take(kept).map(abridge_argument).collect();
        if args.len() > kept {
            argv.push(format!("... ({} more arguments)", args.len() - kept).into_bytes());
        }
        argv
    }
}

fn abridge_argument(arg: &[u8]) -> Vec<u8> {
    if arg.len() <= ARGUMENT_BYTES {
        return arg.to_vec();
    }
    let mut kept = arg[..ARGUMENT_BYTES].to_vec();
    kept.extend_from_slice(format!("... ({} more bytes)", arg.len() - ARGUMENT_BYTES).as_bytes());
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exec::OwnedCommand;

    #[test]
    fn long_commands_are_abridged() {
        let argv: Vec<Vec<u8>> = (0..40).map(|at| vec![b'a'; at * 10]).collect();
        let command = OwnedCommand::new(argv);
        let kept = SlowLog::abridge(command.args());
        assert_eq!(kept.len(), ARGUMENTS);
        assert_eq!(kept[31], b"... (9 more arguments)");
        assert_eq!(kept[12].len(), 120);
        assert!(kept[13].ends_with(b"... (2 more bytes)"));
    }
}
