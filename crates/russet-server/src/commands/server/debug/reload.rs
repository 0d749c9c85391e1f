//! Keys to the file and back.

use crate::error::Error;
use crate::exec::Ctx;
use crate::persistence::{load, save};

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
    let exclusive = ctx.db.exclusive().expect(EXCLUSIVE);
    load::load_alone(ctx.server, ctx.worker, exclusive, merges).map_err(|reason| {
        tracing::warn!("{reason}");
        Error::new("ERR Error trying to load the RDB dump, check server logs.")
    })?;
    tracing::warn!("DB reloaded by DEBUG RELOAD");
    ctx.out.ok();
    Ok(())
}
