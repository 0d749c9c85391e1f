//! All commands, numbered, and the look-up by name that every request goes through.
//!
//! The numbers are dense, so that statistics are an array. The names are a second structure because
//! `rename-command` changes them per server.

use std::sync::LazyLock;

use super::{Command, Flags, KeyFlags, KeySpec};
use crate::commands;
use crate::exec::Args;
use crate::server::Server;

/// A command with its place among all commands.
pub struct CommandEntry {
    /// Dense number, subcommands included.
    pub id: u16,
    /// The declaration.
    pub command: &'static Command,
    /// A copy of what every request looks at, beside the rest that it does.
    flags: Flags,
    /// `name` or `parent|name`, lower case.
    pub full_name: String,
    /// The container that a subcommand belongs to.
    pub parent: Option<&'static CommandEntry>,
    /// Its subcommands, in the order of declaration.
    pub subcommands: Vec<&'static CommandEntry>,
    /// The same command, to be run behind the closed gate: for calls that reach keys which no
    /// specification finds.
    exclusive: Option<&'static CommandEntry>,
    /// Its only key's argument, for the many commands that have exactly one at a fixed place.
    pub single_key: Option<usize>,
    /// Fewest and most arguments, the name included.
    argc: (u32, u32),
}

impl CommandEntry {
    /// A command that no table knows, counted as another one.
    #[cfg(test)]
    pub fn for_test(command: &'static Command, counted_as: u16) -> &'static Self {
        let made = entry(counted_as, command, command.name.into(), None, Vec::new());
        Box::leak(Box::new(made))
    }

    /// Whether the command can have this many arguments, its name included.
    #[inline]
    pub fn arity_fits(&self, argc: usize) -> bool {
        (self.argc.0 as usize..=self.argc.1 as usize).contains(&argc)
    }

    /// See [`Flags`].
    #[inline]
    pub fn flags(&self) -> Flags {
        self.flags
    }

    /// What to execute for a call with these arguments: the command, or its exclusive twin.
    pub fn for_call(&'static self, server: &Server, args: Args<'_>) -> &'static CommandEntry {
        match (self.command.reaches, self.exclusive) {
            (Some(reaches), Some(exclusive)) if reaches(server, args) => exclusive,
            _ => self,
        }
    }

    /// The positions of all keys in a call, in the order of the key specifications. Names that are
    /// only routed like keys are none.
    pub fn key_positions<'a>(
        &self,
        argc: usize,
        arg: impl Fn(usize) -> &'a [u8] + Copy,
    ) -> impl Iterator<Item = (usize, &'static KeySpec)> {
        let keys = self.command.keys.iter();
        keys.filter(|spec| !spec.flags.contains(KeyFlags::NOT_KEY)).flat_map(move |spec| {
            let positions = spec.positions(argc, arg).into_iter().flatten();
            positions.map(move |at| (at, spec))
        })
    }
}

/// Why a request names no command.
#[derive(Clone, Copy)]
pub enum LookupError {
    /// No command of that name.
    UnknownCommand,
    /// The command exists, its subcommand does not.
    UnknownSubcommand(&'static CommandEntry),
}

/// Every command of the server. See the module's documentation.
pub struct CommandTable {
    /// By [`CommandEntry::id`].
    pub entries: Vec<&'static CommandEntry>,
}

/// All commands under their own names.
pub static COMMANDS: LazyLock<CommandTable> = LazyLock::new(CommandTable::build);

impl CommandTable {
    fn build() -> Self {
        let mut entries = Vec::new();
        for command in commands::ALL.iter().flat_map(|family| family.iter()) {
            Self::add(&mut entries, command);
        }
        CommandTable { entries }
    }

    fn add(entries: &mut Vec<&'static CommandEntry>, command: &'static Command) {
        // Entries live as long as the process, and parents and children refer to each other: the
        // container is made first without its children, who point to a copy that knows no children.
        let id = entries.len() as u16;
        let parent: &'static CommandEntry =
            Box::leak(Box::new(entry(id, command, command.name.into(), None, Vec::new())));
        entries.push(parent);
        if command.subcommands.is_empty() {
            return;
        }
        let mut subcommands = Vec::new();
        for sub in command.subcommands {
            let name = format!("{}|{}", command.name, sub.name);
            let sub_id = entries.len() as u16;
            let sub: &'static CommandEntry =
                Box::leak(Box::new(entry(sub_id, sub, name, Some(parent), Vec::new())));
            entries.push(sub);
            subcommands.push(sub);
        }
        entries[id as usize] =
            Box::leak(Box::new(entry(id, command, command.name.into(), None, subcommands)));
    }

    /// Top-level commands.
    pub fn commands(&self) -> impl Iterator<Item = &'static CommandEntry> {
        self.entries.iter().copied().filter(|entry| entry.parent.is_none())
    }
}

fn entry(
    id: u16,
    command: &'static Command,
    full_name: String,
    parent: Option<&'static CommandEntry>,
    subcommands: Vec<&'static CommandEntry>,
) -> CommandEntry {
    let single_key = match command.keys {
        [
            KeySpec {
                begin: super::Begin::Index(at),
                find: super::Find::Range { last: 0, .. },
                flags,
            },
        ] if !flags.contains(KeyFlags::NOT_KEY) => Some(*at),
        _ => None,
    };
    let least = command.arity.unsigned_abs();
    let argc = (least, if command.arity < 0 { u32::MAX } else { least });
    let exclusive = command.reaches.map(|_| -> &'static CommandEntry {
        Box::leak(Box::new(CommandEntry {
            id,
            command,
            flags: command.flags | Flags::EXCLUSIVE,
            full_name: full_name.clone(),
            parent,
            subcommands: Vec::new(),
            exclusive: None,
            single_key: None,
            argc,
        }))
    });
    let flags = command.flags;
    CommandEntry { id, command, flags, full_name, parent, subcommands, exclusive, single_key, argc }
}

/// Names to commands, as one server knows them: an open-addressed table that is read for every
/// request and never written after the start.
pub struct Names {
    slots: Box<[Option<Named>]>,
}

/// A command under a name.
struct Named {
    /// The first eight bytes, see [`head_of`].
    head: u64,
    name: Box<[u8]>,
    entry: &'static CommandEntry,
}

const SLOTS: usize = 1024;

impl Names {
    /// The standard names, changed by `rename-command` pairs; an empty new name removes a command.
    ///
    /// # Errors
    ///
    /// The reason, in Redis' words.
    pub fn new<'a>(
        renames: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Result<Self, &'static str> {
        let mut names: Vec<(Box<[u8]>, &'static CommandEntry)> =
            COMMANDS.commands().map(|entry| (entry.full_name.as_bytes().into(), entry)).collect();
        for (from, to) in renames {
            let at = names
                .iter()
                .position(|(name, _)| name.eq_ignore_ascii_case(from))
                .ok_or("No such command in rename-command")?;
            let (_, entry) = names.swap_remove(at);
            if !to.is_empty() {
                if names.iter().any(|(name, _)| name.eq_ignore_ascii_case(to)) {
                    return Err("Target command name already exists");
                }
                names.push((to.to_ascii_lowercase().into(), entry));
            }
        }
        assert!(names.len() < SLOTS / 2, "the table of names stays sparse");
        let mut slots: Box<[Option<Named>]> = (0..SLOTS).map(|_| None).collect();
        for (name, entry) in names {
            let head = head_of(&name);
            let mut at = slot_of(head, name.len());
            while slots[at].is_some() {
                at = (at + 1) % SLOTS;
            }
            slots[at] = Some(Named { head, name, entry });
        }
        Ok(Names { slots })
    }

    /// The command of a name in any case.
    #[inline]
    pub fn find(&self, name: &[u8]) -> Option<&'static CommandEntry> {
        let head = head_of(name);
        let mut at = slot_of(head, name.len());
        while let Some(named) = &self.slots[at] {
            let tails = || named.name[HEAD_BYTES..].eq_ignore_ascii_case(&name[HEAD_BYTES..]);
            if named.head == head
                && named.name.len() == name.len()
                && (name.len() <= HEAD_BYTES || tails())
            {
                return Some(named.entry);
            }
            at = (at + 1) % SLOTS;
        }
        None
    }

    /// The command or subcommand that a request means.
    ///
    /// # Errors
    ///
    /// See [`LookupError`].
    #[inline]
    pub fn resolve(
        &self,
        name: &[u8],
        sub: Option<&[u8]>,
    ) -> Result<&'static CommandEntry, LookupError> {
        let entry = self.find(name).ok_or(LookupError::UnknownCommand)?;
        match sub {
            Some(sub) if !entry.subcommands.is_empty() => entry
                .subcommands
                .iter()
                .find(|known| known.command.name.as_bytes().eq_ignore_ascii_case(sub))
                .copied()
                .ok_or(LookupError::UnknownSubcommand(entry)),
            _ => Ok(entry),
        }
    }
}

/// The command that was looked up last: clients that send many commands at once often send many of
/// the same.
#[derive(Default)]
pub struct Recent {
    raw_head: u64,
    len: usize,
    entry: Option<&'static CommandEntry>,
}

impl Names {
    /// [`Names::resolve`], with a shorter way to the command that was looked up last. What may name a
    /// subcommand is asked for only if the command was another one.
    #[inline]
    pub fn resolve_again<'a>(
        &self,
        recent: &mut Recent,
        name: &[u8],
        sub: impl FnOnce() -> Option<&'a [u8]>,
    ) -> Result<&'static CommandEntry, LookupError> {
        let raw_head = raw_head_of(name);
        if let Some(entry) = recent.entry
            && (recent.raw_head, recent.len) == (raw_head, name.len())
        {
            return Ok(entry);
        }
        let entry = self.resolve(name, sub())?;
        // A container's name is not enough to know the subcommand.
        let is_whole = entry.subcommands.is_empty() && entry.parent.is_none();
        if name.len() <= HEAD_BYTES && is_whole {
            *recent = Recent { raw_head, len: name.len(), entry: Some(entry) };
        }
        Ok(entry)
    }
}

/// Bytes of a name that are compared as one number.
const HEAD_BYTES: usize = size_of::<u64>();

/// Up to eight bytes of a name as a number, of which names of the same length share none if they
/// differ there.
#[inline]
fn raw_head_of(name: &[u8]) -> u64 {
    if let Some(head) = name.first_chunk() {
        return u64::from_le_bytes(*head);
    }
    if let (Some(first), Some(last)) = (name.first_chunk(), name.last_chunk()) {
        return u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32;
    }
    let byte = |at: usize| u64::from(name.get(at).copied().unwrap_or_default());
    byte(0) | byte(1) << 8 | byte(2) << 16
}

/// [`raw_head_of`] a name in lower case.
#[inline]
fn head_of(name: &[u8]) -> u64 {
    let raw = raw_head_of(name);
    // In each byte, bit 7 of the sums says "at least A" and "above Z"; no carry leaves a byte,
    // because bit 7 of the summands is clear.
    const ONES: u64 = u64::from_ne_bytes([1; HEAD_BYTES]);
    let low_bits = raw & (0x7f * ONES);
    let from_a = low_bits + (0x80 - b'A' as u64) * ONES;
    let above_z = low_bits + (0x7f - b'Z' as u64) * ONES;
    let is_upper = (from_a ^ above_z) & !raw & (0x80 * ONES);
    raw | is_upper >> 2
}

/// Mixes length and head: enough to tell nearly all names apart.
#[inline]
fn slot_of(head: u64, len: usize) -> usize {
    let mixed = (head ^ len as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> (u64::BITS - SLOTS.trailing_zeros())) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_are_sound() {
        let mut names: Vec<&str> =
            COMMANDS.entries.iter().map(|entry| entry.full_name.as_str()).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count, "no name is declared twice");
        for entry in &COMMANDS.entries {
            let command = entry.command;
            assert_eq!(COMMANDS.entries[entry.id as usize].full_name, entry.full_name);
            assert_eq!(command.name, command.name.to_ascii_lowercase());
            assert_ne!(command.arity, 0, "{}", entry.full_name);
            assert!(!command.summary.is_empty(), "{} has no summary", entry.full_name);
            let writes = command.flags.contains(Flags::WRITE);
            assert!(!(writes && command.flags.contains(Flags::READONLY)), "{}", entry.full_name);
            let names_element = command.element.is_some();
            assert!(!names_element || entry.single_key.is_some(), "{}", entry.full_name);
            let keyed = writes || command.flags.contains(Flags::READONLY);
            // They work on the whole keyspace, or (LOLWUT) only call themselves readers.
            let keyless =
                ["keys", "scan", "dbsize", "randomkey", "flushdb", "flushall", "swapdb", "lolwut"];
            if keyed && !keyless.contains(&command.name) && entry.parent.is_none() {
                assert!(
                    !command.keys.is_empty() || !command.subcommands.is_empty(),
                    "{} names no keys",
                    entry.full_name
                );
            }
        }
    }

    #[test]
    fn heads_fold_the_case_of_letters_only() {
        for byte in 0..=u8::MAX {
            let name = [byte, b'x', byte];
            let lower = name.to_ascii_lowercase();
            let expected = u64::from_le_bytes([lower[0], b'x', lower[2], 0, 0, 0, 0, 0]);
            assert_eq!(head_of(&name), expected, "{byte}");
            let expected = [lower[0], b'.', b'.', b'.', b'.', b'.', b'.', lower[0]];
            assert_eq!(
                head_of(&[byte, b'.', b'.', b'.', byte]),
                u64::from_le_bytes(expected),
                "{byte}"
            );
            assert_eq!(head_of(&[byte; 9]), u64::from_le_bytes([lower[0]; 8]), "{byte}");
        }
    }

    #[test]
    fn names_looked_up_again_are_found_again() {
        let names = Names::new([]).expect("no renames");
        let mut recent = Recent::default();
        let words = [&b"get"[..], b"get", b"GET", b"get", b"set", b"getset", b"gets", b"pexpireat"];
        let more = [&b"pexpireab"[..], b"config", b"config", b"", b""];
        let subs = [&b"get"[..], b"set"].into_iter().cycle();
        for (name, sub) in words.into_iter().chain(more).zip(subs) {
            let found = names.resolve_again(&mut recent, name, || Some(sub));
            let expected = names.resolve(name, Some(sub));
            let name_of =
                |entry: Result<&CommandEntry, _>| entry.ok().map(|it| it.full_name.clone());
            assert_eq!(name_of(found), name_of(expected), "{name:?}");
        }
    }

    #[test]
    fn names_are_found_in_any_case_and_renamed() {
        let names = Names::new([(&b"GET"[..], &b"fetch"[..]), (b"set", b"")]).expect("both exist");
        assert!(names.find(b"get").is_none() && names.find(b"SET").is_none());
        assert_eq!(names.find(b"FeTcH").expect("renamed").full_name, "get");
        assert_eq!(names.find(b"pInG").expect("known").full_name, "ping");
        assert!(names.find(b"").is_none());
        assert!(Names::new([(&b"nope"[..], &b""[..])]).is_err());
        assert!(Names::new([(&b"get"[..], &b"ping"[..])]).is_err());
    }
}
