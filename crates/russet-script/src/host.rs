//! What a script asks of the server that runs it.

use russet_resp::{ArgSpan, Protocol};

/// How urgent a message of `redis.log` is, in Redis' numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[allow(missing_docs)] // the names are Redis' own
pub enum LogLevel {
    Debug,
    Verbose,
    Notice,
    Warning,
}

impl LogLevel {
    /// The level of a number.
    pub fn from_number(number: f64) -> Option<Self> {
        match number as i32 {
            0 => Some(LogLevel::Debug),
            1 => Some(LogLevel::Verbose),
            2 => Some(LogLevel::Notice),
            3 => Some(LogLevel::Warning),
            _ => None,
        }
    }
}

/// Who is to hear of the writes of a script (`redis.set_repl`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Replication {
    /// The append-only file.
    pub to_file: bool,
    /// Replicas.
    pub to_replicas: bool,
}

/// What came of a command that a script has called.
#[derive(Debug)]
pub enum Called {
    /// It was executed and has written its reply.
    Replied,
    /// It was not executed; this is why, without an error code.
    Refused(Vec<u8>),
    /// The script must not go on: it ends now with this error, which it cannot catch.
    Stopped(&'static str),
}

/// Whether a script that has run for a while may go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pace {
    /// It may.
    GoOn,
    /// It ends with this error, which it cannot catch.
    Stop(&'static str),
}

/// See the module's documentation.
pub trait Host {
    /// Executes a command, whose arguments are where `spans` say in `command`, and which appends
    /// its reply to `reply`.
    fn call(
        &mut self,
        command: &[u8],
        spans: &[ArgSpan],
        protocol: Protocol,
        reply: &mut Vec<u8>,
    ) -> Called;

    /// Writes to the log.
    fn log(&mut self, level: LogLevel, message: &[u8]);

    /// Says who is to hear of writes from now on.
    fn set_replication(&mut self, replication: Replication);

    /// Asked every so many instructions.
    fn pace(&mut self) -> Pace;
}
