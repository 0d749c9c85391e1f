//! ZRANDMEMBER.

use russet_data::sorted_set::SortedSet;

use super::{READS, reply};
use crate::command::{Command, Flags, Group};
use crate::error::Error;
use crate::exec::{Ctx, values};

pub const ZRANDMEMBER: Command = Command {
    group: Group::SortedSet,
    since: "6.2.0",
    summary: "Returns members of a sorted set, with their scores if asked, at random.",
    complexity: "O(N*log(M)) where N is the number of elements returned and M the number of elements \
                 in the sorted set.",
    syntax: "key [options(count:integer [WITHSCORES])]",
    keys: READS,
    tips: &["nondeterministic_output"],
    ..Command::new("zrandmember", -2, Flags::READONLY, zrandmember)
};

fn zrandmember(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    if ctx.args.len() > 2 {
        return several(ctx);
    }
    let key = ctx.key(1);
    match values::read::<SortedSet>(&mut ctx.db, key)? {
        Some(set) => {
            let element = set.at(ctx.worker.random.usize(..set.len()));
            let (member, _) = element.expect("the rank is below the length");
            reply::member(&mut ctx.out, member);
        }
        None => ctx.out.null(),
    }
    Ok(())
}

fn several(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let count = ctx.int(2)?;
    if count == i64::MIN {
        let most = i64::MAX;
        return Err(Error::new(format!(
            "ERR value is out of range, value must between {} and {most}",
            -most
        )));
    }
    let with_scores = match ctx.args.len() {
        3 => false,
        4 if ctx.is(3, "WITHSCORES") => true,
        _ => return Err(Error::SYNTAX),
    };
    // Twice as many replies must be countable.
    if with_scores && count.unsigned_abs() > i64::MAX as u64 / 2 {
        return Err(Error::OUT_OF_RANGE);
    }
    let key = ctx.key(1);
    let Some(set) = values::read::<SortedSet>(&mut ctx.db, key)? else {
        ctx.out.empty_array();
        return Ok(());
    };
    let random = &mut ctx.worker.random;
    let element = |rank| set.at(rank).expect("the rank is below the length");
    let wanted = count.unsigned_abs() as usize;
    if count < 0 {
        let ranks = (0..wanted).map(|_| random.usize(..set.len()));
        reply::elements(&mut ctx.out, ranks.map(element), with_scores);
    } else if wanted >= set.len() {
        reply::elements(&mut ctx.out, set.iter(), with_scores);
    } else {
        let ranks = distinct_below(set.len(), wanted, |end| random.usize(..end));
        reply::elements(&mut ctx.out, ranks.into_iter().map(element), with_scores);
    }
    Ok(())
}

/// `count` different numbers below `end`, every set of them being equally likely, ascending.
///
/// Robert Floyd's algorithm (Bentley, "Programming Pearls: a sample of brilliance", 1987): no number
/// is drawn more than once for each that is wanted, however many of them there are.
fn distinct_below(end: usize, count: usize, mut below: impl FnMut(usize) -> usize) -> Vec<usize> {
    let mut chosen = std::collections::BTreeSet::new();
    for last in end - count..end {
        let number = below(last + 1);
        if !chosen.insert(number) {
            chosen.insert(last);
        }
    }
    chosen.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::distinct_below;

    #[test]
    fn every_subset_is_equally_likely() {
        const ROUNDS: u32 = 20_000;
        let mut random = fastrand::Rng::with_seed(7);
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..ROUNDS {
            let chosen = distinct_below(5, 3, |end| random.usize(..end));
            assert_eq!(chosen.len(), 3);
            *counts.entry(chosen).or_insert(0_u32) += 1;
        }
        // Ten subsets; chi-square with nine degrees of freedom is below 27.9 in 999 of 1,000 cases,
        // and the seed is one of those.
        assert_eq!(counts.len(), 10);
        let expected = f64::from(ROUNDS) / 10.0;
        let chi_square: f64 =
            counts.values().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
        assert!(chi_square < 27.9, "{chi_square}");
        assert!(distinct_below(4, 4, |_| 0).len() == 4);
        assert!(distinct_below(4, 0, |_| 0).is_empty());
    }
}
