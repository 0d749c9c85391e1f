//! Changes within a chain.
//!
//! Each opens the stretch of nodes it is about, changes them as it likes, and closes the stretch, which
//! restores the invariants.

use std::mem;
use std::ops::Range;

use super::chain::{Chain, fitting, lone};
use super::node::{Editable, Node};
use super::{Direction, End, step};
use crate::listpack::{Element, Listpack};

/// The nodes that a change is about, and one more on either side to merge them with.
struct Stretch {
    /// How many nodes there are before them.
    before: usize,
    /// How many nodes there are after them.
    after: usize,
}

impl Chain {
    /// Puts an element before the one at an index, or after the last.
    pub(super) fn insert(&mut self, index: usize, element: Element<'_>) {
        if index == 0 {
            return self.push(End::Left, element);
        }
        if index >= self.len {
            return self.push(End::Right, element);
        }
        let added = Listpack::added_bytes(element);
        let (at, offset) = self.locate(index);
        let limits = self.limits;
        self.hand_over(at..at + 1);
        let stretch = self.open(at..at + 1);
        let node = &mut self.nodes[at];
        node.decompress();
        match fitting(node, limits, added) {
            Some(listpack) => {
                let position = listpack.seek(offset as i64).expect("located");
                listpack.insert(position, element);
            }
            None => {
                let after = self.split(at, offset);
                self.insert_between(after, element);
            }
        }
        self.len += 1;
        self.close(&stretch);
    }

    /// Puts an element between the nodes before and at a position, into one of them if it fits.
    fn insert_between(&mut self, after: usize, element: Element<'_>) {
        let added = Listpack::added_bytes(element);
        let limits = self.limits;
        self.hand_over(after.saturating_sub(1)..after + 1);
        if let Some(before) = after.checked_sub(1)
            && let Some(listpack) = fitting(&mut self.nodes[before], limits, added)
        {
            listpack.push_back(element);
        } else if let Some(listpack) = fitting(&mut self.nodes[after], limits, added) {
            listpack.push_front(element);
        } else {
            self.nodes.insert(after, lone(limits, element));
        }
    }

    /// Puts an element in the place of the one at an index, which there must be.
    pub(super) fn set(&mut self, index: usize, element: Element<'_>) {
        let (at, offset) = self.locate(index);
        let limits = self.limits;
        let long = limits.are_exceeded_alone_by(element.text_len());
        let added = Listpack::added_bytes(element);
        self.hand_over(at..at + 1);
        let stretch = self.open(at..at + 1);
        let replaced = match self.nodes[at].editable() {
            Editable::Packed(listpack) if !long => {
                let position = listpack.seek(offset as i64).expect("located");
                let other_bytes =
                    listpack.byte_len() - Listpack::added_bytes(listpack.get(position));
                let fits = listpack.len() == 1 || !limits.are_exceeded_by(other_bytes + added, 0);
                if fits {
                    listpack.replace(position, element);
                }
                fits
            }
            _ => false,
        };
        if !replaced {
            let this = self.split(at, offset);
            self.split(this, 1);
            self.nodes[this] = lone(limits, element);
        }
        self.close(&stretch);
    }

    /// Removes `count` elements from an index on, or as many as there are.
    pub(super) fn remove_range(&mut self, from: usize, count: usize) {
        let count = count.min(self.len.saturating_sub(from));
        if count == 0 {
            return;
        }
        let (first, offset) = self.locate(from);
        let (last, last_offset) = self.locate(from + count - 1);
        self.len -= count;
        self.hand_over(first..last + 1);
        let stretch = self.open(first..last + 1);
        if first == last {
            self.nodes[first].remove(offset, count);
        } else {
            self.nodes[last].remove(0, last_offset + 1);
            self.nodes[first].remove(offset, usize::MAX);
            self.nodes.drain(first + 1..last);
        }
        self.close(&stretch);
    }

    /// Removes at most `most` elements that are the string `wanted`, the first ones in a direction,
    /// and returns how many that was.
    pub(super) fn remove_matching(
        &mut self,
        wanted: &[u8],
        most: usize,
        direction: Direction,
    ) -> usize {
        let mut removed = 0;
        let mut visited = 0;
        while removed < most && visited < self.nodes.len() {
            let at = match direction {
                Direction::Forward => visited,
                Direction::Backward => self.nodes.len() - 1 - visited,
            };
            visited += 1;
            if self.sitting.is_on() {
                if !self.nodes[at].read(|content| content.contains(wanted)) {
                    continue;
                }
                self.hand_over(at..at + 1);
            }
            removed +=
                self.edit(at, |node| node.remove_matching(wanted, most - removed, direction));
        }
        if removed > 0 {
            self.len -= removed;
            let changed = match direction {
                Direction::Forward => 0..visited,
                Direction::Backward => self.nodes.len() - visited..self.nodes.len(),
            };
            let stretch = self.open(changed);
            self.close(&stretch);
        }
        removed
    }

    /// Splits a node before one of its elements, and returns the node that element is in then: this
    /// one if it was the first, else the next.
    fn split(&mut self, at: usize, offset: usize) -> usize {
        if offset == 0 {
            return at;
        }
        if let Editable::Packed(listpack) = self.nodes[at].editable()
            && let Some(position) = listpack.seek(offset as i64)
        {
            let rest = listpack.split_off(position);
            self.nodes.insert(at + 1, Node::packed(rest));
        }
        at + 1
    }

    /// Begins a change of nodes, which a picture has if it is to have them as they are; [`Chain::close`]
    /// hands over what it merges.
    fn open(&mut self, changed: Range<usize>) -> Stretch {
        let before = changed.start.saturating_sub(1);
        let end = (changed.end + 1).min(self.nodes.len());
        let bytes = self.nodes.range(before..end).map(Node::allocated_bytes).sum::<usize>();
        self.node_bytes -= bytes;
        Stretch { before, after: self.nodes.len() - end }
    }

    /// Ends a change of nodes. Restores all invariants but the right `len`.
    fn close(&mut self, stretch: &Stretch) {
        let end = self.compact(stretch.before, self.nodes.len() - stretch.after);
        let changed = stretch.before..end;
        let bytes = self.nodes.range(changed.clone()).map(Node::allocated_bytes).sum::<usize>();
        self.node_bytes += bytes;
        if !self.nodes.is_empty() {
            self.renumber(changed.clone());
            self.adjust_compression(changed);
        }
    }

    /// Removes empty nodes, and merges nodes of which two together are at most half full. Returns where
    /// they end then.
    fn compact(&mut self, start: usize, end: usize) -> usize {
        // Nodes that stay are moved forward, so that each moves once.
        let mut kept = start;
        for at in start..end {
            if self.nodes[at].count() == 0 {
                continue;
            }
            if kept > start && self.are_sparse(kept - 1, at) {
                self.hand_over(kept - 1..kept);
                self.hand_over(at..at + 1);
                let sparse = mem::replace(&mut self.nodes[at], Node::empty());
                let before = self.nodes[kept - 1].editable();
                if let (Editable::Packed(before), Some(sparse)) = (before, sparse.into_listpack()) {
                    before.append(&sparse);
                }
            } else {
                self.nodes.swap(kept, at);
                kept += 1;
            }
        }
        self.nodes.drain(kept..end);
        kept
    }

    /// Whether two nodes may be merged.
    fn are_sparse(&self, left: usize, right: usize) -> bool {
        let (left, right) = (&self.nodes[left], &self.nodes[right]);
        let bytes = left.byte_len() + right.byte_len();
        let count = left.count() + right.count();
        !(left.is_plain() || right.is_plain() || self.limits.are_exceeded_twice_by(bytes, count))
    }
}

impl Node {
    /// Removes elements, or as many as there are.
    fn remove(&mut self, from: usize, count: usize) {
        match self.editable() {
            Editable::Packed(listpack) => {
                if let Some(position) = listpack.seek(from as i64) {
                    listpack.remove_many(position, count);
                }
            }
            Editable::Plain(_) => *self = Node::empty(),
        }
    }

    /// Removes elements that are `wanted` and returns how many that was.
    fn remove_matching(&mut self, wanted: &[u8], most: usize, direction: Direction) -> usize {
        if self.is_compressed() && !self.read(|content| content.contains(wanted)) {
            return 0;
        }
        match self.editable() {
            Editable::Packed(listpack) => step::remove_matching(listpack, wanted, most, direction),
            Editable::Plain(element) if **element == *wanted => {
                *self = Node::empty();
                1
            }
            Editable::Plain(_) => 0,
        }
    }

    /// A node without elements, which must not stay.
    fn empty() -> Self {
        Node::packed(Listpack::new())
    }
}
