//! Integers of any width anywhere in a string.

use russet_data::bits::{FieldType, Overflow};
use russet_data::object::ValueType;
use russet_keyspace::entry::{Entry, IntBuf};
use russet_resp::ReplyWriter;
use smallvec::SmallVec;

use super::{EVENT_SETBIT, offset};
use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::values::string;
use crate::exec::{Args, Ctx, Key};

pub const BITFIELD: Command = Command {
    group: Group::Bitmap,
    since: "3.2.0",
    summary: "Reads, sets and increments integers of any width anywhere in a key's string value.",
    complexity: "O(1) for each operation.",
    syntax: "key [operation(GET get-block(encoding offset:integer) | \
             write([OVERFLOW overflow-block(WRAP|SAT|FAIL)] write-operation(\
             SET set-block(encoding offset:integer value:integer) | \
             INCRBY incrby-block(encoding offset:integer increment:integer))))...]",
    keys: &[KeySpec::one(1, KeyFlags::EXCHANGES.union(KeyFlags::VARIABLE_FLAGS))],
    key_flags: Some(|args| if only_reads(args) { KeyFlags::READS } else { KeyFlags::EXCHANGES }),
    ..Command::new("bitfield", -2, Flags::WRITE.union(Flags::DENYOOM), bitfield)
};

pub const BITFIELD_RO: Command = Command {
    group: Group::Bitmap,
    since: "6.0.0",
    summary: "Reads integers of any width anywhere in a key's string value.",
    complexity: "O(1) for each operation.",
    syntax: "key [GET get-block(encoding offset:integer)]...",
    keys: &[KeySpec::one(1, KeyFlags::READS)],
    ..Command::new("bitfield_ro", -2, Flags::READONLY.union(Flags::FAST), bitfield_ro)
};

/// Whether a call of BITFIELD consists of reads.
fn only_reads(args: Args<'_>) -> bool {
    let operations: Vec<&[u8]> = args.iter_from(2).collect();
    let is_read = |words: &[&[u8]]| words.len() == 3 && words[0].eq_ignore_ascii_case(b"GET");
    operations.chunks(3).all(is_read)
}

/// What is done with a field.
#[derive(Clone, Copy)]
enum Action {
    Get,
    Set(i64, Overflow),
    Increment(i64, Overflow),
}

/// One operation of a command.
#[derive(Clone, Copy)]
struct Operation {
    field: FieldType,
    offset: u64,
    action: Action,
}

type Operations = SmallVec<[Operation; 4]>;

impl Operation {
    /// Bytes the string must have for a write, 0 for a read.
    fn needed_length(&self) -> usize {
        match self.action {
            Action::Get => 0,
            Action::Set(..) | Action::Increment(..) => self.field.length_at(self.offset),
        }
    }

    /// Executes a write, writes its reply, and says whether the field has another value now.
    fn write(&self, bytes: &mut [u8], out: &mut ReplyWriter<'_>) -> Written {
        let Operation { field, offset, action } = *self;
        let before = field.read(bytes, offset);
        let (after, reply) = match action {
            Action::Get => {
                out.integer(before);
                return Written::Nothing;
            }
            Action::Set(value, overflow) => (field.fit(value, overflow), before),
            Action::Increment(by, overflow) => {
                let after = field.add(before, by, overflow);
                (after, after.unwrap_or_default())
            }
        };
        match after {
            Some(after) => {
                field.write(bytes, offset, after);
                out.integer(reply);
                if after == before { Written::Same } else { Written::Another }
            }
            None => {
                out.null();
                Written::Nothing
            }
        }
    }
}

/// What an operation has written to its field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    Nothing,
    Same,
    Another,
}

fn parse(ctx: &Ctx<'_>) -> Result<Operations, Error> {
    let mut operations = Operations::new();
    let mut overflow = Overflow::Wrap;
    let mut at = 2;
    while at < ctx.args.len() {
        let following = ctx.args.len() - at - 1;
        if ctx.is(at, "OVERFLOW") && following >= 1 {
            overflow = Overflow::parse(ctx.args.get(at + 1))
                .ok_or(Error::new("ERR Invalid OVERFLOW type specified"))?;
            at += 2;
            continue;
        }
        let with_value: Option<fn(i64, Overflow) -> Action> = if ctx.is(at, "GET") {
            None
        } else if ctx.is(at, "SET") {
            Some(Action::Set)
        } else if ctx.is(at, "INCRBY") {
            Some(Action::Increment)
        } else {
            return Err(Error::SYNTAX);
        };
        let taken = if with_value.is_some() { 3 } else { 2 };
        if following < taken {
            return Err(Error::SYNTAX);
        }
        let field = FieldType::parse(ctx.args.get(at + 1)).ok_or(Error::new(
            "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported \
             but i64 is.",
        ))?;
        let offset = offset(ctx, at + 2, Some(field))?;
        let action = match with_value {
            Some(action) => action(ctx.int(at + 3)?, overflow),
            None => Action::Get,
        };
        operations.push(Operation { field, offset, action });
        at += 1 + taken;
    }
    Ok(operations)
}

fn bitfield(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let operations = parse(ctx)?;
    match operations.iter().map(Operation::needed_length).max() {
        None | Some(0) => read(ctx, &operations),
        Some(length) => write(ctx, &operations, length),
    }
}

fn bitfield_ro(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let operations = parse(ctx)?;
    if operations.iter().any(|operation| operation.needed_length() > 0) {
        return Err(Error::new("ERR BITFIELD_RO only supports the GET subcommand"));
    }
    read(ctx, &operations)
}

fn read(ctx: &mut Ctx<'_>, operations: &[Operation]) -> Result<(), Error> {
    let key = ctx.key(1);
    let entry = string(ctx.db.read(key))?;
    let mut scratch = IntBuf::new();
    let bytes = entry.as_ref().map_or(&b""[..], |entry| entry.string_bytes(&mut scratch));
    ctx.out.array(operations.len());
    for operation in operations {
        ctx.out.integer(operation.field.read(bytes, operation.offset));
    }
    Ok(())
}

/// Executes operations some of which write, on a string of at least `length` bytes.
fn write(ctx: &mut Ctx<'_>, operations: &[Operation], length: usize) -> Result<(), Error> {
    let key = ctx.key(1);
    let out = &mut ctx.out;
    let mut execute = |entry: &mut Entry, was: usize| {
        let bytes = entry.resize_bytes(was.max(length));
        out.array(operations.len());
        let extended = was < length;
        let mut changes = 0;
        for operation in operations {
            // In a string that was just extended every write counts, as in Redis.
            match operation.write(bytes, out) {
                Written::Another => changes += 1,
                Written::Same => changes += u64::from(extended),
                Written::Nothing => {}
            }
        }
        (changes, extended)
    };
    let updated = ctx.db.update(key, |entry| {
        if entry.value_type() != ValueType::String {
            return Err(Error::WRONG_TYPE);
        }
        let was = entry.string_len();
        Ok(execute(entry, was))
    });
    let (changes, extended) = match updated {
        Some(result) => result?,
        None => {
            let mut entry = Entry::with_bytes(key.bytes, b"", None);
            // Of no length that counts as extended, even if nothing is written.
            let done = execute(&mut entry, 0);
            ctx.db.add(key.hash, entry);
            done
        }
    };
    settle(ctx, key, changes, extended);
    Ok(())
}

/// Says what was changed. Redis counts every change but announces them once, and nothing if all
/// writes failed; the string has been extended nevertheless, which the journal has to know.
fn settle(ctx: &mut Ctx<'_>, key: Key<'_>, changes: u64, extended: bool) {
    if changes > 0 {
        ctx.db.changed(key, EVENT_SETBIT);
        ctx.db.count_changes(changes - 1);
    } else if extended && ctx.db.is_journaled() {
        let argv: Vec<&[u8]> = ctx.args.iter_from(0).collect();
        ctx.db.journal_as(&argv);
    }
}
