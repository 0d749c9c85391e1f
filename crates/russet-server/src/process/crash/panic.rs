//! A panic ends the process, with a report.
//!
//! The report is written before the stack unwinds: unwinding would let go of locks and let other
//! workers see what the failed command has left half done.

use std::backtrace::Backtrace;
use std::fmt::Write as _;
use std::panic::PanicHookInfo;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use russet_resp::quoting::quote;

use super::{END, STACK_TRACE, START, in_flight};
use crate::commands::server::info;
use crate::exec::hides_argument;
use crate::observe::SlowLog;
use crate::process::banner::version_line;
use crate::server::Server;

/// How long the report waits for INFO, which may need what the failing thread holds.
const INFO_LIMIT: Duration = Duration::from_secs(1);

/// A panic of any thread ends the process from now on.
pub fn install(server: Arc<Server>) {
    let is_reported = AtomicBool::new(false);
    std::panic::set_hook(Box::new(move |panic| {
        if is_reported.swap(true, Ordering::AcqRel) {
            // Another thread is at it. (A panic while the report is written aborts at once.)
            loop {
                std::thread::park();
            }
        }
        report(&server, panic);
        std::process::abort();
    }));
}

fn report(server: &Arc<Server>, panic: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("without a name");
    tracing::error!("Thread '{name}' panicked: {panic}. The server ends now.");
    if !server.config.load().crash_log_enabled {
        return;
    }
    let version = version_line();
    let mut text = format!("\n{START}\n{version}\n");
    let payload = panic.payload();
    let message = payload.downcast_ref::<&str>().copied();
    let message = message.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    if message.is_some_and(|message| message.starts_with("assertion")) {
        text.push_str("=== ASSERTION FAILED ===\n");
    }
    let _ = writeln!(text, "Thread '{name}' {panic}");
    let _ = write!(text, "\n------ COMMAND IN FLIGHT ------\n{}", describe_command());
    let _ = write!(text, "\n{STACK_TRACE}\n{}", Backtrace::force_capture());
    server.log.write_raw(&text);
    let info = collect_info(server.clone());
    let info = info.as_deref().unwrap_or("(not available at this moment)\n");
    server.log.write_raw(&format!("\n------ INFO OUTPUT ------\n{info}\n{END}\n"));
}

/// The command that this thread was executing, a line for each argument.
fn describe_command() -> String {
    in_flight::look(|command| {
        let Some(command) = command else { return "None in this thread.\n".into() };
        let mut text = format!("{} of client {}\n", command.entry.full_name, command.client);
        for (at, arg) in SlowLog::abridge(command.args).iter().enumerate() {
            let mut shown = Vec::new();
            if hides_argument(command.entry, command.args, at) {
                shown.extend_from_slice(b"(redacted)");
            } else {
                quote(arg, &mut shown);
            }
            let _ = writeln!(text, "argv[{at}]: {}", String::from_utf8_lossy(&shown));
        }
        text
    })
}

/// INFO, made by another thread: this one may hold what it needs.
fn collect_info(server: Arc<Server>) -> Option<String> {
    let (give, take) = mpsc::channel();
    let collect = move || give.send(info::for_crash_report(&server));
    std::thread::Builder::new().name("crash-report".into()).spawn(collect).ok()?;
    take.recv_timeout(INFO_LIMIT).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Names;
    use crate::exec::OwnedCommand;

    fn described(argv: &[&[u8]]) -> String {
        let names = Names::new([]).expect("no renames");
        let entry = names.find(argv[0]).expect("the command exists");
        let command = OwnedCommand::new(argv.iter().map(|arg| arg.to_vec()).collect());
        let command = in_flight::InFlight { entry, args: command.args(), client: 7 };
        in_flight::during(&command, describe_command)
    }

    #[test]
    fn commands_are_described_briefly_and_without_passwords() {
        let text = described(&[b"set", b"a\r\nb", &[b'x'; 5000]]);
        assert!(
            text.starts_with("set of client 7\nargv[0]: \"set\"\nargv[1]: \"a\\r\\nb\"\n"),
            "{text}"
        );
        assert!(text.ends_with("x... (4872 more bytes)\"\n") && text.len() < 300, "{text}");
        let text = described(&[b"auth", b"user", b"swordfish"]);
        assert!(text.ends_with("argv[1]: (redacted)\nargv[2]: (redacted)\n"), "{text}");
        assert_eq!(describe_command(), "None in this thread.\n");
    }
}
