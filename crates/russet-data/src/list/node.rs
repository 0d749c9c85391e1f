//! One piece of a long list: a listpack, or one long element, either of them perhaps compressed.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::{Direction, step};
use crate::listpack::{Element, Listpack};
use crate::lzf;
use crate::relocation::Relocation;
use crate::size_class::size_class;

/// What has fewer bytes is not worth compressing; as in Redis.
const MIN_COMPRESSED_BYTES: usize = 48;
/// What compression must save at least; as in Redis.
const MIN_SAVED_BYTES: usize = 8;

/// See the module's documentation.
#[derive(Clone)]
pub(super) struct Node {
    /// The number of the first element, see the invariants of the chain.
    pub(super) first: i64,
    content: Content,
    /// One more than the place that the node had when the picture began that is to have it; 0 if none is.
    place: u32,
}

#[derive(Clone)]
enum Content {
    /// One or more elements.
    Packed(Listpack),
    /// One element that is longer than a listpack may be.
    Plain(Box<[u8]>),
    /// Either, compressed.
    Compressed(Box<Compressed>),
}

#[derive(Clone)]
struct Compressed {
    lzf: Box<[u8]>,
    original_len: usize,
    count: usize,
    plain: bool,
}

/// A node's content, to be read.
#[derive(Clone, Copy)]
pub enum Readable<'a> {
    /// One or more elements.
    Packed(&'a Listpack),
    /// One element that is longer than a listpack may be.
    Plain(&'a [u8]),
}

/// A node's content, to be changed.
pub(super) enum Editable<'a> {
    Packed(&'a mut Listpack),
    Plain(&'a mut Box<[u8]>),
}

impl Node {
    /// A node that is not numbered yet.
    pub(super) fn packed(listpack: Listpack) -> Self {
        Node { first: 0, content: Content::Packed(listpack), place: 0 }
    }

    /// A node that is not numbered yet.
    pub(super) fn plain(element: &[u8]) -> Self {
        Node { first: 0, content: Content::Plain(element.into()), place: 0 }
    }

    /// Gives the node its place in a picture that is to have it.
    pub(super) fn set_place(&mut self, place: u32) {
        self.place = place + 1;
    }

    /// Whether a picture is to have the node.
    pub(super) fn has_place(&self) -> bool {
        self.place > 0
    }

    /// The place of the node in a picture, which gets it now.
    pub(super) fn take_place(&mut self) -> Option<u32> {
        std::mem::take(&mut self.place).checked_sub(1)
    }

    /// How many elements there are.
    pub(super) fn count(&self) -> usize {
        match &self.content {
            Content::Packed(listpack) => listpack.len(),
            Content::Plain(_) => 1,
            Content::Compressed(compressed) => compressed.count,
        }
    }

    /// How many bytes there are when nothing is compressed.
    pub(super) fn byte_len(&self) -> usize {
        match &self.content {
            Content::Packed(listpack) => listpack.byte_len(),
            Content::Plain(element) => element.len(),
            Content::Compressed(compressed) => compressed.original_len,
        }
    }

    pub(super) fn allocated_bytes(&self) -> usize {
        match &self.content {
            Content::Packed(listpack) => listpack.allocated_bytes(),
            Content::Plain(element) => size_class(element.len()),
            Content::Compressed(compressed) => {
                size_class(size_of::<Compressed>()) + size_class(compressed.lzf.len())
            }
        }
    }

    /// Moves the content.
    pub(super) fn relocate(&mut self, relocation: &mut Relocation<'_>) {
        match &mut self.content {
            Content::Packed(listpack) => listpack.relocate(relocation),
            Content::Plain(element) => relocation.bytes(element),
            Content::Compressed(compressed) => {
                relocation.bytes(&mut compressed.lzf);
                if relocation.concerns(&raw const **compressed) {
                    let Compressed { original_len, count, plain, .. } = **compressed;
                    let lzf = std::mem::take(&mut compressed.lzf);
                    let content = Compressed { lzf, original_len, count, plain };
                    // Not written into the old box: another allocation is the point.
                    drop(std::mem::replace(compressed, Box::new(content)));
                }
            }
        }
    }

    pub(super) fn is_compressed(&self) -> bool {
        matches!(self.content, Content::Compressed(_))
    }

    pub(super) fn is_plain(&self) -> bool {
        match &self.content {
            Content::Packed(_) => false,
            Content::Plain(_) => true,
            Content::Compressed(compressed) => compressed.plain,
        }
    }

    /// The listpack of a node that has one and is not compressed.
    #[inline]
    pub(super) fn listpack_mut(&mut self) -> Option<&mut Listpack> {
        match &mut self.content {
            Content::Packed(listpack) => Some(listpack),
            _ => None,
        }
    }

    /// The listpack of a node that has one.
    pub(super) fn into_listpack(mut self) -> Option<Listpack> {
        self.decompress();
        match self.content {
            Content::Packed(listpack) => Some(listpack),
            _ => None,
        }
    }

    /// The content, unless it is compressed.
    #[inline]
    pub(super) fn readable(&self) -> Option<Readable<'_>> {
        match &self.content {
            Content::Packed(listpack) => Some(Readable::Packed(listpack)),
            Content::Plain(element) => Some(Readable::Plain(element)),
            Content::Compressed(_) => None,
        }
    }

    /// Reads the content; what is compressed remains so.
    #[inline]
    pub(super) fn read<R>(&self, read: impl FnOnce(Readable<'_>) -> R) -> R {
        match self.readable() {
            Some(content) => read(content),
            None => {
                let mut copy = self.clone();
                copy.decompress();
                read(copy.readable().expect("just decompressed"))
            }
        }
    }

    /// The content to be changed, decompressed if need be.
    pub(super) fn editable(&mut self) -> Editable<'_> {
        self.decompress();
        match &mut self.content {
            Content::Packed(listpack) => Editable::Packed(listpack),
            Content::Plain(element) => Editable::Plain(element),
            Content::Compressed(_) => unreachable!("just decompressed"),
        }
    }

    /// Compresses the content, if that saves anything.
    pub(super) fn compress(&mut self) {
        let (bytes, plain) = match &self.content {
            Content::Packed(listpack) => (Cow::Owned(listpack.to_bytes()), false),
            Content::Plain(element) => (Cow::Borrowed(&element[..]), true),
            Content::Compressed(_) => return,
        };
        if bytes.len() < MIN_COMPRESSED_BYTES {
            return;
        }
        if let Some(lzf) = lzf::compress(&bytes, bytes.len() - MIN_SAVED_BYTES) {
            let (original_len, count) = (bytes.len(), self.count());
            let compressed = Compressed { lzf: lzf.into(), original_len, count, plain };
            self.content = Content::Compressed(Box::new(compressed));
        }
    }

    /// Makes the content what it was before it was compressed.
    pub(super) fn decompress(&mut self) {
        let Content::Compressed(compressed) = &self.content else { return };
        let bytes = lzf::decompress(&compressed.lzf, compressed.original_len)
            .expect("what was compressed comes back");
        self.content = if compressed.plain {
            Content::Plain(bytes.into())
        } else {
            Content::Packed(Listpack::from_bytes(bytes).expect("it was a listpack"))
        };
    }
}

impl<'a> Readable<'a> {
    /// Shows the elements from one on to `visit`, in a direction, until it has seen enough.
    #[inline]
    pub(super) fn walk<B>(
        self,
        from: usize,
        direction: Direction,
        visit: &mut impl FnMut(Element<'_>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        match self {
            Readable::Packed(listpack) => step::walk(listpack, from, direction, visit),
            Readable::Plain(element) => visit(Element::Bytes(element)),
        }
    }

    /// Whether there is an element that is the string `wanted`.
    pub(super) fn contains(self, wanted: &[u8]) -> bool {
        match self {
            Readable::Packed(listpack) => {
                listpack.first().is_some_and(|first| listpack.find(wanted, first, 0).is_some())
            }
            Readable::Plain(element) => element == wanted,
        }
    }

    /// The first or last element.
    #[inline]
    pub(super) fn outermost(self, first: bool) -> Element<'a> {
        match self {
            Readable::Packed(listpack) => {
                let position = if first { listpack.first() } else { listpack.last() };
                listpack.get(position.expect("a node is not empty"))
            }
            Readable::Plain(element) => Element::Bytes(element),
        }
    }
}
