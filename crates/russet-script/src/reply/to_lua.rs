//! Replies of commands as Lua values.

use crate::lua::Stack;
use crate::sandbox::push_error;

/// What of a reply has not been read yet. The server wrote it, so it is whole.
struct Rest<'a>(&'a [u8]);

const WHOLE: &str = "the server writes whole replies";

impl<'a> Rest<'a> {
    fn line(&mut self) -> &'a [u8] {
        let end = self.0.windows(2).position(|pair| pair == b"\r\n").expect(WHOLE);
        let line = &self.0[..end];
        self.0 = &self.0[end + 2..];
        line
    }

    fn integer(&mut self) -> i64 {
        let line = self.line();
        let (is_negative, digits) = match line {
            [b'-', digits @ ..] => (true, digits),
            digits => (false, digits),
        };
        let digit = |byte: &u8| i64::from(byte.wrapping_sub(b'0'));
        let sum = digits.iter().fold(0i64, |sum, byte| {
            // Counted downwards, where there is room for the least integer.
            sum.wrapping_mul(10).wrapping_sub(digit(byte))
        });
        if is_negative { sum } else { sum.wrapping_neg() }
    }

    /// A length; `None` where it says that there is nothing.
    fn length(&mut self) -> Option<usize> {
        usize::try_from(self.integer()).ok()
    }

    fn bytes(&mut self, len: usize) -> &'a [u8] {
        let bytes = &self.0[..len];
        self.0 = &self.0[len + 2..];
        bytes
    }
}

/// Pushes a reply as the value that it is to a script.
pub fn push(stack: &mut Stack<'_>, reply: &[u8]) {
    let mut rest = Rest(reply);
    push_next(stack, &mut rest);
    debug_assert!(rest.0.is_empty(), "one reply");
}

fn push_next(stack: &mut Stack<'_>, rest: &mut Rest<'_>) {
    /// Values that one level of nesting takes.
    const LEVEL: i32 = 5;
    assert!(stack.reserve(LEVEL), "replies are not nested deeply");
    let (&kind, after) = rest.0.split_first().expect(WHOLE);
    let whole = rest.0;
    rest.0 = after;
    match kind {
        b'$' => match rest.length() {
            Some(len) => stack.push_bytes(rest.bytes(len)),
            None => stack.push_boolean(false),
        },
        b':' => stack.push_number(rest.integer() as f64),
        b'+' => push_field(stack, "ok", rest.line()),
        b'-' => {
            let line = rest.line();
            push_error(stack, &whole[..line.len() + 1]);
            stack.push_boolean(true);
            stack.raw_set_field(-2, super::COUNTED);
        }
        b'*' | b'>' => match rest.length() {
            Some(len) => push_array(stack, rest, len),
            None => stack.push_boolean(false),
        },
        b'_' => {
            rest.line();
            stack.push_nil();
        }
        b'#' => {
            let is_true = rest.line() == b"t";
            stack.push_boolean(is_true);
        }
        b',' => {
            let number = russet_data::number::parse_f64(rest.line()).unwrap_or(f64::NAN);
            stack.push_table(0, 1);
            stack.push_number(number);
            stack.raw_set_field(-2, "double");
        }
        b'(' => push_field(stack, "big_number", rest.line()),
        b'=' => {
            let len = rest.length().expect(WHOLE);
            let (format, text) = rest.bytes(len).split_at(3);
            stack.push_table(0, 1);
            push_field(stack, "string", &text[1..]);
            stack.push_bytes(format);
            stack.raw_set_field(-2, "format");
            stack.raw_set_field(-2, "verbatim_string");
        }
        b'%' => {
            let len = rest.length().expect(WHOLE);
            stack.push_table(0, 1);
            stack.push_table(0, len);
            for _ in 0..len {
                push_next(stack, rest);
                push_next(stack, rest);
                stack.raw_set(-3);
            }
            stack.raw_set_field(-2, "map");
        }
        b'~' => {
            let len = rest.length().expect(WHOLE);
            stack.push_table(0, 1);
            stack.push_table(0, len);
            for _ in 0..len {
                push_next(stack, rest);
                stack.push_boolean(true);
                stack.raw_set(-3);
            }
            stack.raw_set_field(-2, "set");
        }
        b'|' => {
            // Scripts do not see attributes, only what they belong to.
            for _ in 0..2 * rest.length().expect(WHOLE) {
                push_next(stack, rest);
                stack.pop(1);
            }
            push_next(stack, rest);
        }
        kind => unreachable!("the server writes no reply that begins with {kind}"),
    }
}

fn push_array(stack: &mut Stack<'_>, rest: &mut Rest<'_>, len: usize) {
    stack.push_table(len, 0);
    for index in 1..=len {
        push_next(stack, rest);
        stack.raw_set_element(-2, index as i32);
    }
}

/// Pushes a table with one field.
fn push_field(stack: &mut Stack<'_>, name: &str, value: &[u8]) {
    stack.push_table(0, 1);
    stack.push_bytes(value);
    stack.raw_set_field(-2, name);
}
