//! Members that are looked up in other sets, several at a time.
//!
//! In a table, each look-up waits for the memory of a bucket and then for that of an element. So a
//! few members go through the other sets together: the memory is asked for for all of them before
//! the first is looked up.

use smallvec::SmallVec;

use super::packed::{Scratch, pack};
use super::{Form, Iter, Other, Set};
use crate::element_hash::element_hash;
use crate::listpack::Element;
use crate::records::Records;
use crate::table::Ahead;

/// How many members go together: about as many as the processor fetches memory for at a time.
const TOGETHER: usize = 12;

type Members<'a> = SmallVec<[Element<'a>; TOGETHER]>;

impl Set {
    /// Hands the members that are in each of the other sets, or in none of them, to `found`, in the order
    /// in which they come, until that returns that it has enough.
    pub fn sift<'a>(
        mut members: Iter<'a>,
        others: &[&Set],
        are_in: bool,
        found: &mut dyn FnMut(Element<'a>) -> bool,
    ) {
        loop {
            let mut together: Members<'a> = members.by_ref().take(TOGETHER).collect();
            if together.is_empty() {
                return;
            }
            for other in others {
                match &other.0 {
                    Form::Other(Other::Table(records)) => {
                        retain(&mut together, records, are_in);
                    }
                    _ => together.retain(|member| other.contains_element(*member) == are_in),
                }
            }
            if !together.into_iter().all(&mut *found) {
                return;
            }
        }
    }
}

/// Keeps the members that are in the records, or those that are not.
fn retain(members: &mut Members<'_>, records: &Records<1>, are_in: bool) {
    let scratch = &mut Scratch::new();
    let mut hashes = [0; TOGETHER];
    for (member, hash) in members.iter().zip(&mut hashes) {
        *hash = element_hash(pack(*member, scratch));
        records.prefetch(*hash, Ahead::Bucket);
    }
    for hash in &hashes[..members.len()] {
        records.prefetch(*hash, Ahead::Element);
    }
    let mut hashes = hashes.into_iter();
    members.retain(|member| {
        let hash = hashes.next().expect("each member has one");
        records.find_hashed(hash, pack(*member, scratch)).is_some() == are_in
    });
}
