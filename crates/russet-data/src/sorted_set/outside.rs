//! Sorted sets as files have them.

use super::packed::Packed;
use super::{Builder, Form, Limits, SortedSet};
use crate::listpack::Listpack;
use crate::number::{IntBuf, parse_f64};

impl SortedSet {
    /// A set of members and scores in turn, none of them NaN; `None` if there is a member twice. Should
    /// they not be in order, they are put in order.
    ///
    /// # Panics
    /// If the last member has no score.
    #[must_use]
    pub fn from_listpack(listpack: Listpack, limits: Limits) -> Option<Self> {
        assert!(listpack.len().is_multiple_of(2), "each member has a score");
        let listpack = listpack.into_canonical();
        if listpack.has_duplicates(2) {
            return None;
        }
        let mut members = listpack.iter().step_by(2);
        let is_small = listpack.len() / 2 <= limits.entries
            && members.all(|member| member.text_len() <= limits.member_bytes);
        let listpack = match Packed::from_listpack(listpack) {
            Ok(packed) if is_small => return Some(SortedSet(Form::Packed(packed))),
            Ok(packed) => packed.listpack().clone(),
            Err(listpack) => listpack,
        };
        let (mut builder, mut scratch) = (Builder::new(), IntBuf::new());
        let mut elements = listpack.iter();
        while let (Some(member), Some(score)) = (elements.next(), elements.next()) {
            let score = score
                .as_int()
                .map_or_else(|| parse_f64(&score.to_vec()).unwrap_or(0.0), |score| score as f64);
            builder.put(member.as_bytes(&mut scratch), |_| score);
        }
        Some(builder.finish(limits))
    }

    /// The listpack that the set is.
    #[must_use]
    pub fn listpack(&self) -> Option<&Listpack> {
        match &self.0 {
            Form::Packed(packed) => Some(packed.listpack()),
            Form::Ranked(_) => None,
        }
    }
}
