//! DUMP and RESTORE.

use std::sync::atomic::Ordering;

use russet_keyspace::access::restored;
use russet_persist::{dump as payload, rdb};

use crate::command::{Categories, Command, Flags, Group, KeyFlags, KeySpec};
use crate::error::Error;
use crate::exec::{Ctx, Event, EventClass};
use crate::journal::removal_name;
use crate::persistence;

pub const DUMP: Command = Command {
    group: Group::Generic,
    categories: Categories::KEYSPACE,
    since: "2.6.0",
    summary: "Replies with a value in a form that RESTORE makes the value of again.",
    complexity: "O(N*M) where N is the number of elements of the value and M their average size; \
                 O(1) for short strings.",
    syntax: "key",
    keys: &[KeySpec::one(1, KeyFlags::READS)],
    tips: &["nondeterministic_output"],
    ..Command::new("dump", 2, Flags::READONLY, dump)
};

fn dump(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let encoder = persistence::encoder(ctx.config());
    match ctx.db.read(ctx.key(1)) {
        Some(entry) => ctx.out.bulk(&payload::dump(entry.value(), encoder)),
        None => ctx.out.null(),
    }
    Ok(())
}

pub const RESTORE: Command = Command {
    group: Group::Generic,
    categories: Categories::KEYSPACE.union(Categories::DANGEROUS),
    since: "2.6.0",
    summary: "Creates a key with a value in the form that DUMP replies with.",
    complexity: "O(N*M) where N is the number of elements of the value and M their average size; \
                 O(N*M*log(N)) for sorted sets, O(1) for short strings.",
    syntax: "key ttl:integer serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds:integer] \
             [FREQ frequency:integer]",
    keys: &[KeySpec::one(1, KeyFlags::OVERWRITES)],
    history: &[
        ("3.0.0", "Added the `REPLACE` modifier."),
        ("5.0.0", "Added the `ABSTTL` modifier."),
        ("5.0.0", "Added the `IDLETIME` and `FREQ` options."),
    ],
    ..Command::new("restore", -4, Flags::WRITE.union(Flags::DENYOOM), restore)
};

const EVENT_RESTORE: Event = Event::new(EventClass::GENERIC, "restore");

/// What RESTORE is to do besides creating the key.
#[derive(Default)]
struct Request {
    replaces: bool,
    is_absolute: bool,
    idle_s: Option<u64>,
    frequency: Option<u8>,
}

impl Request {
    fn parse(ctx: &Ctx<'_>) -> Result<Self, Error> {
        let mut request = Request::default();
        let mut at = 4;
        while at < ctx.args.len() {
            let has_more = at + 1 < ctx.args.len();
            if ctx.is(at, "REPLACE") {
                request.replaces = true;
            } else if ctx.is(at, "ABSTTL") {
                request.is_absolute = true;
            } else if ctx.is(at, "IDLETIME") && has_more && request.frequency.is_none() {
                let seconds = u64::try_from(ctx.int(at + 1)?);
                let invalid = || Error::new("ERR Invalid IDLETIME value, must be >= 0");
                request.idle_s = Some(seconds.map_err(|_| invalid())?);
                at += 1;
            } else if ctx.is(at, "FREQ") && has_more && request.idle_s.is_none() {
                let counter = u8::try_from(ctx.int(at + 1)?);
                let invalid = || Error::new("ERR Invalid FREQ value, must be >= 0 and <= 255");
                request.frequency = Some(counter.map_err(|_| invalid())?);
                at += 1;
            } else {
                return Err(Error::SYNTAX);
            }
            at += 1;
        }
        Ok(request)
    }
}

fn restore(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let request = Request::parse(ctx)?;
    let key = ctx.key(1);
    if !request.replaces && ctx.db.use_for_write(key) {
        return Err(Error::new("BUSYKEY Target key name already exists."));
    }
    let ttl = ctx.int(2)?;
    if ttl < 0 {
        return Err(Error::new("ERR Invalid TTL value, must be >= 0"));
    }
    let checks = !ctx.server.skips_checksums.load(Ordering::Relaxed);
    let body = payload::verified(ctx.args.get(3), checks);
    let body = body.ok_or(Error::new("ERR DUMP payload version or checksum are wrong"))?;
    let limits = persistence::limits(ctx.server, ctx.config());
    let value = payload::restore(body, &limits).map_err(|error| {
        tracing::debug!("The payload of '{}' is refused: {error}", key.bytes.escape_ascii());
        Error::new("ERR Bad data format")
    })?;
    let now_ms = ctx.db.now_ms();
    let expire_at_ms = match ttl {
        0 => None,
        ttl if request.is_absolute => Some(ttl),
        ttl => Some(ttl.saturating_add(now_ms)),
    };
    let replaced = if request.replaces { ctx.db.remove(key) } else { None };
    let was_there = replaced.is_some();
    if let Some(replaced) = replaced {
        ctx.server.lazy_free.free(replaced);
    }
    if expire_at_ms.is_some_and(|expire_at_ms| expire_at_ms <= now_ms) {
        if was_there {
            let removal = removal_name(ctx.config().lazyfree_lazy_server_del);
            ctx.db.journal_as(&[removal, key.bytes]);
            ctx.db.changed(key, Event::DEL);
        }
        ctx.out.ok();
        return Ok(());
    }
    let mut entry = rdb::entry(key.bytes, value, expire_at_ms);
    let policy = ctx.worker.access_policy;
    entry.set_access_bits(restored(policy, now_ms, request.idle_s, request.frequency));
    ctx.db.put_used(key.hash, entry);
    if let Some(expire_at_ms) = expire_at_ms.filter(|_| !request.is_absolute) {
        let mut buffer = itoa::Buffer::new();
        let mut argv: Vec<&[u8]> = ctx.args.iter_from(0).collect();
        argv[2] = buffer.format(expire_at_ms).as_bytes();
        argv.push(b"ABSTTL");
        ctx.db.journal_as(&argv);
    }
    ctx.db.changed(key, EVENT_RESTORE);
    ctx.out.ok();
    Ok(())
}
