//! Binding the addresses of the configuration.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use socket2::{Domain, Socket, Type};

use crate::config::Config;

/// Something that connections are accepted from.
pub enum Bound {
    /// A TCP address.
    Tcp(mio::net::TcpListener),
    /// The unix socket.
    Unix(mio::net::UnixListener),
}

/// Binds every address of `bind` at `port`. An address after `-` may be missing on this machine, and
/// so may the protocol of `*` and `::*` when several addresses are given.
///
/// # Errors
///
/// The address and the system's reason for the first one that is needed and not to be had.
pub fn bind_all(config: &Config) -> Result<Vec<Bound>, String> {
    let mut bound = Vec::new();
    if config.port != 0 {
        for address in &config.bind {
            let optional = address.starts_with('-');
            let host = address.trim_start_matches('-');
            match bind_tcp(host, config.port, config.tcp_backlog) {
                Ok(listener) => bound.push(Bound::Tcp(listener)),
                Err(error) if optional && is_absence(&error) => {}
                Err(error) => {
                    let port = config.port;
                    return Err(format!(
                        "Could not create server TCP listening socket {host}:{port}: bind: {}",
                        reason(&error)
                    ));
                }
            }
        }
    }
    Ok(bound)
}

/// Binds the unix socket of the configuration, if it names one, replacing what a dead server left.
///
/// # Errors
///
/// The path and the system's reason.
pub fn bind_unix(path: &Path, permissions: u32) -> Result<Bound, String> {
    let failed = |error: io::Error| {
        format!("Failed opening Unix socket {}: bind: {}", path.display(), reason(&error))
    };
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let listener = mio::net::UnixListener::bind(path).map_err(failed)?;
    if permissions != 0 {
        let permissions = std::fs::Permissions::from_mode(permissions);
        std::fs::set_permissions(path, permissions).map_err(failed)?;
    }
    Ok(Bound::Unix(listener))
}

/// The system's words without Rust's "(os error N)".
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

fn bind_tcp(host: &str, port: u16, backlog: u32) -> io::Result<mio::net::TcpListener> {
    let ip = match host {
        "*" => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        "::*" => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        name => resolve(name)?,
    };
    let address = SocketAddr::new(ip, port);
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    Ok(mio::net::TcpListener::from_std(socket.into()))
}

fn resolve(name: &str) -> io::Result<IpAddr> {
    if let Ok(ip) = name.parse() {
        return Ok(ip);
    }
    use std::net::ToSocketAddrs;
    let mut found = (name, 0).to_socket_addrs()?;
    found.next().map(|address| address.ip()).ok_or_else(|| io::ErrorKind::NotFound.into())
}

fn is_absence(error: &io::Error) -> bool {
    // EADDRNOTAVAIL, EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT, ENOPROTOOPT, EPFNOSUPPORT:
    // the machine lacks the address or its family.
    use rustix::io::Errno;
    let absent = [
        Errno::ADDRNOTAVAIL,
        Errno::AFNOSUPPORT,
        Errno::PROTONOSUPPORT,
        Errno::SOCKTNOSUPPORT,
        Errno::NOPROTOOPT,
        Errno::PFNOSUPPORT,
    ];
    absent.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}
