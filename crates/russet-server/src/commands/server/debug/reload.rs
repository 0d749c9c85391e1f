//! Keys to the file and back.

use std::path::Path;

use russet_resp::ArgSpan;

use crate::error::Error;
use crate::exec::nested::call_nested;
use crate::exec::{Args, Ctx};
use crate::persistence::aof::{Destination, Rest, Source, load_files};
use crate::persistence::load::{LoadOptions, load_alone, open};
use crate::persistence::save;

pub fn reload(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let (mut merges, mut flushes, mut saves) = (false, true, true);
    for at in 2..ctx.args.len() {
        match () {
            () if ctx.is(at, "MERGE") => merges = true,
            () if ctx.is(at, "NOFLUSH") => flushes = false,
            () if ctx.is(at, "NOSAVE") => saves = false,
            () => {
                return Err(Error::new(
                    "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.",
                ));
            }
        }
    }
    if ctx.server.persistence.snapshot.load().is_some() {
        return Err(Error::new("ERR Background save already in progress"));
    }
    let policy = ctx.worker.access_policy;
    const EXCLUSIVE: &str = "the command is declared exclusive";
    if saves {
        let exclusive = ctx.db.exclusive().expect(EXCLUSIVE);
        save::save(ctx.server, exclusive, &ctx.worker.config, policy)
            .map_err(|_| Error::new("ERR"))?;
    }
    if flushes {
        for db in 0..ctx.server.keyspace.databases() {
            drop(ctx.db.take_db(db));
        }
    }
    let config = ctx.worker.config.clone();
    let exclusive = ctx.db.exclusive().expect(EXCLUSIVE);
    let options = LoadOptions { drops_expired: true, merges };
    open(&config.dbfilename)
        .and_then(|file| match file {
            Some(file) => {
                let path = &config.dbfilename;
                load_alone(ctx.server, ctx.worker, exclusive, path, file, options).map(|_| ())
            }
            None => Ok(()),
        })
        .map_err(|reason| {
            tracing::warn!("{reason}");
            Error::new("ERR Error trying to load the RDB dump, check server logs.")
        })?;
    tracing::warn!("DB reloaded by DEBUG RELOAD");
    ctx.out.ok();
    Ok(())
}

pub fn load_log(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let config = ctx.worker.config.clone();
    if let Some(log) = &*ctx.server.persistence.log.load() {
        log.write_out();
    }
    for db in 0..ctx.server.keyspace.databases() {
        drop(ctx.db.take_db(db));
    }
    let selected = ctx.client.db;
    // Nothing expires while it is loaded.
    let now_ms = ctx.db.set_now(0);
    let result = load_files(&config, &mut Here(ctx));
    ctx.db.set_now(now_ms);
    ctx.client.select(selected);
    ctx.db.select(selected);
    ctx.db.journal_nothing();
    result.map_err(|reason| {
        tracing::warn!("{reason}");
        Error::new("ERR Error trying to load the AOF files, check server logs.")
    })?;
    tracing::warn!("Append Only File loaded by DEBUG LOADAOF");
    ctx.out.ok();
    Ok(())
}

/// The command that loads the log, in which what is in the log is executed.
struct Here<'a, 'c>(&'a mut Ctx<'c>);

impl Destination for Here<'_, '_> {
    fn rdb(&mut self, path: &Path, source: Source) -> Result<Rest, String> {
        let Here(ctx) = self;
        let exclusive = ctx.db.exclusive().expect("the command is declared exclusive");
        let options = LoadOptions { drops_expired: false, merges: false };
        load_alone(ctx.server, ctx.worker, exclusive, path, source, options)
    }

    fn knows(&self, argv: &[Vec<u8>]) -> bool {
        self.0.server.names.resolve(&argv[0], argv.get(1).map(|sub| &sub[..])).is_ok()
    }

    fn command(&mut self, argv: Vec<Vec<u8>>) {
        let Here(ctx) = self;
        let Ok(entry) = ctx.server.names.resolve(&argv[0], argv.get(1).map(|sub| &sub[..])) else {
            return;
        };
        // All of it is one command anyway.
        if !entry.arity_fits(argv.len()) || matches!(entry.command.name, "multi" | "exec") {
            return;
        }
        let spans: Vec<ArgSpan> = (0..argv.len() as u32).map(ArgSpan::owned).collect();
        let args = Args::new(&[], &spans, &argv);
        let positions = entry.key_positions(argv.len(), |at| &argv[at]);
        let hashes: Vec<u64> =
            positions.map(|(at, _)| ctx.server.keyspace.hash(&argv[at])).collect();
        let protocol = ctx.out.protocol();
        call_nested(ctx, entry, args, &hashes, protocol, &mut Vec::new());
        // What comes out of the log does not go into it again.
        ctx.db.drop_effects(0);
    }
}
