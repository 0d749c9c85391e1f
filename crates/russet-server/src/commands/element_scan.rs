//! HSCAN, SSCAN and ZSCAN: the elements of one value, some with each call.
//!
//! A value that is one compact block is shown in one call. A large one is walked bucket by bucket, and
//! the cursor is that of its table, see [`russet_data::table::Table::scan`].

use russet_data::listpack::Element;
use russet_data::number::IntBuf;
use russet_data::object::Variant;
use russet_resp::ReplyWriter;

use super::keys::scan::{Options, Scanned, parse_cursor};
use super::keys::walk::Pattern;
use crate::error::Error;
use crate::exec::{Ctx, values};

/// Buckets that one call looks at for each element that it is to look at, in case most are empty.
const BUCKETS_PER_ELEMENT: usize = 10;

/// What one call shows.
pub struct Page<'a> {
    out: ReplyWriter<'a>,
    pattern: Pattern<'a>,
    /// Elements looked at.
    seen: usize,
    /// Elements shown.
    shown: usize,
}

impl Page<'_> {
    /// Shows an element if the client's pattern allows. `rest` writes what is shown with it.
    pub fn offer(&mut self, element: Element<'_>, rest: impl FnOnce(&mut ReplyWriter<'_>)) {
        self.seen += 1;
        let mut scratch = IntBuf::new();
        let bytes = element.as_bytes(&mut scratch);
        if self.pattern.matches(bytes) {
            self.out.bulk(bytes);
            rest(&mut self.out);
            self.shown += 1;
        }
    }
}

/// Executes such a command. `step` offers the elements at a cursor to the page and returns the next
/// cursor; each is shown as `parts` replies.
///
/// # Errors
///
/// Those of the arguments, and [`Error::WRONG_TYPE`].
pub fn scan_elements<T: Variant>(
    ctx: &mut Ctx<'_>,
    parts: usize,
    step: impl Fn(&T, u64, &mut Page<'_>) -> u64,
) -> Result<(), Error> {
    let mut cursor = parse_cursor(ctx.args.get(2))?;
    let key = ctx.key(1);
    let options = Options::parse(ctx, 3, Scanned::Elements);
    let (mut next, mut shown, mut encoded) = (0, 0, Vec::new());
    // Without a key, the options do not matter.
    if let Some(value) = values::read::<T>(&mut ctx.db, key)? {
        let Options { count, pattern, .. } = options?;
        let out = ReplyWriter::new(&mut encoded, ctx.out.protocol());
        let mut page = Page { out, pattern, seen: 0, shown: 0 };
        let mut buckets_left = count.saturating_mul(BUCKETS_PER_ELEMENT);
        loop {
            cursor = step(&value, cursor, &mut page);
            buckets_left -= 1;
            if cursor == 0 || page.seen >= count || buckets_left == 0 {
                break;
            }
        }
        (next, shown) = (cursor, page.shown);
    }
    ctx.out.array(2);
    ctx.out.bulk(itoa::Buffer::new().format(next).as_bytes());
    ctx.out.array(shown * parts);
    ctx.out.buffer().extend_from_slice(&encoded);
    Ok(())
}
