//! The nodes of a long list, and what is done at its ends. Changes within it are in `edit.rs`.
//!
//! Invariants:
//!
//! - **Q1** No node is empty.
//! - **Q2** The numbers of the nodes' first elements have no gaps: each is that of the node before plus
//!   the number of that node's elements. `len` is the number of all elements.
//! - **Q3** If the compression depth is not zero, none of so many nodes at either end is compressed, and
//!   any other is, if that saves enough. If it is zero, none is compressed.
//! - **Q4** `node_bytes` is what the allocator has set aside for the contents of all nodes.

use std::collections::VecDeque;
use std::ops::{ControlFlow, Range};

use super::node::{Node, Readable};
use super::picture::Progress;
use super::{Direction, End, Limits};
use crate::listpack::{Element, Listpack};
use crate::picture::{Sitting, finish};
use crate::relocation::Relocation;
use crate::serialized_len;
use crate::size_class::size_class;

/// Nodes that [`Chain::relocate`] goes through in a step: each may be some kilobytes to copy.
const NODES_AT_ONCE: usize = 4;

/// See the module's documentation.
pub(super) struct Chain {
    pub(super) nodes: VecDeque<Node>,
    pub(super) len: usize,
    pub(super) limits: Limits,
    pub(super) node_bytes: usize,
    pub(super) sitting: Sitting<Progress>,
}

impl Chain {
    pub(super) fn new(limits: Limits, listpack: Listpack) -> Self {
        let len = listpack.len();
        let node = Some(Node::packed(listpack)).filter(|node| node.count() > 0);
        let node_bytes = node.as_ref().map_or(0, Node::allocated_bytes);
        let nodes = node.into_iter().collect();
        Chain { nodes, len, limits, node_bytes, sitting: Sitting::NONE }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn node_count(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn allocated_bytes(&self) -> usize {
        let ring = size_class(self.nodes.capacity() * size_of::<Node>());
        ring + self.node_bytes
    }

    /// See [`Value::relocate`](crate::object::Value::relocate). The cursor is the number of the first
    /// element that is not done, which stays the same when elements come and go at the ends.
    pub(super) fn relocate(&mut self, cursor: u64, relocation: &mut Relocation<'_>) -> u64 {
        let nodes = &mut self.nodes;
        if cursor == 0 && !nodes.is_empty() && relocation.concerns(nodes.as_slices().0.as_ptr()) {
            let mut elsewhere = VecDeque::with_capacity(nodes.capacity());
            elsewhere.append(nodes);
            *nodes = elsewhere;
        }
        // Ordered as the numbers are, and zero only for a number that no element has.
        let cursor_of = |node: &Node| (node.first ^ i64::MIN) as u64;
        let start = nodes.partition_point(|node| cursor_of(node) < cursor);
        let part = nodes.iter_mut().skip(start).take(NODES_AT_ONCE);
        part.for_each(|node| node.relocate(relocation));
        nodes.get(start + NODES_AT_ONCE).map_or(0, cursor_of)
    }

    /// The bytes of the chain in an RDB file: their number, then each node with a byte for its kind.
    pub(super) fn serialized_len(&self) -> usize {
        let node_len = |node: &Node| 1 + serialized_len::of_bytes(node.byte_len());
        serialized_len::of_len(self.nodes.len()) + self.nodes.iter().map(node_len).sum::<usize>()
    }

    /// The only listpack, if it is small enough to be the whole list; the chain is empty then.
    #[inline]
    pub(super) fn take_listpack(&mut self, limits: Limits) -> Option<Listpack> {
        let only = self.nodes.front().filter(|_| self.nodes.len() == 1)?;
        if only.is_plain() || limits.are_exceeded_twice_by(only.byte_len(), self.len) {
            return None;
        }
        self.hand_over(0..1);
        (self.len, self.node_bytes) = (0, 0);
        self.nodes.pop_front()?.into_listpack()
    }

    /// The node of an element, and which of the node's it is. If there is no such element, the last
    /// node.
    pub(super) fn locate(&self, index: usize) -> (usize, usize) {
        let number = self.number(index);
        let node = self.nodes.partition_point(|node| node.first <= number) - 1;
        (node, (number - self.nodes[node].first) as usize)
    }

    /// The number of the element with an index, by which nodes are searched.
    fn number(&self, index: usize) -> i64 {
        self.nodes[0].first + index as i64
    }

    #[inline]
    pub(super) fn push(&mut self, end: End, element: Element<'_>) {
        let added = Listpack::added_bytes(element);
        let limits = self.limits;
        self.hand_over(self.outermost(end));
        let outermost = match end {
            End::Left => self.nodes.front_mut(),
            End::Right => self.nodes.back_mut(),
        };
        self.len += 1;
        if let Some(node) = outermost
            && let Some(listpack) = fitting(node, limits, added)
        {
            let bytes = listpack.allocated_bytes();
            match end {
                End::Left => listpack.push_front(element),
                End::Right => listpack.push_back(element),
            }
            self.node_bytes = self.node_bytes - bytes + listpack.allocated_bytes();
            if end == End::Left {
                node.first -= 1;
            }
        } else {
            self.push_node(end, element);
        }
    }

    /// The node at an end, if there is one.
    #[inline]
    fn outermost(&self, end: End) -> Range<usize> {
        match end {
            End::Left => 0..1,
            End::Right => self.nodes.len().saturating_sub(1)..self.nodes.len(),
        }
    }

    /// Adds a node for an element that is counted already.
    #[cold]
    fn push_node(&mut self, end: End, element: Element<'_>) {
        let mut node = lone(self.limits, element);
        self.node_bytes += node.allocated_bytes();
        let origin = self.nodes.front().map_or(0, |node| node.first);
        let changed = match end {
            End::Left => {
                node.first = origin - 1;
                self.nodes.push_front(node);
                0
            }
            End::Right => {
                node.first = origin + self.len as i64 - 1;
                self.nodes.push_back(node);
                self.nodes.len() - 1
            }
        };
        self.adjust_compression(changed..changed + 1);
    }

    #[inline]
    pub(super) fn peek(&self, end: End) -> Option<Element<'_>> {
        let node = match end {
            End::Left => self.nodes.front(),
            End::Right => self.nodes.back(),
        }?;
        Some(node.readable().expect("Q3").outermost(end == End::Left))
    }

    #[inline]
    pub(super) fn drop_one(&mut self, end: End) {
        self.hand_over(self.outermost(end));
        let node = match end {
            End::Left => self.nodes.front_mut(),
            End::Right => self.nodes.back_mut(),
        };
        let Some(node) = node else { return };
        self.len -= 1;
        if end == End::Left {
            node.first += 1;
        }
        self.node_bytes -= node.allocated_bytes();
        if let Some(listpack) = node.listpack_mut() {
            let at = if end == End::Left { listpack.first() } else { listpack.last() };
            listpack.remove(at.expect("Q1"));
            if !listpack.is_empty() {
                self.node_bytes += listpack.allocated_bytes();
                return;
            }
        }
        match end {
            End::Left => self.nodes.pop_front(),
            End::Right => self.nodes.pop_back(),
        };
        self.adjust_compression(0..0);
    }

    #[inline]
    pub(super) fn visit<B>(
        &self,
        from: usize,
        direction: Direction,
        visit: &mut impl FnMut(Element<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        if from >= self.len {
            return ControlFlow::Continue(());
        }
        let (node, offset) = self.locate(from);
        let mut walk =
            |node: &Node, from| node.read(|content| content.walk(from, direction, visit));
        walk(&self.nodes[node], offset)?;
        match direction {
            Direction::Forward => self.nodes.range(node + 1..).try_for_each(|node| walk(node, 0)),
            Direction::Backward => {
                self.nodes.range(..node).rev().try_for_each(|node| walk(node, node.count() - 1))
            }
        }
    }

    /// Numbers the nodes anew after those in a range have changed: these, and whichever of the nodes
    /// before and after are fewer. The numbers of the others must be right among themselves.
    pub(super) fn renumber(&mut self, changed: Range<usize>) {
        let Range { start, end } = changed;
        if end < self.nodes.len() - start && end < self.nodes.len() {
            let mut next = self.nodes[end].first;
            for node in self.nodes.range_mut(..end).rev() {
                node.first = next - node.count() as i64;
                next = node.first;
            }
        } else {
            let before = start.checked_sub(1).map(|before| &self.nodes[before]);
            let mut first = before.map_or(0, |node| node.first + node.count() as i64);
            for node in self.nodes.range_mut(start..) {
                node.first = first;
                first += node.count() as i64;
            }
        }
    }

    /// Restores Q3 after nodes in a range have changed, or some have come there, or one has left
    /// from an end.
    #[inline]
    pub(super) fn adjust_compression(&mut self, changed: Range<usize>) {
        if self.limits.compress_depth > 0 {
            self.adjust_compression_to(self.limits.compress_depth as usize, changed);
        }
    }

    fn adjust_compression_to(&mut self, depth: usize, changed: Range<usize>) {
        let count = self.nodes.len();
        let inner = depth.min(count)..count.saturating_sub(depth).max(depth.min(count));
        for at in (0..inner.start).chain(inner.end..count) {
            if self.nodes[at].is_compressed() {
                self.edit(at, Node::decompress);
            }
        }
        // As many nodes as came may have been moved inwards from either end.
        let came = changed.len();
        let inwards = inner.start..(inner.start + came).min(inner.end);
        let outwards = inner.end.saturating_sub(came).max(inner.start)..inner.end;
        for at in changed.chain(inwards).chain(outwards) {
            if inner.contains(&at) {
                self.edit(at, Node::compress);
            }
        }
    }

    /// Changes what a node has set aside for its content.
    pub(super) fn edit<R>(&mut self, at: usize, change: impl FnOnce(&mut Node) -> R) -> R {
        let node = &mut self.nodes[at];
        self.node_bytes -= node.allocated_bytes();
        let result = change(node);
        self.node_bytes += node.allocated_bytes();
        result
    }

    pub(super) fn check_invariants(&self) {
        let depth = self.limits.compress_depth as usize;
        let mut next = self.nodes.front().map_or(0, |node| node.first);
        for (at, node) in self.nodes.iter().enumerate() {
            assert!(node.count() > 0, "Q1");
            assert_eq!(node.first, next, "Q2");
            next += node.count() as i64;
            if depth == 0 || at < depth || at + depth >= self.nodes.len() {
                assert!(!node.is_compressed(), "Q3");
            } else {
                let mut copy = node.clone();
                copy.compress();
                assert_eq!(copy.is_compressed(), node.is_compressed(), "Q3");
            }
            node.read(|content| {
                if let Readable::Packed(listpack) = content {
                    listpack.check_invariants();
                }
            });
        }
        let node_bytes = self.nodes.iter().map(Node::allocated_bytes).sum::<usize>();
        assert_eq!(self.node_bytes, node_bytes, "Q4");
        let origin = self.nodes.front().map_or(0, |node| node.first);
        assert_eq!(self.len as i64, next - origin, "Q2");
    }
}

impl Clone for Chain {
    fn clone(&self) -> Self {
        let nodes: VecDeque<Node> = self.nodes.clone();
        // Copies have no room to spare.
        let node_bytes = nodes.iter().map(Node::allocated_bytes).sum();
        Chain { nodes, len: self.len, limits: self.limits, node_bytes, sitting: Sitting::NONE }
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        if self.sitting.is_on() {
            finish(self);
        }
    }
}

/// The listpack of a node, if it is not compressed and may have one more element, of `added` bytes.
#[inline]
pub(super) fn fitting(node: &mut Node, limits: Limits, added: usize) -> Option<&mut Listpack> {
    let listpack = node.listpack_mut()?;
    let fits = !limits.are_exceeded_by(listpack.byte_len() + added, listpack.len() + 1);
    fits.then_some(listpack)
}

/// A node of one element.
pub(super) fn lone(limits: Limits, element: Element<'_>) -> Node {
    match element {
        Element::Bytes(text) if limits.are_exceeded_alone_by(text.len()) => Node::plain(text),
        element => {
            let mut listpack = Listpack::new();
            listpack.push_back(element);
            Node::packed(listpack)
        }
    }
}
