//! What the log says when a server starts: who it is, and how it runs.

use crate::config::{Choices, Config};
use crate::process::log::Log;

/// Version, features and process, as the log and `--version` name them.
pub fn version_line() -> String {
    format!("Russet server v={} bits={} malloc=jemalloc", env!("CARGO_PKG_VERSION"), usize::BITS)
}

/// Announces the server: with the logo where people watch or `always-show-logo` asks for it, in one
/// line otherwise.
pub fn announce(log: &Log, config: &Config) {
    if config.always_show_logo || log.is_terminal() {
        log.write_raw(&logo(config));
    } else {
        tracing::info!("Running mode=standalone, port={}.", config.port);
    }
}

/// A gem, and what people who start a server want to see first.
fn logo(config: &Config) -> String {
    let workers = match config.worker_threads {
        1 => "1 worker".to_owned(),
        more => format!("{more} workers"),
    };
    format!(
        r"
         ________
        /\  /\  /\         Russet {version} ({bits} bit)
       /__\/__\/__\        Answers as Redis {compatibility}
       \  /\  /\  /        Standalone, {workers}
        \/  \/  \/         Port: {port}
         \   \  /          PID: {process}
          \   \/
           \  /
            \/

",
        version = env!("CARGO_PKG_VERSION"),
        bits = usize::BITS,
        compatibility = config.compatibility.name(),
        port = config.port,
        process = std::process::id(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logo_names_process_and_port() {
        let text = logo(&Config { port: 4711, worker_threads: 1, ..Config::default() });
        assert!(text.contains(&format!(" PID: {}\n", std::process::id())), "{text}");
        assert!(text.contains("Port: 4711\n") && text.contains("1 worker\n"), "{text}");
    }
}
