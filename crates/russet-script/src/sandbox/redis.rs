//! The table `redis`: how scripts call commands, and what else the server gives them.

use russet_data::number::FloatBuf;
use russet_resp::{ArgSpan, Protocol};
use sha1::{Digest, Sha1};

use super::Identity;
use super::errors::{ErrorStyle, push_error, push_refusal};
use crate::host::{Called, LogLevel, Replication};
use crate::lua::{Function, Kind, Raised, Stack};
use crate::reply;

/// The numbers by which `redis.set_repl` says who hears of writes.
const TO_FILE: i64 = 1;
const TO_REPLICAS: i64 = 2;

/// Puts the table `redis` into the globals at a place.
pub fn install(stack: &mut Stack<'_>, globals: i32, identity: &Identity) {
    stack.push_table(0, 32);
    add(stack, "call", call);
    add(stack, "pcall", pcall);
    add(stack, "log", log);
    add(stack, "setresp", setresp);
    add(stack, "sha1hex", sha1hex);
    add(stack, "error_reply", error_reply);
    add(stack, "status_reply", status_reply);
    add(stack, "set_repl", set_repl);
    add(stack, "replicate_commands", replicate_commands);
    // There is no debugger: both say that none is attached.
    add(stack, "breakpoint", breakpoint);
    add(stack, "debug", debug);
    let numbers = [
        ("LOG_DEBUG", 0),
        ("LOG_VERBOSE", 1),
        ("LOG_NOTICE", 2),
        ("LOG_WARNING", 3),
        ("REPL_NONE", 0),
        ("REPL_AOF", TO_FILE),
        ("REPL_SLAVE", TO_REPLICAS),
        ("REPL_REPLICA", TO_REPLICAS),
        ("REPL_ALL", TO_FILE | TO_REPLICAS),
        ("REDIS_VERSION_NUM", identity.version_number().into()),
    ];
    for (name, number) in numbers {
        stack.push_number(number as f64);
        stack.raw_set_field(-2, name);
    }
    stack.push_bytes(identity.version.as_bytes());
    stack.raw_set_field(-2, "REDIS_VERSION");
    stack.raw_set_field(globals, "redis");
}

fn add<F: Function>(stack: &mut Stack<'_>, name: &str, function: F) {
    stack.push_function(function);
    stack.raw_set_field(-2, name);
}

fn raise(stack: &mut Stack<'_>, text: &str) -> Raised {
    push_error(stack, text.as_bytes());
    stack.raise()
}

/// `redis.call(command, ...)`: errors of the command are raised.
fn call(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    match execute(stack) {
        true => Ok(1),
        false => Err(stack.raise()),
    }
}

/// `redis.pcall(command, ...)`: errors of the command are returned.
fn pcall(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    if !stack.shared().is_running() {
        execute(stack);
        return Err(stack.raise());
    }
    if !execute(stack) && stack.shared().stopped.get().is_some() {
        return Err(stack.raise());
    }
    Ok(1)
}

/// Has the host execute the command that the arguments are. What it replied, or what was wrong, is
/// on top then; returns whether it is no error.
fn execute(stack: &mut Stack<'_>) -> bool {
    let shared = stack.shared();
    if !shared.is_running() {
        let text = b"redis.call/pcall can only be called inside a script invocation";
        push_error(stack, text);
        return false;
    }
    let mut scratch = shared.scratch.take();
    scratch.arguments.clear();
    scratch.spans.clear();
    scratch.reply.clear();
    let arguments = stack.top();
    let style = shared.style.get();
    let mut wrong = None;
    if arguments == 0 {
        wrong = Some(style.choose(
            "Please specify at least one argument for this redis lib call",
            "Please specify at least one argument for redis.call()",
        ));
    }
    for argument in 1..=arguments {
        let start = scratch.arguments.len();
        match stack.kind(argument) {
            Kind::String => {
                let bytes = stack.bytes(argument).expect("it is a string");
                scratch.arguments.extend_from_slice(bytes);
            }
            Kind::Number => {
                let number = stack.number(argument).expect("it is a number");
                let mut text = FloatBuf::new();
                scratch.arguments.extend_from_slice(text.format_17_digits(number));
            }
            _ => {
                wrong = Some(style.choose(
                    "Lua redis lib command arguments must be strings or integers",
                    "Lua redis() command arguments must be strings or integers",
                ));
                break;
            }
        }
        let len = scratch.arguments.len() - start;
        let (Ok(start), Ok(len)) = (u32::try_from(start), u32::try_from(len)) else {
            wrong = Some("Lua redis lib command arguments are too long");
            break;
        };
        scratch.spans.push(ArgSpan::bytes(start, len));
    }
    // The arguments are not needed any more, and so there is room for the result.
    stack.set_top(0);
    if let Some(wrong) = wrong {
        push_refusal(stack, wrong.as_bytes());
        shared.scratch.replace(scratch);
        return false;
    }
    let protocol = shared.protocol.get();
    let called = shared.with_host(|host| {
        host.call(&scratch.arguments, &scratch.spans, protocol, &mut scratch.reply)
    });
    let is_fine = match called {
        Some(Called::Replied) => {
            let is_error = scratch.reply.first() == Some(&b'-');
            reply::push(stack, &scratch.reply);
            !is_error
        }
        Some(Called::Refused(text)) => {
            push_refusal(stack, &text);
            stack.push_boolean(true);
            stack.raw_set_field(-2, reply::COUNTED);
            false
        }
        Some(Called::Stopped(why)) => {
            stack.stop(why);
            push_error(stack, why.as_bytes());
            false
        }
        // A hook of the host's would have to call back for this.
        None => {
            push_error(stack, b"redis.call() is being executed already");
            false
        }
    };
    shared.scratch.replace(scratch);
    is_fine
}

/// `redis.log(level, ...)`
fn log(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    let arguments = stack.top();
    if arguments < 2 {
        return Err(raise(stack, "redis.log() requires two arguments or more."));
    }
    let Some(level) = stack.number(1) else {
        return Err(raise(stack, "First argument must be a number (log level)."));
    };
    let Some(level) = LogLevel::from_number(level) else {
        return Err(raise(stack, "Invalid debug level."));
    };
    let mut message = Vec::new();
    for argument in 2..=arguments {
        if let Some(text) = stack.text(argument) {
            if argument != 2 {
                message.push(b' ');
            }
            message.extend_from_slice(text);
        }
    }
    stack.shared().with_host(|host| host.log(level, &message));
    Ok(0)
}

/// `redis.setresp(version)`
fn setresp(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    if !stack.shared().is_running() {
        return Err(raise(stack, "redis.setresp can only be called inside a script invocation"));
    }
    if stack.top() != 1 {
        return Err(raise(stack, "redis.setresp() requires one argument."));
    }
    let protocol = match stack.number(1).unwrap_or_default() as i64 {
        2 => Protocol::Resp2,
        3 => Protocol::Resp3,
        _ => return Err(raise(stack, "RESP version must be 2 or 3.")),
    };
    stack.shared().protocol.set(protocol);
    Ok(0)
}

/// `redis.sha1hex(string)`
fn sha1hex(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    if stack.top() != 1 {
        return Err(raise(stack, "wrong number of arguments"));
    }
    let digest = sha1_hex(stack.text(1).unwrap_or_default());
    stack.push_bytes(&digest);
    Ok(1)
}

/// The SHA-1 digest of some bytes in hexadecimal digits, which is how scripts are named.
pub fn sha1_hex(bytes: &[u8]) -> [u8; 40] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digest = Sha1::digest(bytes);
    std::array::from_fn(|at| {
        let byte = digest[at / 2];
        DIGITS[usize::from(if at % 2 == 0 { byte >> 4 } else { byte & 15 })]
    })
}

/// `redis.error_reply(text)`
fn error_reply(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    if stack.top() != 1 || stack.kind(1) != Kind::String {
        push_refusal(stack, b"wrong number or type of arguments");
        return Ok(1);
    }
    let text = stack.bytes(1).expect("it is a string");
    if stack.shared().style.get() == ErrorStyle::Lines {
        return Ok(push_field(stack, "err"));
    }
    let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
    let line = if text.starts_with(b"-") { text.to_vec() } else { [b"-", text].concat() };
    push_error(stack, &line);
    Ok(1)
}

/// `redis.status_reply(text)`
fn status_reply(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    if stack.top() != 1 || stack.kind(1) != Kind::String {
        push_refusal(stack, b"wrong number or type of arguments");
        return Ok(1);
    }
    Ok(push_field(stack, "ok"))
}

/// Pushes a table whose only field is the first argument; returns how many values that makes.
fn push_field(stack: &mut Stack<'_>, name: &str) -> usize {
    stack.push_table(0, 1);
    stack.push_copy(1);
    stack.raw_set_field(-2, name);
    1
}

/// `redis.set_repl(who)`
fn set_repl(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    if !stack.shared().is_running() {
        return Err(raise(stack, "redis.set_repl can only be called inside a script invocation"));
    }
    if stack.top() != 1 {
        return Err(raise(stack, "redis.set_repl() requires two arguments."));
    }
    let who = stack.number(1).unwrap_or_default() as i64;
    if who & !(TO_FILE | TO_REPLICAS) != 0 {
        let text = stack.shared().style.get().choose(
            "Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.",
            "Invalid replication flags. Use REPL_AOF, REPL_SLAVE, REPL_ALL or REPL_NONE.",
        );
        return Err(raise(stack, text));
    }
    let replication =
        Replication { to_file: who & TO_FILE != 0, to_replicas: who & TO_REPLICAS != 0 };
    stack.shared().with_host(|host| host.set_replication(replication));
    Ok(0)
}

/// `redis.replicate_commands()`: it is always so.
fn replicate_commands(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    stack.push_boolean(true);
    Ok(1)
}

/// `redis.breakpoint()`
fn breakpoint(stack: &mut Stack<'_>) -> Result<usize, Raised> {
    stack.push_boolean(false);
    Ok(1)
}

/// `redis.debug(...)`
fn debug(_stack: &mut Stack<'_>) -> Result<usize, Raised> {
    Ok(0)
}
