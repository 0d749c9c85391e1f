//! From a configuration to a running server, and down again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize};
use std::time::Instant;

use arc_swap::ArcSwap;
use mio::Poll;
use parking_lot::Mutex;
use russet_keyspace::keyspace::{Keyspace, Waker};

use crate::client::Registry;
use crate::command::Names;
use crate::config::{Config, Startup};
use crate::files;
use crate::journal::Journal;
use crate::lazy_free::LazyFree;
use crate::net::{Acceptor, Bound, bind_all, bind_unix};
use crate::server::{Server, WorkerHandle};
use crate::shutdown::Shutdown;
use crate::worker::{Mailbox, WAKE, Worker, clock::unix_ms};

/// What `--version` prints.
pub fn version_line() -> String {
    format!("Russet server v={} bits={} malloc=jemalloc", env!("CARGO_PKG_VERSION"), usize::BITS)
}

/// Serves until a signal or SHUTDOWN ends it.
///
/// # Errors
///
/// Why the server could not start, for people.
pub fn serve(startup: Startup) -> Result<(), String> {
    let Startup { mut config, source, renamings, .. } = startup;
    let possible = files::make_room_for(config.maxclients);
    if possible < config.maxclients {
        tracing::warn!("The limit of open files leaves room for {possible} clients only");
        config.maxclients = possible;
    }
    let mut listeners = bind_all(&config)?;
    if let Some(path) = &config.unixsocket {
        listeners.push(bind_unix(path, config.unixsocketperm)?);
    }
    if listeners.is_empty() {
        return Err("Configured to not listen anywhere, exiting.".into());
    }
    let names = Names::new(renamings.iter().map(|renaming| (&renaming.from[..], &renaming.to[..])))
        .map_err(str::to_owned)?;
    let (server, polls, acceptor) = build(config, source, names, listeners)
        .map_err(|error| format!("The system refuses what a server needs: {error}"))?;
    watch_signals(server.clone()).map_err(|error| format!("Signals cannot be watched: {error}"))?;
    if let Err(error) = server.oom_score.apply(&server.config.load()) {
        tracing::warn!("Unable to write oom_score_adj: {error}");
    }
    let port = server.config.load().port;
    tracing::info!("Ready to accept connections on port {port}");
    run(&server, polls, acceptor);
    if let Some(path) = &server.config.load().unixsocket {
        // Nobody listens any more; what is left would only puzzle people.
        let _ = std::fs::remove_file(path);
    }
    Ok(())
}

type Parts = (Arc<Server>, Vec<Poll>, Acceptor);

fn build(
    config: Config,
    source: crate::config::ConfigSource,
    names: Names,
    listeners: Vec<Bound>,
) -> std::io::Result<Parts> {
    let mut polls = Vec::new();
    let mut mailboxes = Vec::new();
    for _ in 0..config.worker_threads {
        let poll = Poll::new()?;
        let waker = mio::Waker::new(poll.registry(), WAKE)?;
        mailboxes.push(Arc::new(Mailbox::new(waker)));
        polls.push(poll);
    }
    let acceptor = Acceptor::new(listeners)?;
    let to_wake = mailboxes.clone();
    let waker: Waker = Box::new(move |workers| {
        let called = to_wake.iter().enumerate().filter(|(id, _)| workers.contains(*id));
        called.for_each(|(_, mailbox)| mailbox.ring());
    });
    let keyspace = Keyspace::new(config.databases, mailboxes.len(), random_bytes(), waker);
    let worker =
        |mailbox| WorkerHandle { mailbox, stats: Arc::default(), connections: AtomicUsize::new(0) };
    let now_s = unix_ms() / 1000;
    let server = Arc::new(Server {
        config: ArcSwap::from_pointee(config),
        source,
        config_changes: Mutex::new(()),
        keyspace,
        names,
        clients: Registry::default(),
        workers: mailboxes.into_iter().map(worker).collect(),
        acceptor: acceptor.handle(),
        journal: Journal::default(),
        lazy_free: LazyFree::start()?,
        stats: Default::default(),
        slow_log: Mutex::default(),
        latency: Default::default(),
        monitors: Default::default(),
        pause: Default::default(),
        errors: Default::default(),
        oom_score: Default::default(),
        active_expire: AtomicBool::new(true),
        run_id: random_id(),
        replication_id: Mutex::new(random_id()),
        started: Instant::now(),
        started_at_s: now_s,
        last_save_s: AtomicI64::new(now_s),
        attack_reported_ms: AtomicI64::new(0),
        shutdown: Shutdown::default(),
    });
    Ok((server, polls, acceptor))
}

/// Runs all threads until the end is asked for and they have ended.
fn run(server: &Arc<Server>, polls: Vec<Poll>, acceptor: Acceptor) {
    std::thread::scope(|scope| {
        for (id, poll) in polls.into_iter().enumerate() {
            let worker = Worker::new(server.clone(), id, poll);
            let thread = std::thread::Builder::new().name(format!("worker-{id}"));
            thread.spawn_scoped(scope, move || worker.run()).expect("a thread per worker");
        }
        let thread = std::thread::Builder::new().name("acceptor".into());
        thread.spawn_scoped(scope, || acceptor.run(server)).expect("a thread for accepting");
        server.shutdown.wait();
        server.acceptor.stop();
        server.workers.iter().for_each(|worker| worker.mailbox.ring());
    });
}

/// SIGTERM and SIGINT end the server in order.
fn watch_signals(server: Arc<Server>) -> std::io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT])?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        if signals.forever().next().is_some() {
            tracing::info!("Received a signal to shut down");
            server.shutdown.begin();
        }
    })?;
    Ok(())
}

fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system provides random bytes");
    bytes
}

/// 40 random hexadecimal digits.
pub fn random_id() -> String {
    random_bytes::<20>().iter().map(|byte| format!("{byte:02x}")).collect()
}
