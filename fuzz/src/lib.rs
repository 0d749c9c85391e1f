//! What fuzz targets share: an interpreter of scripts, and a host that answers them.

use std::cell::RefCell;

use russet_resp::{ArgSpan, Protocol, ReplyWriter};
use russet_script::sandbox::{ErrorStyle, Identity};
use russet_script::{Called, Ended, Host, Interpreter, LogLevel, Pace, Replication};

/// Enough for small scripts, little enough to be met often.
const LIMIT_BYTES: usize = 16 << 20;
/// Looks at the time after which a script has to end.
const PACES: u32 = 20;

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
        let mut interpreter = Interpreter::new(&identity);
        interpreter.set_limit(LIMIT_BYTES);
        interpreter
    });
}

/// The reply of a script, unless it cannot be compiled or fails.
pub fn run_script(source: &[u8], argument: &[u8]) -> Option<Vec<u8>> {
    INTERPRETER.with_borrow_mut(|interpreter| {
        let script = interpreter.compile(source).ok()?;
        let mut reply = Vec::new();
        let mut out = ReplyWriter::new(&mut reply, Protocol::Resp3);
        let keys = std::iter::empty();
        let arguments = [argument].into_iter();
        let ended = interpreter.run(script, keys, arguments, &mut Echo { paces: 0 }, &mut out);
        interpreter.forget(script);
        matches!(ended, Ended::Returned { .. }).then_some(reply)
    })
}
