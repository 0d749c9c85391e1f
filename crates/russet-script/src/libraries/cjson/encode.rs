//! Lua values as JSON.

use super::number;
use super::settings::{InvalidNumbers, Settings};
use crate::lua::{Kind, Raised, Stack};

/// `cjson.encode(value)`
pub fn encode(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    if stack.top() != 1 {
        return Err(stack.argument_error(1, "expected 1 argument"));
    }
    let mut encoder = Encoder { settings: stack.shared().json.get(), out: Vec::new() };
    encoder.value(stack, 0)?;
    stack.push_bytes(&encoder.out);
    Ok(1)
}

struct Encoder {
    settings: Settings,
    out: Vec<u8>,
}

fn cannot(stack: &mut Stack<'_>, at: i32, why: &str) -> Raised {
    let kind = stack.kind(at).name();
    stack.error(format!("Cannot serialise {kind}: {why}").as_bytes())
}

impl Encoder {
    /// Writes the value on top, and leaves it there.
    fn value(&mut self, stack: &mut Stack<'_>, depth: u32) -> Result<(), Raised> {
        match stack.kind(-1) {
            Kind::String => self.string(stack.bytes(-1).expect("it is a string")),
            Kind::Number => self.number(stack, -1)?,
            Kind::Boolean => {
                let text = if stack.is_true(-1) { &b"true"[..] } else { b"false" };
                self.out.extend_from_slice(text);
            }
            Kind::Nil => self.out.extend_from_slice(b"null"),
            Kind::LightUserdata if stack.is_null(-1) => self.out.extend_from_slice(b"null"),
            Kind::Table => self.table(stack, depth + 1)?,
            _ => return Err(cannot(stack, -1, "type not supported")),
        }
        Ok(())
    }

    fn table(&mut self, stack: &mut Stack<'_>, depth: u32) -> Result<(), Raised> {
        let max = (self.settings.encode_max_depth as u32).min(super::DEPTH_MAX);
        if depth > max || !stack.reserve(3) {
            let text = format!("Cannot serialise, excessive nesting ({depth})");
            return Err(stack.error(text.as_bytes()));
        }
        match self.array_len(stack)? {
            Some(len) if len > 0 => self.array(stack, len, depth),
            _ => self.object(stack, depth),
        }
    }

    /// The largest key of the table on top if all are integers from 1 on, and not too few.
    fn array_len(&self, stack: &mut Stack<'_>) -> Result<Option<i32>, Raised> {
        let table = stack.top();
        let (mut max, mut items) = (0i32, 0i32);
        let all = stack.for_each(table, |stack| {
            let key = stack.number(-2).filter(|_| stack.kind(-2) == Kind::Number);
            let key = key.filter(|key| key.floor() == *key && *key >= 1.0).ok_or(())?;
            if key > f64::from(max) {
                max = key as i32;
            }
            items += 1;
            Ok::<(), ()>(())
        });
        stack.set_top(table);
        if all.is_err() {
            return Ok(None);
        }
        let Settings { sparse_convert, sparse_ratio, sparse_safe, .. } = self.settings;
        let is_sparse = sparse_ratio > 0
            && i64::from(max) > i64::from(items) * i64::from(sparse_ratio)
            && max > sparse_safe;
        match is_sparse {
            true if !sparse_convert => Err(cannot(stack, -1, "excessively sparse array")),
            true => Ok(None),
            false => Ok(Some(max)),
        }
    }

    fn array(&mut self, stack: &mut Stack<'_>, len: i32, depth: u32) -> Result<(), Raised> {
        self.out.push(b'[');
        for index in 1..=len {
            if index > 1 {
                self.out.push(b',');
            }
            stack.raw_element(-1, index);
            self.value(stack, depth)?;
            stack.pop(1);
        }
        self.out.push(b']');
        Ok(())
    }

    fn object(&mut self, stack: &mut Stack<'_>, depth: u32) -> Result<(), Raised> {
        self.out.push(b'{');
        let table = stack.top();
        let mut is_first = true;
        stack.for_each(table, |stack| {
            if !std::mem::take(&mut is_first) {
                self.out.push(b',');
            }
            match stack.kind(-2) {
                Kind::Number => {
                    self.out.push(b'"');
                    self.number(stack, -2)?;
                    self.out.push(b'"');
                }
                Kind::String => self.string(stack.bytes(-2).expect("it is a string")),
                _ => return Err(cannot(stack, -2, "table key must be a number or string")),
            }
            self.out.push(b':');
            self.value(stack, depth)
        })?;
        self.out.push(b'}');
        Ok(())
    }

    fn number(&mut self, stack: &mut Stack<'_>, at: i32) -> Result<(), Raised> {
        let value = stack.number(at).expect("it is a number");
        if value.is_finite() {
            number::write(value, self.settings.encode_precision as usize, &mut self.out);
            return Ok(());
        }
        let text = match self.settings.encode_invalid_numbers {
            InvalidNumbers::Off => return Err(cannot(stack, at, "must not be NaN or Inf")),
            InvalidNumbers::On if value.is_nan() => "nan",
            InvalidNumbers::On if value > 0.0 => "inf",
            InvalidNumbers::On => "-inf",
            InvalidNumbers::Null => "null",
        };
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn string(&mut self, text: &[u8]) {
        self.out.reserve(text.len() + 2);
        self.out.push(b'"');
        for &byte in text {
            let escaped: &[u8] = match byte {
                b'"' => b"\\\"",
                b'\\' => b"\\\\",
                b'/' => b"\\/",
                0x08 => b"\\b",
                b'\t' => b"\\t",
                b'\n' => b"\\n",
                0x0c => b"\\f",
                b'\r' => b"\\r",
                0..0x20 | 0x7f => {
                    self.out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
                    continue;
                }
                _ => {
                    self.out.push(byte);
                    continue;
                }
            };
            self.out.extend_from_slice(escaped);
        }
        self.out.push(b'"');
    }
}
