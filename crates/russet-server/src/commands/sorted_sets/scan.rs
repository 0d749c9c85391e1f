//! ZSCAN.

use russet_data::number::FloatBuf;
use russet_data::sorted_set::SortedSet;

use super::READS;
use crate::command::{Command, Flags, Group};
use crate::commands::element_scan::scan_elements;
use crate::error::Error;
use crate::exec::Ctx;

pub const ZSCAN: Command = Command {
    group: Group::SortedSet,
    since: "2.8.0",
    summary: "Lists the members of a sorted set with their scores in many steps.",
    complexity: "O(1) for each call; O(N) for a whole scan, where N is the number of elements.",
    syntax: "key cursor:integer [MATCH pattern:pattern] [COUNT count:integer]",
    keys: READS,
    tips: &["nondeterministic_output"],
    ..Command::new("zscan", -3, Flags::READONLY, zscan)
};

fn zscan(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    scan_elements(ctx, 2, |set: &SortedSet, cursor, page| {
        set.scan(cursor, &mut |member, score| {
            // A string in both protocols.
            page.offer(member, |out| out.bulk(FloatBuf::new().format_17_digits(score)));
        })
    })
}
