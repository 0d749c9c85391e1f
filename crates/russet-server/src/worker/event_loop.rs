//! The event loop: polling, mail, and the life of connections.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use mio::event::Source;
use mio::{Events, Interest, Poll, Token};
use slab::Slab;
use smallvec::SmallVec;

use super::aside::Aside;
use super::batch::Batch;
use super::blocked::Blocked;
use super::connection::Connection;
use super::moderation::Moderation;
use super::paused::Paused;
use super::{Message, WorkerContext};
use crate::client::{Client, ClientFlags, ClientInfo, Close, ReplyMode};
use crate::config::MemoryShare;
use crate::exec::fiber::Fiber;
use crate::net::Stream;
use crate::pubsub::{self, Publication};
use crate::server::Server;

/// The token of the mailbox.
pub const WAKE: Token = Token(usize::MAX);
/// Size of the buffer that a round's requests are received into, in bytes.
pub(super) const ARENA_BYTES: usize = 256 << 10;
/// Reply buffers kept for connections that have something to say, and the largest that is kept.
const SPARE_BUFFERS: usize = 64;
pub(super) const SPARE_BYTES: usize = 64 << 10;

/// See [`crate::worker`].
pub struct Worker {
    pub(super) server: Arc<Server>,
    pub(super) context: WorkerContext,
    poll: Poll,
    pub(super) connections: Slab<Box<Connection>>,
    pub(super) by_client: HashMap<u64, usize>,
    /// Where requests are received; empty at rest.
    pub(super) arena: Box<[u8]>,
    /// Bytes of the arena that the batch refers to.
    pub(super) arena_used: usize,
    pub(super) batch: Batch,
    /// Connections with something to read or to execute.
    pub(super) queue: Vec<usize>,
    /// Connections with something to send.
    pub(super) dirty: Vec<usize>,
    /// Connections that were set aside.
    pub(super) aside: Aside,
    /// Clients that wait in blocking commands.
    pub(super) blocked: Blocked,
    /// Commands that have paused.
    pub(super) paused: VecDeque<Paused>,
    pub(super) spare_buffers: Vec<Vec<u8>>,
    /// Room for messages while they are read.
    mail: Vec<Message>,
    /// How many messages were taken from the mailbox.
    mail_taken: u64,
    /// Somebody has rung since set-aside connections were last looked at.
    pub(super) rung: bool,
    /// The limit of all clients together under which they are charged.
    pub(super) charged_under: MemoryShare,
    pub(super) timers: super::timers::Timers,
    /// Its share of loading and saving keys.
    pub(super) duties: super::persist::Duties,
    /// What waits for the append-only log.
    pub(super) log_waits: super::log::LogWaits,
    pub(super) defrag: super::defrag::Defrag,
    moderation: Moderation,
    pub(super) rest: super::rest::Rest,
}

impl Worker {
    /// A worker of a server, with the poller that its mailbox wakes.
    pub fn new(server: Arc<Server>, id: usize, poll: Poll) -> Self {
        let config = server.config.load_full();
        let stats = server.workers[id].stats.clone();
        let mut context = WorkerContext::new(id, config, stats);
        context.has_event_loop = true;
        // From the start, so that a later command does not seem to take the memory.
        context.idle_fibers.push(Fiber::new(server.clone(), &context));
        Worker {
            charged_under: MemoryShare::Bytes(0),
            defrag: Default::default(),
            moderation: Default::default(),
            rest: Default::default(),
            log_waits: Default::default(),
            context,
            timers: super::timers::Timers::new(&server, id),
            server,
            poll,
            connections: Slab::new(),
            by_client: HashMap::new(),
            arena: Box::default(),
            arena_used: 0,
            batch: Batch::default(),
            queue: Vec::new(),
            dirty: Vec::new(),
            aside: Aside::default(),
            blocked: Blocked::default(),
            paused: VecDeque::new(),
            spare_buffers: Vec::new(),
            mail: Vec::new(),
            mail_taken: 0,
            rung: false,
            duties: Default::default(),
        }
    }

    /// Serves until the server shuts down.
    pub fn run(mut self) {
        let mut events = Events::with_capacity(1024);
        crate::memory::note_startup(&self.server);
        Moderation::allow_short_sleep();
        let mut timeout = self.timeout();
        loop {
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => result.expect("polling a poller that exists"),
            }
            self.begin_round();
            if self.server.shutdown.is_final() {
                self.end();
                return;
            }
            for event in &events {
                self.note_event(event);
            }
            self.rung |= self.read_mail();
            self.execute_batch();
            let rung = std::mem::take(&mut self.rung);
            self.retry_aside(rung);
            self.serve_queue();
            self.go_on_with_paused();
            self.run_timers();
            self.persist();
            self.read_own_mail();
            self.send_all();
            if self.evict_clients() {
                self.read_own_mail();
                self.send_all();
            }
            self.follow_log();
            crate::memory::huge_pages::serve(&self.server);
            // Clients have their replies and think about the next request meanwhile.
            let is_idle = events.is_empty() && self.queue.is_empty() && self.paused.is_empty();
            let pause = self.moderation.pause();
            let walked = self.walk(is_idle, pause.unwrap_or_default());
            if !walked {
                self.defragment();
            }
            self.rest(is_idle && !walked);
            crate::memory::publish();
            timeout = self.timeout();
            // If that makes the next round a better one and there is nothing else to do.
            if let Some(pause) = pause
                && !walked
                && timeout.is_none_or(|timeout| timeout > pause)
            {
                std::thread::sleep(pause);
            }
        }
    }

    fn begin_round(&mut self) {
        self.context.clock.refresh();
        self.moderation.begin_round(self.context.clock.now_ms());
        self.context.stats.rounds.add(1);
        let config = self.server.config.load();
        if !Arc::ptr_eq(&config, &self.context.config) {
            let config = Arc::clone(&config);
            self.context.reconfigure(config);
        }
        self.follow_clients_limit();
    }

    fn timeout(&mut self) -> Option<Duration> {
        if !self.queue.is_empty() && self.batch.is_done() {
            return Some(Duration::ZERO);
        }
        let next = self.timers.until_next(&self.server, &self.context);
        let now_ms = self.context.clock.now_ms();
        let retry = self.aside.until_next(now_ms, !self.context.ready.is_empty());
        let defrag = self.defrag.until_next(&self.server);
        let duties = self.duties.until_next();
        let paused = self.until_paused();
        let rest = self.rest.until_next_ms(now_ms).map(|ms| Duration::from_millis(ms as u64));
        let times = [retry, self.blocked.until_next(now_ms), duties, defrag, paused, rest];
        times.into_iter().flatten().chain([next]).min()
    }

    fn note_event(&mut self, event: &mio::event::Event) {
        if event.token() == WAKE {
            return;
        }
        let at = event.token().0;
        let Some(connection) = self.connections.get_mut(at) else { return };
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            connection.readable = true;
            self.moderation.note(&mut connection.last_heard_ms);
            connection.ended |= event.is_read_closed() || event.is_error();
            if connection.ended && connection.client.wait.is_some() {
                self.leave_while_blocked(at);
            }
            self.enqueue(at);
        }
        if event.is_writable() && self.connections[at].unsent() > 0 {
            self.mark_dirty(at);
        }
    }

    pub(super) fn enqueue(&mut self, at: usize) {
        let connection = &mut self.connections[at];
        if !connection.queued && connection.waits_for.is_none() {
            connection.queued = true;
            self.queue.push(at);
        }
    }

    pub(super) fn mark_dirty(&mut self, at: usize) {
        let connection = &mut self.connections[at];
        if !connection.dirty {
            connection.dirty = true;
            self.dirty.push(at);
        }
    }

    /// Does what messages say. Returns whether anybody has rung.
    pub(super) fn read_mail(&mut self) -> bool {
        let mut mail = std::mem::take(&mut self.mail);
        self.context.own_mail = false;
        let rung = self.server.workers[self.context.id].mailbox.take(&mut mail);
        let first = self.mail_taken;
        self.mail_taken += mail.len() as u64;
        for (number, message) in (first..).zip(mail.drain(..)) {
            self.read_message(number, message);
        }
        self.mail = mail;
        rung
    }

    /// Reads the mailbox if there is something that the worker has put there itself.
    #[inline]
    pub(super) fn read_own_mail(&mut self) {
        if self.context.own_mail {
            self.rung |= self.read_mail();
        }
    }

    fn read_message(&mut self, number: u64, message: Message) {
        match message {
            Message::Adopt(stream, info) => self.adopt(stream, info),
            Message::Kill(id) => {
                if let Some(&at) = self.by_client.get(&id) {
                    let connection = &mut self.connections[at];
                    connection.client.close(Close::Now);
                    // Nobody will get it, and the memory may be what the client was closed for.
                    (connection.out, connection.sent) = (Vec::new(), 0);
                    self.mark_dirty(at);
                }
            }
            Message::Publish(publication) => self.deliver(number, &publication),
            Message::Answer(wait, reply, is_in_no_queue) => {
                self.answer(&wait, &reply, !is_in_no_queue);
            }
            Message::Send(id, bytes) => {
                if let Some(&at) = self.by_client.get(&id) {
                    self.lend_buffer(at);
                    let connection = &mut self.connections[at];
                    if connection.client.reply_mode != ReplyMode::Off {
                        connection.out.extend_from_slice(&bytes);
                        self.guard_output(at);
                    }
                    self.mark_dirty(at);
                }
            }
        }
    }

    /// Gives the mailbox's message of this number to its subscribers among the worker's clients.
    fn deliver(&mut self, number: u64, publication: &Publication) {
        for (kind, name, encoded) in publication.parts() {
            let clients = self.context.subscribers.of(kind, name, number);
            let recipients = clients.filter_map(|client| self.by_client.get(&client).copied());
            let recipients: SmallVec<[usize; 16]> = recipients.collect();
            for at in recipients {
                if self.connections[at].client.is_leaving() {
                    continue;
                }
                self.lend_buffer(at);
                let Connection { client, out, .. } = &mut *self.connections[at];
                pubsub::append(out, encoded, client.protocol);
                self.guard_output(at);
                self.mark_dirty(at);
            }
        }
    }

    fn adopt(&mut self, mut stream: Stream, info: Arc<ClientInfo>) {
        let entry = self.connections.vacant_entry();
        let at = entry.key();
        let interest = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = stream.register(self.poll.registry(), Token(at), interest) {
            tracing::warn!("Registering a connection failed: {error}");
            self.forget(&info);
            return;
        }
        let authenticated = self.context.config.requirepass.is_none();
        self.by_client.insert(info.id, at);
        entry.insert(Box::new(Connection::new(stream, Client::new(info, authenticated))));
    }

    fn forget(&self, info: &ClientInfo) {
        self.server.clients.remove(info.id);
        self.server.workers[self.context.id].connections.fetch_sub(1, Ordering::Relaxed);
        if info.flags().contains(ClientFlags::MONITOR) {
            self.server.monitors.remove(info.id);
        }
    }

    /// Closes a connection and strikes it off every list but the queues, which skip it.
    pub(super) fn close(&mut self, at: usize) {
        self.give_up(at);
        let mut connection = *self.connections.remove(at);
        self.by_client.remove(&connection.client.info.id);
        self.batch.forget(at);
        self.queue.retain(|queued| *queued != at);
        self.dirty.retain(|dirty| *dirty != at);
        self.aside.forget(at);
        self.forget_held(at);
        let _ = connection.stream.deregister(self.poll.registry());
        self.forget(&connection.client.info);
        let subscribers = &mut self.context.subscribers;
        pubsub::unsubscribe_from_all(&self.server.pubsub, subscribers, &mut connection.client);
        self.timers.unwatch_later(&mut connection.client);
        self.keep_client_of_paused(at, connection.client);
    }

    /// A buffer for a connection that has none.
    pub(super) fn spare_buffer_for(&mut self, at: usize) -> Option<Vec<u8>> {
        let needs_one = self.connections[at].out.capacity() == 0;
        needs_one.then(|| self.spare_buffers.pop().unwrap_or_default())
    }

    /// Sends what connections have to say, and closes those that are done for.
    pub(super) fn send_all(&mut self) {
        let mut dirty = std::mem::take(&mut self.dirty);
        for at in dirty.drain(..) {
            // A connection closed earlier in this round may be on the list still.
            if let Some(connection) = self.connections.get_mut(at) {
                connection.dirty = false;
                if !self.holds_back(at) {
                    self.send(at, usize::MAX);
                }
            }
        }
        if self.dirty.is_empty() {
            self.dirty = dirty;
        }
    }

    /// Sends what a connection has to say, of `most` bytes that wait, and closes it if it is done for.
    pub(super) fn send(&mut self, at: usize, most: usize) {
        let connection = &mut self.connections[at];
        if connection.client.close == Close::Now {
            self.close(at);
            return;
        }
        let result = connection.send(most);
        let unsent = connection.unsent();
        let info = &connection.client.info;
        if let Ok(sent) = result {
            info.last_interaction_ms.store(self.context.clock.now_ms(), Ordering::Relaxed);
            info.reply_peak_bytes.store(sent as u64, Ordering::Relaxed);
            self.context.stats.total_net_output_bytes.add(sent as u64);
            self.context.stats.total_writes_processed.add(1);
        }
        if result.is_err() || (unsent == 0 && connection.client.close == Close::AfterReply) {
            self.close(at);
            return;
        }
        info.output_bytes.store(unsent as u64, Ordering::Relaxed);
        if unsent == 0 {
            connection.over_soft_since_ms = None;
            let buffer = std::mem::take(&mut connection.out);
            if buffer.capacity() <= SPARE_BYTES && self.spare_buffers.len() < SPARE_BUFFERS {
                self.spare_buffers.push(buffer);
            }
        }
        let room = connection.out.capacity() as u64;
        connection.client.info.reply_buffer_bytes.store(room, Ordering::Relaxed);
        self.charge(at);
    }

    /// The last words of a worker: what is ready to be sent is sent.
    fn end(&mut self) {
        self.end_paused();
        let everyone: Vec<usize> = self.connections.iter().map(|(at, _)| at).collect();
        everyone.into_iter().for_each(|at| self.mark_dirty(at));
        self.send_all();
    }
}
