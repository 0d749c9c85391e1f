//! Where the bytes of one argument are.

/// The place of one argument of a command: a range of the command's own bytes, or an index
/// into the arguments the connection holds in allocations of their own.
///
/// Eight bytes and `Copy`, so that a whole batch of parsed commands is one flat vector.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ArgSpan {
    /// Distance from the command's first byte, or [`ArgSpan::OWNED`].
    start: u32,
    /// Length in bytes, or the index of an owned argument.
    len: u32,
}

const _: () = assert!(size_of::<ArgSpan>() == 8);

impl ArgSpan {
    /// The value of `start` that marks an owned argument. No command grows this long.
    const OWNED: u32 = u32::MAX;

    /// An argument of `len` bytes that starts `start` bytes into its command.
    #[inline]
    pub fn bytes(start: u32, len: u32) -> Self {
        debug_assert_ne!(start, Self::OWNED, "this start marks owned arguments");
        Self { start, len }
    }

    /// The argument held at `index` of the connection's owned arguments.
    #[inline]
    pub fn owned(index: u32) -> Self {
        Self { start: Self::OWNED, len: index }
    }

    /// Whether the argument has an allocation of its own.
    #[inline]
    pub fn is_owned(self) -> bool {
        self.start == Self::OWNED
    }

    /// The index among the owned arguments, of one that is owned.
    #[inline]
    pub fn owned_index(self) -> Option<usize> {
        self.is_owned().then_some(self.len as usize)
    }

    /// Bytes of the argument, if it has no allocation of its own: those that have are long.
    #[inline]
    pub fn inline_len(self) -> Option<usize> {
        (!self.is_owned()).then_some(self.len as usize)
    }

    /// The argument's bytes.
    ///
    /// # Panics
    /// When the span does not belong to this command and these owned arguments.
    #[inline]
    pub fn resolve<'a>(self, command: &'a [u8], owned: &'a [Vec<u8>]) -> &'a [u8] {
        if self.is_owned() {
            &owned[self.len as usize]
        } else {
            &command[self.start as usize..][..self.len as usize]
        }
    }
}

impl std::fmt::Debug for ArgSpan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_owned() {
            write!(f, "owned({})", self.len)
        } else {
            write!(f, "{}+{}", self.start, self.len)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ArgSpan;

    #[test]
    fn resolves_both_kinds() {
        let owned = [b"first".to_vec(), b"second".to_vec()];
        let span = ArgSpan::bytes(2, 3);
        assert!(!span.is_owned());
        assert_eq!(span.owned_index(), None);
        assert_eq!(span.inline_len(), Some(3));
        assert_eq!(span.resolve(b"a bcd e", &owned), b"bcd");
        let span = ArgSpan::owned(1);
        assert!(span.is_owned());
        assert_eq!(span.owned_index(), Some(1));
        assert_eq!(span.inline_len(), None);
        assert_eq!(span.resolve(b"", &owned), b"second");
    }
}
