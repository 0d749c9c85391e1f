//! The errors that clients see, with their texts in one place.
//!
//! The first word of a text is its code (`ERR`, `WRONGTYPE`, ...), which clients match on and
//! INFO errorstats counts; the texts are Redis'.

use std::borrow::Cow;
use std::fmt;

/// An error reply: the code and the text, without the leading `-`.
///
/// The text is bytes because it may repeat what the client sent, which need not be UTF-8.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Cow<'static, [u8]>);

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        impl Error {
            $($(#[$doc])* pub const $name: Error = Error(Cow::Borrowed($text.as_bytes()));)*
        }
    };
}

texts! {
    /// Keys are being loaded.
    LOADING = "LOADING Redis is loading the dataset in memory";
    /// Keys could not be saved.
    CANNOT_SAVE = "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to \
                   persist to disk. Commands that may modify the data set are disabled, because this \
                   instance is configured to report errors during writes if RDB snapshotting fails \
                   (stop-writes-on-bgsave-error option). Please check the Redis logs for details \
                   about the RDB error.";
    /// The key holds another type than the command works on.
    WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value";
    /// The arguments do not fit the command's grammar.
    SYNTAX = "ERR syntax error";
    /// An argument or value is not a 64-bit integer.
    NOT_AN_INTEGER = "ERR value is not an integer or out of range";
    /// An argument or value is not a floating point number.
    NOT_A_FLOAT = "ERR value is not a valid float";
    /// The result of an increment does not fit.
    OVERFLOW = "ERR increment or decrement would overflow";
    /// The key must exist.
    NO_SUCH_KEY = "ERR no such key";
    /// A number is outside what the command allows.
    OUT_OF_RANGE = "ERR value is out of range";
    /// A number must be positive.
    NOT_POSITIVE = "ERR value is out of range, must be positive";
    /// An index into something.
    INDEX_OUT_OF_RANGE = "ERR index out of range";
    /// SELECT, MOVE, COPY: no such database.
    DB_OUT_OF_RANGE = "ERR DB index is out of range";
    /// MOVE, COPY and RENAME onto itself.
    SAME_OBJECT = "ERR source and destination objects are the same";
    /// A string would grow past proto-max-bulk-len.
    STRING_TOO_LONG = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
    /// SCAN with something that is no cursor.
    INVALID_CURSOR = "ERR invalid cursor";
    /// No AUTH yet.
    NOT_AUTHENTICATED = "NOAUTH Authentication required.";
    /// AUTH with the wrong password.
    WRONG_PASSWORD = "WRONGPASS invalid username-password pair or user is disabled.";
    /// The command may need memory, and there is no more to be had.
    OUT_OF_MEMORY = "OOM command not allowed when used memory > 'maxmemory'.";
    /// A script that has run for long keeps what the command needs.
    BUSY = "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.";
    /// EVALSHA of a script that the server does not know.
    NO_SCRIPT = "NOSCRIPT No matching script. Please use EVAL.";
    /// EXEC after a command was refused while queueing.
    EXEC_ABORTED = "EXECABORT Transaction discarded because of previous errors.";
}

impl Error {
    /// An error whose text is only known now; it must begin with its code.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Error(match text.into() {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        })
    }

    /// An error that repeats `words` of a client, in order, where `template` has `{}`.
    ///
    /// As in the C strings that Redis makes its texts of, a word ends at its first zero byte.
    pub fn quoting(template: &str, words: &[&[u8]]) -> Self {
        let mut text = Vec::new();
        let mut words = words.iter();
        for (index, piece) in template.split("{}").enumerate() {
            if index > 0 {
                let word = words.next().copied().unwrap_or_default();
                text.extend(word.iter().take_while(|&&byte| byte != 0));
            }
            text.extend_from_slice(piece.as_bytes());
        }
        Error(Cow::Owned(text))
    }

    /// The error whose reply, without the leading `-`, is `line`.
    pub fn from_line(line: Vec<u8>) -> Self {
        Error(Cow::Owned(line))
    }

    /// A command with too few, too many or unpaired arguments; `name` is its full name.
    pub fn wrong_arity(name: &str) -> Self {
        Error::new(format!("ERR wrong number of arguments for '{name}' command"))
    }

    /// Code and text.
    pub fn text(&self) -> &[u8] {
        &self.0
    }

    /// The first word of a text, by which errors are counted.
    pub fn code(&self) -> Cow<'_, str> {
        let code = self.0.split(|&byte| byte == b' ').next().unwrap_or_default();
        String::from_utf8_lossy(code)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error(\"{}\")", self.0.escape_ascii())
    }
}
