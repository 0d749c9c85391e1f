//! Patterns that make a key, or a key and a field of its hash, of an element.
//!
//! The first `*` stands for the element: `weight_*`, or `user:*->age` for field `age` of a hash. `#` is
//! the element itself. As in C, a pattern ends at its first zero byte where it is searched in.

use russet_data::hash::Hash;
use russet_data::number::IntBuf as FieldBuf;
use russet_keyspace::entry::IntBuf;

use crate::exec::values::{held, string};
use crate::exec::{Key, View};

/// A pattern, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pattern<'a> {
    /// The element.
    Element,
    /// Nothing: a key that is the same for all elements makes no sense.
    Fixed,
    /// What a key holds that is the element between these two, or a field of that.
    Key { before: &'a [u8], after: &'a [u8], field: Option<&'a [u8]> },
}

impl<'a> Pattern<'a> {
    pub(super) fn parse(text: &'a [u8]) -> Self {
        let searched = text.split(|&byte| byte == 0).next().unwrap_or_default();
        if searched == b"#" {
            return Pattern::Element;
        }
        let Some(star) = searched.iter().position(|&byte| byte == b'*') else {
            return Pattern::Fixed;
        };
        let (before, after) = (&text[..star], &text[star + 1..]);
        let arrow = searched[star + 1..].windows(2).position(|two| two == b"->");
        match arrow.filter(|arrow| !matches!(after.get(arrow + 2), None | Some(0))) {
            Some(arrow) => {
                Pattern::Key { before, after: &after[..arrow], field: Some(&after[arrow + 2..]) }
            }
            None => Pattern::Key { before, after, field: None },
        }
    }

    /// Whether it makes keys of elements.
    pub(super) fn varies(&self) -> bool {
        matches!(self, Pattern::Key { .. })
    }

    /// Shows what there is for an element. A missing key, one of another type, and a missing field are
    /// all nothing.
    pub(super) fn look_up<R>(
        &self,
        db: &mut View<'_>,
        element: &[u8],
        show: impl FnOnce(Option<&[u8]>) -> R,
    ) -> R {
        let (before, after, field) = match *self {
            Pattern::Element => return show(Some(element)),
            Pattern::Fixed => return show(None),
            Pattern::Key { before, after, field } => (before, after, field),
        };
        let bytes = [before, element, after].concat();
        let key = Key { bytes: &bytes, hash: db.hash(&bytes) };
        let entry = db.read(key);
        match field {
            Some(field) => {
                let hash = held::<Hash>(entry).ok().flatten();
                let value = hash.as_ref().and_then(|hash| hash.get(field));
                let mut scratch = FieldBuf::new();
                show(value.as_ref().map(|value| value.as_bytes(&mut scratch)))
            }
            None => {
                let entry = string(entry).ok().flatten();
                let mut scratch = IntBuf::new();
                show(entry.as_ref().map(|entry| entry.string_bytes(&mut scratch)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_taken_apart() {
        let key = |before, after, field| Pattern::Key { before, after, field };
        for (text, expected) in [
            (&b"#"[..], Pattern::Element),
            (b"#\0*", Pattern::Element),
            (b"nosort", Pattern::Fixed),
            (b"a\0*", Pattern::Fixed),
            (b"w_*", key(b"w_", b"", None)),
            (b"a*b*c", key(b"a", b"b*c", None)),
            (b"h:*->f", key(b"h:", b"", Some(b"f"))),
            (b"h:*x->f->g", key(b"h:", b"x", Some(b"f->g"))),
            (b"h:*->", key(b"h:", b"->", None)),
            (b"->*", key(b"->", b"", None)),
        ] {
            assert_eq!(Pattern::parse(text), expected, "{}", text.escape_ascii());
        }
    }
}
