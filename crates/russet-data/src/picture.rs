//! The picture of one large collection, taken in parts while the collection changes.
//!
//! A save writes a collection as it was at one instant. One of half a million elements takes tens of
//! milliseconds to write, and nobody is to wait for that: neither a command that wants to change
//! an element, nor one that removes the whole collection. So the collection itself knows that its
//! picture is being taken, and has each part taken before it changes:
//!
//! ```text
//!  begin_picture      continue_picture, a part at a time ──►
//!       │             ■ ■ ■ ■ ■ □ □ ■ □ □ □ □       ■ taken     □ as it was at the instant
//!       ▼                            ▲
//!  the instant                       └── about to be changed: taken first, then changed
//! ```
//!
//! Beginning takes constant time, or a moment for each few kilobytes of a list; a change takes at most the
//! part that it concerns; and a collection that is dropped has the rest taken by whoever drops it, which is
//! not a worker if the collection is large. What a part is, and how a collection knows which were
//! taken, differs:
//!
//! - a table of records (`records/mod.rs`) marks buckets by their epochs, as the keyspace does;
//! - a sorted set (`sorted_set/picture.rs`) is written by rank, because whoever loads it is quicker then,
//!   and marks buckets of which elements were taken ahead of their turn;
//! - a list (`list/picture.rs`) numbers its nodes, so that those that are taken ahead of their turn
//!   can be put in order again.
//!
//! Invariant: **V1** What was in the collection at the instant is given to the sink, or to the one who
//! continues, exactly once and as it was then; nothing else is.

use std::fmt;
use std::sync::Arc;

use crate::list;
use crate::listpack::Element;

/// A part of a collection as it was at the instant.
#[derive(Clone, Copy)]
pub enum Part<'a> {
    /// A member of a set.
    Member(Element<'a>),
    /// A field of a hash and its value.
    Field(Element<'a>, Element<'a>),
    /// A member of a sorted set and its score.
    Scored(Element<'a>, f64),
    /// A node of a list, and which it was of all.
    Node(u32, list::Node<'a>),
}

/// Who gets the parts of one collection.
pub trait ElementSink: Send + Sync {
    /// Takes a part ahead of its turn.
    fn take(&self, part: Part<'_>);

    /// There are no more. Called once, by whoever had [`Divisible::continue_picture`] return `true`.
    fn end(&self);
}

/// A collection whose picture can be taken in parts.
pub trait Divisible {
    /// About how many bytes the elements take, in constant time.
    fn element_bytes(&self) -> usize;

    /// Who gets the picture that is being taken.
    fn sink(&self) -> Option<&Arc<dyn ElementSink>>;

    /// Begins a picture of this instant.
    ///
    /// # Panics
    /// If one is being taken.
    fn begin_picture(&mut self, sink: Arc<dyn ElementSink>);

    /// Hands the next few parts to `take`, about as many as one bucket of a table has. Returns whether there
    /// are no more: then the picture is done, and the caller tells the sink.
    fn continue_picture(&mut self, take: &mut dyn FnMut(Part<'_>)) -> bool;
}

/// Takes the rest of the picture of a collection that is being dropped.
pub(crate) fn finish(collection: &mut impl Divisible) {
    if let Some(sink) = collection.sink().cloned() {
        while !collection.continue_picture(&mut |part| sink.take(part)) {}
        sink.end();
    }
}

/// A collection's knowledge of its picture: who gets it, and `P`, how far it is. Nearly always nothing;
/// copies of the collection have nothing.
pub(crate) struct Sitting<P>(Option<Box<(Arc<dyn ElementSink>, P)>>);

impl<P> Sitting<P> {
    pub(crate) const NONE: Self = Sitting(None);

    /// Whether a picture is being taken.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn sink(&self) -> Option<&Arc<dyn ElementSink>> {
        self.0.as_deref().map(|(sink, _)| sink)
    }

    pub(crate) fn begin(&mut self, sink: Arc<dyn ElementSink>, progress: P) {
        assert!(self.0.is_none(), "one picture at a time");
        self.0 = Some(Box::new((sink, progress)));
    }

    /// The sink, and how far the picture is.
    pub(crate) fn get_mut(&mut self) -> Option<(&dyn ElementSink, &mut P)> {
        self.0.as_deref_mut().map(|(sink, progress)| (&**sink, progress))
    }

    pub(crate) fn end(&mut self) {
        self.0 = None;
    }
}

impl<P> Clone for Sitting<P> {
    fn clone(&self) -> Self {
        Self::NONE
    }
}

impl<P> fmt::Debug for Sitting<P> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.is_on() { "on" } else { "none" })
    }
}
