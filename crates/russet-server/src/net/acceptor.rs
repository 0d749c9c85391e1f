//! The acceptor: a thread that accepts connections and hands each to the worker with the fewest.
//!
//! It executes no command, so connections are accepted however long commands take, and every worker
//! gets its share however few connections there are. It also does what precedes the first command:
//! the limit of clients, protected mode, socket options.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mio::{Events, Interest, Poll, Registry, Token, Waker};
use parking_lot::Mutex;
use socket2::{SockRef, TcpKeepalive};

use super::{Bound, Stream, bind_all};
use crate::client::{ClientInfo, Transport};
use crate::config::Config;
use crate::server::Server;
use crate::worker::{Message, clock::unix_ms};

const WAKE: Token = Token(usize::MAX);

/// Every listener is emptied whenever any has news, so none needs a token of its own.
const NEWS: Token = Token(0);
/// How long accepting rests when the system has no descriptors left: time for some to be closed.
const REST: Duration = Duration::from_millis(10);

/// How other threads reach the acceptor.
pub struct AcceptorHandle {
    /// Held while connections are accepted, so that whoever changes them waits for a moment at most.
    listeners: Mutex<Vec<Bound>>,
    registry: Registry,
    stopped: AtomicBool,
    waker: Waker,
}

impl AcceptorHandle {
    /// Has the acceptor end, without waiting for it.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.waker.wake().expect("an eventfd that exists can be written");
    }

    /// Listens at the TCP addresses of `new` instead of those of `old`. The unix socket stays.
    ///
    /// # Errors
    ///
    /// The reason why that is impossible; the server listens as before.
    pub fn listen_anew(&self, old: &Config, new: &Config) -> Result<(), String> {
        let mut listeners = self.listeners.lock();
        if old.port != new.port {
            let bound = bind_all(new)?;
            listeners.retain(|listener| matches!(listener, Bound::Unix(_)));
            return self.add(&mut listeners, bound);
        }
        // At the same port, an old address may be in the way of a new one.
        listeners.retain(|listener| matches!(listener, Bound::Unix(_)));
        match bind_all(new) {
            Ok(bound) => self.add(&mut listeners, bound),
            Err(reason) => {
                let bound = bind_all(old)?;
                self.add(&mut listeners, bound)?;
                Err(reason)
            }
        }
    }

    fn add(&self, listeners: &mut Vec<Bound>, bound: Vec<Bound>) -> Result<(), String> {
        for mut listener in bound {
            let result = match &mut listener {
                Bound::Tcp(tcp) => self.registry.register(tcp, NEWS, Interest::READABLE),
                Bound::Unix(unix) => self.registry.register(unix, NEWS, Interest::READABLE),
            };
            result.map_err(|error| error.to_string())?;
            listeners.push(listener);
        }
        Ok(())
    }
}

/// See the module's documentation.
pub struct Acceptor {
    poll: Poll,
    handle: Arc<AcceptorHandle>,
}

impl Acceptor {
    /// An acceptor for some listeners.
    ///
    /// # Errors
    ///
    /// If the system refuses a poller.
    pub fn new(listeners: Vec<Bound>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let handle = AcceptorHandle {
            listeners: Mutex::default(),
            registry: poll.registry().try_clone()?,
            stopped: AtomicBool::new(false),
            waker: Waker::new(poll.registry(), WAKE)?,
        };
        handle.add(&mut handle.listeners.lock(), listeners).map_err(io::Error::other)?;
        Ok(Acceptor { poll, handle: Arc::new(handle) })
    }

    /// How to reach it.
    pub fn handle(&self) -> Arc<AcceptorHandle> {
        self.handle.clone()
    }

    /// Accepts until it is told to stop.
    pub fn run(mut self, server: &Server) {
        let mut events = Events::with_capacity(64);
        while !self.is_stopped() {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result.expect("polling a poller that exists"),
            }
            while !self.is_stopped()
                && let Err(error) = self.accept_all(server)
            {
                tracing::warn!("Accepting client connection: {error}");
                std::thread::sleep(REST);
            }
            crate::memory::publish();
        }
    }

    fn is_stopped(&self) -> bool {
        self.handle.stopped.load(Ordering::Acquire)
    }

    /// Accepts whoever waits, at every listener.
    fn accept_all(&self, server: &Server) -> io::Result<()> {
        for listener in self.handle.listeners.lock().iter() {
            accept_at(server, listener)?;
        }
        Ok(())
    }
}

fn accept_at(server: &Server, listener: &Bound) -> io::Result<()> {
    loop {
        let accepted = match listener {
            Bound::Tcp(listener) => listener.accept().and_then(|(stream, peer)| {
                let local = stream.local_addr()?;
                Ok((Stream::Tcp(stream), Transport::Tcp { peer, local }))
            }),
            Bound::Unix(listener) => listener.accept().map(|(stream, _)| {
                let path = server.config.load().unixsocket.clone().unwrap_or_default();
                (Stream::Unix(stream), Transport::Unix(path))
            }),
        };
        match accepted {
            Ok((stream, transport)) => admit(server, stream, transport),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if is_transient(&error) => {}
            Err(error) => return Err(error),
        }
    }
}

/// The client gave up before it was accepted.
fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted)
}

fn admit(server: &Server, stream: Stream, transport: Transport) {
    let config = server.config.load_full();
    server.stats.total_connections_received.fetch_add(1, Ordering::Relaxed);
    if server.clients.len() >= config.maxclients as usize {
        server.stats.rejected_connections.fetch_add(1, Ordering::Relaxed);
        refuse(&stream, b"-ERR max number of clients reached\r\n");
        return;
    }
    if is_protected_from(&config, &transport) {
        server.stats.rejected_connections.fetch_add(1, Ordering::Relaxed);
        refuse(&stream, PROTECTED);
        return;
    }
    if let Stream::Tcp(_) = stream {
        configure(&stream, &config);
    }
    let worker = server.least_busy_worker();
    let id = server.clients.next_id();
    let info = Arc::new(ClientInfo::new(id, worker, stream.fd(), transport, unix_ms()));
    server.clients.add(info.clone());
    server.workers[worker].connections.fetch_add(1, Ordering::Relaxed);
    server.workers[worker].mailbox.post(Message::Adopt(stream, info));
}

/// A refused client is told why if that is possible without waiting.
fn refuse(stream: &Stream, why: &[u8]) {
    let _ = stream.write(why);
}

fn is_protected_from(config: &Config, transport: &Transport) -> bool {
    config.protected_mode && config.requirepass.is_none() && !transport.is_local()
}

const PROTECTED: &[u8] = b"-DENIED Russet is running in protected mode because protected mode is \
enabled and no password is set for the default user. In this mode connections are only accepted \
from the loopback interface. If you want to connect from external computers, you may adopt one of \
the following solutions: 1) Disable protected mode by 'CONFIG SET protected-mode no' from the \
loopback interface, and make sure that the server is not reachable from the internet. 2) Set \
'protected-mode no' in the configuration file and restart the server. 3) Start the server with \
'--protected-mode no'. 4) Set a password for the default user. You only need to do one of these.\r\n";

fn configure(stream: &Stream, config: &Config) {
    let fd = stream.as_fd();
    let socket = SockRef::from(&fd);
    // Options are best effort: a connection works without them.
    let _ = socket.set_tcp_nodelay(true);
    if config.tcp_keepalive > 0 {
        let idle = u64::from(config.tcp_keepalive);
        let keepalive = TcpKeepalive::new()
            .with_time(Duration::from_secs(idle))
            .with_interval(Duration::from_secs((idle / 3).max(1)))
            .with_retries(3);
        let _ = socket.set_tcp_keepalive(&keepalive);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_from_elsewhere_are_kept_out_until_there_is_a_password() {
        let from = |peer: [u8; 4]| Transport::Tcp {
            peer: (peer, 40_000).into(),
            local: ([10, 0, 0, 1], 6379).into(),
        };
        let elsewhere = from([192, 0, 2, 1]);
        let open = Config { protected_mode: true, requirepass: None, ..Config::default() };
        assert!(is_protected_from(&open, &elsewhere));
        assert!(!is_protected_from(&open, &from([127, 0, 0, 1])));
        assert!(!is_protected_from(&open, &Transport::Unix("socket".into())));
        let mapped = Transport::Tcp {
            peer: "[::ffff:127.0.0.1]:40000".parse().expect("an address"),
            local: "[::1]:6379".parse().expect("an address"),
        };
        assert!(!is_protected_from(&open, &mapped), "loopback by way of IPv6");
        let guarded = Config { requirepass: Some(b"secret".to_vec()), ..open };
        assert!(!is_protected_from(&guarded, &elsewhere));
        let unprotected = Config { protected_mode: false, ..Config::default() };
        assert!(!is_protected_from(&unprotected, &elsewhere));
    }
}
