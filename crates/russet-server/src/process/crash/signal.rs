//! A fatal signal (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT) leaves a report in the log.
//!
//! Its handler may interrupt anything, the allocator and the log included. So it allocates nothing,
//! takes no lock of ours, and writes to the log's file or the standard output by itself. What the
//! stack trace leads through are addresses, because finding the names would allocate; they are relative
//! to the program, so that `addr2line -e russet-server` knows the names. A stack may be what is damaged,
//! so all else is written before it is looked at.
//!
//! Then the signal does what it does by default, so that the exit status tells it and there is a core
//! file where the system keeps them. Returning from the handler would not do: a signal that somebody has
//! sent, unlike one that an instruction has caused, does not come back.

use std::ffi::{CStr, CString, c_int, c_void};
use std::fs;
use std::io::{Cursor, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;

use crash_handler::{CrashContext, CrashEventResult, CrashHandler, make_crash_event};
use rustix::fs::{Mode, OFlags};

use super::{END, STACK_TRACE, START, in_flight};
use crate::process::log::Log;

/// A panic ends in this one, after a better report.
const SIGABRT: u32 = 6;
/// Room for what is written at a time.
const REPORT_BYTES: usize = 1024;
/// The stack trace has no more lines than this.
const FRAMES: usize = 100;

/// Watches for fatal signals as long as this lives.
pub struct Watch {
    _handler: CrashHandler,
}

/// Watches for fatal signals from now on. Nothing is lost but the report where that is impossible.
pub fn watch(log: &Log) -> Option<Watch> {
    let file = log.file().and_then(|path| CString::new(path.as_os_str().as_bytes()).ok());
    let program = program_address().unwrap_or(0);
    let report = move |context: &CrashContext| {
        if context.siginfo.ssi_signo != SIGABRT || !std::thread::panicking() {
            write_report(file.as_deref(), context, program);
        }
        // Ends the process, if the signal is known, as all of them are.
        let _ = signal_hook::low_level::emulate_default_handler(context.siginfo.ssi_signo as i32);
        CrashEventResult::Handled(false)
    };
    // SAFETY: the closure does only what a signal handler may do: no allocation (reports are formatted
    // into an array, the path is a `CString` already), no lock of ours, and calls of `open` and `write`;
    // ending by the default handler is documented as allowed. What it looks at besides is the thread's
    // own note of its command (F1), which is a constant-initialised thread-local without a destructor,
    // and the stack: see `trace`.
    let event = unsafe { make_crash_event(report) };
    match CrashHandler::attach(event) {
        Ok(handler) => Some(Watch { _handler: handler }),
        Err(error) => {
            tracing::warn!("Fatal signals will leave no report: {error}");
            None
        }
    }
}

/// Where the program is in memory.
fn program_address() -> Option<usize> {
    let program = fs::read_link("/proc/self/exe").ok()?;
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let first = maps.lines().find(|line| line.ends_with(&*program.to_string_lossy()))?;
    usize::from_str_radix(first.split_once('-')?.0, 16).ok()
}

fn write_report(file: Option<&CStr>, context: &CrashContext, program: usize) {
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE;
    let file = file.map(|file| rustix::fs::open(file, flags, Mode::from_raw_mode(0o644)));
    let out = match &file {
        Some(Ok(file)) => file.as_fd(),
        // What cannot be written cannot be reported either.
        Some(Err(_)) => return,
        None => rustix::stdio::stdout(),
    };
    write(out, |text| describe(text, context));
    trace(&mut |address| {
        write(out, |text| match address.checked_sub(program) {
            Some(offset) if program != 0 => writeln!(text, "russet-server+{offset:#x}"),
            _ => writeln!(text, "{address:#x}"),
        });
    });
    write(out, |text| writeln!(text, "{END}"));
}

/// Writes what is formatted; what there is no room for is left out.
fn write(out: BorrowedFd<'_>, format: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) {
    let mut text = Cursor::new([0; REPORT_BYTES]);
    let _ = format(&mut text);
    let len = text.position() as usize;
    let _ = rustix::io::write(out, &text.get_ref()[..len]);
}

fn describe(text: &mut dyn Write, context: &CrashContext) -> std::io::Result<()> {
    let info = &context.siginfo;
    writeln!(text, "\n{START}")?;
    writeln!(text, "Russet {} crashed by signal {}", env!("CARGO_PKG_VERSION"), info.ssi_signo)?;
    writeln!(text, "code {}, address {:#x}, thread {}", info.ssi_code, info.ssi_addr, context.tid)?;
    in_flight::look(|command| match command {
        Some(command) => {
            let (name, client) = (&command.entry.full_name, command.client);
            writeln!(text, "while executing {name} of client {client}")
        }
        None => Ok(()),
    })?;
    writeln!(text, "\n{STACK_TRACE}")
}

// SAFETY: these are the unwinder's signatures, of the Itanium C++ ABI.
unsafe extern "C" {
    /// Of the unwinder that Rust's own panics use: calls a function for each call on the stack.
    fn _Unwind_Backtrace(
        visit: extern "C" fn(*mut c_void, *mut c_void) -> c_int,
        argument: *mut c_void,
    ) -> c_int;
    /// The address that a call returns to.
    fn _Unwind_GetIP(context: *mut c_void) -> usize;
}

/// What a trace is given to, and how many lines there may be yet.
struct Tracer<'a> {
    found: &'a mut dyn FnMut(usize),
    left: usize,
}

/// Finds the addresses that calls on the stack of this thread return to, the last call first.
fn trace(found: &mut dyn FnMut(usize)) {
    const GO_ON: c_int = 0;
    const STOP: c_int = 5;

    extern "C" fn visit(context: *mut c_void, argument: *mut c_void) -> c_int {
        // SAFETY: `argument` is the `Tracer` below, which nobody else uses meanwhile.
        let tracer = unsafe { &mut *argument.cast::<Tracer<'_>>() };
        // SAFETY: the unwinder passes its own context.
        (tracer.found)(unsafe { _Unwind_GetIP(context) });
        tracer.left -= 1;
        if tracer.left == 0 { STOP } else { GO_ON }
    }

    let mut tracer = Tracer { found, left: FRAMES };
    // SAFETY: the declaration is that of the system's unwinder. `visit` does not unwind and gets the
    // argument it expects. In a signal handler the unwinder reads tables of the program and the stack; it
    // neither allocates nor waits for another thread. If the stack is damaged it may fault, and the
    // signal, which is blocked during its handler, then ends the process at once.
    unsafe { _Unwind_Backtrace(visit, (&raw mut tracer).cast()) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_leads_through_this_program() {
        let program = program_address().expect("the program is mapped");
        let mut inside = 0;
        trace(&mut |address| inside += usize::from(address > program));
        assert!(inside > 1 && inside <= FRAMES, "{inside}");
    }
}
