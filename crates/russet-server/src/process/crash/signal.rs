//! A fatal signal (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT) leaves a few lines in the log.
//!
//! Its handler may interrupt anything, the allocator and the log included. So it allocates nothing,
//! takes no lock, and writes to the log's file or the standard output by itself. Then the signal does
//! what it does by default, so that the exit status tells it and there is a core file where the system
//! keeps them. Returning from the handler would not do: a signal that somebody has sent, unlike one
//! that an instruction has caused, does not come back.

use std::ffi::CString;
use std::io::Cursor;
use std::os::unix::ffi::OsStrExt;

use crash_handler::{CrashContext, CrashEventResult, CrashHandler, make_crash_event};
use rustix::fs::{Mode, OFlags};

use super::{END, START, in_flight};
use crate::process::log::Log;

/// A panic ends in this one, after a better report.
const SIGABRT: u32 = 6;
/// Room for the report.
const REPORT_BYTES: usize = 1024;

/// Watches for fatal signals as long as this lives.
pub struct Watch {
    _handler: CrashHandler,
}

/// Watches for fatal signals from now on. Nothing is lost but the report where that is impossible.
pub fn watch(log: &Log) -> Option<Watch> {
    let file = log.file().and_then(|path| CString::new(path.as_os_str().as_bytes()).ok());
    let report = move |context: &CrashContext| {
        if context.siginfo.ssi_signo != SIGABRT || !std::thread::panicking() {
            write_report(file.as_deref(), context);
        }
        // Ends the process, if the signal is known, as all of them are.
        let _ = signal_hook::low_level::emulate_default_handler(context.siginfo.ssi_signo as i32);
        CrashEventResult::Handled(false)
    };
    // SAFETY: the closure does only what a signal handler may do: no allocation (the report is
    // formatted into an array, the path is a `CString` already), no lock, and calls of `open` and
    // `write`; ending by the default handler is documented as allowed. What it looks at besides is the thread's own note of its command (F1), which is a
    // constant-initialised thread-local without a destructor.
    let event = unsafe { make_crash_event(report) };
    match CrashHandler::attach(event) {
        Ok(handler) => Some(Watch { _handler: handler }),
        Err(error) => {
            tracing::warn!("Fatal signals will leave no report: {error}");
            None
        }
    }
}

fn write_report(file: Option<&std::ffi::CStr>, context: &CrashContext) {
    let mut report = Cursor::new([0; REPORT_BYTES]);
    // What does not fit is left out.
    let _ = format_report(&mut report, context);
    let len = report.position() as usize;
    let bytes = &report.get_ref()[..len];
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE;
    let _ = match file {
        Some(file) => match rustix::fs::open(file, flags, Mode::from_raw_mode(0o644)) {
            Ok(file) => rustix::io::write(file, bytes),
            Err(error) => Err(error),
        },
        None => rustix::io::write(rustix::stdio::stdout(), bytes),
    };
}

fn format_report(report: &mut impl std::io::Write, context: &CrashContext) -> std::io::Result<()> {
    let info = &context.siginfo;
    writeln!(report, "\n{START}")?;
    writeln!(report, "Russet {} crashed by signal {}", env!("CARGO_PKG_VERSION"), info.ssi_signo)?;
    writeln!(
        report,
        "code {}, address {:#x}, thread {}",
        info.ssi_code, info.ssi_addr, context.tid
    )?;
    in_flight::look(|command| match command {
        Some(command) => {
            let (name, client) = (&command.entry.full_name, command.client);
            writeln!(report, "while executing {name} of client {client}")
        }
        None => Ok(()),
    })?;
    writeln!(report, "{END}")
}
