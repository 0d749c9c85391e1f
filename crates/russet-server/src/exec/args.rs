//! The arguments of the command being executed.

use russet_resp::ArgSpan;

/// A command's arguments, its name included, as the client sent them. Copying is cheap.
#[derive(Clone, Copy)]
pub struct Args<'a> {
    /// What the spans refer to.
    command: &'a [u8],
    spans: &'a [ArgSpan],
    owned: &'a [Vec<u8>],
}

impl<'a> Args<'a> {
    /// Arguments lying in a read buffer, from the command's first byte on, except for those that
    /// were received into allocations of their own.
    #[inline]
    pub fn new(command: &'a [u8], spans: &'a [ArgSpan], owned: &'a [Vec<u8>]) -> Self {
        Args { command, spans, owned }
    }

    /// Number of arguments.
    #[inline]
    #[allow(clippy::len_without_is_empty)] // there is always a name
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Argument `at`; 0 is the command's name.
    ///
    /// # Panics
    ///
    /// If there are not that many: handlers rely on the arity that dispatch has checked.
    #[inline]
    pub fn get(&self, at: usize) -> &'a [u8] {
        self.spans[at].resolve(self.command, self.owned)
    }

    /// All arguments from `from` on.
    pub fn iter_from(self, from: usize) -> impl ExactSizeIterator<Item = &'a [u8]> + Clone {
        (from..self.len().max(from)).map(move |at| self.get(at))
    }

    /// The first `count` arguments.
    pub fn iter_to(self, count: usize) -> impl ExactSizeIterator<Item = &'a [u8]> {
        (0..count).map(move |at| self.get(at))
    }

    /// The arguments from `from` on, as a call of its own; there must be one.
    pub fn after(self, from: usize) -> Self {
        Args { spans: &self.spans[from..], ..self }
    }

    /// Copies of all arguments.
    pub fn to_owned(self) -> Vec<Vec<u8>> {
        self.iter_from(0).map(<[u8]>::to_vec).collect()
    }
}

/// A command that has left the buffer it was read into: it was set aside, or waits for EXEC.
pub struct OwnedCommand {
    argv: Vec<Vec<u8>>,
    spans: Vec<ArgSpan>,
}

impl OwnedCommand {
    /// Takes the arguments over.
    pub fn new(argv: Vec<Vec<u8>>) -> Self {
        let spans = (0..argv.len() as u32).map(ArgSpan::owned).collect();
        OwnedCommand { argv, spans }
    }

    /// The arguments.
    pub fn args(&self) -> Args<'_> {
        Args::new(&[], &self.spans, &self.argv)
    }

    /// Bytes held.
    pub fn size(&self) -> usize {
        self.argv.iter().map(|arg| arg.capacity() + size_of::<Vec<u8>>()).sum()
    }

    /// Takes an argument's allocation away, leaving it empty.
    pub fn take(&mut self, at: usize) -> Vec<u8> {
        std::mem::take(&mut self.argv[at])
    }

    /// Undoes [`OwnedCommand::take`].
    pub fn put_back(&mut self, at: usize, arg: Vec<u8>) {
        self.argv[at] = arg;
    }
}
