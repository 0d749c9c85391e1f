//! CONFIG SET: from one configuration to the next, with everything that hangs on it.
//!
//! Most directives are read where they are used, so that a new [`Config`] is all it takes. The others
//! are [`EFFECTS`]: something outside the configuration has to follow. Effects are carried out in
//! order; if one fails, those before it are carried out backwards, and the old configuration stays.

use std::borrow::Cow;
use std::sync::atomic::Ordering;

use crate::config::{Config, Directive, SetError, Setter};
use crate::files;
use crate::memory;
use crate::server::Server;

/// Makes the server follow from the first configuration to the second.
type Follow = fn(&Server, &Config, &Config) -> Result<(), Cow<'static, str>>;

/// What follows which directives.
struct Effect {
    directives: &'static [&'static str],
    follow: Follow,
}

const EFFECTS: &[Effect] = &[
    Effect { directives: &["dir"], follow: enter_directory },
    Effect { directives: &["lazyfree-lazy-expire"], follow: name_expiries },
    Effect { directives: &["loglevel"], follow: log_from_level },
    Effect { directives: &["maxclients"], follow: make_room },
    Effect { directives: &["maxmemory"], follow: warn_of_eviction },
    Effect { directives: &["oom-score-adj", "oom-score-adj-values"], follow: adjust_oom_score },
    Effect { directives: &["port"], follow: listen_at_port },
    Effect { directives: &["bind"], follow: listen_at_addresses },
    Effect { directives: &["appendfsync", "aof-timestamp-enabled"], follow: configure_log },
    Effect { directives: &["aof-disable-auto-gc"], follow: keep_history_of_log },
];

/// Sets directives, all or none.
///
/// # Errors
///
/// What was wrong with which directive; then nothing has changed.
pub fn reconfigure(
    server: &Server,
    pairs: &[(&[u8], &[u8])],
    setter: Setter,
) -> Result<(), SetError> {
    let _one_at_a_time = server.config_changes.lock();
    let old = server.config.load_full();
    let update = old.set(pairs, setter)?;
    let mut done: Vec<&Effect> = Vec::new();
    for effect in EFFECTS {
        let is_cause =
            |directive: &&&'static Directive| effect.directives.contains(&directive.name);
        let Some(cause) = update.changed.iter().find(is_cause) else { continue };
        if let Err(reason) = (effect.follow)(server, &old, &update.config) {
            for effect in done.into_iter().rev() {
                if let Err(reason) = (effect.follow)(server, &update.config, &old) {
                    tracing::warn!("Undoing a failed CONFIG SET failed as well: {reason}");
                }
            }
            return Err(SetError::failed(cause, reason));
        }
        done.push(effect);
    }
    server.config.store(update.config.into());
    if update.changed.iter().any(|directive| directive.name == "appendonly") {
        // That takes the gate, which the client's worker is inside of.
        server.persistence.is_decision_due.store(true, Ordering::Release);
        server.workers[0].mailbox.ring();
    }
    Ok(())
}

/// Files named without a directory are in `dir`.
fn enter_directory(_: &Server, _: &Config, new: &Config) -> Result<(), Cow<'static, str>> {
    std::env::set_current_dir(&new.dir).map_err(|error| error.to_string().into())
}

fn configure_log(server: &Server, _: &Config, new: &Config) -> Result<(), Cow<'static, str>> {
    if let Some(log) = &*server.persistence.log.load() {
        log.configure(new);
    }
    Ok(())
}

fn keep_history_of_log(server: &Server, _: &Config, new: &Config) -> Result<(), Cow<'static, str>> {
    if let Some(log) = &*server.persistence.log.load() {
        log.files.lock().keep_history(new.aof_disable_auto_gc);
    }
    Ok(())
}

fn name_expiries(server: &Server, _: &Config, new: &Config) -> Result<(), Cow<'static, str>> {
    server.journal.set_expires_lazily(new.lazyfree_lazy_expire);
    Ok(())
}

fn log_from_level(server: &Server, _: &Config, new: &Config) -> Result<(), Cow<'static, str>> {
    server.log.set_level(new.loglevel);
    Ok(())
}

fn make_room(_: &Server, _: &Config, new: &Config) -> Result<(), Cow<'static, str>> {
    let possible = files::make_room_for(new.maxclients);
    if possible < new.maxclients {
        return Err(format!(
            "The operating system is not able to handle the specified number of clients, \
             try with {possible}"
        )
        .into());
    }
    Ok(())
}

fn warn_of_eviction(_: &Server, _: &Config, new: &Config) -> Result<(), Cow<'static, str>> {
    let (limit, used) = (new.maxmemory, memory::used_bytes());
    if limit != 0 && used > limit {
        tracing::warn!(
            "The new maxmemory of {limit} bytes is less than the {used} bytes in use: depending on \
             the maxmemory-policy, keys are evicted or commands that need memory refused."
        );
    }
    Ok(())
}

fn adjust_oom_score(server: &Server, _: &Config, new: &Config) -> Result<(), Cow<'static, str>> {
    server.oom_score.apply(new).map_err(|error| {
        tracing::warn!("Unable to write oom_score_adj: {error}");
        "Failed to set current oom_score_adj. Check server logs.".into()
    })
}

fn listen_at_port(server: &Server, old: &Config, new: &Config) -> Result<(), Cow<'static, str>> {
    server.acceptor.listen_anew(old, new).map_err(|error| {
        tracing::warn!("Failed listening on port {} (tcp), aborting: {error}", new.port);
        "Unable to listen on this port. Check server logs.".into()
    })
}

fn listen_at_addresses(
    server: &Server,
    old: &Config,
    new: &Config,
) -> Result<(), Cow<'static, str>> {
    if old.port != new.port {
        // The new port was taken at the new addresses already.
        return Ok(());
    }
    server.acceptor.listen_anew(old, new).map_err(|error| {
        tracing::warn!("{error}");
        "Failed to bind to specified addresses.".into()
    })
}
