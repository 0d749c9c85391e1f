//! Adding places.

use smallvec::SmallVec;

use super::arguments::place;
use crate::command::{Command, Flags, Group, KeyFlags, KeySpec};
use crate::commands::sorted_sets::{ScoreRule, put};
use crate::error::Error;
use crate::exec::Ctx;

pub const GEOADD: Command = Command {
    group: Group::Geo,
    since: "3.2.0",
    summary: "Adds members with their places to a sorted set, or moves those it has.",
    complexity: "O(log(N)) for each member, where N is the number of elements in the sorted set.",
    syntax: "key [condition(NX|XX)] [CH] \
             longitude_latitude_member(longitude:double latitude:double member)...",
    history: &[("6.2.0", "Added the `CH`, `NX` and `XX` options.")],
    keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
    ..Command::new("geoadd", -5, Flags::WRITE.union(Flags::DENYOOM), geoadd)
};

fn geoadd(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let args = ctx.args;
    let mut rule = ScoreRule::default();
    let mut counts_changes = false;
    let mut first = 2;
    while first < args.len() {
        match () {
            () if ctx.is(first, "NX") => rule.absent = true,
            () if ctx.is(first, "XX") => rule.present = true,
            () if ctx.is(first, "CH") => counts_changes = true,
            () => break,
        }
        first += 1;
    }
    let rest = args.len() - first;
    if rest == 0 || !rest.is_multiple_of(3) || rule.absent && rule.present {
        return Err(Error::SYNTAX);
    }
    let scores = (first..args.len()).step_by(3).map(|at| Ok(place(ctx, at)?.score()));
    let scores = scores.collect::<Result<SmallVec<[f64; 8]>, Error>>()?;
    let pairs = |nth: usize| (scores[nth], args.get(first + 3 * nth + 2));
    if put(ctx, rule, counts_changes, (0..scores.len()).map(pairs))? && ctx.db.is_journaled() {
        // Whoever reads the journal need not know of places.
        let texts: Vec<String> = scores.iter().map(|score| format!("{score:.0}")).collect();
        let mut argv: Vec<&[u8]> = vec![b"ZADD"];
        argv.extend((1..first).map(|at| args.get(at)));
        for (nth, text) in texts.iter().enumerate() {
            argv.extend([text.as_bytes(), pairs(nth).1]);
        }
        ctx.db.journal_as(&argv);
    }
    Ok(())
}
