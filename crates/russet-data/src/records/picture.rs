//! The picture of a table of records, bucket by bucket.

use std::sync::Arc;

use super::{Record, Records};
use crate::listpack::Element;
use crate::picture::{Divisible, ElementSink, Part};
use crate::set::unpack;

/// What a record is to a picture: a set's records are of one string, a hash's of two.
fn part<const STRINGS: usize>(record: &Record<STRINGS>) -> Part<'_> {
    if STRINGS == 1 {
        Part::Member(unpack(record.string(0)))
    } else {
        Part::Field(Element::Bytes(record.string(0)), Element::Bytes(record.string(1)))
    }
}

impl<const STRINGS: usize> Records<STRINGS> {
    /// Has the bucket of a hash taken before it changes.
    #[inline]
    pub(super) fn hand_over(&mut self, hash: u64) {
        if self.sitting.is_on() {
            self.cover(hash);
        }
    }

    #[cold]
    fn cover(&mut self, hash: u64) {
        if let Some((sink, _)) = self.sitting.get_mut()
            && self.table.epoch(hash) != self.epoch
        {
            self.table.scan(hash, &mut |record| sink.take(part(record)));
            self.table.set_epoch(hash, self.epoch);
        }
    }
}

impl<const STRINGS: usize> Divisible for Records<STRINGS> {
    fn element_bytes(&self) -> usize {
        self.record_bytes
    }

    fn sink(&self) -> Option<&Arc<dyn ElementSink>> {
        self.sitting.sink()
    }

    fn begin_picture(&mut self, sink: Arc<dyn ElementSink>) {
        self.sitting.begin(sink, 0);
        self.epoch = !self.epoch;
    }

    fn continue_picture(&mut self, take: &mut dyn FnMut(Part<'_>)) -> bool {
        let Some((_, cursor)) = self.sitting.get_mut() else { return true };
        let next = self.table.prefetch_after(*cursor);
        if self.table.epoch(*cursor) != self.epoch {
            self.table.scan(*cursor, &mut |record| take(part(record)));
            self.table.set_epoch(*cursor, self.epoch);
        }
        *cursor = next;
        if next == 0 {
            self.sitting.end();
        }
        next == 0
    }
}
