//! Lua values as replies.
//!
//! A script may return tables as deep as Lua's stack is high, even one that contains itself, so what
//! is open is kept in a list instead of on the thread's stack.

use russet_resp::reply::Deferred;
use russet_resp::{Protocol, ReplyWriter};

use crate::lua::{Kind, Stack};

/// A table that is being written; it is on the stack, and below it, for maps and sets, the table
/// that said so.
struct Open {
    kind: OpenKind,
    /// Where the table is.
    table: i32,
    /// Elements or pairs written so far.
    len: usize,
    deferred: Deferred,
}

enum OpenKind {
    Array,
    /// Whether the value of the pair is next.
    Map(bool),
    Set,
}

/// Writes the value on top, which it takes, as a reply. `script` is what the script speaks, which
/// decides about truth values. Returns whether the value was an error that has been counted.
pub fn write(stack: &mut Stack<'_>, out: &mut ReplyWriter<'_>, script: Protocol) -> bool {
    let is_counted = stack.kind(-1) == Kind::Table && {
        stack.raw_field(-1, super::COUNTED.as_bytes());
        let is_counted = stack.kind(-1) == Kind::Boolean && stack.is_true(-1);
        stack.pop(1);
        is_counted
    };
    let mut opened: Vec<Open> = Vec::new();
    loop {
        opened.extend(begin(stack, out, script));
        loop {
            let Some(open) = opened.last_mut() else { return is_counted };
            if advance(stack, open) {
                break;
            }
            let Open { kind, len, deferred, .. } = opened.pop().expect("it was just looked at");
            match kind {
                OpenKind::Array => out.finish_array(deferred, len),
                OpenKind::Map(_) => out.finish_map(deferred, len),
                OpenKind::Set => out.finish_set(deferred, len),
            }
        }
    }
}

/// Writes the value on top and takes it; or, if it has elements, says so and leaves it there.
fn begin(stack: &mut Stack<'_>, out: &mut ReplyWriter<'_>, script: Protocol) -> Option<Open> {
    /// Values that one level of nesting takes.
    const LEVEL: i32 = 4;
    if !stack.reserve(LEVEL) {
        out.error("ERR reached lua stack limit");
        stack.pop(1);
        return None;
    }
    match stack.kind(-1) {
        Kind::String => out.bulk(stack.bytes(-1).expect("it is a string")),
        Kind::Number => out.integer(as_integer(stack.number(-1).expect("it is a number"))),
        Kind::Boolean => match (script, stack.is_true(-1)) {
            (Protocol::Resp2, true) => out.integer(1),
            (Protocol::Resp2, false) => out.null(),
            (Protocol::Resp3, value) => out.boolean(value),
        },
        Kind::Table => {
            if !write_special(stack, out) {
                return Some(begin_aggregate(stack, out));
            }
        }
        _ => out.null(),
    }
    stack.pop(1);
    None
}

/// A number without its fraction; like the processors that Redis runs on, one that does not fit, or
/// is none, becomes the least integer.
pub fn as_integer(number: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&number) { number as i64 } else { i64::MIN }
}

/// Writes the table on top if it stands for a reply without elements.
fn write_special(stack: &mut Stack<'_>, out: &mut ReplyWriter<'_>) -> bool {
    stack.raw_field(-1, b"err");
    if let Some(text) = stack.bytes(-1) {
        out.error_bytes(c_text(text));
        stack.pop(1);
        return true;
    }
    stack.pop(1);
    stack.raw_field(-1, b"ok");
    if let Some(text) = stack.bytes(-1) {
        out.simple(c_text(text));
        stack.pop(1);
        return true;
    }
    stack.pop(1);
    stack.raw_field(-1, b"double");
    if stack.kind(-1) == Kind::Number {
        out.double(stack.number(-1).expect("it is a number"));
        stack.pop(1);
        return true;
    }
    stack.pop(1);
    stack.raw_field(-1, b"big_number");
    if let Some(digits) = stack.bytes(-1) {
        let spaced = |byte: &u8| if matches!(byte, b'\r' | b'\n') { b' ' } else { *byte };
        let digits: Vec<u8> = digits.iter().map(spaced).collect();
        out.big_number(&digits);
        stack.pop(1);
        return true;
    }
    stack.pop(1);
    let is_verbatim = write_verbatim(stack, out);
    stack.pop(1);
    is_verbatim
}

/// Writes the verbatim string that the table on top stands for, if it does; pushes one value.
fn write_verbatim(stack: &mut Stack<'_>, out: &mut ReplyWriter<'_>) -> bool {
    stack.raw_field(-1, b"verbatim_string");
    if stack.kind(-1) != Kind::Table {
        return false;
    }
    stack.raw_field(-1, b"format");
    stack.raw_field(-2, b"string");
    let parts = stack.bytes(-2).zip(stack.bytes(-1));
    if let Some((format, text)) = parts {
        let mut padded = [b' '; 3];
        padded.iter_mut().zip(c_text(format)).for_each(|(to, from)| *to = *from);
        out.verbatim(&padded, text);
    }
    let is_verbatim = parts.is_some();
    stack.pop(2);
    is_verbatim
}

/// Begins the table on top as a map, a set or an array.
fn begin_aggregate(stack: &mut Stack<'_>, out: &mut ReplyWriter<'_>) -> Open {
    for (name, kind) in [(&b"map"[..], OpenKind::Map(false)), (b"set", OpenKind::Set)] {
        stack.raw_field(-1, name);
        if stack.kind(-1) == Kind::Table {
            let table = stack.top();
            stack.push_nil();
            return Open { kind, table, len: 0, deferred: out.deferred() };
        }
        stack.pop(1);
    }
    Open { kind: OpenKind::Array, table: stack.top(), len: 0, deferred: out.deferred() }
}

/// Pushes what of a table is to be written next; or, if there is nothing more, takes the table.
fn advance(stack: &mut Stack<'_>, open: &mut Open) -> bool {
    match &mut open.kind {
        OpenKind::Array => {
            stack.raw_element(open.table, open.len as i32 + 1);
            if stack.kind(-1) == Kind::Nil {
                stack.pop(2);
                return false;
            }
            open.len += 1;
        }
        OpenKind::Map(is_value_next) if *is_value_next => *is_value_next = false,
        OpenKind::Map(_) | OpenKind::Set => {
            if !stack.next(open.table) {
                stack.pop(2);
                return false;
            }
            open.len += 1;
            match &mut open.kind {
                OpenKind::Map(is_value_next) => *is_value_next = true,
                _ => stack.pop(1),
            }
            // The key stays where the next step looks for it.
            let key = open.table + 1;
            stack.push_copy(key);
        }
    }
    true
}

/// What C sees of a string: all before its first zero byte.
fn c_text(text: &[u8]) -> &[u8] {
    text.split(|&byte| byte == 0).next().unwrap_or_default()
}
