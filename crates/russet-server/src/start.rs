//! From a configuration to a running server, and down again.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize};
use std::time::Instant;

use arc_swap::ArcSwap;
use mio::Poll;
use parking_lot::Mutex;
use russet_keyspace::keyspace::{Keyspace, Waker};

use crate::client::Registry;
use crate::command::Names;
use crate::commands::lists::DEFAULT_ALONE_BYTES;
use crate::config::{Config, ConfigSource, Startup};
use crate::files;
use crate::journal::Journal;
use crate::lazy_free::LazyFree;
use crate::memory;
use crate::net::{Acceptor, Bound, bind_all, bind_unix};
use crate::persistence::{Persistence, aof, load};
use crate::process::background::{self, PidFile};
use crate::process::crash::{panic, signal};
use crate::process::log::Log;
use crate::process::supervisor::Supervisor;
use crate::process::{banner, signals, warnings};
use crate::processors;
use crate::pubsub::PubSub;
use crate::server::{Server, WorkerHandle};
use crate::shutdown::Shutdown;
use crate::worker::{WAKE, Worker, clock::unix_ms, mailbox};

/// Serves until a signal or SHUTDOWN ends it. What went wrong is in the log, or on the standard
/// error output where nobody would look into the log.
pub fn serve(startup: Startup) -> ExitCode {
    let log = match open_log(&startup.config) {
        Ok(log) => log,
        Err(reason) => {
            eprintln!("{reason}");
            return ExitCode::FAILURE;
        }
    };
    match serve_logged(startup, &log) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            tracing::error!("{reason}");
            if log.file().is_some() {
                eprintln!("{reason}");
            }
            ExitCode::FAILURE
        }
    }
}

/// Goes to the directory of the configuration and opens the log there.
fn open_log(config: &Config) -> Result<Arc<Log>, String> {
    std::env::set_current_dir(&config.dir)
        .map_err(|error| format!("Can't chdir to '{}': {error}", config.dir.display()))?;
    let log = Arc::new(Log::open(config)?);
    log.install();
    Ok(log)
}

fn serve_logged(startup: Startup, log: &Arc<Log>) -> Result<(), String> {
    let Startup { mut config, source, renamings, .. } = startup;
    reduce_clients(&mut config);
    let names = Names::new(renamings.iter().map(|renaming| (&renaming.from[..], &renaming.to[..])))
        .map_err(str::to_owned)?;
    // While there is a terminal to complain to, and before the first thread.
    let listeners = listen(&config)?;
    if config.daemonize {
        background::detach().map_err(|error| format!("Can't go on in the background: {error}"))?;
    }
    tracing::warn!("{} pid={}, just started", banner::version_line(), std::process::id());
    let supervisor = Supervisor::find(config.supervised);
    let pid_file = PidFile::write(&config);
    banner::announce(log, &config);
    warnings::warn_of_settings(&config);
    let (server, polls, acceptor) = build(config, source, names, listeners, log.clone())
        .map_err(|error| format!("The system refuses what a server needs: {error}"))?;
    panic::install(server.clone());
    let crash_log_enabled = server.config.load().crash_log_enabled;
    let _crash_watch = crash_log_enabled.then(|| signal::watch(log));
    signals::watch(server.clone()).map_err(|error| format!("Can't watch for signals: {error}"))?;
    tracing::warn!("Server initialized");
    if let Err(error) = server.oom_score.apply(&server.config.load()) {
        tracing::warn!("Unable to write oom_score_adj: {error}");
    }
    let loaded = run(&server, polls, acceptor, supervisor);
    drop(pid_file);
    if let Some(path) = &server.config.load().unixsocket {
        tracing::info!("Removing the unix socket file.");
        // Nobody listens any more; what is left would only puzzle people.
        let _ = std::fs::remove_file(path);
    }
    loaded?;
    tracing::warn!("Russet is now ready to exit, bye bye...");
    Ok(())
}

/// Promises no more clients than there are files for.
fn reduce_clients(config: &mut Config) {
    let possible = files::make_room_for(config.maxclients);
    if possible < config.maxclients {
        tracing::warn!(
            "The limit of open files is too low for maxclients {}: reduced to {possible}. Raise \
             'ulimit -n' to have more.",
            config.maxclients
        );
        config.maxclients = possible;
    }
}

fn listen(config: &Config) -> Result<Vec<Bound>, String> {
    let mut listeners = bind_all(config).map_err(|reason| {
        tracing::warn!("{reason}");
        format!("Failed listening on port {} (TCP), aborting.", config.port)
    })?;
    if let Some(path) = &config.unixsocket {
        listeners.push(bind_unix(path, config.unixsocketperm)?);
    }
    if listeners.is_empty() {
        return Err("Configured to not listen anywhere, exiting.".into());
    }
    Ok(listeners)
}

type Parts = (Arc<Server>, Vec<Poll>, Acceptor);

/// Makes everything of a server that is not a thread.
pub(crate) fn build(
    config: Config,
    source: ConfigSource,
    names: Names,
    listeners: Vec<Bound>,
    log: Arc<Log>,
) -> std::io::Result<Parts> {
    let mut polls = Vec::new();
    let mut mailboxes = Vec::new();
    for _ in 0..config.worker_threads {
        let poll = Poll::new()?;
        let waker = mio::Waker::new(poll.registry(), WAKE)?;
        mailboxes.push(Arc::new(mailbox(waker)));
        polls.push(poll);
    }
    let acceptor = Acceptor::new(listeners)?;
    let to_wake = mailboxes.clone();
    let waker: Waker = Box::new(move |workers| {
        let called = to_wake.iter().enumerate().filter(|(id, _)| workers.contains(*id));
        called.for_each(|(_, mailbox)| mailbox.ring());
    });
    let keyspace = Keyspace::new(config.databases, mailboxes.len(), random_bytes(), waker);
    let pubsub = PubSub::new(mailboxes.clone().into());
    let worker =
        |mailbox| WorkerHandle { mailbox, stats: Arc::default(), connections: AtomicUsize::new(0) };
    let now_s = unix_ms() / 1000;
    let journal = Journal::default();
    journal.set_expires_lazily(config.lazyfree_lazy_expire);
    let lazy_free = LazyFree::start(&config.bio_cpulist)?;
    let server = Arc::new_cyclic(|itself| Server {
        itself: itself.clone(),
        config: ArcSwap::from_pointee(config),
        source,
        log,
        config_changes: Mutex::new(()),
        keyspace,
        names,
        clients: Registry::default(),
        workers: mailboxes.into_iter().map(worker).collect(),
        acceptor: acceptor.handle(),
        journal,
        lazy_free,
        defrag_pass: Default::default(),
        huge_pages: Default::default(),
        stats: Default::default(),
        slow_log: Mutex::default(),
        latency: Default::default(),
        monitors: Default::default(),
        scripts: Default::default(),
        slow_scripts: Default::default(),
        pubsub,
        pause: Default::default(),
        errors: Default::default(),
        oom_score: Default::default(),
        active_expire: AtomicBool::new(true),
        scripts_may_debug: AtomicBool::new(false),
        skips_checksums: AtomicBool::new(false),
        list_alone_bytes: AtomicUsize::new(DEFAULT_ALONE_BYTES),
        run_id: random_id(),
        replication_id: Mutex::new(random_id()),
        started: Instant::now(),
        started_at_s: now_s,
        persistence: Arc::new(Persistence::new(now_s)),
        attack_reported_ms: AtomicI64::new(0),
        shutdown: Shutdown::default(),
    });
    Ok((server, polls, acceptor))
}

/// Runs all threads until the end is asked for and they have ended, or the keys cannot be loaded.
fn run(
    server: &Arc<Server>,
    polls: Vec<Poll>,
    acceptor: Acceptor,
    supervisor: Supervisor,
) -> Result<(), String> {
    let config = server.config.load_full();
    let is_to_load = match config.appendonly {
        true => aof::exists(&config),
        false => config.dbfilename.exists(),
    };
    server.persistence.set_loading(is_to_load);
    if config.appendonly && !is_to_load {
        // Before anything can be executed that belongs there.
        aof::open(server, None)?;
    }
    std::thread::scope(|scope| {
        for (id, poll) in polls.into_iter().enumerate() {
            let server = server.clone();
            let thread = std::thread::Builder::new().name(format!("worker-{id}"));
            // Made there, because what it runs scripts on belongs to its thread.
            let worker = move || {
                processors::keep_worker(id, &server.config.load());
                Worker::new(server, id, poll).run();
            };
            thread.spawn_scoped(scope, worker).expect("a thread per worker");
        }
        if let Err(error) = memory::load_code() {
            tracing::debug!("The program's code is read when it is used: {error}");
        }
        memory::return_in_small_pieces();
        memory::return_in_background();
        memory::huge_pages::keep(server);
        memory::note_startup(server);
        // Whoever is answered, other than that keys are being loaded, finds it in the log.
        let announce = || tracing::info!("Ready to accept connections");
        if !is_to_load {
            announce();
        }
        let thread = std::thread::Builder::new().name("acceptor".into());
        thread.spawn_scoped(scope, || acceptor.run(server)).expect("a thread for accepting");
        let loaded = if is_to_load { load_keys(server).inspect(|()| announce()) } else { Ok(()) };
        if loaded.is_ok() {
            server.persistence.set_loading(false);
            supervisor.ready();
            server.shutdown.wait();
            supervisor.stopping();
        } else {
            server.shutdown.decide();
        }
        server.acceptor.stop();
        server.workers.iter().for_each(|worker| worker.mailbox.ring());
        loaded
    })
}

/// Loads the keys from the append-only file if there is to be one, otherwise from the snapshot.
fn load_keys(server: &Server) -> Result<(), String> {
    if !server.config.load().appendonly {
        return load::load_at_start(server);
    }
    let files = aof::load(server)?;
    aof::open(server, files)
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
