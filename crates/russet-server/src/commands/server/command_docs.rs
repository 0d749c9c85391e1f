//! The arguments of a command, from the notation of [`Command::syntax`] to a tree.
//!
//! The notation is what a manual's synopsis looks like, with names and types:
//!
//! ```text
//! key value [condition(NX|XX)] [GET] [expiration(EX seconds:integer | PX milliseconds:integer)]
//! ```
//!
//! | written | means |
//! | --- | --- |
//! | `name`, `name:type` | a value; types are `string` (what a bare name is), `key` (what a bare name that ends in `key` is), `integer`, `double`, `pattern`, `unix-time`, `key-pattern` (a pattern that finds keys) |
//! | `TOKEN` | the word itself; an argument of its own, named like it in lower case |
//! | `TOKEN name`, `TOKEN name(...)` | a value or group that follows the word |
//! | `name(a b)` | a block: all of these, one after the other |
//! | `name(a \| b)` | one of these |
//! | `[a]` | `a` may be missing |
//! | `a...` | `a` may be repeated, but not the token before it |
//! | `[a]...` | the same, with the token before it |
//!
//! COMMAND DOCS shows the tree, HELP writes it as a synopsis.
//!
//! [`Command::syntax`]: crate::command::Command::syntax

use std::fmt::{self, Display, Write};

/// What an argument is, in the words of COMMAND DOCS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // the names are Redis' own
pub enum Kind {
    String,
    Integer,
    Double,
    Key,
    Pattern,
    UnixTime,
    PureToken,
    OneOf,
    Block,
}

impl Kind {
    const VALUES: [Kind; 6] =
        [Kind::String, Kind::Integer, Kind::Double, Kind::Key, Kind::Pattern, Kind::UnixTime];

    /// The name in COMMAND DOCS.
    pub fn name(self) -> &'static str {
        match self {
            Kind::String => "string",
            Kind::Integer => "integer",
            Kind::Double => "double",
            Kind::Key => "key",
            Kind::Pattern => "pattern",
            Kind::UnixTime => "unix-time",
            Kind::PureToken => "pure-token",
            Kind::OneOf => "oneof",
            Kind::Block => "block",
        }
    }
}

/// One argument, or a group of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Argument {
    /// What people call it.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The word that introduces it, or that it consists of.
    pub token: Option<&'static str>,
    /// The key specification that finds it, if it is a key.
    pub key_spec: Option<usize>,
    /// It may be missing.
    pub optional: bool,
    /// It may be repeated.
    pub multiple: bool,
    /// Its token is repeated with it.
    pub multiple_token: bool,
    /// The parts of a group.
    pub arguments: Vec<Argument>,
}

/// Where and why a notation makes no sense.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SyntaxError {
    /// What was expected.
    pub expected: &'static str,
    /// What is there instead, up to the end.
    pub rest: &'static str,
}

/// The arguments that a notation describes, of a command with `key_specs` key specifications.
///
/// # Errors
///
/// See [`SyntaxError`]; a test makes sure that no declaration has one.
pub fn parse(syntax: &'static str, key_specs: usize) -> Result<Vec<Argument>, SyntaxError> {
    let mut parser = Parser { rest: syntax.trim_start(), key_specs, keys: 0, key_patterns: None };
    let arguments = parser.sequence()?;
    if parser.rest.is_empty() { Ok(arguments) } else { parser.fail("an argument") }
}

struct Parser {
    rest: &'static str,
    key_specs: usize,
    /// Keys seen so far.
    keys: usize,
    /// The specification of all key patterns.
    key_patterns: Option<usize>,
}

impl Parser {
    fn fail<T>(&self, expected: &'static str) -> Result<T, SyntaxError> {
        Err(SyntaxError { expected, rest: self.rest })
    }

    /// Takes `text` and the space behind it, if that is what follows.
    fn accept(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, text: &'static str) -> Result<(), SyntaxError> {
        if self.accept(text) { Ok(()) } else { self.fail(text) }
    }

    /// Takes a word.
    fn word(&mut self) -> Option<&'static str> {
        let end = self.rest.find([' ', '[', ']', '(', ')', '|', ':', '.']);
        let end = end.unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!word.is_empty()).then_some(word)
    }

    fn sequence(&mut self) -> Result<Vec<Argument>, SyntaxError> {
        let mut arguments = Vec::new();
        while !self.rest.is_empty() && !self.rest.starts_with([']', ')', '|']) {
            arguments.push(self.element()?);
        }
        Ok(arguments)
    }

    fn element(&mut self) -> Result<Argument, SyntaxError> {
        if !self.accept("[") {
            return self.argument();
        }
        let mut argument = self.argument()?;
        self.expect("]")?;
        argument.optional = true;
        if self.accept("...") {
            argument.multiple = true;
            argument.multiple_token = argument.token.is_some();
        }
        Ok(argument)
    }

    fn argument(&mut self) -> Result<Argument, SyntaxError> {
        let Some(word) = self.word() else { return self.fail("a name or a token") };
        let token = (!is_name(word)).then_some(word);
        if token.is_some() {
            self.rest = self.rest.trim_start();
            if !self.rest.starts_with(is_name_start) {
                return Ok(Argument {
                    name: word.to_ascii_lowercase(),
                    kind: Kind::PureToken,
                    token,
                    key_spec: None,
                    optional: false,
                    multiple: self.accept("..."),
                    multiple_token: false,
                    arguments: Vec::new(),
                });
            }
        }
        let name = match token {
            None => word,
            Some(_) => self.word().expect("a name begins here"),
        };
        let finds_keys = self.rest.starts_with(":key-pattern");
        let (kind, arguments) =
            if self.accept("(") { self.group()? } else { (self.kind(name)?, Vec::new()) };
        let key_spec = match (finds_keys, self.key_patterns) {
            (true, Some(spec)) => Some(spec),
            (false, _) if kind != Kind::Key => None,
            _ => {
                self.keys += 1;
                Some((self.keys - 1).min(self.key_specs.saturating_sub(1)))
            }
        };
        if finds_keys {
            self.key_patterns = key_spec;
        }
        let multiple = self.accept("...");
        self.rest = self.rest.trim_start();
        Ok(Argument {
            name: name.to_owned(),
            kind,
            token,
            key_spec,
            optional: false,
            multiple,
            multiple_token: false,
            arguments,
        })
    }

    /// What follows the opening parenthesis.
    fn group(&mut self) -> Result<(Kind, Vec<Argument>), SyntaxError> {
        let mut arguments = self.sequence()?;
        if arguments.is_empty() {
            return self.fail("the parts of a group");
        }
        let mut kind = Kind::Block;
        while self.accept("|") {
            if kind == Kind::Block && arguments.len() != 1 {
                return self.fail("an alternative of one argument");
            }
            kind = Kind::OneOf;
            arguments.push(self.element()?);
        }
        self.expect(")")?;
        Ok((kind, arguments))
    }

    fn kind(&mut self, name: &str) -> Result<Kind, SyntaxError> {
        let Some(rest) = self.rest.strip_prefix(':') else {
            return Ok(if name.ends_with("key") { Kind::Key } else { Kind::String });
        };
        self.rest = rest;
        let named = self.word().map(|named| if named == "key-pattern" { "pattern" } else { named });
        let kind = Kind::VALUES.into_iter().find(|kind| Some(kind.name()) == named);
        kind.map_or_else(|| self.fail("a type"), Ok)
    }
}

fn is_name(word: &str) -> bool {
    word.starts_with(is_name_start)
}

fn is_name_start(first: char) -> bool {
    first.is_ascii_lowercase()
}

/// Arguments as the synopsis of a manual.
pub struct Synopsis<'a>(pub &'a [Argument]);

impl Display for Synopsis<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        separated(f, self.0, " ")
    }
}

fn separated(f: &mut fmt::Formatter<'_>, arguments: &[Argument], separator: &str) -> fmt::Result {
    for (at, argument) in arguments.iter().enumerate() {
        if at > 0 {
            f.write_str(separator)?;
        }
        argument.fmt(f)?;
    }
    Ok(())
}

impl Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut once = String::new();
        match self.kind {
            Kind::PureToken => {}
            Kind::Block => write!(once, "{}", Synopsis(&self.arguments))?,
            Kind::OneOf => write!(once, "{}", Alternatives(&self.arguments))?,
            _ => write!(once, "<{}>", self.name)?,
        }
        let token = self.token.unwrap_or_default();
        let space = if token.is_empty() || once.is_empty() { "" } else { " " };
        let first = format!("{token}{space}{once}");
        let again = if self.multiple_token { &first } else { &once };
        let all = if self.multiple { format!("{first} [{again} ...]") } else { first.clone() };
        if self.optional { write!(f, "[{all}]") } else { f.write_str(&all) }
    }
}

struct Alternatives<'a>(&'a [Argument]);

impl Display for Alternatives<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        separated(f, self.0, "|")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{COMMANDS, CommandEntry};

    fn parsed(syntax: &'static str) -> Vec<Argument> {
        parse(syntax, 1).expect("the notation makes sense")
    }

    fn synopsis(syntax: &'static str) -> String {
        Synopsis(&parsed(syntax)).to_string()
    }

    #[test]
    fn values_have_names_and_types() {
        let arguments = parsed("newkey value count:integer unix-time-seconds:unix-time source:key");
        let kinds: Vec<Kind> = arguments.iter().map(|argument| argument.kind).collect();
        assert_eq!(kinds, [Kind::Key, Kind::String, Kind::Integer, Kind::UnixTime, Kind::Key]);
        assert_eq!(arguments[3].name, "unix-time-seconds");
        assert_eq!(arguments[0].key_spec, Some(0));
        assert_eq!(parse("a:key b:key c:key", 2).expect("keys")[2].key_spec, Some(1));
        let patterns = parse("key BY a:key-pattern GET b:key-pattern c:key d:pattern", 3);
        let specs = patterns.expect("patterns").into_iter().map(|argument| argument.key_spec);
        assert!(specs.eq([Some(0), Some(1), Some(1), Some(2), None]));
    }

    #[test]
    fn tokens_stand_alone_or_introduce() {
        let arguments = parsed("[GET] [COUNT count:integer] LEN mode(ON|OFF)");
        assert_eq!(arguments[0].kind, Kind::PureToken);
        assert_eq!((arguments[0].name.as_str(), arguments[0].token), ("get", Some("GET")));
        assert_eq!((arguments[1].name.as_str(), arguments[1].token), ("count", Some("COUNT")));
        assert_eq!((arguments[2].kind, arguments[2].token), (Kind::OneOf, Some("LEN")));
        assert_eq!(arguments[2].arguments[1].name, "off");
    }

    #[test]
    fn repetition_is_with_or_without_the_token() {
        let arguments = parsed("[ID id:integer...] [GET field]... data(key value)...");
        let repeats = |at: usize| (arguments[at].multiple, arguments[at].multiple_token);
        assert_eq!(
            (repeats(0), repeats(1), repeats(2)),
            ((true, false), (true, true), (true, false))
        );
        assert!(arguments[1].optional && !arguments[2].optional);
    }

    #[test]
    fn synopses_read_like_a_manual() {
        assert_eq!(synopsis("key value [condition(NX|XX)]"), "<key> <value> [NX|XX]");
        assert_eq!(synopsis("data(key value)..."), "<key> <value> [<key> <value> ...]");
        assert_eq!(
            synopsis("[ID id...] [GET field]..."),
            "[ID <id> [<id> ...]] [GET <field> [GET <field> ...]]"
        );
        assert_eq!(synopsis("[mode(EX seconds | KEEPTTL)]"), "[EX <seconds>|KEEPTTL]");
    }

    #[test]
    fn nonsense_is_refused() {
        for syntax in ["[a", "a)", "a:", "a:int", "a()", "a(b c | d)", "[a b]", "a |", "()"] {
            assert!(parse(syntax, 0).is_err(), "{syntax}");
        }
    }

    /// The words of a call and whether they are keys: as short as possible, or with everything in it
    /// and what can be repeated twice.
    fn call(argument: &Argument, full: bool) -> Vec<(String, bool)> {
        if argument.optional && !full {
            return Vec::new();
        }
        let token = argument.token.map(|token| (token.to_owned(), false));
        let once: Vec<(String, bool)> = match argument.kind {
            Kind::PureToken => Vec::new(),
            Kind::OneOf => call_of_one(&argument.arguments, full),
            Kind::Block => calls(&argument.arguments, full),
            kind => vec![(argument.name.clone(), kind == Kind::Key)],
        };
        let mut words: Vec<_> = token.iter().cloned().chain(once.iter().cloned()).collect();
        if full && argument.multiple {
            words.extend(token.filter(|_| argument.multiple_token));
            words.extend(once);
        }
        words
    }

    fn calls(arguments: &[Argument], full: bool) -> Vec<(String, bool)> {
        arguments.iter().flat_map(|argument| call(argument, full)).collect()
    }

    /// The shortest alternative, or the longest.
    fn call_of_one(alternatives: &[Argument], full: bool) -> Vec<(String, bool)> {
        let calls = alternatives.iter().map(|argument| call(argument, full));
        let chosen = if full { calls.max_by_key(Vec::len) } else { calls.min_by_key(Vec::len) };
        chosen.expect("a group has parts")
    }

    fn arguments_of(entry: &CommandEntry) -> Vec<Argument> {
        let command = entry.command;
        parse(command.syntax, command.keys.len())
            .unwrap_or_else(|error| panic!("{}: {error:?}", entry.full_name))
    }

    /// Commands that ignore whatever follows their names, or understand it without declaring it.
    const INDIFFERENT: &[&str] = &["quit", "debug"];

    #[test]
    fn every_syntax_fits_its_arity() {
        let mut violations = Vec::new();
        for entry in COMMANDS.entries.iter().filter(|entry| entry.subcommands.is_empty()) {
            let arguments = arguments_of(entry);
            let names = entry.full_name.split('|').count();
            let least = names + calls(&arguments, false).len();
            let most = names + calls(&arguments, true).len();
            let needed = entry.command.arity.unsigned_abs() as usize;
            let fits = if entry.command.arity >= 0 {
                (least, most) == (needed, needed)
            } else {
                // A group whose parts are all optional needs one of them nevertheless.
                (least..=least + 1).contains(&needed) && most > needed
            };
            if !fits && !INDIFFERENT.contains(&entry.full_name.as_str()) {
                let arity = entry.command.arity;
                violations.push(format!("{}: {arity}, {least} to {most}", entry.full_name));
            }
        }
        assert!(violations.is_empty(), "{violations:#?}");
    }

    #[test]
    fn every_key_specification_finds_its_keys() {
        for entry in &COMMANDS.entries {
            let arguments = arguments_of(entry);
            for full in [false, true] {
                let names = entry.full_name.split('|').map(|name| (name.to_owned(), false));
                let words: Vec<_> = names.chain(calls(&arguments, full)).collect();
                let keys: Vec<usize> = (0..words.len()).filter(|at| words[*at].1).collect();
                let key_count =
                    |at: usize| words[at..].iter().filter(|word| word.1).count().to_string();
                let numbers: Vec<String> = (0..words.len()).map(key_count).collect();
                let word = |at: usize| match &words[at].0[..] {
                    "numkeys" => numbers[at].as_bytes(),
                    word => word.as_bytes(),
                };
                let found = entry.key_positions(words.len(), word);
                let found: Vec<usize> = found.map(|(at, _)| at).collect();
                assert_eq!(found, keys, "{}: {words:?}", entry.full_name);
            }
        }
    }
}
