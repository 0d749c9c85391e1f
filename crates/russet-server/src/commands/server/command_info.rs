//! What COMMAND says of a command, from its declaration.

use russet_resp::ReplyWriter;

use super::command_docs::{Argument, Kind, parse};
use crate::command::{
    Begin, Categories, Command, CommandEntry, Find, Flags, Group, KeyFlags, KeySpec,
};

/// The flags that clients are told of, in Redis' order.
const FLAGS: &[(Flags, &str)] = &[
    (Flags::WRITE, "write"),
    (Flags::READONLY, "readonly"),
    (Flags::DENYOOM, "denyoom"),
    (Flags::ADMIN, "admin"),
    (Flags::PUBSUB, "pubsub"),
    (Flags::NOSCRIPT, "noscript"),
    (Flags::BLOCKING, "blocking"),
    (Flags::LOADING, "loading"),
    (Flags::STALE, "stale"),
    (Flags::SKIP_MONITOR, "skip_monitor"),
    (Flags::SKIP_SLOWLOG, "skip_slowlog"),
    (Flags::FAST, "fast"),
    (Flags::NO_AUTH, "no_auth"),
    (Flags::NO_MANDATORY_KEYS, "no_mandatory_keys"),
    (Flags::NO_ASYNC_LOADING, "no_async_loading"),
    (Flags::NO_MULTI, "no_multi"),
];

const KEY_FLAGS: &[(KeyFlags, &str)] = &[
    (KeyFlags::RO, "RO"),
    (KeyFlags::RW, "RW"),
    (KeyFlags::OW, "OW"),
    (KeyFlags::RM, "RM"),
    (KeyFlags::ACCESS, "access"),
    (KeyFlags::UPDATE, "update"),
    (KeyFlags::INSERT, "insert"),
    (KeyFlags::DELETE, "delete"),
    (KeyFlags::NOT_KEY, "not_key"),
    (KeyFlags::INCOMPLETE, "incomplete"),
    (KeyFlags::VARIABLE_FLAGS, "variable_flags"),
];

/// The ACL categories of a command, in Redis' order: those of its group and flags, and those that it
/// declares beyond them.
pub fn categories(command: &Command) -> Vec<&'static str> {
    let flag = |flag| command.flags.contains(flag);
    let extra = |category| command.categories.contains(category);
    let group = |group| command.group == group;
    let admin = flag(Flags::ADMIN);
    let all = [
        ("keyspace", extra(Categories::KEYSPACE)),
        ("read", flag(Flags::READONLY) && !extra(Categories::SCRIPTING)),
        ("write", flag(Flags::WRITE)),
        ("set", group(Group::Set) || extra(Categories::COLLECTIONS)),
        ("sortedset", group(Group::SortedSet) || extra(Categories::COLLECTIONS)),
        ("list", group(Group::List) || extra(Categories::COLLECTIONS)),
        ("hash", group(Group::Hash)),
        ("string", group(Group::String)),
        ("bitmap", group(Group::Bitmap)),
        ("hyperloglog", group(Group::HyperLogLog)),
        ("geo", group(Group::Geo)),
        ("stream", group(Group::Stream)),
        ("pubsub", flag(Flags::PUBSUB)),
        ("admin", admin || extra(Categories::ADMIN)),
        ("fast", flag(Flags::FAST)),
        ("slow", !flag(Flags::FAST)),
        ("blocking", flag(Flags::BLOCKING)),
        ("dangerous", admin || extra(Categories::DANGEROUS)),
        ("connection", extra(Categories::CONNECTION)),
        ("transaction", extra(Categories::TRANSACTION)),
        ("scripting", extra(Categories::SCRIPTING)),
    ];
    all.into_iter().filter(|(_, applies)| *applies).map(|(name, _)| name).collect()
}

/// First and last key and the distance between keys, for clients that know no key specifications.
fn legacy_range(keys: &[KeySpec]) -> (i64, i64, i64) {
    let ranges = keys.iter().filter_map(|spec| match (spec.begin, spec.find) {
        (Begin::Index(first), Find::Range { last, step, .. }) => {
            let last = if last < 0 { i64::from(last) } else { first as i64 + i64::from(last) };
            Some((first as i64, last, step as i64))
        }
        _ => None,
    });
    let ranges: Vec<(i64, i64, i64)> = ranges.collect();
    let (&[range], 1) = (&ranges[..], keys.len()) else {
        // Several specifications make one range if they follow each other without a gap.
        let adjoin = ranges.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0);
        let dense = ranges.iter().all(|(_, _, step)| *step == 1);
        return match (ranges.first(), ranges.last()) {
            (Some(first), Some(last)) if adjoin && dense => (first.0, last.1, 1),
            _ => (0, 0, 0),
        };
    };
    range
}

/// Whether a client has to ask where the keys are.
fn has_movable_keys(keys: &[KeySpec]) -> bool {
    keys.iter().any(|spec| {
        let fixed = matches!((spec.begin, spec.find), (Begin::Index(_), Find::Range { .. }));
        !fixed || spec.flags.contains(KeyFlags::INCOMPLETE)
    })
}

/// An element of COMMAND and COMMAND INFO.
pub fn write_info(out: &mut ReplyWriter<'_>, entry: &CommandEntry) {
    let command = entry.command;
    let mut flags = names(FLAGS, |flag| command.flags.contains(flag));
    flags.extend(has_movable_keys(command.keys).then_some("movablekeys"));
    flags.extend(command.flags.contains(Flags::ALLOW_BUSY).then_some("allow_busy"));
    let (first, last, step) = legacy_range(command.keys);
    out.array(10);
    out.bulk(entry.full_name.as_bytes());
    out.integer(command.arity.into());
    write_statuses(out, &flags);
    out.integer(first);
    out.integer(last);
    out.integer(step);
    let categories = categories(command);
    out.set(categories.len());
    categories.iter().for_each(|category| out.simple(format!("@{category}")));
    out.set(command.tips.len());
    command.tips.iter().for_each(|tip| out.bulk(tip.as_bytes()));
    out.set(command.keys.len());
    command.keys.iter().for_each(|spec| write_key_spec(out, spec));
    if entry.subcommands.is_empty() {
        out.set(0);
    } else {
        out.array(entry.subcommands.len());
        entry.subcommands.iter().for_each(|sub| write_info(out, sub));
    }
}

fn names<F: Copy>(all: &[(F, &'static str)], has: impl Fn(F) -> bool) -> Vec<&'static str> {
    all.iter().filter(|(flag, _)| has(*flag)).map(|(_, name)| *name).collect()
}

fn write_statuses(out: &mut ReplyWriter<'_>, statuses: &[&str]) {
    out.set(statuses.len());
    statuses.iter().for_each(|status| out.simple(status));
}

/// The flags of a key, as COMMAND INFO and GETKEYSANDFLAGS show them.
pub fn write_key_flags(out: &mut ReplyWriter<'_>, flags: KeyFlags) {
    write_statuses(out, &names(KEY_FLAGS, |flag| flags.contains(flag)));
}

fn write_key_spec(out: &mut ReplyWriter<'_>, spec: &KeySpec) {
    out.map(3);
    out.bulk(b"flags");
    write_key_flags(out, spec.flags);
    out.bulk(b"begin_search");
    match spec.begin {
        Begin::Index(index) => write_step(out, "index", &[("index", index as i64)], None),
        Begin::Keyword(word, from) => {
            write_step(out, "keyword", &[("startfrom", from.into())], Some(("keyword", word)));
        }
        Begin::LastOption { .. } | Begin::Nowhere => write_step(out, "unknown", &[], None),
    }
    out.bulk(b"find_keys");
    if matches!(spec.begin, Begin::LastOption { .. } | Begin::Nowhere) {
        return write_step(out, "unknown", &[], None);
    }
    match spec.find {
        Find::Range { last, step, limit } => {
            let numbers =
                [("lastkey", last.into()), ("keystep", step as i64), ("limit", limit as i64)];
            write_step(out, "range", &numbers, None);
        }
        Find::KeyNum { count, first, step } => {
            let numbers =
                [("keynumidx", count as i64), ("firstkey", first as i64), ("keystep", step as i64)];
            write_step(out, "keynum", &numbers, None);
        }
    }
}

/// One of the two steps of a key specification: its type and parameters.
fn write_step(
    out: &mut ReplyWriter<'_>,
    kind: &str,
    numbers: &[(&str, i64)],
    word: Option<(&str, &str)>,
) {
    out.map(2);
    out.bulk(b"type");
    out.bulk(kind.as_bytes());
    out.bulk(b"spec");
    out.map(numbers.len() + usize::from(word.is_some()));
    if let Some((name, word)) = word {
        out.bulk(name.as_bytes());
        out.bulk(word.as_bytes());
    }
    for (name, number) in numbers {
        out.bulk(name.as_bytes());
        out.integer(*number);
    }
}

/// A map being written whose length is not known yet.
struct Fields<'a, 'b> {
    out: &'a mut ReplyWriter<'b>,
    len: usize,
}

impl<'a, 'b> Fields<'a, 'b> {
    /// Writes the map of the fields that `write` adds.
    fn write(out: &'a mut ReplyWriter<'b>, write: impl FnOnce(&mut Fields<'_, 'b>)) {
        let deferred = out.deferred();
        let mut fields = Fields { out, len: 0 };
        write(&mut fields);
        let Fields { out, len } = fields;
        out.finish_map(deferred, len);
    }

    /// Begins a field, whose value is to be written next.
    fn begin(&mut self, name: &str) -> &mut ReplyWriter<'b> {
        self.len += 1;
        self.out.bulk(name.as_bytes());
        self.out
    }

    fn text(&mut self, name: &str, text: &str) {
        self.begin(name).bulk(text.as_bytes());
    }
}

/// The documentation of a command in COMMAND DOCS.
pub fn write_docs(out: &mut ReplyWriter<'_>, entry: &CommandEntry) {
    let command = entry.command;
    Fields::write(out, |fields| {
        fields.text("summary", command.summary);
        fields.text("since", command.since);
        fields.text("group", group_name(command.group));
        if !command.complexity.is_empty() {
            fields.text("complexity", command.complexity);
        }
        let mut flags = Vec::new();
        flags.extend(command.replaced_by.map(|_| "deprecated"));
        flags.extend(command.flags.contains(Flags::SYSTEM).then_some("syscmd"));
        if !flags.is_empty() {
            write_statuses(fields.begin("doc_flags"), &flags);
        }
        if let Some((since, replacement)) = command.replaced_by {
            fields.text("deprecated_since", since);
            fields.text("replaced_by", replacement);
        }
        if !command.history.is_empty() {
            let out = fields.begin("history");
            out.set(command.history.len());
            for (version, change) in command.history {
                out.array(2);
                out.bulk(version.as_bytes());
                out.bulk(change.as_bytes());
            }
        }
        let arguments =
            parse(command.syntax, command.keys.len()).expect("a test parses every syntax");
        if !arguments.is_empty() {
            write_arguments(fields.begin("arguments"), &arguments);
        }
        if !entry.subcommands.is_empty() {
            let out = fields.begin("subcommands");
            out.map(entry.subcommands.len());
            for sub in &entry.subcommands {
                out.bulk(sub.full_name.as_bytes());
                write_docs(out, sub);
            }
        }
    });
}

fn write_arguments(out: &mut ReplyWriter<'_>, arguments: &[Argument]) {
    out.array(arguments.len());
    for argument in arguments {
        let Argument { optional, multiple, multiple_token, .. } = *argument;
        let is_group = matches!(argument.kind, Kind::OneOf | Kind::Block);
        Fields::write(out, |fields| {
            fields.text("name", &argument.name);
            fields.text("type", argument.kind.name());
            if !is_group {
                // Since Redis 7.2.
                fields.text("display_text", &argument.name);
            }
            if let Some(index) = argument.key_spec {
                fields.begin("key_spec_index").integer(index as i64);
            }
            if let Some(token) = argument.token {
                fields.text("token", token);
            }
            let flags = [
                (optional, "optional"),
                (multiple, "multiple"),
                (multiple_token, "multiple_token"),
            ];
            let flags = names(&flags, |applies| applies);
            if !flags.is_empty() {
                write_statuses(fields.begin("flags"), &flags);
            }
            if is_group {
                write_arguments(fields.begin("arguments"), &argument.arguments);
            }
        });
    }
}

fn group_name(group: Group) -> &'static str {
    match group {
        Group::String => "string",
        Group::Bitmap => "bitmap",
        Group::List => "list",
        Group::Set => "set",
        Group::SortedSet => "sorted-set",
        Group::Hash => "hash",
        Group::HyperLogLog => "hyperloglog",
        Group::Geo => "geo",
        Group::Stream => "stream",
        Group::PubSub => "pubsub",
        Group::Transactions => "transactions",
        Group::Scripting => "scripting",
        Group::Generic => "generic",
        Group::Connection => "connection",
        Group::Server => "server",
        Group::Cluster => "cluster",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjoining_specifications_make_one_range() {
        let ro = KeyFlags::RO;
        assert_eq!(legacy_range(&[]), (0, 0, 0));
        assert_eq!(legacy_range(&[KeySpec::range(1, -1, 2, ro)]), (1, -1, 2));
        assert_eq!(legacy_range(&[KeySpec::one(1, ro), KeySpec::one(2, ro)]), (1, 2, 1));
        let bitop = [KeySpec::one(2, ro), KeySpec::range(3, -1, 1, ro)];
        assert_eq!(legacy_range(&bitop), (2, -1, 1));
        assert_eq!(legacy_range(&[KeySpec::one(1, ro), KeySpec::one(3, ro)]), (0, 0, 0));
        let find = Find::KeyNum { count: 0, first: 1, step: 1 };
        let keynum = KeySpec { flags: ro, begin: Begin::Index(2), find };
        assert_eq!(legacy_range(&[KeySpec::one(1, ro), keynum]), (1, 1, 1));
        assert!(has_movable_keys(&[keynum]) && !has_movable_keys(&bitop));
    }
}
