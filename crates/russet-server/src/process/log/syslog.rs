//! The system's log, by its socket.
//!
//! A datagram holds `<priority>time ident[process]: message`, as the C library's `syslog` sends it
//! (RFC 3164, without the host's name). Priority is the facility's number times eight plus the
//! severity.

use std::os::unix::net::UnixDatagram;

use super::{DEBUG, NOTICE, Rank, VERBOSE};
use crate::config::SyslogFacility;

/// Where the system's log listens.
const SOCKET: &str = "/dev/log";

/// See the module's documentation.
pub struct Syslog {
    ident: String,
    facility: u8,
}

impl Syslog {
    /// Logs as `ident`, filed under `facility`.
    pub fn new(ident: &[u8], facility: SyslogFacility) -> Self {
        let facility = match facility {
            SyslogFacility::User => 1,
            SyslogFacility::Local0 => 16,
            SyslogFacility::Local1 => 17,
            SyslogFacility::Local2 => 18,
            SyslogFacility::Local3 => 19,
            SyslogFacility::Local4 => 20,
            SyslogFacility::Local5 => 21,
            SyslogFacility::Local6 => 22,
            SyslogFacility::Local7 => 23,
        };
        Syslog { ident: String::from_utf8_lossy(ident).into_owned(), facility }
    }

    /// Sends a message. The system's log may be away for a while: that must stop nobody.
    pub fn send(&self, rank: Rank, message: &str) {
        let time = jiff::Zoned::now().strftime("%b %e %H:%M:%S").to_string();
        let datagram = self.datagram(rank, &time, message);
        if let Ok(socket) = UnixDatagram::unbound()
            && socket.set_nonblocking(true).is_ok()
        {
            let _ = socket.send_to(datagram.as_bytes(), SOCKET);
        }
    }

    fn datagram(&self, rank: Rank, time: &str, message: &str) -> String {
        let severity = match rank {
            DEBUG => 7,
            VERBOSE => 6,
            NOTICE => 5,
            _ => 4,
        };
        let priority = self.facility * 8 + severity;
        format!("<{priority}>{time} {}[{}]: {message}", self.ident, std::process::id())
    }
}

#[cfg(test)]
mod tests {
    use super::super::WARNING;
    use super::*;

    #[test]
    fn datagrams_are_those_of_the_c_library() {
        let syslog = Syslog::new(b"russet", SyslogFacility::Local0);
        let process = std::process::id();
        let datagram = syslog.datagram(WARNING, "Jan  2 15:04:05", "disk full");
        assert_eq!(datagram, format!("<132>Jan  2 15:04:05 russet[{process}]: disk full"));
    }
}
