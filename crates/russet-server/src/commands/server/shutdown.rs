//! SHUTDOWN.

use crate::client::Close;
use crate::command::{Command, Flags, Group};
use crate::config::ShutdownOptions;
use crate::error::Error;
use crate::exec::{Args, Ctx};
use crate::shutdown;

pub const SHUTDOWN: Command = Command {
    group: Group::Server,
    summary: "Ends the server, saving the keys first if it is configured to or told to.",
    complexity: "O(N) when saving, where N is the total number of keys in all databases, \
                 otherwise O(1)",
    syntax: "[nosave_save(NOSAVE|SAVE)] [NOW] [FORCE] [ABORT]",
    history: &[("7.0.0", "Added the `NOW`, `FORCE` and `ABORT` modifiers.")],
    reaches: Some(|_, args| matches!(Wish::parse(args), Ok(Wish::End(_)))),
    ..Command::new(
        "shutdown",
        -1,
        Flags::ADMIN
            .union(Flags::NOSCRIPT)
            .union(Flags::LOADING)
            .union(Flags::STALE)
            .union(Flags::NO_MULTI)
            .union(Flags::ALLOW_BUSY),
        shutdown,
    )
};

/// What the client wants.
enum Wish {
    End(ShutdownOptions),
    Abort,
}

impl Wish {
    fn parse(args: Args<'_>) -> Result<Wish, Error> {
        let mut options = ShutdownOptions::empty();
        let mut abort = false;
        for option in args.iter_from(1) {
            let is = |word: &[u8]| option.eq_ignore_ascii_case(word);
            options |= match () {
                () if is(b"NOSAVE") => ShutdownOptions::NO_SAVE,
                () if is(b"SAVE") => ShutdownOptions::SAVE,
                () if is(b"NOW") => ShutdownOptions::NOW,
                () if is(b"FORCE") => ShutdownOptions::FORCE,
                () if is(b"ABORT") => {
                    abort = true;
                    ShutdownOptions::empty()
                }
                () => return Err(Error::SYNTAX),
            };
        }
        let both = ShutdownOptions::SAVE | ShutdownOptions::NO_SAVE;
        if options.contains(both) || (abort && !options.is_empty()) {
            return Err(Error::SYNTAX);
        }
        Ok(if abort { Wish::Abort } else { Wish::End(options) })
    }
}

/// There is no reply to a shutdown that succeeds: the client sees its connection closed.
fn shutdown(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    match Wish::parse(ctx.args)? {
        // A shutdown takes time, and can be aborted, only while replicas catch up.
        Wish::Abort => Err(Error::new("ERR No shutdown in progress.")),
        Wish::End(options) => {
            let policy = ctx.worker.access_policy;
            let exclusive = ctx.db.exclusive().expect("what ends the server runs alone");
            shutdown::begin(ctx.server, exclusive, options, policy)
                .map_err(|_| Error::new("ERR Errors trying to SHUTDOWN. Check logs."))?;
            ctx.client.close(Close::AfterReply);
            Ok(())
        }
    }
}
