//! How members and scores are replied.

use russet_data::sorted_set::Member;
use russet_resp::{Protocol, ReplyWriter};

/// Writes a member.
#[inline]
pub fn member(out: &mut ReplyWriter<'_>, member: Member<'_>) {
    match member {
        Member::Int(number) => out.bulk_int(number),
        Member::Bytes(bytes) => out.bulk(bytes),
    }
}

/// Writes elements, with their scores if these are asked for: each in an array with its member in
/// RESP3, where RESP2 has one flat array.
pub(super) fn elements<'m>(
    out: &mut ReplyWriter<'_>,
    elements: impl ExactSizeIterator<Item = (Member<'m>, f64)>,
    with_scores: bool,
) {
    let nested = with_scores && out.protocol() == Protocol::Resp3;
    let parts = if with_scores && !nested { 2 } else { 1 };
    out.array(elements.len() * parts);
    for (name, score) in elements {
        if nested {
            out.array(2);
        }
        member(out, name);
        if with_scores {
            out.double(score);
        }
    }
}
