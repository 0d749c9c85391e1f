//! Which command the present thread is executing, for whoever has to report that it failed.
//!
//! The report is written on the failing thread while the command is still on its stack. So nothing is
//! copied when a command begins: the thread only remembers where it is, which costs two stores.
//!
//! # Invariant
//!
//! **F1** The address in `CURRENT` is that of a [`InFlight`] that lives until [`during`], which put it
//! there, has restored what was there before. A command that pauses takes its address out until it
//! goes on ([`without`]), so that commands which end in another order than they have begun in leave
//! nothing behind.

use std::cell::Cell;
use std::ptr::NonNull;

use crate::command::CommandEntry;
use crate::exec::Args;

/// A command that is being executed.
#[derive(Clone, Copy)]
pub struct InFlight<'a> {
    /// As it is declared.
    pub entry: &'static CommandEntry,
    /// What the client sent.
    pub args: Args<'a>,
    /// Number of the client.
    pub client: u64,
}

/// The lifetime is made up: see F1.
type Address = Option<NonNull<InFlight<'static>>>;

thread_local! {
    static CURRENT: Cell<Address> = const { Cell::new(None) };
}

/// Puts back what was there before.
struct Restore(Address);

impl Drop for Restore {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

/// Runs something as the execution of a command. Commands may nest, as EXEC and its queue do.
#[inline]
pub fn during<R>(command: &InFlight<'_>, run: impl FnOnce() -> R) -> R {
    let address = NonNull::from(command).cast();
    let _restore = Restore(CURRENT.replace(Some(address)));
    run()
}

/// Runs something that is no part of the command: the command pauses.
pub fn without<R>(run: impl FnOnce() -> R) -> R {
    let _restore = Restore(CURRENT.take());
    run()
}

/// Looks at the command that this thread is executing, if it is executing one.
pub fn look<R>(look: impl FnOnce(Option<&InFlight<'_>>) -> R) -> R {
    // SAFETY: by F1 the address is good until the `during` that put it there ends. That call is
    // below this one on the stack that the thread is on, and borrows the command. `look` is given no
    // longer a lifetime than its own call.
    let current = CURRENT.get().map(|address| unsafe { address.as_ref() });
    look(current)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Names;
    use crate::exec::OwnedCommand;

    #[test]
    fn commands_nest_and_end_even_by_panic() {
        let names = Names::new([]).expect("no renames");
        let entry = names.find(b"exec").expect("EXEC exists");
        let command = OwnedCommand::new(vec![b"exec".to_vec()]);
        let of_client = |client| InFlight { entry, args: command.args(), client };
        let current = || look(|command| command.map(|command| command.client));
        during(&of_client(1), || {
            assert_eq!(current(), Some(1));
            let inner = std::panic::catch_unwind(|| {
                during(&of_client(2), || {
                    assert_eq!(current(), Some(2));
                    std::panic::resume_unwind(Box::new(()));
                })
            });
            assert!(inner.is_err());
            assert_eq!(
                look(|command| command.map(|c| c.args.get(0).to_vec())),
                Some(b"exec".to_vec())
            );
            assert_eq!(current(), Some(1));
            without(|| {
                assert_eq!(current(), None);
                during(&of_client(3), || assert_eq!(current(), Some(3)));
            });
            assert_eq!(current(), Some(1));
        });
        assert_eq!(current(), None);
    }
}
