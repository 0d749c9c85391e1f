//! JSON as Lua values.

use super::number;
use super::settings::Settings;
use crate::lua::{Raised, Stack};
use crate::sandbox::expect_text;

/// `cjson.decode(text)`
pub fn decode(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    if stack.top() != 1 {
        return Err(stack.argument_error(1, "expected 1 argument"));
    }
    expect_text(stack, 1)?;
    let text = stack.bytes(1).expect("it is a string now").to_vec();
    if text.len() >= 2 && (text[0] == 0 || text[1] == 0) {
        return Err(stack.error(b"JSON parser does not support UTF-16 or UTF-32"));
    }
    let mut decoder = Decoder { text: &text, at: 0, settings: stack.shared().json.get(), depth: 0 };
    let (token, start) = decoder.token();
    decoder.value(stack, token, start)?;
    match decoder.token() {
        (Token::End, _) => Ok(1),
        (token, start) => Err(unexpected(stack, "the end", &token, start)),
    }
}

enum Token {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    Colon,
    Comma,
    String(Vec<u8>),
    Number(f64),
    Boolean(bool),
    Null,
    End,
    Wrong(&'static str),
}

impl Token {
    /// What it is called in errors.
    fn name(&self) -> &'static str {
        match self {
            Token::ObjectBegin => "T_OBJ_BEGIN",
            Token::ObjectEnd => "T_OBJ_END",
            Token::ArrayBegin => "T_ARR_BEGIN",
            Token::ArrayEnd => "T_ARR_END",
            Token::Colon => "T_COLON",
            Token::Comma => "T_COMMA",
            Token::String(_) => "T_STRING",
            Token::Number(_) => "T_NUMBER",
            Token::Boolean(_) => "T_BOOLEAN",
            Token::Null => "T_NULL",
            Token::End => "T_END",
            Token::Wrong(why) => why,
        }
    }
}

fn unexpected(stack: &mut Stack<'_>, expected: &str, found: &Token, at: usize) -> Raised {
    let found = found.name();
    let text = format!("Expected {expected} but found {found} at character {}", at + 1);
    stack.error(text.as_bytes())
}

struct Decoder<'a> {
    text: &'a [u8],
    at: usize,
    settings: Settings,
    depth: u32,
}

impl Decoder<'_> {
    /// A byte further on; as in C, a zero byte follows the text.
    fn peek(&self, ahead: usize) -> u8 {
        self.text.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn starts(&self, word: &[u8]) -> bool {
        self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word))
    }

    /// The next token, and where it is.
    fn token(&mut self) -> (Token, usize) {
        while matches!(self.peek(0), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
        let start = self.at;
        let single = match self.peek(0) {
            b'{' => Token::ObjectBegin,
            b'}' => Token::ObjectEnd,
            b'[' => Token::ArrayBegin,
            b']' => Token::ArrayEnd,
            b',' => Token::Comma,
            b':' => Token::Colon,
            0 => return (Token::End, start),
            b'"' => return self.string(),
            byte => return self.word(byte, start),
        };
        self.at += 1;
        (single, start)
    }

    fn word(&mut self, byte: u8, start: usize) -> (Token, usize) {
        let invalid_allowed = self.settings.decode_invalid_numbers;
        if byte == b'-' || byte.is_ascii_digit() {
            if !invalid_allowed && self.is_invalid_number() {
                return (Token::Wrong("invalid number"), start);
            }
            return self.number(start);
        }
        let words: [(&[u8], Token); 3] = [
            (b"true", Token::Boolean(true)),
            (b"false", Token::Boolean(false)),
            (b"null", Token::Null),
        ];
        for (word, token) in words {
            if self.starts(word) {
                self.at += word.len();
                return (token, start);
            }
        }
        let may_begin_one = matches!(byte, b'f' | b'i' | b'I' | b'n' | b'N' | b't' | b'+');
        if may_begin_one && invalid_allowed && self.is_invalid_number() {
            return self.number(start);
        }
        (Token::Wrong("invalid token"), start)
    }

    fn number(&mut self, start: usize) -> (Token, usize) {
        match number::read(&self.text[self.at..]) {
            Some((value, len)) => {
                self.at += len;
                (Token::Number(value), start)
            }
            None => (Token::Wrong("invalid number"), start),
        }
    }

    /// Whether what comes next is, if a number, none of JSON's.
    fn is_invalid_number(&self) -> bool {
        if self.peek(0) == b'+' {
            return true;
        }
        let sign = usize::from(self.peek(0) == b'-');
        if self.peek(sign) == b'0' {
            let next = self.peek(sign + 1);
            return next | 0x20 == b'x' || next.is_ascii_digit();
        }
        let rest = self.text.get(self.at + sign..).unwrap_or_default();
        let starts = |word: &[u8]| {
            rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
        };
        starts(b"inf") || starts(b"nan")
    }

    fn string(&mut self) -> (Token, usize) {
        let start = self.at;
        self.at += 1;
        let mut decoded = Vec::new();
        loop {
            match self.peek(0) {
                b'"' => break,
                0 => return (Token::Wrong("unexpected end of string"), self.at),
                b'\\' => {
                    let byte = match self.peek(1) {
                        byte @ (b'"' | b'\\' | b'/') => byte,
                        b'b' => 0x08,
                        b't' => b'\t',
                        b'n' => b'\n',
                        b'f' => 0x0c,
                        b'r' => b'\r',
                        b'u' => match self.unicode() {
                            Some((character, len)) => {
                                let mut bytes = [0; 4];
                                let bytes = character.encode_utf8(&mut bytes).as_bytes();
                                decoded.extend_from_slice(bytes);
                                self.at += len;
                                continue;
                            }
                            None => return (Token::Wrong("invalid unicode escape code"), self.at),
                        },
                        _ => return (Token::Wrong("invalid escape code"), self.at),
                    };
                    decoded.push(byte);
                    self.at += 2;
                }
                byte => {
                    decoded.push(byte);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        (Token::String(decoded), start)
    }

    /// Four hexadecimal digits, so many bytes ahead.
    fn hexadecimal(&self, ahead: usize) -> Option<u32> {
        (0..4).try_fold(0, |sum, digit| {
            char::from(self.peek(ahead + digit)).to_digit(16).map(|digit| sum << 4 | digit)
        })
    }

    /// The character of `\u` and four digits, or of a pair of them, and how many bytes that takes.
    fn unicode(&self) -> Option<(char, usize)> {
        /// Bytes of one.
        const ESCAPE: usize = 6;
        let first = self.hexadecimal(2)?;
        if !(0xd800..0xe000).contains(&first) {
            return char::from_u32(first).map(|character| (character, ESCAPE));
        }
        if first >= 0xdc00 || self.peek(ESCAPE) != b'\\' || self.peek(ESCAPE + 1) != b'u' {
            return None;
        }
        let second = self.hexadecimal(ESCAPE + 2)?;
        if !(0xdc00..0xe000).contains(&second) {
            return None;
        }
        let code = (((first & 0x3ff) << 10) | (second & 0x3ff)) + 0x1_0000;
        char::from_u32(code).map(|character| (character, 2 * ESCAPE))
    }

    /// Pushes the value that begins with a token.
    fn value(&mut self, stack: &mut Stack<'_>, token: Token, start: usize) -> Result<(), Raised> {
        match token {
            Token::String(text) => stack.push_bytes(&text),
            Token::Number(number) => stack.push_number(number),
            Token::Boolean(value) => stack.push_boolean(value),
            Token::Null => stack.push_null(),
            Token::ObjectBegin => self.object(stack)?,
            Token::ArrayBegin => self.array(stack)?,
            token => return Err(unexpected(stack, "value", &token, start)),
        }
        Ok(())
    }

    fn descend(&mut self, stack: &mut Stack<'_>) -> Result<(), Raised> {
        self.depth += 1;
        let max = (self.settings.decode_max_depth as u32).min(super::DEPTH_MAX);
        if self.depth <= max && stack.reserve(4) {
            return Ok(());
        }
        let (depth, at) = (self.depth, self.at);
        let text = format!("Found too many nested data structures ({depth}) at character {at}");
        Err(stack.error(text.as_bytes()))
    }

    fn object(&mut self, stack: &mut Stack<'_>) -> Result<(), Raised> {
        self.descend(stack)?;
        stack.push_table(0, 0);
        let (mut token, mut start) = self.token();
        if !matches!(token, Token::ObjectEnd) {
            loop {
                match token {
                    Token::String(key) => stack.push_bytes(&key),
                    token => return Err(unexpected(stack, "object key string", &token, start)),
                }
                match self.token() {
                    (Token::Colon, _) => {}
                    (token, start) => return Err(unexpected(stack, "colon", &token, start)),
                }
                let (first, at) = self.token();
                self.value(stack, first, at)?;
                stack.raw_set(-3);
                match self.token() {
                    (Token::ObjectEnd, _) => break,
                    (Token::Comma, _) => (token, start) = self.token(),
                    (token, start) => {
                        return Err(unexpected(stack, "comma or object end", &token, start));
                    }
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn array(&mut self, stack: &mut Stack<'_>) -> Result<(), Raised> {
        self.descend(stack)?;
        stack.push_table(0, 0);
        let (mut token, mut start) = self.token();
        let mut index = 1;
        if !matches!(token, Token::ArrayEnd) {
            loop {
                self.value(stack, token, start)?;
                stack.raw_set_element(-2, index);
                index += 1;
                match self.token() {
                    (Token::ArrayEnd, _) => break,
                    (Token::Comma, _) => (token, start) = self.token(),
                    (token, start) => {
                        return Err(unexpected(stack, "comma or array end", &token, start));
                    }
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }
}
