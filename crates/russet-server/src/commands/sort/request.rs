//! What SORT is asked for.

use std::ops::Range;

use super::Pattern;
use crate::error::Error;
use crate::exec::{Args, Ctx};
use crate::server::Server;

/// The options of SORT.
pub(super) struct Request<'a> {
    /// From the greatest to the least.
    pub(super) descending: bool,
    /// Weights are compared as text, not as numbers.
    pub(super) alpha: bool,
    /// What the weights are; the elements themselves if there is no pattern.
    pub(super) by: Option<Pattern<'a>>,
    /// What is returned for each element, instead of it.
    pub(super) get: Vec<Pattern<'a>>,
    /// The argument that is the destination.
    pub(super) store: Option<usize>,
    /// The first element returned and how many; a negative number is all.
    limit: (i64, i64),
    /// A pattern that is the same for all elements: their order stays as it is.
    unsorted: bool,
}

impl<'a> Request<'a> {
    pub(super) fn parse(ctx: &Ctx<'a>, may_store: bool) -> Result<Self, Error> {
        let mut request = Request {
            descending: false,
            alpha: false,
            by: None,
            get: Vec::new(),
            store: None,
            limit: (0, -1),
            unsorted: false,
        };
        let mut at = 2;
        while at < ctx.args.len() {
            let left = ctx.args.len() - at - 1;
            at += 1;
            if ctx.is(at - 1, "ASC") {
                request.descending = false;
            } else if ctx.is(at - 1, "DESC") {
                request.descending = true;
            } else if ctx.is(at - 1, "ALPHA") {
                request.alpha = true;
            } else if ctx.is(at - 1, "LIMIT") && left >= 2 {
                request.limit = (ctx.int(at)?, ctx.int(at + 1)?);
                at += 2;
            } else if may_store && ctx.is(at - 1, "STORE") && left >= 1 {
                request.store = Some(at);
                at += 1;
            } else if ctx.is(at - 1, "BY") && left >= 1 {
                let pattern = Pattern::parse(ctx.args.get(at));
                request.unsorted |= !pattern.varies();
                request.by = Some(pattern);
                at += 1;
            } else if ctx.is(at - 1, "GET") && left >= 1 {
                request.get.push(Pattern::parse(ctx.args.get(at)));
                at += 1;
            } else {
                return Err(Error::SYNTAX);
            }
        }
        Ok(request)
    }

    /// Whether the elements are to be brought into another order.
    pub(super) fn is_sorted(&self) -> bool {
        !self.unsorted
    }

    /// Sorts the elements as they are, if nothing else was to be sorted.
    pub(super) fn sort_as_text(&mut self) {
        if self.unsorted {
            self.unsorted = false;
            self.alpha = true;
            self.by = None;
        }
    }

    /// Which of `len` elements, in their final order, are returned.
    pub(super) fn range(&self, len: usize) -> Range<usize> {
        let (start, count) = self.limit;
        let start = usize::try_from(start).unwrap_or(0).min(len);
        let count = usize::try_from(count).unwrap_or(len).min(len - start);
        start..start + count
    }

    /// Which of `len` elements that have an order of their own are needed at all.
    pub(super) fn loaded_range(&self, len: usize) -> Range<usize> {
        if self.is_sorted() { 0..len } else { self.range(len) }
    }
}

/// Whether a call has patterns that make keys of elements.
pub(super) fn reaches_other_keys(_: &Server, args: Args<'_>) -> bool {
    let mut at = 2;
    while at + 1 < args.len() {
        let (word, next) = (args.get(at), args.get(at + 1));
        let is = |option: &str| word.eq_ignore_ascii_case(option.as_bytes());
        if (is("BY") || is("GET")) && Pattern::parse(next).varies() {
            return true;
        }
        let arguments =
            if is("LIMIT") { 2 } else { usize::from(is("BY") || is("GET") || is("STORE")) };
        at += 1 + arguments;
    }
    false
}
