//! The picture of a long list, node by node.
//!
//! The elements of a list are written in their order, and the number of nodes comes before them. So at
//! the instant each node is given its place among all, and keeps it until it is taken: in its turn,
//! from the left, or ahead of its turn, because it is about to change. Whoever gets the nodes
//! puts them in order again.
//!
//! ```text
//!  nodes    new │ 0 │ 0 │ 3 │ 4 │ 0 │ 0 │ 7 │ new        places, counted from 1; 0: not to be taken
//!                 └───┘           └───┘
//!              taken, in turn    changed, and taken before
//! ```
//!
//! Compressing a node, or moving it in memory, is no change.

use std::ops::Range;
use std::sync::Arc;

use super::chain::Chain;
use crate::picture::{Divisible, ElementSink, Part};

/// How far the picture of a list is.
pub(super) struct Progress {
    /// Nodes that are to be taken.
    left: usize,
    /// The number of the first element that may be in one of these, unless elements within the list were
    /// inserted or removed.
    from: i64,
}

impl Chain {
    /// Has nodes taken before they change.
    #[inline]
    pub(super) fn hand_over(&mut self, changed: Range<usize>) {
        if self.sitting.is_on() {
            self.cover(changed);
        }
    }

    #[cold]
    fn cover(&mut self, changed: Range<usize>) {
        let Some((sink, progress)) = self.sitting.get_mut() else { return };
        let end = changed.end.min(self.nodes.len());
        for node in self.nodes.range_mut(changed.start.min(end)..end) {
            if let Some(place) = node.take_place() {
                progress.left -= 1;
                node.read(|content| sink.take(Part::Node(place, content)));
            }
        }
    }
}

impl Divisible for Chain {
    fn element_bytes(&self) -> usize {
        self.node_bytes
    }

    fn sink(&self) -> Option<&Arc<dyn ElementSink>> {
        self.sitting.sink()
    }

    fn begin_picture(&mut self, sink: Arc<dyn ElementSink>) {
        self.sitting.begin(sink, Progress { left: self.nodes.len(), from: i64::MIN });
        for (place, node) in (0..).zip(&mut self.nodes) {
            node.set_place(place);
        }
    }

    fn continue_picture(&mut self, take: &mut dyn FnMut(Part<'_>)) -> bool {
        let Some((_, progress)) = self.sitting.get_mut() else { return true };
        let start = self.nodes.partition_point(|node| node.first < progress.from);
        let found = self.nodes.range_mut(start..).find(|node| node.has_place());
        let found = match found {
            None if progress.left > 0 => self.nodes.iter_mut().find(|node| node.has_place()),
            found => found,
        };
        if let Some(node) = found
            && let Some(place) = node.take_place()
        {
            progress.left -= 1;
            progress.from = node.first;
            node.read(|content| take(Part::Node(place, content)));
        }
        let is_done = progress.left == 0;
        if is_done {
            self.sitting.end();
        }
        is_done
    }
}
