//! The log: one line per event, in the format that tools for Redis' log read.
//!
//! ```text
//! 4711:M 02 Jan 2026 15:04:05.678 * Ready to accept connections
//! │    │ │                        │ └ message
//! │    │ └ local time             └ level: . debug   - verbose   * notice   # warning
//! │    └ role: M for a primary
//! └ process
//! ```
//!
//! Code logs through `tracing`, whose levels stand for these: `TRACE` debug, `DEBUG` verbose, `INFO`
//! notice, `WARN` and `ERROR` warning. A line is written with one call to the system, so that lines
//! of several threads never mix and none is lost when the process dies. A log file is opened anew for
//! every line: whoever rotates logs may move it away at any time.

mod syslog;

use std::fmt::{self, Write as _};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tracing::field::{Field, Visit};
use tracing::span;
use tracing::{Event, Level, Metadata, Subscriber};

use crate::config::{Config, LogLevel};
use syslog::Syslog;

/// Where a primary says that it is one.
const ROLE: char = 'M';

/// See the module's documentation.
pub struct Log {
    /// The lowest [`rank`] that is written.
    lowest: AtomicU8,
    /// `None` for the standard output.
    file: Option<PathBuf>,
    syslog: Option<Syslog>,
}

impl Log {
    /// The log that a configuration asks for. A relative `logfile` is relative to the directory of
    /// this moment.
    ///
    /// # Errors
    ///
    /// Why the log file cannot be written.
    pub fn open(config: &Config) -> Result<Log, String> {
        let file = (!config.logfile.as_os_str().is_empty()).then(|| {
            std::path::absolute(&config.logfile).unwrap_or_else(|_| config.logfile.clone())
        });
        let syslog = config
            .syslog_enabled
            .then(|| Syslog::new(&config.syslog_ident, config.syslog_facility));
        let lowest = AtomicU8::new(lowest_rank(config.loglevel));
        let log = Log { lowest, file, syslog };
        log.append(b"").map_err(|error| format!("Can't open the log file: {error}"))?;
        Ok(log)
    }

    /// Makes this the log of the whole process, for what `tracing` is told from now on.
    pub fn install(self: &Arc<Self>) {
        // Fails only if there is a log already, as in a process that starts several servers.
        let _ = tracing::subscriber::set_global_default(self.clone());
    }

    /// Writes only what is at least this important from now on.
    pub fn set_level(&self, level: LogLevel) {
        self.lowest.store(lowest_rank(level), Ordering::Relaxed);
        // Every place that logs has remembered whether anybody wants to hear.
        tracing::callsite::rebuild_interest_cache();
    }

    /// Whether people at a terminal read along.
    pub fn is_terminal(&self) -> bool {
        use std::io::IsTerminal;
        self.file.is_none() && self.syslog.is_none() && io::stdout().is_terminal()
    }

    /// The log file, if there is one.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Writes a text of several lines as it is. Nothing is left to do about an error.
    pub fn write_raw(&self, text: &str) {
        let _ = self.append(text.as_bytes());
    }

    fn write_line(&self, rank: Rank, message: &str) {
        let now = jiff::Zoned::now().strftime("%d %b %Y %H:%M:%S%.3f");
        let (process, mark) = (std::process::id(), MARKS[rank as usize]);
        let line = format!("{process}:{ROLE} {now} {mark} {message}\n");
        let _ = self.append(line.as_bytes());
        if let Some(syslog) = &self.syslog {
            syslog.send(rank, message);
        }
    }

    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        match &self.file {
            Some(file) => OpenOptions::new().append(true).create(true).open(file)?.write_all(bytes),
            None => {
                let mut out = io::stdout().lock();
                out.write_all(bytes)?;
                out.flush()
            }
        }
    }
}

/// How important something is, as `loglevel` counts it.
type Rank = u8;
const DEBUG: Rank = 0;
const VERBOSE: Rank = 1;
const NOTICE: Rank = 2;
const WARNING: Rank = 3;
/// By [`Rank`].
const MARKS: [char; 4] = ['.', '-', '*', '#'];

fn lowest_rank(level: LogLevel) -> Rank {
    match level {
        LogLevel::Debug => DEBUG,
        LogLevel::Verbose => VERBOSE,
        LogLevel::Notice => NOTICE,
        LogLevel::Warning => WARNING,
    }
}

fn rank(level: &Level) -> Rank {
    match *level {
        Level::TRACE => DEBUG,
        Level::DEBUG => VERBOSE,
        Level::INFO => NOTICE,
        _ => WARNING,
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && rank(metadata.level()) >= self.lowest.load(Ordering::Relaxed)
    }

    fn event(&self, event: &Event<'_>) {
        let mut message = Message(String::new());
        event.record(&mut message);
        self.write_line(rank(event.metadata().level()), &message.0);
    }

    // Spans are no part of this log.
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// The text of an event: its message, then its fields. Control characters, which clients may have
/// put there, are shown instead of written, so that nobody can forge a line.
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = if field.name() == "message" {
            format!("{value:?}")
        } else {
            format!(" {}={value:?}", field.name())
        };
        for character in text.chars() {
            if character.is_control() {
                let _ = write!(self.0, "{}", character.escape_default());
            } else {
                self.0.push(character);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(level: LogLevel, act: impl FnOnce(&Log)) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("log");
        let config = Config { loglevel: level, logfile: file.clone(), ..Config::default() };
        let log = Arc::new(Log::open(&config).expect("it can be written"));
        tracing::subscriber::with_default(log.clone(), || act(&log));
        std::fs::read_to_string(file).expect("what was logged")
    }

    #[test]
    fn lines_have_process_role_time_and_level() {
        let text = logged(LogLevel::Notice, |_| {
            tracing::info!("Ready to {}", "serve");
            tracing::error!(code = 7, "It hurts");
        });
        let lines: Vec<&str> = text.lines().collect();
        let head = format!("{}:M ", std::process::id());
        assert!(lines.iter().all(|line| line.starts_with(&head)), "{text}");
        assert!(lines[0].ends_with(" * Ready to serve"), "{text}");
        assert!(lines[1].ends_with(" # It hurts code=7"), "{text}");
        // 02 Jan 2026 15:04:05.678
        let time = &lines[0][head.len()..][..24];
        let shape: String = time
            .chars()
            .map(|c| {
                if c.is_ascii_digit() {
                    '9'
                } else if c.is_alphabetic() {
                    'a'
                } else {
                    c
                }
            })
            .collect();
        assert_eq!(shape, "99 aaa 9999 99:99:99.999", "{text}");
    }

    #[test]
    fn the_level_decides_and_can_change() {
        let text = logged(LogLevel::Warning, |log| {
            tracing::info!("unheard");
            log.set_level(LogLevel::Debug);
            tracing::trace!("heard");
            log.set_level(LogLevel::Verbose);
            tracing::trace!("unheard");
            tracing::debug!("heard too");
        });
        let marks: Vec<&str> = text.lines().map(|line| &line[line.len() - 11..]).collect();
        assert_eq!(marks.len(), 2, "{text}");
        assert!(text.contains(" . heard\n") && text.contains(" - heard too\n"), "{text}");
    }

    #[test]
    fn nobody_forges_a_line() {
        let text = logged(LogLevel::Notice, |_| tracing::info!("name {}", "x\r\n1:M evil"));
        assert_eq!(text.lines().count(), 1);
        assert!(text.contains("x\\r\\n1:M evil"));
    }
}
