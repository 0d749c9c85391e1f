//! A map of fields to byte strings.
//!
//! A small hash is a [`Listpack`] of fields and values in turn, in the order of arrival; one that has
//! more than [`Limits::entries`] fields, or a field or value longer than [`Limits::value`] bytes, is a
//! table of [`Records`], a field and its value in one allocation:
//!
//! ```text
//! ┌────────┬───────┬───────┬───────┬───────┬┄┄┄┬─────┐
//! │ header │ field │ value │ field │ value │   │ end │   a listpack
//! └────────┴───────┴───────┴───────┴───────┴┄┄┄┴─────┘
//! ```
//!
//! As in Redis a table never becomes a listpack again: what was large once is likely to become large
//! again.
//!
//! Cost: 24 bytes in its object; `listpack/mod.rs` and `records/record.rs` say what fields cost.
//!
//! Invariant: **H1** No field is there twice, and each has a value.

mod iter;
mod outside;
#[cfg(test)]
mod tests;

pub use iter::Iter;

use crate::digest::Digest;
use crate::listpack::{Element, Listpack, Position};
use crate::number::IntBuf;
use crate::object::{Encoding, Value, ValueType, block_free_cost};
use crate::picture::Divisible;
use crate::random::{Random, random_below};
use crate::records::{Records, choose, strings_of};
use crate::relocation::Relocation;
use crate::serialized_len;
use crate::table::{Ahead, Statistics};

/// Up to which sizes a hash is one block.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Fields of a listpack.
    pub entries: usize,
    /// Bytes of a field or value of a listpack.
    pub value: usize,
}

/// See the module's documentation.
#[derive(Clone, Debug)]
pub struct Hash(Form);

#[derive(Clone, Debug)]
enum Form {
    Listpack(Listpack),
    Table(Box<Records<2>>),
}

const _: () = assert!(size_of::<Hash>() == 24);

impl Hash {
    /// A hash without fields.
    #[must_use]
    pub fn new() -> Self {
        Hash(Form::Listpack(Listpack::new()))
    }

    /// Number of fields.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.0 {
            Form::Listpack(listpack) => listpack.len() / 2,
            Form::Table(records) => records.len(),
        }
    }

    /// Whether there are no fields.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a field.
    #[inline]
    #[must_use]
    pub fn get(&self, field: &[u8]) -> Option<Element<'_>> {
        match &self.0 {
            Form::Listpack(listpack) => {
                let value = listpack.next(find(listpack, field)?).expect("H1");
                Some(listpack.get(value))
            }
            Form::Table(records) => {
                let [_, value] = strings_of(&records.find(field)?);
                Some(Element::Bytes(value))
            }
        }
    }

    /// Whether there is a field.
    #[inline]
    #[must_use]
    pub fn contains(&self, field: &[u8]) -> bool {
        match &self.0 {
            Form::Listpack(listpack) => find(listpack, field).is_some(),
            Form::Table(records) => records.find(field).is_some(),
        }
    }

    /// Gives a field a value, and returns whether the field is new. The hash changes its structure if
    /// it has to.
    #[inline]
    pub fn insert(&mut self, field: &[u8], value: &[u8], limits: &Limits) -> bool {
        match &mut self.0 {
            Form::Table(records) => records.insert([field, value]),
            Form::Listpack(_) => self.insert_into_block(field, value, limits),
        }
    }

    fn insert_into_block(&mut self, field: &[u8], value: &[u8], limits: &Limits) -> bool {
        let Form::Listpack(listpack) = &mut self.0 else { unreachable!("the caller has looked") };
        let (field_element, value_element) = (Element::from(field), Element::from(value));
        let bytes = Listpack::added_bytes(field_element) + Listpack::added_bytes(value_element);
        if field.len() <= limits.value
            && value.len() <= limits.value
            && listpack.has_room_for(bytes)
        {
            if let Some(position) = find(listpack, field) {
                let old = listpack.next(position).expect("H1");
                listpack.replace(old, value_element);
                return false;
            }
            if listpack.len() / 2 < limits.entries {
                listpack.push_back(field_element);
                listpack.push_back(value_element);
                return true;
            }
        }
        self.convert_to_table().insert([field, value])
    }

    /// Puts all fields into a table.
    #[cold]
    fn convert_to_table(&mut self) -> &mut Records<2> {
        let mut records = Box::new(Records::new());
        let (mut for_field, mut for_value) = Default::default();
        for (field, value) in self.iter() {
            records.insert([field.as_bytes(&mut for_field), value.as_bytes(&mut for_value)]);
        }
        self.0 = Form::Table(records);
        match &mut self.0 {
            Form::Table(records) => records,
            Form::Listpack(_) => unreachable!("it was just put there"),
        }
    }

    /// Removes a field, and returns whether it was there.
    #[inline]
    pub fn remove(&mut self, field: &[u8]) -> bool {
        match &mut self.0 {
            Form::Listpack(listpack) => find(listpack, field).is_some_and(|position| {
                listpack.remove_many(position, 2);
                true
            }),
            Form::Table(records) => records.remove(field).is_some(),
        }
    }

    /// All fields with their values: in the order of arrival if it is a listpack, and otherwise in no
    /// order.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        match &self.0 {
            Form::Listpack(listpack) => Iter::Listpack(listpack.iter()),
            Form::Table(records) => Iter::Table(records.iter()),
        }
    }

    /// Visits some fields and returns the cursor of the next ones; 0 begins and ends. The contract is
    /// that of [`crate::table::Table::scan`]; a block is visited whole.
    pub fn scan(&self, cursor: u64, visit: &mut dyn FnMut(Element<'_>, Element<'_>)) -> u64 {
        if let Form::Table(records) = &self.0 {
            return records.scan(cursor, &mut |record| {
                let [field, value] = record.strings();
                visit(Element::Bytes(field), Element::Bytes(value));
            });
        }
        self.iter().for_each(|(field, value)| visit(field, value));
        0
    }

    /// A field with its value, every one being equally likely; `None` if there are none.
    pub fn random(&self, random: Random<'_>) -> Option<(Element<'_>, Element<'_>)> {
        match &self.0 {
            Form::Listpack(listpack) => {
                let at = random_below(random, self.len());
                let field = listpack.seek(2 * at as i64)?;
                let value = listpack.next(field).expect("H1");
                Some((listpack.get(field), listpack.get(value)))
            }
            Form::Table(records) => {
                let [field, value] = strings_of(&records.random(random)?);
                Some((Element::Bytes(field), Element::Bytes(value)))
            }
        }
    }

    /// Hands `count` different fields with their values, or all if there are not more, to `show`;
    /// every choice of fields is equally likely, their order is not.
    pub fn sample<'a>(
        &'a self,
        count: usize,
        random: Random<'_>,
        mut show: impl FnMut((Element<'a>, Element<'a>)),
    ) {
        match &self.0 {
            Form::Table(records) => records.sample(count, random, |[field, value]| {
                show((Element::Bytes(field), Element::Bytes(value)));
            }),
            Form::Listpack(_) => choose(self.iter(), self.len(), count, random, show),
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
                assert!(listpack.len().is_multiple_of(2), "H1");
                for (at, (field, _)) in self.iter().enumerate() {
                    assert!(!self.iter().skip(at + 1).any(|(other, _)| other == field), "H1");
                }
            }
            Form::Table(records) => records.check_invariants(),
        }
    }
}

/// Where a field is among fields and values.
#[inline]
fn find(listpack: &Listpack, field: &[u8]) -> Option<Position> {
    listpack.find(field, listpack.first()?, 1)
}

impl Default for Hash {
    fn default() -> Self {
        Hash::new()
    }
}

impl Value for Hash {
    const TYPE: ValueType = ValueType::Hash;

    fn encoding(&self) -> Encoding {
        match &self.0 {
            Form::Listpack(_) => Encoding::Listpack,
            Form::Table(_) => Encoding::Hashtable,
        }
    }

    #[inline]
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn allocated_bytes(&self) -> usize {
        match &self.0 {
            Form::Listpack(listpack) => listpack.allocated_bytes(),
            Form::Table(records) => records.allocated_bytes(),
        }
    }

    fn free_cost(&self) -> usize {
        match &self.0 {
            Form::Listpack(listpack) => block_free_cost(listpack.allocated_bytes()),
            Form::Table(records) => records.len(),
        }
    }

    #[inline]
    fn prefetch_element(&self, hash: u64, ahead: Ahead) {
        match &self.0 {
            Form::Listpack(listpack) => listpack.prefetch(ahead),
            Form::Table(records) => records.prefetch(hash, ahead),
        }
    }

    fn serialized_len(&self) -> usize {
        match &self.0 {
            Form::Listpack(listpack) => serialized_len::of_bytes(listpack.byte_len()),
            Form::Table(records) => {
                let pairs = records.iter().flat_map(|record| strings_of(&record));
                serialized_len::of_len(records.len())
                    + pairs.map(serialized_len::of_string).sum::<usize>()
            }
        }
    }

    fn digest(&self, digest: &mut Digest) {
        let (mut for_field, mut for_value) = (IntBuf::new(), IntBuf::new());
        for (field, value) in self.iter() {
            let pair = [field.as_bytes(&mut for_field), value.as_bytes(&mut for_value)];
            digest.add_sequence(&pair);
        }
    }

    fn relocate(&mut self, cursor: u64, relocation: &mut Relocation<'_>) -> u64 {
        match &mut self.0 {
            Form::Listpack(listpack) => {
                listpack.relocate(relocation);
                0
            }
            Form::Table(records) => {
                if cursor == 0 {
                    relocation.boxed(records, Records::new());
                }
                records.relocate(cursor, relocation)
            }
        }
    }

    fn table_statistics(&self) -> Option<Statistics> {
        match &self.0 {
            Form::Listpack(_) => None,
            Form::Table(records) => Some(records.statistics()),
        }
    }

    fn divisible(&self) -> Option<&dyn Divisible> {
        match &self.0 {
            Form::Listpack(_) => None,
            Form::Table(records) => Some(&**records),
        }
    }

    fn divisible_mut(&mut self) -> Option<&mut dyn Divisible> {
        match &mut self.0 {
            Form::Listpack(_) => None,
            Form::Table(records) => Some(&mut **records),
        }
    }
}
