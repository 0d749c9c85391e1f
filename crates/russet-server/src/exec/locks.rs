//! The locks of the shards of a command's keys.

use russet_keyspace::keyspace::{EntryRef, Exclusive, ShardGuard};

/// What a view holds while it lives.
pub enum Locks<'a> {
    /// Nothing: the command has no keys.
    None,
    /// The shard of all its keys.
    One(ShardGuard<'a>),
    /// The shards of its keys.
    Many(ManyLocks<'a>),
    /// Everything, behind the closed gate. Boxed, because the rest is smaller and far more common.
    All(Box<Exclusive<'a>>),
}

impl<'a> Locks<'a> {
    /// The entry of a key in a shard, expired or not.
    pub(super) fn find(
        &self,
        shard: usize,
        db: u32,
        hash: u64,
        key: &[u8],
    ) -> Option<EntryRef<'_>> {
        let guards = match self {
            Locks::None => &[],
            Locks::One(guard) => std::slice::from_ref(guard),
            Locks::Many(locks) => &locks.guards[..],
            Locks::All(exclusive) => return exclusive.find(shard, db, hash, key),
        };
        guards[place_of(guards, shard)].find(db, hash, key)
    }

    /// Whether a shard is held.
    pub(crate) fn hold(&self, shard: usize) -> bool {
        match self {
            Locks::None => false,
            Locks::One(guard) => guard.index() == shard,
            Locks::Many(locks) => {
                locks.guards.binary_search_by_key(&shard, ShardGuard::index).is_ok()
            }
            Locks::All(_) => true,
        }
    }

    /// Adds a shard that is not held yet.
    pub(super) fn add(&mut self, guard: ShardGuard<'a>) {
        let mut guards = match std::mem::replace(self, Locks::None) {
            Locks::None => return *self = Locks::One(guard),
            Locks::One(other) => vec![other],
            Locks::Many(locks) => locks.guards,
            Locks::All(_) => unreachable!("everything is held already"),
        };
        let at = guards.partition_point(|other| other.index() < guard.index());
        guards.insert(at, guard);
        *self = Locks::Many(ManyLocks::new(guards));
    }

    #[inline(always)] // the way of every command to its key
    pub(crate) fn shard(&mut self, index: usize) -> &mut ShardGuard<'a> {
        match self {
            Locks::One(guard) => {
                assert_eq!(guard.index(), index, "a command touches the keys it declares");
                guard
            }
            others => others.shard_of_many(index),
        }
    }

    #[inline(never)]
    fn shard_of_many(&mut self, index: usize) -> &mut ShardGuard<'a> {
        match self {
            Locks::Many(locks) => locks.shard(index),
            Locks::All(exclusive) => exclusive.shard(index),
            Locks::One(_) | Locks::None => unreachable!("a command without keys touches none"),
        }
    }
}

/// The shards of several keys.
pub struct ManyLocks<'a> {
    /// Ascending.
    guards: Vec<ShardGuard<'a>>,
    /// The one used last: a command does several things with a key before it goes on to the next.
    last: usize,
}

impl<'a> ManyLocks<'a> {
    /// Shards in ascending order, at least one.
    pub fn new(guards: Vec<ShardGuard<'a>>) -> Self {
        ManyLocks { guards, last: 0 }
    }

    /// Their numbers, ascending.
    pub(super) fn shards(&self) -> impl Iterator<Item = usize> {
        self.guards.iter().map(ShardGuard::index)
    }

    #[inline]
    fn shard(&mut self, index: usize) -> &mut ShardGuard<'a> {
        if self.guards[self.last].index() != index {
            self.last = place_of(&self.guards, index);
        }
        &mut self.guards[self.last]
    }
}

fn place_of(guards: &[ShardGuard<'_>], shard: usize) -> usize {
    guards
        .binary_search_by_key(&shard, ShardGuard::index)
        .expect("a command touches the keys it declares")
}
