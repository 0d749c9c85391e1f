//! Errors as scripts see them, and what becomes of those that they do not catch.
//!
//! A script sees an error of a command as a table with the text in its field `err`. Since Redis 7 the
//! text has a code in front, and an error that is not caught is a table as well, with its place in
//! fields of their own. Before, the text of what `redis.call` itself refused began with the place of
//! the call, and an error that was not caught became a line: its place, then its text.

use super::base::shown;
use crate::lua::{Frame, Kind, Raised, Stack};

/// How errors are told.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub enum ErrorStyle {
    /// As Redis does since 7.
    #[default]
    Tables,
    /// As Redis did before.
    Lines,
}

impl ErrorStyle {
    /// The wording of this style, of a text that has two.
    pub(crate) fn choose(self, tables: &'static str, lines: &'static str) -> &'static str {
        match self {
            ErrorStyle::Tables => tables,
            ErrorStyle::Lines => lines,
        }
    }
}

/// Pushes an error as scripts see errors of commands.
///
/// A text that begins with `-` is an error reply and has a code; any other gets `ERR` where errors
/// have codes.
pub fn push_error(stack: &mut Stack<'_>, text: &[u8]) {
    let style = stack.shared().style.get();
    let (code, message) = match text.strip_prefix(b"-") {
        None if style == ErrorStyle::Lines => (&b""[..], text),
        None => (&b"ERR "[..], text),
        Some(line) => match line.iter().position(|&byte| byte == b' ') {
            None => (&b"ERR "[..], line),
            Some(end) => line.split_at(end + 1),
        },
    };
    let is_line_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let start = message.iter().position(|byte| !is_line_end(byte)).unwrap_or(message.len());
    let end = message.iter().rposition(|byte| !is_line_end(byte)).map_or(start, |last| last + 1);
    stack.push_table(0, 4);
    stack.push_bytes(&[code, &message[start..end]].concat());
    stack.raw_set_field(-2, "err");
}

/// Pushes the error of a function of ours that refuses what a script asks, before any command was
/// executed.
pub fn push_refusal(stack: &mut Stack<'_>, text: &[u8]) {
    if stack.shared().style.get() == ErrorStyle::Tables {
        return push_error(stack, text);
    }
    // Level 0 is the function of ours.
    let place = stack.frame(1).map(|caller| place_of(&caller, b": ")).unwrap_or_default();
    stack.push_table(0, 4);
    stack.push_bytes(&[&place, text].concat());
    stack.raw_set_field(-2, "err");
}

/// Where a function is, to stand in front of a text.
fn place_of(frame: &Frame, before_line: &[u8]) -> Vec<u8> {
    [&frame.source, before_line, frame.line.to_string().as_bytes(), b": "].concat()
}

/// Called with every error that a script does not catch: makes it a table, if it is none, and adds
/// where it was raised.
pub fn handle(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    stack.set_top(1);
    // Level 0 is this function, 1 has raised the error. If that is not Lua, its caller says more.
    let frame = match stack.frame(1) {
        Some(frame) if frame.is_native => stack.frame(2),
        frame => frame,
    };
    if stack.is_protected(1) {
        return Ok(1);
    }
    let style = stack.shared().style.get();
    if stack.kind(1) != Kind::Table {
        let code = style.choose("ERR ", "");
        let text = [code.as_bytes(), &shown(stack, 1)[..]].concat();
        stack.push_table(0, 3);
        stack.push_bytes(&text);
        stack.raw_set_field(-2, "err");
    }
    let Some(frame) = frame else { return Ok(1) };
    match style {
        ErrorStyle::Tables => {
            stack.push_bytes(&frame.source);
            stack.raw_set_field(-2, "source");
            stack.push_number(frame.line.into());
            stack.raw_set_field(-2, "line");
        }
        ErrorStyle::Lines => {
            stack.raw_field(-1, b"err");
            let line = [place_of(&frame, b":"), shown(stack, -1)].concat();
            stack.pop(1);
            stack.push_bytes(&line);
            stack.raw_set_field(-2, "err");
        }
    }
    Ok(1)
}
