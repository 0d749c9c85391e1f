//! What the commands of collections have in common: how elements are written, how counts are read.

use russet_data::listpack::Element;
use russet_data::number::parse_i64;
use russet_resp::ReplyWriter;

use crate::error::Error;
use crate::exec::Ctx;

/// Elements that a command with a negative count draws at most: the reply to a greater count would
/// exhaust the memory before it is complete.
const MOST_DRAWN: u64 = 1 << 28;

/// Writes an element.
#[inline]
pub fn reply(out: &mut ReplyWriter<'_>, element: Element<'_>) {
    match element {
        Element::Int(value) => out.bulk_int(value),
        Element::Bytes(bytes) => out.bulk(bytes),
    }
}

/// How many elements SRANDMEMBER and its like are to choose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Draw {
    /// So many, all different.
    Distinct(u64),
    /// So many, each of all elements.
    Repeated(u64),
}

impl Draw {
    /// The count that argument `at` is: different elements if it is not negative.
    ///
    /// # Errors
    ///
    /// If it is no integer, or none whose sign can be changed.
    pub fn parse(ctx: &Ctx<'_>, at: usize) -> Result<Self, Error> {
        let count = ctx.int(at)?;
        if count == i64::MIN {
            let most = i64::MAX;
            return Err(Error::new(format!(
                "ERR value is out of range, value must between -{most} and {most}"
            )));
        }
        let size = count.unsigned_abs();
        Ok(if count < 0 { Draw::Repeated(size) } else { Draw::Distinct(size) })
    }

    /// The number of elements asked for.
    pub fn count(self) -> u64 {
        let (Draw::Distinct(count) | Draw::Repeated(count)) = self;
        count
    }
}

/// How many elements to draw for a negative count.
///
/// # Errors
///
/// If it is more than can be answered with: Redis would try until it runs out of memory.
pub fn repetitions(count: u64) -> Result<usize, Error> {
    if count > MOST_DRAWN { Err(Error::OUT_OF_RANGE) } else { Ok(count as usize) }
}

/// Argument `at` as a number that is not negative.
///
/// # Errors
///
/// [`Error::NOT_POSITIVE`]
pub fn not_negative(ctx: &Ctx<'_>, at: usize) -> Result<usize, Error> {
    let number = parse_i64(ctx.args.get(at)).and_then(|number| usize::try_from(number).ok());
    number.ok_or(Error::NOT_POSITIVE)
}
