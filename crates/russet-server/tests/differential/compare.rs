//! When two replies count as the same, and every intended difference with its reason.

use std::collections::BTreeSet;

use russet_e2e::Reply;

use crate::step::Line;

/// How the replies of a command are compared. Errors are always compared as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Equal in every byte.
    Equal,
    /// Equal once the elements of every array and set in them are sorted.
    AnyOrder,
    /// Equal once the pairs of a map, or of the flat array that RESP2 makes of one, are sorted.
    PairsInAnyOrder,
    /// Integers at most this far apart.
    Near(i64),
    /// Of the same kind and, if they are arrays, equally long.
    SameLength,
    /// Of the same kind: both integers, both bulk strings.
    SameKind,
    /// Equal but for the values of these fields, on whatever level.
    ExceptFields(&'static [&'static str]),
    /// Null in both or in none.
    NullInBoth,
    /// Equal, or these names, ours and theirs.
    Renamed(&'static [(&'static str, &'static str)]),
    /// Equal, but ours may be an error about the arguments where theirs is about the key: 0 or -1
    /// for a missing one, or its wrong type.
    ArgumentsFirst,
    /// Equal, unless theirs is an error about the number of arguments.
    MoreArguments,
}

/// Commands, named by their first words, whose replies need not be equal in every byte.
///
/// The first entry that fits decides. This is the complete list: a difference that is not here is a
/// failure.
const INTENDED_DIFFERENCES: &[(&[&str], How, &str)] = &[
    (&["KEYS"], How::AnyOrder, "the order of a table's elements is its own"),
    (&["RANDOMKEY"], How::NullInBoth, "any key will do"),
    (&["SCAN"], How::SameKind, "cursors are each server's own; whole iterations are compared"),
    (
        &["SMEMBERS", "SINTER", "SUNION", "SDIFF", "SPOP", "HKEYS", "HVALS"],
        How::AnyOrder,
        "the order of a table's elements is its own",
    ),
    (&["HGETALL"], How::PairsInAnyOrder, "the order of a table's elements is its own"),
    (&["SRANDMEMBER", "HRANDFIELD"], How::SameLength, "any elements will do"),
    (&["TTL", "PTTL"], How::Near(2_000), "the two servers run the command at different instants"),
    (
        &["EXPIRETIME", "PEXPIRETIME"],
        How::Near(2_000),
        "a relative time is counted from the instant each server ran the command",
    ),
    (
        &["OBJECT IDLETIME"],
        How::SameKind,
        "Redis shares one object among all keys with the same small integer, and one idle time",
    ),
    (&["TIME", "LASTSAVE", "LATENCY HISTOGRAM"], How::SameKind, "clocks"),
    (
        &["MEMORY USAGE", "MEMORY STATS", "MEMORY DOCTOR", "MEMORY MALLOC-STATS", "DEBUG OBJECT"],
        How::SameKind,
        "memory is what the servers differ in",
    ),
    (&["INFO", "LOLWUT", "LATENCY DOCTOR"], How::SameKind, "text about the server itself"),
    (&["CLIENT ID", "CLIENT INFO", "CLIENT LIST"], How::SameKind, "names ids and addresses"),
    (
        &["HELLO"],
        How::ExceptFields(&["id", "version"]),
        "ids and the version answered to (7.2) are each server's own",
    ),
    (
        &["COMMAND DOCS", "COMMAND INFO", "COMMAND COUNT"],
        How::SameKind,
        "tests/command_oracle.rs compares these fact by fact, and lists where they differ",
    ),
    (
        &["BITCOUNT", "BITPOS"],
        How::ArgumentsFirst,
        "as in 7.2, wrong arguments are refused even if there is no string to look at",
    ),
    (
        &["OBJECT ENCODING"],
        How::Renamed(&[("listpack", "quicklist"), ("listpack", "hashtable")]),
        "as in 7.2, small lists and sets are listpacks",
    ),
    (&["ZSCAN"], How::SameKind, "cursors are each server's own"),
    (&["ZRANDMEMBER"], How::SameKind, "any members will do"),
    (&["ZRANK", "ZREVRANK"], How::MoreArguments, "Redis 7.2 has an option more"),
    (&["CONFIG GET"], How::PairsInAnyOrder, "the order of the directives is each server's own"),
    (
        &[
            "CLIENT HELP",
            "OBJECT HELP",
            "CONFIG HELP",
            "COMMAND HELP",
            "MEMORY HELP",
            "SLOWLOG HELP",
            "LATENCY HELP",
            "DEBUG HELP",
        ],
        How::SameKind,
        "Russet's sentences are its own",
    ),
];

/// How the replies to `line` are compared.
pub fn how(line: &Line) -> How {
    if ["HSCAN", "SSCAN"].iter().any(|name| line.begins_with(name)) {
        // Cursors are each server's own; but what comes in one call can be compared.
        let is_whole = line.0.get(2).is_some_and(|cursor| cursor == b"0")
            && line.0.iter().any(|argument| argument == b"100000");
        return if is_whole { How::AnyOrder } else { How::SameKind };
    }
    INTENDED_DIFFERENCES
        .iter()
        .find(|(commands, _, _)| commands.iter().any(|words| line.begins_with(words)))
        .map_or(How::Equal, |(_, how, _)| *how)
}

/// Whether `ours` and `theirs` count as the same reply.
pub fn same(how: How, ours: &Reply, theirs: &Reply) -> bool {
    if ours.is_error() || theirs.is_error() {
        return ours == theirs
            || (how == How::ArgumentsFirst && is_about_arguments(ours) && is_about_key(theirs))
            || (how == How::MoreArguments && is_about_arity(theirs));
    }
    match how {
        How::Renamed(names) => {
            let renamed = |(one, other): &(&str, &str)| {
                ours.bytes() == Some(one.as_bytes()) && theirs.bytes() == Some(other.as_bytes())
            };
            ours == theirs || names.iter().any(renamed)
        }
        How::Equal | How::ArgumentsFirst | How::MoreArguments => ours == theirs,
        How::AnyOrder => sorted(ours) == sorted(theirs),
        How::PairsInAnyOrder => {
            std::mem::discriminant(ours) == std::mem::discriminant(theirs)
                && sorted_pairs(ours) == sorted_pairs(theirs)
        }
        How::Near(distance) => match (ours, theirs) {
            // Negative answers (-1 no expiry, -2 no key) are codes, not times.
            (&Reply::Integer(ours), &Reply::Integer(theirs)) => {
                ours == theirs
                    || (ours.min(theirs) >= 0 && ours.abs_diff(theirs) <= distance as u64)
            }
            _ => ours == theirs,
        },
        How::SameLength => {
            std::mem::discriminant(ours) == std::mem::discriminant(theirs)
                && ours.elements().len() == theirs.elements().len()
        }
        How::SameKind => std::mem::discriminant(ours) == std::mem::discriminant(theirs),
        How::ExceptFields(fields) => without(fields, ours) == without(fields, theirs),
        How::NullInBoth => ours.is_null() == theirs.is_null(),
    }
}

fn is_about_arguments(reply: &Reply) -> bool {
    const TEXTS: [&[u8]; 2] = [b"ERR syntax error", b"ERR value is not an integer or out of range"];
    matches!(reply, Reply::Error(text) if TEXTS.contains(&&text[..]))
}

fn is_about_arity(reply: &Reply) -> bool {
    matches!(reply, Reply::Error(text) if text.starts_with(b"ERR wrong number of arguments"))
}

fn is_about_key(reply: &Reply) -> bool {
    match reply {
        Reply::Integer(value) => [0, -1].contains(value),
        Reply::Error(text) => text.starts_with(b"WRONGTYPE "),
        _ => false,
    }
}

/// Whether the replies to EXEC agree, each element by the rule of the command that was queued.
pub fn same_exec(queued: &[Line], ours: &Reply, theirs: &Reply) -> bool {
    match (ours, theirs) {
        (Reply::Array(ours), Reply::Array(theirs))
            if ours.len() == queued.len() && theirs.len() == queued.len() =>
        {
            queued.iter().zip(ours.iter().zip(theirs)).all(|(line, (a, b))| same(how(line), a, b))
        }
        _ => ours == theirs,
    }
}

/// Whether whole iterations have returned the same elements; repetitions are allowed.
pub fn same_elements(ours: &[Vec<u8>], theirs: &[Vec<u8>]) -> bool {
    ours.iter().collect::<BTreeSet<_>>() == theirs.iter().collect::<BTreeSet<_>>()
}

fn sorted_pairs(reply: &Reply) -> Vec<Vec<&Reply>> {
    let mut pairs: Vec<_> = reply.elements().chunks(2).map(<[&Reply]>::to_vec).collect();
    pairs.sort();
    pairs
}

fn sorted(reply: &Reply) -> Reply {
    let sort = |items: &[Reply]| {
        let mut items: Vec<Reply> = items.iter().map(sorted).collect();
        items.sort();
        items
    };
    match reply {
        Reply::Array(items) => Reply::Array(sort(items)),
        Reply::Set(items) => Reply::Set(sort(items)),
        Reply::Map(pairs) => {
            let mut pairs: Vec<_> = pairs.iter().map(|(k, v)| (sorted(k), sorted(v))).collect();
            pairs.sort();
            Reply::Map(pairs)
        }
        other => other.clone(),
    }
}

/// The reply without the named fields of its maps, and of the flat arrays that stand for maps.
fn without(fields: &[&str], reply: &Reply) -> Reply {
    let named = |key: &Reply| key.bytes().is_some_and(|k| fields.iter().any(|f| f.as_bytes() == k));
    match reply {
        Reply::Map(pairs) => Reply::Map(
            pairs
                .iter()
                .filter(|(key, _)| !named(key))
                .map(|(key, value)| (key.clone(), without(fields, value)))
                .collect(),
        ),
        Reply::Array(items) => {
            let mut kept = Vec::new();
            let mut rest = items.iter();
            while let Some(item) = rest.next() {
                if named(item) {
                    rest.next();
                } else {
                    kept.push(without(fields, item));
                }
            }
            Reply::Array(kept)
        }
        other => other.clone(),
    }
}

#[test]
fn rules_tell_replies_apart() {
    let array = |items: &[i64]| Reply::Array(items.iter().map(|&i| Reply::Integer(i)).collect());
    assert!(same(How::AnyOrder, &array(&[1, 2]), &array(&[2, 1])));
    assert!(!same(How::AnyOrder, &array(&[1, 2]), &array(&[2, 2])));
    assert!(same(How::Near(5), &Reply::Integer(10), &Reply::Integer(15)));
    assert!(!same(How::Near(5), &Reply::Integer(-1), &Reply::Integer(0)));
    assert!(!same(How::Near(5), &Reply::Integer(10), &Reply::Integer(16)));
    let error = |text: &str| Reply::Error(text.into());
    assert!(!same(How::SameKind, &error("ERR a"), &error("ERR b")));
    assert!(same(how(&Line::new("get k")), &Reply::NullBulk, &Reply::NullBulk));
    assert_eq!(how(&Line::new("object IdleTime k")), How::SameKind);
    let bitcount = how(&Line::new("bitcount k 0 x"));
    assert!(same(bitcount, &error("ERR syntax error"), &Reply::Integer(0)));
    assert!(!same(bitcount, &Reply::Integer(0), &error("ERR syntax error")));
    assert!(!same(bitcount, &error("ERR syntax error"), &Reply::Integer(3)));
    let hello = |id, mode: &str| {
        let field = |text: &str| Reply::Bulk(text.into());
        Reply::Array(vec![field("id"), Reply::Integer(id), field("mode"), field(mode)])
    };
    assert!(same(how(&Line::new("HELLO")), &hello(1, "standalone"), &hello(2, "standalone")));
    assert!(!same(how(&Line::new("HELLO")), &hello(1, "standalone"), &hello(1, "cluster")));
}
