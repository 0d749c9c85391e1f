//! Random streams of commands: few keys, many values, every option, and mistakes.
//!
//! A family is a function that makes one command line at random. [`Stream`] spreads the lines of
//! one or several families over connections, spoils some of them, and wraps some in transactions.
//! Everything follows from the seed, so a seed and a length name a stream.

mod bits;
mod bytes;
mod connection;
mod geo;
mod keys;
mod lists;
pub mod server;
mod sets;
mod sort;
mod sorted_sets;
mod strings;
mod waiting;

use std::time::Duration;

use fastrand::Rng;

use crate::run::CONNECTIONS;
use crate::step::{Line, Step};

/// Makes one random command line.
pub type Family = fn(&mut Generator) -> Line;

/// The families by name.
pub const FAMILIES: &[(&str, &[Family])] = &[
    ("strings", &[strings::strings]),
    ("numbers", &[strings::numbers]),
    ("bits", &[bits::bits, strings::strings]),
    ("bitfields", &[bits::bitfields]),
    ("lists", &[lists::lists]),
    ("sets", &[sets::sets, sets::sets, sets::sets, keys::shown_when_expired]),
    ("hashes", &[sets::hashes, sets::hashes, sets::hashes, keys::shown_when_expired]),
    ("sketches", &[sets::sketches, sets::sketches, sets::sketches, keys::shown_when_expired]),
    ("collections", COLLECTIONS),
    ("sort", &[sort::sort, sort::sort, sort::values]),
    ("keys", &[keys::keys, keys::keys, keys::shown_when_expired, strings::strings]),
    ("expiry", &[keys::expiry, keys::expiry, strings::strings]),
    ("transactions", &[connection::transactions, connection::transactions, strings::strings]),
    ("connection", &[connection::connection, strings::numbers]),
    ("sorted_sets", &[sorted_sets::sorted_sets]),
    ("geo", &[geo::geo]),
    ("server", &[server::server, strings::strings]),
    ("waiting", &[waiting::blocking, lists::lists, lists::lists, sorted_sets::sorted_sets]),
    ("messages", &[waiting::messages]),
    ("everything", EVERYTHING),
];

/// All types together, so that commands meet keys of every wrong type.
const COLLECTIONS: &[Family] = &[
    lists::lists,
    sets::sets,
    sets::hashes,
    sets::sketches,
    sorted_sets::sorted_sets,
    keys::keys,
    keys::shown_when_expired,
];

const EVERYTHING: &[Family] = &[
    strings::strings,
    strings::numbers,
    bits::bits,
    bits::bitfields,
    lists::lists,
    sort::sort,
    sort::values,
    keys::keys,
    keys::expiry,
    sets::sets,
    sets::hashes,
    sets::sketches,
    connection::transactions,
    connection::connection,
    server::server,
    sorted_sets::sorted_sets,
    geo::geo,
    waiting::blocking,
    waiting::messages,
];

/// The steps named by `families`, `seed` and `length`.
pub fn stream(families: &[Family], seed: u64, length: usize) -> Vec<Step> {
    let mut generator = Generator::new(seed);
    (0..length).map(|_| generator.step(families)).collect()
}

/// Sessions of raw bytes: valid pipelines cut anywhere, spoiled ones, and protocol mistakes.
pub fn byte_sessions(seed: u64, length: usize) -> Vec<Step> {
    let mut generator = Generator::new(seed);
    (0..length).map(|_| Step::Bytes(bytes::session(&mut generator))).collect()
}

/// Sessions of raw bytes for servers that want a password (`secret`).
pub fn password_sessions(seed: u64, length: usize) -> Vec<Step> {
    let mut generator = Generator::new(seed);
    (0..length).map(|_| Step::Bytes(bytes::password_session(&mut generator))).collect()
}

/// A source of random arguments.
pub struct Generator {
    pub rng: Rng,
    /// Whether a key has been given a short time to live that no step has waited for yet.
    short_time_set: bool,
}

impl Generator {
    fn new(seed: u64) -> Generator {
        Generator { rng: Rng::with_seed(seed), short_time_set: false }
    }

    fn step(&mut self, families: &[Family]) -> Step {
        let connection = self.rng.usize(..CONNECTIONS);
        if self.short_time_set && self.once_in(8) {
            self.short_time_set = false;
            return Step::Wait(Duration::from_millis(keys::SHORT_TIME_MS));
        }
        match self.rng.u32(..300) {
            0..=3 => Step::Iteration { connection, options: keys::scan_options(self) },
            _ => {
                let family = families[self.rng.usize(..families.len())];
                let line = family(self);
                Step::Command { connection, line: self.maybe_spoil(line) }
            }
        }
    }

    /// One of `choices`.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.rng.usize(..choices.len())]
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: u32) -> bool {
        self.rng.u32(..times) == 0
    }

    /// A key out of few, so that commands meet.
    pub fn key(&mut self) -> Vec<u8> {
        const LONG: &[u8] = &[b'L'; 300];
        let pool: &[&[u8]] = &[
            b"a",
            b"b",
            b"c",
            b"counter",
            b"key:1",
            b"key:2",
            b"{tag}x",
            b"",
            b"\x00\xff\r\n $*",
            b"with space",
            b"glob*?[a-z]\\",
            LONG,
        ];
        // The first ones most of the time.
        let range = if self.once_in(3) { pool.len() } else { 5 };
        pool[self.rng.usize(..range)].to_vec()
    }

    /// A string value of any of the shapes that servers treat apart.
    pub fn value(&mut self) -> Vec<u8> {
        match self.rng.u32(..12) {
            0..=3 => self.integer(),
            4 => self.float(),
            5 => Vec::new(),
            // Around the length where Redis changes the encoding of a string.
            6 => vec![b'e'; self.rng.usize(40..50)],
            7 => self.random_bytes(64),
            8 => self.random_bytes(600),
            9 if self.once_in(8) => self.random_bytes(70_000),
            // Few letters, so that LCS and BITOP find something.
            9 | 10 => {
                let length = self.rng.usize(..40);
                (0..length).map(|_| self.rng.u8(b'a'..=b'c')).collect()
            }
            _ => b"hello world".to_vec(),
        }
    }

    /// A member of a set, a field or a value of a hash: few, so that they meet, of every form.
    pub fn member(&mut self) -> Vec<u8> {
        match self.rng.u32(..12) {
            0..=4 => self.rng.i32(-3..12).to_string().into_bytes(),
            5..=8 => vec![self.rng.u8(b'a'..=b'h')],
            9 => self.integer(),
            10 => self.float(),
            // Around the length where Redis changes the encoding of a hash.
            _ if self.once_in(4) => vec![b'm'; self.rng.usize(18..23)],
            _ => self.value(),
        }
    }

    fn random_bytes(&mut self, limit: usize) -> Vec<u8> {
        let mut bytes = vec![0; self.rng.usize(..limit)];
        self.rng.fill(&mut bytes);
        bytes
    }

    /// An integer as text: small, at the edges, or not quite one.
    pub fn integer(&mut self) -> Vec<u8> {
        const EDGES: &[&str] = &[
            "0",
            "-1",
            "9999",
            "10000",
            "2147483647",
            "-2147483648",
            "4294967296",
            "9223372036854775807",
            "-9223372036854775808",
            "9223372036854775806",
        ];
        const NOT_QUITE: &[&str] = &[
            "9223372036854775808",
            "-9223372036854775809",
            "18446744073709551616",
            "-0",
            "00",
            "+1",
            " 1",
            "1 ",
            "1.0",
            "1e3",
            "0x10",
            "",
            "-",
            "abc",
            "1\u{0}",
        ];
        match self.rng.u32(..10) {
            0 | 1 => self.one_of(EDGES).as_bytes().to_vec(),
            2 => self.one_of(NOT_QUITE).as_bytes().to_vec(),
            3 => self.rng.i64(..).to_string().into_bytes(),
            _ => self.rng.i32(-200..200).to_string().into_bytes(),
        }
    }

    /// A number with a fraction as text, or something near one.
    pub fn float(&mut self) -> Vec<u8> {
        const EDGES: &[&str] = &[
            "0.1",
            "-0.0",
            "3.0e3",
            "5.0e3",
            "1e-20",
            "1.7976931348623157e308",
            "1e400",
            "inf",
            "-inf",
            "nan",
            "+inf",
            "infinity",
            "0x1p3",
            "1.5 ",
            " 1.5",
            ".5",
            "5.",
            "1e",
            "",
            "3.14159265358979323846264338327950288",
            "17179869184.5",
            "1e17",
            "1e18",
            "123456789012345678901234567890",
            "-1.",
            "1_0",
        ];
        match self.rng.u32(..3) {
            0 => self.one_of(EDGES).as_bytes().to_vec(),
            1 => {
                let number = f64::from(self.rng.i32(-100_000..100_000)) / 1_000.0;
                number.to_string().into_bytes()
            }
            _ => {
                let (number, exponent) = (self.rng.f64(), self.rng.i32(-30..30));
                format!("{number}e{exponent}").into_bytes()
            }
        }
    }

    /// A byte or bit position: mostly near the start, sometimes negative, far or not a number.
    pub fn position(&mut self) -> Vec<u8> {
        match self.rng.u32(..12) {
            0 => self.integer_out_of_reach(),
            1..=3 => self.rng.i32(-40..0).to_string().into_bytes(),
            4 => self.rng.u32(..5_000).to_string().into_bytes(),
            _ => self.rng.u32(..40).to_string().into_bytes(),
        }
    }

    /// A number that no position can have with `proto-max-bulk-len` at its least (1 MiB).
    pub fn integer_out_of_reach(&mut self) -> Vec<u8> {
        const FAR: &[&str] = &[
            "8388608",
            "4294967296",
            "536870912",
            "-4294967296",
            "9223372036854775807",
            "-9223372036854775808",
            "9223372036854775808",
            "abc",
            "",
            "1.5",
        ];
        self.one_of(FAR).as_bytes().to_vec()
    }

    /// Make some lines wrong: an argument too many or too few, garbage in place of one, odd case.
    fn maybe_spoil(&mut self, mut line: Line) -> Line {
        // One argument away from ending, stopping or disconnecting what the stream talks to, from
        // listing all commands there are, from another picture, from a choice that each server makes
        // for itself, from a reply without end, or from waiting for ever.
        const PRECARIOUS: &[&str] = &[
            "SHUTDOWN",
            "DEBUG",
            "CLIENT PAUSE",
            "CLIENT KILL",
            "COMMAND",
            "LOLWUT",
            "SPOP",
            "SRANDMEMBER",
            "HRANDFIELD",
            "ZRANDMEMBER",
            "SORT sort:set",
            "SORT_RO sort:set",
        ];
        // Ranges of members mean nothing once a spoiled score differs from the others.
        let is_lex = line.0.get(1).is_some_and(|key| key.starts_with(sorted_sets::LEX_PREFIX));
        if is_lex || PRECARIOUS.iter().any(|words| line.begins_with(words)) {
            return line;
        }
        let arguments = &mut line.0;
        let at = self.rng.usize(..arguments.len());
        match self.rng.u32(..60) {
            0 => {
                arguments.pop();
            }
            1 => arguments.push(self.value()),
            2 => {
                let copy = arguments[at].clone();
                arguments.insert(at, copy);
            }
            3 if at > 0 => arguments[at] = self.value(),
            4 if at > 0 => arguments[at] = self.integer(),
            5 => {
                let option = self.one_of(&[
                    "NX", "XX", "GT", "LT", "GET", "EX", "PX", "KEEPTTL", "PERSIST", "COUNT",
                    "MATCH", "TYPE", "BYTE", "BIT", "REPLACE", "DB", "ASYNC", "SYNC", "LEN", "IDX",
                ]);
                arguments.push(option.as_bytes().to_vec());
            }
            6..=20 => {
                for byte in &mut arguments[0] {
                    if self.rng.bool() {
                        *byte = byte.to_ascii_lowercase();
                    }
                }
            }
            _ => {}
        }
        if arguments.is_empty() {
            arguments.push(b"PING".to_vec());
        }
        line
    }
}
