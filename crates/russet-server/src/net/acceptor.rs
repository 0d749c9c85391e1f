//! The acceptor: a thread that accepts connections and hands each to the worker with the fewest.
//!
//! It executes no command, so connections are accepted however long commands take, and every worker
//! gets its share however few connections there are. It also does what precedes the first command:
//! the limit of clients, protected mode, socket options.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mio::{Events, Interest, Poll, Token, Waker};
use parking_lot::Mutex;
use socket2::{SockRef, TcpKeepalive};

use super::{Bound, Stream};
use crate::client::{ClientInfo, Transport};
use crate::config::Config;
use crate::server::Server;
use crate::worker::{Message, clock::unix_ms};

const WAKE: Token = Token(usize::MAX);

/// What other threads want of the acceptor.
pub enum Order {
    /// Listen on these instead of the present TCP listeners (CONFIG SET port, bind).
    Listen(Vec<Bound>),
    /// Stop listening and end.
    Stop,
}

/// How other threads reach the acceptor.
pub struct AcceptorHandle {
    orders: Mutex<Vec<Order>>,
    waker: Waker,
}

impl AcceptorHandle {
    /// Gives an order.
    pub fn give(&self, order: Order) {
        self.orders.lock().push(order);
        self.waker.wake().expect("an eventfd that exists can be written");
    }
}

/// See the module's documentation.
pub struct Acceptor {
    poll: Poll,
    handle: Arc<AcceptorHandle>,
    listeners: Vec<Bound>,
}

impl Acceptor {
    /// An acceptor for some listeners.
    ///
    /// # Errors
    ///
    /// If the system refuses a poller.
    pub fn new(listeners: Vec<Bound>) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKE)?;
        let handle = Arc::new(AcceptorHandle { orders: Mutex::new(Vec::new()), waker });
        let mut acceptor = Acceptor { poll, handle, listeners: Vec::new() };
        acceptor.listen(listeners)?;
        Ok(acceptor)
    }

    /// How to reach it.
    pub fn handle(&self) -> Arc<AcceptorHandle> {
        self.handle.clone()
    }

    fn listen(&mut self, listeners: Vec<Bound>) -> io::Result<()> {
        for mut listener in listeners {
            let token = Token(self.listeners.len());
            let registry = self.poll.registry();
            match &mut listener {
                Bound::Tcp(listener) => registry.register(listener, token, Interest::READABLE)?,
                Bound::Unix(listener) => registry.register(listener, token, Interest::READABLE)?,
            }
            self.listeners.push(listener);
        }
        Ok(())
    }

    /// Accepts until it is told to stop.
    pub fn run(mut self, server: &Server) {
        let mut events = Events::with_capacity(64);
        loop {
            match self.poll.poll(&mut events, None) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                result => result.expect("polling a poller that exists"),
            }
            let orders = std::mem::take(&mut *self.handle.orders.lock());
            for order in orders {
                match order {
                    Order::Stop => return,
                    Order::Listen(listeners) => self.replace_tcp(listeners),
                }
            }
            // Edge-triggered: every listener is emptied whenever any has news.
            for at in 0..self.listeners.len() {
                self.accept_all(server, at);
            }
        }
    }

    fn replace_tcp(&mut self, listeners: Vec<Bound>) {
        let (unix, tcp) = std::mem::take(&mut self.listeners)
            .into_iter()
            .partition::<Vec<_>, _>(|bound| matches!(bound, Bound::Unix(_)));
        drop(tcp);
        let mut all = Vec::new();
        for mut listener in unix {
            if let Bound::Unix(listener) = &mut listener {
                // It is registered again below, under its new number.
                let _ = self.poll.registry().deregister(listener);
            }
            all.push(listener);
        }
        all.extend(listeners);
        if let Err(error) = self.listen(all) {
            tracing::warn!("Listening failed: {error}");
        }
    }

    fn accept_all(&self, server: &Server, at: usize) {
        loop {
            let accepted = match &self.listeners[at] {
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
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if is_transient(&error) => {}
                Err(error) => {
                    tracing::warn!("Accepting client connection: {error}");
                    // Out of descriptors, most likely: time for some to be closed.
                    std::thread::sleep(Duration::from_millis(10));
                    return;
                }
            }
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
