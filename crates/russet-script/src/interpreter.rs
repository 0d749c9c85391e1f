//! An interpreter: compiles scripts, and runs them one at a time.

use russet_resp::ReplyWriter;

use crate::host::Host;
use crate::lua::{Kind, Reference, Stack, State};
use crate::reply;
use crate::sandbox::{self, ErrorStyle, Identity, Surroundings};

/// A script compiled by one interpreter, which alone can run it.
#[derive(Clone, Copy, Debug)]
pub struct Compiled(Reference);

/// How a script ended.
#[derive(Debug)]
pub enum Ended {
    /// What it returned was written as the reply. It may be an error, even one of a command, which has
    /// been counted.
    Returned {
        /// Whether it is an error that has been counted.
        is_counted: bool,
    },
    /// With an error that it did not catch.
    Failed(Failure),
}

/// An error that a script did not catch.
#[derive(Debug)]
pub struct Failure {
    /// Code and text; without a code if Lua itself failed.
    pub text: Vec<u8>,
    /// Where it was raised: the name of the chunk, and the line.
    pub place: Option<(Vec<u8>, Vec<u8>)>,
    /// Whether it is an error of a command, which has been counted.
    pub is_counted: bool,
}

/// See the module's documentation.
pub struct Interpreter {
    state: State,
    surroundings: Surroundings,
}

impl Interpreter {
    /// An interpreter whose scripts may use as much memory as they like, for the time being.
    pub fn new(identity: &Identity) -> Self {
        let mut state = State::open();
        let surroundings = state.with(|stack| sandbox::build(stack, identity));
        Interpreter { state, surroundings }
    }

    /// Bytes in use.
    pub fn used_bytes(&self) -> usize {
        self.state.used_bytes()
    }

    /// Lets scripts use so many bytes together from now on.
    pub fn set_limit(&mut self, limit_bytes: usize) {
        self.state.set_limit(limit_bytes);
    }

    /// Compiles a script.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in Lua's words.
    pub fn compile(&mut self, source: &[u8]) -> Result<Compiled, Vec<u8>> {
        self.state.with(|stack| {
            if stack.compile(source, c"@user_script") {
                return Ok(Compiled(stack.keep()));
            }
            if stack.shared().style.get() == ErrorStyle::Lines {
                // Scripts were made functions before they were compiled, which shows in what is said
                // of an end that comes too early.
                let function = [b"function f() ", source, b"\nend"].concat();
                if stack.compile(&function, c"@user_script") {
                    stack.pop(1);
                } else {
                    stack.remove(-2);
                }
            }
            let wrong = stack.text(-1).unwrap_or_default().to_vec();
            stack.pop(1);
            Err(wrong)
        })
    }

    /// Forgets a script.
    pub fn forget(&mut self, script: Compiled) {
        self.state.with(|stack| stack.release(script.0));
    }

    /// Runs a script, and writes what it returns.
    pub fn run<'a>(
        &mut self,
        script: Compiled,
        keys: impl ExactSizeIterator<Item = &'a [u8]>,
        arguments: impl ExactSizeIterator<Item = &'a [u8]>,
        host: &mut dyn Host,
        out: &mut ReplyWriter<'_>,
    ) -> Ended {
        let Surroundings { globals, handler } = self.surroundings;
        let ended = self.state.run_with(host, |stack| {
            stack.push_kept(globals);
            push_list(stack, keys);
            stack.raw_set_field(1, "KEYS");
            push_list(stack, arguments);
            stack.raw_set_field(1, "ARGV");
            stack.set_top(0);
            stack.push_kept(handler);
            stack.push_kept(script.0);
            let ended = if stack.call(0, 1) {
                let protocol = stack.shared().protocol.get();
                Ended::Returned { is_counted: reply::write(stack, out, protocol) }
            } else {
                Ended::Failed(failure(stack))
            };
            stack.set_top(0);
            ended
        });
        if matches!(&ended, Ended::Failed(failure) if failure.place.is_none()) {
            // Lua itself failed, most likely for lack of memory.
            self.state.collect();
        }
        ended
    }
}

fn push_list<'a>(stack: &mut Stack<'_>, items: impl ExactSizeIterator<Item = &'a [u8]>) {
    stack.push_table(items.len(), 0);
    for (index, item) in (1..).zip(items) {
        stack.push_bytes(item);
        stack.raw_set_element(-2, index);
    }
}

/// The error on top, as [`sandbox`]'s handler has left it.
fn failure(stack: &mut Stack<'_>) -> Failure {
    if stack.kind(-1) != Kind::Table {
        let text = stack.text(-1).unwrap_or(b"execution failure").to_vec();
        return Failure { text, place: None, is_counted: false };
    }
    let mut field = |name: &str| {
        stack.raw_field(-1, name.as_bytes());
        let text = stack.text(-1).map(<[u8]>::to_vec);
        stack.pop(1);
        text
    };
    let text = field("err").unwrap_or_else(|| b"ERR unknown error".to_vec());
    let place = field("source").zip(field("line"));
    stack.raw_field(-1, reply::COUNTED.as_bytes());
    let is_counted = stack.kind(-1) == Kind::Boolean && stack.is_true(-1);
    Failure { text, place: place.or_else(|| Some(Default::default())), is_counted }
}
