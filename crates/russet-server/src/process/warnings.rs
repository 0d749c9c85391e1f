//! Settings of the system that stand in the way of what the configuration asks for.

use crate::config::Config;

/// The longest queue of connections that wait to be accepted.
const LONGEST_BACKLOG: &str = "/proc/sys/net/core/somaxconn";

/// Says what an operator should know before clients find out.
pub fn warn_of_settings(config: &Config) {
    let most = std::fs::read_to_string(LONGEST_BACKLOG).ok();
    if let Some(most) = most.and_then(|text| text.trim().parse().ok())
        && let Some(warning) = backlog_warning(config.tcp_backlog, most)
    {
        tracing::warn!("{warning}");
    }
}

fn backlog_warning(wanted: u32, most: u32) -> Option<String> {
    (wanted > most).then(|| {
        format!(
            "WARNING: tcp-backlog asks for {wanted} connections that may wait, and the system \
             allows {most}. Raise {LONGEST_BACKLOG} to have more."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backlog_beyond_the_systems_is_worth_a_warning() {
        assert_eq!(backlog_warning(511, 4096), None);
        let warning = backlog_warning(511, 128).expect("too long");
        assert!(warning.contains("511") && warning.contains("128"), "{warning}");
    }
}
