//! Why a command is not executed that a script calls.

use crate::config::Compatibility;
use crate::error::Error;

/// See the module's documentation.
#[derive(Debug)]
pub enum Refusal {
    /// For a reason that there is only in scripts, in the words of Redis 7.2, after a code, and of 4.0.
    OfScripts(&'static str, &'static str),
    /// As other clients would be told.
    Any(Error),
}

impl Refusal {
    /// There is no such command.
    pub const UNKNOWN: Self = Refusal::OfScripts(
        "ERR Unknown Redis command called from script",
        "Unknown Redis command called from Lua script",
    );
    /// The command has too few or too many arguments.
    pub const WRONG_ARITY: Self = Refusal::OfScripts(
        "ERR Wrong number of args calling Redis command from script",
        "Wrong number of args calling Redis command From Lua script",
    );
    /// The command is none for scripts.
    pub const NOT_ALLOWED: Self = Refusal::OfScripts(
        "ERR This Redis command is not allowed from script",
        "This Redis command is not allowed from scripts",
    );
    /// The script has said that it does not write.
    pub const READ_ONLY: Self = Refusal::OfScripts(
        "ERR Write commands are not allowed from read-only scripts.",
        "Write commands are not allowed from read-only scripts.",
    );
    /// Nothing of Redis': the locks of the script cannot be extended.
    pub const KEY_IN_USE: Self = Refusal::OfScripts(
        "ERR The script uses a key that it has not declared, which is in use elsewhere. The next \
         time it will be run alone",
        "The script uses a key that it has not declared, which is in use elsewhere. The next time it \
         will be run alone",
    );

    /// The error as it is counted, and what the script is told. To a script of 4.0 the error of another
    /// client is what that would have received, the signs of the protocol included.
    pub fn worded(self, compatibility: Compatibility) -> (Error, Vec<u8>) {
        let (error, of_4_0) = match self {
            Refusal::OfScripts(text, of_4_0) => (Error::new(text), of_4_0.as_bytes().to_vec()),
            Refusal::Any(error) => {
                let line = [b"-", error.text(), b"\r\n"].concat();
                (error, line)
            }
        };
        let text = match compatibility {
            Compatibility::V4_0 => of_4_0,
            Compatibility::V7_2 => [b"-", error.text()].concat(),
        };
        (error, text)
    }
}
