//! Scripts: whatever their source, and whatever data `cjson`, `cmsgpack` and `struct` are given, the
//! interpreter answers or says what is wrong.
//!
//! The first byte of an input says what the rest is: data for one of the libraries, or source.

#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use russet_resp::{ArgSpan, Protocol, ReplyWriter};
use russet_script::sandbox::{ErrorStyle, Identity};
use russet_script::{Called, Host, Interpreter, LogLevel, Pace, Replication};

/// Enough for small scripts, little enough to be met often.
const LIMIT_BYTES: usize = 16 << 20;
/// Looks at the time after which a script has to end.
const PACES: u32 = 20;

/// What is done with data.
const READERS: [&[u8]; 4] = [
    b"return cjson.encode(cjson.decode(ARGV[1]))",
    b"return cmsgpack.pack(cmsgpack.unpack(ARGV[1]))",
    b"return {struct.unpack(ARGV[1], ARGV[1])}",
    b"return {struct.pack(ARGV[1], 1, 2, 'three', 4.5)}",
];

/// Answers every command with its own bytes, and ends scripts that go on and on.
struct Echo {
    paces: u32,
}

impl Host for Echo {
    fn call(&mut self, command: &[u8], _: &[ArgSpan], _: Protocol, reply: &mut Vec<u8>) -> Called {
        ReplyWriter::new(reply, Protocol::Resp2).bulk(command);
        Called::Replied
    }

    fn log(&mut self, _: LogLevel, _: &[u8]) {}

    fn set_replication(&mut self, _: Replication) {}

    fn pace(&mut self) -> Pace {
        self.paces += 1;
        if self.paces > PACES { Pace::Stop("too long") } else { Pace::GoOn }
    }
}

thread_local! {
    static INTERPRETER: RefCell<Interpreter> = RefCell::new({
        let identity = Identity { version: "7.2.4".to_owned(), errors: ErrorStyle::default() };
        Interpreter::new(&identity, LIMIT_BYTES)
    });
}

fuzz_target!(|input: &[u8]| {
    let Some((kind, rest)) = input.split_first() else { return };
    let source = READERS.get(usize::from(*kind)).copied().unwrap_or(rest);
    INTERPRETER.with_borrow_mut(|interpreter| {
        let Ok(script) = interpreter.compile(source) else { return };
        let mut reply = Vec::new();
        let mut out = ReplyWriter::new(&mut reply, Protocol::Resp3);
        let arguments = [rest];
        interpreter.run(
            script,
            std::iter::empty(),
            arguments.into_iter(),
            &mut Echo { paces: 0 },
            &mut out,
        );
        interpreter.forget(script);
    });
});
