//! Lists node by node, as files have them.

use std::ops::ControlFlow;

use super::chain::Chain;
use super::node::{Node, Readable};
use super::{Limits, List, Long, Short};
use crate::listpack::Listpack;

impl List {
    /// Adds the elements of a listpack from outside at the right end, as one node however large it is.
    pub fn append_listpack(&mut self, listpack: Listpack, limits: Limits) {
        let listpack = listpack.into_canonical();
        if listpack.is_empty() {
            return;
        }
        if self.is_empty() && !limits.are_exceeded_by(listpack.byte_len(), listpack.len()) {
            self.0 = Short(listpack);
        } else {
            self.chain(limits).append(Node::packed(listpack));
        }
    }

    /// Adds a long element at the right end, as a node of its own.
    pub fn append_alone(&mut self, element: &[u8], limits: Limits) {
        self.chain(limits).append(Node::plain(element));
    }

    fn chain(&mut self, limits: Limits) -> &mut Chain {
        if let Short(listpack) = &mut self.0 {
            self.0 = Long(Box::new(Chain::new(limits, std::mem::take(listpack))));
        }
        match &mut self.0 {
            Long(chain) => chain,
            Short(_) => unreachable!("it has just become long"),
        }
    }

    /// The number of nodes. A short list is one node.
    #[must_use]
    pub fn node_count(&self) -> usize {
        match &self.0 {
            Short(_) => 1,
            Long(chain) => chain.nodes.len(),
        }
    }

    /// Shows the nodes from one on, counted from the left, to `visit` until it breaks off.
    pub fn visit_nodes<B>(
        &self,
        from: usize,
        mut visit: impl FnMut(Readable<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        match &self.0 {
            Short(listpack) if from == 0 => visit(Readable::Packed(listpack)),
            Short(_) => ControlFlow::Continue(()),
            Long(chain) => {
                let from = from.min(chain.nodes.len());
                chain.nodes.range(from..).try_for_each(|node| node.read(&mut visit))
            }
        }
    }
}

impl Chain {
    /// Adds a node that is not empty at the right end.
    fn append(&mut self, mut node: Node) {
        let origin = self.nodes.front().map_or(0, |node| node.first);
        node.first = origin + self.len as i64;
        self.len += node.count();
        self.node_bytes += node.allocated_bytes();
        self.nodes.push_back(node);
        let last = self.nodes.len() - 1;
        self.adjust_compression(last..last + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::list::{Direction, End};

    #[test]
    fn nodes_come_back_as_they_were() {
        let limits = Limits { max_listpack_size: 4, compress_depth: 1, ..Limits::default() };
        let mut list = List::new();
        for number in 0..50 {
            list.prepare(limits, 4, 1);
            list.push(End::Right, number);
        }
        let mut copy = List::new();
        for from in 0..list.node_count() {
            let _: ControlFlow<()> = list.visit_nodes(from, |node| {
                if let Readable::Packed(listpack) = node {
                    copy.append_listpack(listpack.clone(), limits);
                }
                ControlFlow::Break(())
            });
            copy.check_invariants();
        }
        let texts = |list: &List| {
            let mut texts = Vec::new();
            list.for_some(0, Direction::Forward, usize::MAX, |element| {
                texts.push(element.to_vec())
            });
            texts
        };
        assert_eq!(texts(&copy), texts(&list));
        copy.append_alone(b"alone", limits);
        copy.append_listpack(Listpack::new(), limits);
        copy.check_invariants();
        assert_eq!((copy.len(), copy.node_count()), (51, list.node_count() + 1));
    }
}
