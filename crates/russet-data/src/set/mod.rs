//! A set of byte strings.
//!
//! Three structures, chosen by what is in the set and how much:
//!
//! | structure | holds | while there are at most |
//! | --- | --- | --- |
//! | [`Intset`] | integers | [`Limits::intset_entries`] |
//! | [`Listpack`] | strings of up to [`Limits::listpack_value`] bytes | [`Limits::listpack_entries`] |
//! | [`Records`] | anything; `packed.rs` says how | |
//!
//! A set begins as an intset and only ever goes down this list, as in Redis: what was large once is
//! likely to become large again, and a set that converted back and forth would pay for it each time.
//!
//! Cost: 24 bytes in its object; each structure says what its elements cost.
//!
//! Invariants:
//!
//! - **S1** No string is in the set twice.
//! - **S2** An element of the listpack or of the records may be an integer, but an intset holds
//!   nothing else.

mod iter;
mod outside;
mod packed;
mod sift;
#[cfg(test)]
mod tests;

pub use iter::Iter;

use crate::digest::Digest;
use crate::intset::Intset;
use crate::listpack::{Element, Listpack};
use crate::number::IntBuf;
use crate::object::{Encoding, Value, ValueType, block_free_cost};
use crate::picture::Divisible;
use crate::random::{Random, random_below};
use crate::records::{Records, choose};
use crate::relocation::Relocation;
use crate::serialized_len;
use crate::table::{Ahead, Statistics};
pub(crate) use packed::unpack;
use packed::{Scratch, pack};

/// Up to which sizes a set is one block.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Integers of an intset.
    pub intset_entries: usize,
    /// Elements of a listpack.
    pub listpack_entries: usize,
    /// Bytes of an element of a listpack.
    pub listpack_value: usize,
}

/// See the module's documentation.
#[derive(Clone, Debug)]
pub struct Set(Form);

/// Nested so that the whole takes no more room than a listpack: one value that no pointer has tells
/// listpacks from the rest, and another one tells the rest apart.
#[derive(Clone, Debug)]
enum Form {
    Listpack(Listpack),
    Other(Other),
}

#[derive(Clone, Debug)]
enum Other {
    Intset(Intset),
    Table(Box<Records<1>>),
}

const _: () = assert!(size_of::<Set>() == 24 && size_of::<Other>() == 16);

/// A string to look for or to add, with what was found out about it.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    text: &'a [u8],
    element: Element<'a>,
}

impl<'a> Candidate<'a> {
    fn new(text: &'a [u8]) -> Self {
        Candidate { text, element: Element::from(text) }
    }
}

impl Set {
    /// A set without elements.
    #[must_use]
    pub fn new() -> Self {
        Set(Form::Other(Other::Intset(Intset::new())))
    }

    /// Number of elements.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Listpack(listpack) => listpack.len(),
            Form::Other(Other::Intset(intset)) => intset.len(),
            Form::Other(Other::Table(records)) => records.len(),
        }
    }

    /// Whether there are no elements.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a string is in the set.
    #[inline]
    #[must_use]
    pub fn contains(&self, member: &[u8]) -> bool {
        match &self.0 {
            Form::Other(Other::Table(records)) => {
                records.find(pack(Element::from(member), &mut Scratch::new())).is_some()
            }
            Form::Other(Other::Intset(intset)) => {
                crate::number::parse_i64(member).is_some_and(|value| intset.contains(value))
            }
            Form::Listpack(listpack) => {
                listpack.first().is_some_and(|first| listpack.find(member, first, 0).is_some())
            }
        }
    }

    /// Whether an element of another set is in this one.
    #[inline]
    #[must_use]
    pub fn contains_element(&self, member: Element<'_>) -> bool {
        match (&self.0, member) {
            (Form::Other(Other::Intset(intset)), Element::Int(value)) => intset.contains(value),
            (Form::Other(Other::Table(records)), Element::Int(_)) => {
                records.find(pack(member, &mut Scratch::new())).is_some()
            }
            _ => self.contains(member.as_bytes(&mut IntBuf::new())),
        }
    }

    /// Adds a string, and returns whether it is new. The set changes its structure if it has to.
    #[inline]
    pub fn insert(&mut self, member: &[u8], limits: &Limits) -> bool {
        match &mut self.0 {
            Form::Other(Other::Table(records)) => insert(records, Element::from(member)),
            _ => self.insert_into_block(Candidate::new(member), limits),
        }
    }

    /// Adds an element of another set.
    pub fn insert_element(&mut self, member: Element<'_>, limits: &Limits) -> bool {
        match (&mut self.0, member) {
            (Form::Other(Other::Table(records)), Element::Int(_)) => insert(records, member),
            (Form::Other(Other::Intset(_)), Element::Int(_)) => {
                // What the text is for: should the set have to become another structure.
                let mut scratch = IntBuf::new();
                let text = member.as_bytes(&mut scratch);
                self.insert_into_block(Candidate { text, element: member }, limits)
            }
            _ => self.insert(member.as_bytes(&mut IntBuf::new()), limits),
        }
    }

    fn insert_into_block(&mut self, member: Candidate<'_>, limits: &Limits) -> bool {
        match (&mut self.0, member.element) {
            (Form::Other(Other::Intset(intset)), Element::Int(value)) => {
                let is_new = intset.insert(value);
                if is_new && intset.len() > limits.intset_entries {
                    self.leave_intset(limits);
                }
                is_new
            }
            (Form::Other(Other::Intset(intset)), Element::Bytes(text)) => {
                if fits(intset.len() + 1, text.len(), limits) && texts_fit(intset, limits) {
                    let mut listpack = Listpack::new();
                    intset.iter().for_each(|value| listpack.push_back(value));
                    listpack.push_back(member.element);
                    self.0 = Form::Listpack(listpack);
                    return true;
                }
                insert(self.convert_to_table(), member.element)
            }
            (Form::Listpack(listpack), element) => {
                let first = listpack.first();
                if first.is_some_and(|first| listpack.find(member.text, first, 0).is_some()) {
                    return false;
                }
                if fits(listpack.len() + 1, member.text.len(), limits)
                    && listpack.has_room_for(Listpack::added_bytes(element))
                {
                    listpack.push_back(element);
                    return true;
                }
                insert(self.convert_to_table(), element)
            }
            (Form::Other(Other::Table(records)), element) => insert(records, element),
        }
    }

    /// What becomes of an intset that has too many elements. One that never was to be an intset,
    /// because the limit is that low, is a listpack if that may be.
    #[cold]
    fn leave_intset(&mut self, limits: &Limits) {
        if let Form::Other(Other::Intset(intset)) = &self.0
            && intset.len() == 1
            && fits(1, 0, limits)
            && texts_fit(intset, limits)
        {
            let mut listpack = Listpack::new();
            intset.iter().for_each(|value| listpack.push_back(value));
            self.0 = Form::Listpack(listpack);
        } else {
            self.convert_to_table();
        }
    }

    /// Puts all elements into a table.
    fn convert_to_table(&mut self) -> &mut Records<1> {
        let mut records = Box::new(Records::new());
        for element in self.iter() {
            insert(&mut records, element);
        }
        self.0 = Form::Other(Other::Table(records));
        match &mut self.0 {
            Form::Other(Other::Table(records)) => records,
            _ => unreachable!("it was just put there"),
        }
    }

    /// Removes a string, and returns whether it was there.
    #[inline]
    pub fn remove(&mut self, member: &[u8]) -> bool {
        match &mut self.0 {
            Form::Other(Other::Table(records)) => {
                records.remove(pack(Element::from(member), &mut Scratch::new())).is_some()
            }
            Form::Other(Other::Intset(intset)) => {
                crate::number::parse_i64(member).is_some_and(|value| intset.remove(value))
            }
            Form::Listpack(listpack) => {
                let found = listpack.first().and_then(|first| listpack.find(member, first, 0));
                found.is_some_and(|position| {
                    listpack.remove(position);
                    true
                })
            }
        }
    }

    /// Removes an element of another set.
    pub fn remove_element(&mut self, member: Element<'_>) -> bool {
        self.remove(member.as_bytes(&mut IntBuf::new()))
    }

    /// All elements: ascending if it is an intset, in the order of arrival if it is a listpack, and
    /// otherwise in no order.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        match &self.0 {
            Form::Listpack(listpack) => Iter::Listpack(listpack.iter()),
            Form::Other(Other::Intset(intset)) => Iter::Intset(intset, 0..intset.len()),
            Form::Other(Other::Table(records)) => Iter::Table(records.iter()),
        }
    }

    /// Visits some elements and returns the cursor of the next ones; 0 begins and ends. The contract
    /// is that of [`crate::table::Table::scan`]; a block is visited whole.
    pub fn scan(&self, cursor: u64, visit: &mut dyn FnMut(Element<'_>)) -> u64 {
        if let Form::Other(Other::Table(records)) = &self.0 {
            return records.scan(cursor, &mut |record| visit(unpack(record.string(0))));
        }
        self.iter().for_each(visit);
        0
    }

    /// An element, every one being equally likely; `None` if there are none.
    pub fn random(&self, random: Random<'_>) -> Option<Element<'_>> {
        match &self.0 {
            Form::Listpack(listpack) => {
                let at = random_below(random, listpack.len());
                listpack.seek(at as i64).map(|position| listpack.get(position))
            }
            Form::Other(Other::Intset(intset)) => {
                let len = intset.len();
                (len > 0).then(|| Element::Int(intset.get(random_below(random, len))))
            }
            Form::Other(Other::Table(records)) => {
                // The record lives as long as the table is borrowed.
                records.random(random).map(|record| unpack(record.key()))
            }
        }
    }

    /// Hands `count` different elements, or all if there are not more, to `show`; every choice of
    /// elements is equally likely, their order is not.
    pub fn sample<'a>(
        &'a self,
        count: usize,
        random: Random<'_>,
        mut show: impl FnMut(Element<'a>),
    ) {
        match &self.0 {
            Form::Other(Other::Table(records)) => {
                records.sample(count, random, |[key]| show(unpack(key)));
            }
            _ => choose(self.iter(), self.len(), count, random, show),
        }
    }

    /// Takes out an element, every one being equally likely, and hands it to `taken` before it is
    /// freed; `None` if there are none.
    pub fn remove_random<R>(
        &mut self,
        random: Random<'_>,
        taken: impl FnOnce(Element<'_>) -> R,
    ) -> Option<R> {
        match &mut self.0 {
            Form::Listpack(listpack) => {
                let at = random_below(random, listpack.len());
                let position = listpack.seek(at as i64)?;
                let result = taken(listpack.get(position));
                listpack.remove(position);
                Some(result)
            }
            Form::Other(Other::Intset(intset)) => {
                let len = intset.len();
                let at = (len > 0).then(|| random_below(random, len))?;
                let result = taken(Element::Int(intset.get(at)));
                intset.remove_at(at);
                Some(result)
            }
            Form::Other(Other::Table(records)) => {
                let record = records.remove_random(random)?;
                Some(taken(unpack(record.string(0))))
            }
        }
    }

    /// Checks the invariants.
    ///
    /// # Panics
    /// If one does not hold.
    pub fn check_invariants(&self) {
        match &self.0 {
            Form::Listpack(listpack) => {
                listpack.check_invariants();
                for (at, element) in listpack.iter().enumerate() {
                    assert!(!listpack.iter().skip(at + 1).any(|other| other == element), "S1");
                }
            }
            Form::Other(Other::Intset(intset)) => intset.check_invariants(),
            Form::Other(Other::Table(records)) => records.check_invariants(),
        }
    }
}

/// Adds a member to a table, and returns whether it is new.
#[inline]
fn insert(records: &mut Records<1>, member: Element<'_>) -> bool {
    records.insert([pack(member, &mut Scratch::new())])
}

fn fits(entries: usize, bytes: usize, limits: &Limits) -> bool {
    entries <= limits.listpack_entries && bytes <= limits.listpack_value
}

/// Whether the integers are short enough as text, of which the longest are the least and the greatest.
fn texts_fit(intset: &Intset, limits: &Limits) -> bool {
    let ends = [intset.iter().next(), intset.iter().next_back()];
    ends.into_iter().flatten().all(|value| Element::Int(value).text_len() <= limits.listpack_value)
}

impl Default for Set {
    fn default() -> Self {
        Set::new()
    }
}

impl Value for Set {
    const TYPE: ValueType = ValueType::Set;

    fn encoding(&self) -> Encoding {
        match &self.0 {
            Form::Listpack(_) => Encoding::Listpack,
            Form::Other(Other::Intset(_)) => Encoding::Intset,
            Form::Other(Other::Table(_)) => Encoding::Hashtable,
        }
    }

    #[inline]
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn allocated_bytes(&self) -> usize {
        match &self.0 {
            Form::Listpack(listpack) => listpack.allocated_bytes(),
            Form::Other(Other::Intset(intset)) => intset.allocated_bytes(),
            Form::Other(Other::Table(records)) => records.allocated_bytes(),
        }
    }

    fn free_cost(&self) -> usize {
        match &self.0 {
            Form::Listpack(_) | Form::Other(Other::Intset(_)) => {
                block_free_cost(Value::allocated_bytes(self))
            }
            Form::Other(Other::Table(records)) => records.len(),
        }
    }

    #[inline]
    fn prefetch_element(&self, hash: u64, ahead: Ahead) {
        match &self.0 {
            Form::Listpack(listpack) => listpack.prefetch(ahead),
            Form::Other(Other::Intset(_)) => {}
            Form::Other(Other::Table(records)) => records.prefetch(hash, ahead),
        }
    }

    fn serialized_len(&self) -> usize {
        match &self.0 {
            Form::Listpack(listpack) => serialized_len::of_bytes(listpack.byte_len()),
            Form::Other(Other::Intset(intset)) => serialized_len::of_bytes(intset.as_bytes().len()),
            Form::Other(Other::Table(records)) => {
                let members = self.iter().map(|member| match member {
                    Element::Int(value) => serialized_len::of_int(value),
                    Element::Bytes(text) => serialized_len::of_string(text),
                });
                serialized_len::of_len(records.len()) + members.sum::<usize>()
            }
        }
    }

    fn digest(&self, digest: &mut Digest) {
        let mut scratch = IntBuf::new();
        self.iter().for_each(|member| digest.add(member.as_bytes(&mut scratch)));
    }

    fn relocate(&mut self, cursor: u64, relocation: &mut Relocation<'_>) -> u64 {
        match &mut self.0 {
            Form::Listpack(listpack) => listpack.relocate(relocation),
            Form::Other(Other::Intset(intset)) => intset.relocate(relocation),
            Form::Other(Other::Table(records)) => {
                if cursor == 0 {
                    relocation.boxed(records, Records::new());
                }
                return records.relocate(cursor, relocation);
            }
        }
        0
    }

    fn table_statistics(&self) -> Option<Statistics> {
        match &self.0 {
            Form::Other(Other::Table(records)) => Some(records.statistics()),
            _ => None,
        }
    }

    fn divisible(&self) -> Option<&dyn Divisible> {
        match &self.0 {
            Form::Other(Other::Table(records)) => Some(&**records),
            _ => None,
        }
    }

    fn divisible_mut(&mut self) -> Option<&mut dyn Divisible> {
        match &mut self.0 {
            Form::Other(Other::Table(records)) => Some(&mut **records),
            _ => None,
        }
    }
}
