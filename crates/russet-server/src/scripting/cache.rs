//! The scripts that the server knows, by their digests.
//!
//! Those that only EVAL has brought are forgotten when there are many, the ones first that have not
//! been used for longest: applications that make up a new script for every call do not fill the
//! memory. What SCRIPT LOAD has brought stays until SCRIPT FLUSH.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use indexmap::IndexMap;
use parking_lot::RwLock;
use russet_data::relocation::Relocation;
use russet_script::sandbox::sha1_hex;
use russet_script::source::{self, Flags};

use crate::exec::Args;

/// Scripts of EVAL that are kept.
const KEPT_OF_EVAL: usize = 500;

/// A script's digest: SHA-1 in lower-case hexadecimal digits.
pub type Digest = [u8; 40];

/// The digest in an argument, in any case.
pub fn parse_digest(argument: &[u8]) -> Option<Digest> {
    Digest::try_from(argument).ok().map(|digest| digest.map(|byte| byte.to_ascii_lowercase()))
}

/// The digest of the script that a call of EVAL, EVALSHA or one of their kin names.
pub fn digest_of_call(args: Args<'_>) -> Option<Digest> {
    const BY_DIGEST: &[u8] = b"evalsha";
    if args.len() < 2 {
        return None;
    }
    let name = args.get(0);
    let is_by_digest =
        name.get(..BY_DIGEST.len()).is_some_and(|start| start.eq_ignore_ascii_case(BY_DIGEST));
    if is_by_digest { parse_digest(args.get(1)) } else { Some(sha1_hex(args.get(1))) }
}

/// A script.
pub struct Script {
    /// Its name.
    pub digest: Digest,
    /// Its source, from which [`Script::with_code`] cuts the first line where that is for the server. The
    /// lock is for defragmentation, which moves it.
    source: RwLock<Box<[u8]>>,
    code_start: usize,
    /// How it wants to be run.
    pub flags: Flags,
    /// SCRIPT LOAD has brought it.
    is_loaded: AtomicBool,
    /// The cache has forgotten it.
    is_forgotten: AtomicBool,
    /// It has once ended without having used another key than those that it declared.
    is_tried: AtomicBool,
    /// When EVAL or EVALSHA last used it, in the cache's own time.
    used_at: AtomicU64,
}

impl Script {
    /// Hands over what is to be compiled.
    pub fn with_code<R>(&self, compile: impl FnOnce(&[u8]) -> R) -> R {
        compile(&self.source.read()[self.code_start..])
    }

    /// Whether the cache has forgotten it, so that workers should too.
    pub fn is_forgotten(&self) -> bool {
        self.is_forgotten.load(Ordering::Relaxed)
    }

    /// Whether it has once ended without having used another key than those that it declared.
    pub fn is_tried(&self) -> bool {
        self.is_tried.load(Ordering::Relaxed)
    }

    fn allocated_bytes(&self) -> usize {
        size_of::<Self>() + self.source.read().len()
    }
}

/// See the module's documentation.
#[derive(Default)]
pub struct Scripts {
    /// In an order, for [`Scripts::relocate`], which any removal may change.
    known: RwLock<IndexMap<Digest, Arc<Script>>>,
    /// Bytes of all of them.
    bytes: AtomicUsize,
    /// How often all were forgotten.
    generation: AtomicU64,
    /// Counts scripts that were added: who was used since the last one has been used last. So a use
    /// that is not the first since then writes to nothing that workers share.
    time: AtomicU64,
    /// How many were forgotten to make room.
    evicted: AtomicU64,
    undeclared: RwLock<HashSet<Digest>>,
    undeclared_count: AtomicUsize,
}

/// Who brings a script.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// EVAL.
    Eval,
    /// SCRIPT LOAD.
    Load,
}

impl Scripts {
    /// A number that changes whenever all scripts are forgotten.
    #[inline]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The script of a digest.
    pub fn find(&self, digest: &Digest) -> Option<Arc<Script>> {
        self.known.read().get(digest).cloned()
    }

    /// Notes that a script is used.
    #[inline]
    pub fn note_use(&self, script: &Script) {
        let now = self.time.load(Ordering::Relaxed);
        if script.used_at.load(Ordering::Relaxed) != now {
            script.used_at.store(now, Ordering::Relaxed);
        }
    }

    /// A script from its source, known from now on if it was not before. `check` is asked whether a
    /// new one is fit to be known.
    ///
    /// # Errors
    ///
    /// What is wrong with it, without an error code.
    pub fn add(
        &self,
        digest: Digest,
        script: &[u8],
        origin: Origin,
        check: impl FnOnce(&Arc<Script>) -> Result<(), Vec<u8>>,
    ) -> Result<Arc<Script>, Vec<u8>> {
        let known = self.find(&digest);
        let script = match known {
            Some(script) => script,
            None => {
                let (flags, code_start) = source::read(script)?;
                let script = Arc::new(Script {
                    digest,
                    source: RwLock::new(script.into()),
                    code_start,
                    flags,
                    is_loaded: AtomicBool::new(origin == Origin::Load),
                    is_forgotten: AtomicBool::new(false),
                    is_tried: AtomicBool::new(false),
                    used_at: AtomicU64::new(self.time.load(Ordering::Relaxed)),
                });
                check(&script)?;
                self.insert(script)
            }
        };
        if origin == Origin::Load {
            script.is_loaded.store(true, Ordering::Relaxed);
        }
        Ok(script)
    }

    /// Adds a script, unless another worker has been quicker, and forgets the oldest if there are too
    /// many.
    fn insert(&self, script: Arc<Script>) -> Arc<Script> {
        let mut known = self.known.write();
        let bytes = script.allocated_bytes();
        let script = known.entry(script.digest).or_insert_with(|| {
            self.bytes.fetch_add(bytes, Ordering::Relaxed);
            let now = self.time.fetch_add(1, Ordering::Relaxed) + 1;
            script.used_at.store(now, Ordering::Relaxed);
            script
        });
        let script = script.clone();
        if script.is_loaded.load(Ordering::Relaxed) {
            return script;
        }
        let of_eval = || {
            let mine = known.values().filter(|it| !it.is_loaded.load(Ordering::Relaxed));
            mine.filter(|it| !Arc::ptr_eq(it, &script))
        };
        if of_eval().count() >= KEPT_OF_EVAL {
            let oldest = of_eval().min_by_key(|it| it.used_at.load(Ordering::Relaxed));
            let digest = oldest.expect("there are many").digest;
            let oldest = known.swap_remove(&digest).expect("it was just seen");
            oldest.is_forgotten.store(true, Ordering::Relaxed);
            self.bytes.fetch_sub(oldest.allocated_bytes(), Ordering::Relaxed);
            self.evicted.fetch_add(1, Ordering::Relaxed);
        }
        script
    }

    /// Forgets all scripts, and returns them to be freed.
    pub fn flush(&self) -> impl Send + use<> {
        let known = std::mem::take(&mut *self.known.write());
        self.bytes.store(0, Ordering::Relaxed);
        self.generation.fetch_add(1, Ordering::Release);
        self.undeclared.write().clear();
        self.undeclared_count.store(0, Ordering::Relaxed);
        known
    }

    /// Moves the sources of so many scripts from a place on, as far as they are to be. Returns the place
    /// where to go on, if there are more. One that another takes the place of meanwhile is left out.
    pub fn relocate(
        &self,
        first: usize,
        count: usize,
        relocation: &mut Relocation<'_>,
    ) -> Option<usize> {
        let known = self.known.read();
        let next = (first + count).min(known.len());
        for (_, script) in known.get_range(first..next)? {
            // Somebody compiles it: another time.
            if let Some(mut source) = script.source.try_write() {
                relocation.bytes(&mut source);
            }
        }
        (next < known.len()).then_some(next)
    }

    /// Remembers that a script uses keys that it does not declare.
    pub fn learn_undeclared(&self, digest: &Digest) {
        let mut undeclared = self.undeclared.write();
        undeclared.insert(*digest);
        self.undeclared_count.store(undeclared.len(), Ordering::Release);
    }

    /// Whether any script is known to use keys that it does not declare.
    #[inline]
    pub fn any_undeclared(&self) -> bool {
        self.undeclared_count.load(Ordering::Acquire) != 0
    }

    /// Whether this script is.
    pub fn is_undeclared(&self, digest: &Digest) -> bool {
        self.undeclared.read().contains(digest)
    }

    /// Remembers that a script has ended without having used another key than those that it declared.
    pub fn note_tried(&self, digest: &Digest) {
        if let Some(script) = self.known.read().get(digest) {
            script.is_tried.store(true, Ordering::Relaxed);
        }
    }

    /// Whether a call of a script is as good as sure to use the keys only that it declares: then a
    /// transaction with it need not run alone.
    pub fn is_call_keyed(&self, args: Args<'_>) -> bool {
        digest_of_call(args).is_some_and(|digest| {
            !self.is_undeclared(&digest)
                && self.known.read().get(&digest).is_some_and(|script| script.is_tried())
        })
    }

    /// Number of scripts.
    pub fn len(&self) -> usize {
        self.known.read().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that sources and their table take.
    pub fn allocated_bytes(&self) -> usize {
        let slots = self.known.read().capacity();
        self.bytes.load(Ordering::Relaxed) + slots * size_of::<(Digest, Arc<Script>)>()
    }

    /// How many scripts of EVAL were forgotten to make room.
    pub fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(number: usize) -> Digest {
        format!("{number:040x}").into_bytes().try_into().expect("40 digits")
    }

    fn add(scripts: &Scripts, number: usize, origin: Origin) -> Arc<Script> {
        let script = format!("return {number}");
        scripts.add(digest(number), script.as_bytes(), origin, |_| Ok(())).expect("it is fine")
    }

    #[test]
    fn scripts_of_eval_make_room_and_loaded_ones_stay() {
        let scripts = Scripts::default();
        add(&scripts, 0, Origin::Load);
        let first = add(&scripts, 1, Origin::Eval);
        (2..=KEPT_OF_EVAL).for_each(|number| drop(add(&scripts, number, Origin::Eval)));
        scripts.note_use(&first);
        assert_eq!((scripts.len(), scripts.evicted()), (KEPT_OF_EVAL + 1, 0));
        add(&scripts, KEPT_OF_EVAL + 1, Origin::Eval);
        assert_eq!((scripts.len(), scripts.evicted()), (KEPT_OF_EVAL + 1, 1));
        assert!(scripts.find(&digest(0)).is_some() && scripts.find(&digest(1)).is_some());
        assert!(!first.is_forgotten());
        drop(scripts.flush());
        assert!(scripts.is_empty());
        assert_eq!(scripts.generation(), 1);
    }

    #[test]
    fn sources_are_moved_a_few_at_a_time() {
        let scripts = Scripts::default();
        (0..10).for_each(|number| drop(add(&scripts, number, Origin::Load)));
        let mut is_misplaced = |_| true;
        let mut relocation = Relocation::new(&mut is_misplaced);
        assert_eq!(scripts.relocate(0, 4, &mut relocation), Some(4));
        assert_eq!(scripts.relocate(4, 4, &mut relocation), Some(8));
        assert_eq!(scripts.relocate(8, 4, &mut relocation), None);
        assert_eq!((relocation.examined, relocation.moved), (10, 10));
        let known = scripts.find(&digest(7)).expect("it was added");
        known.with_code(|code| assert_eq!(code, b"return 7"));
        drop(scripts.flush());
        assert_eq!(scripts.relocate(8, 4, &mut relocation), None);
        assert_eq!(relocation.examined, 10);
    }
}
