//! How many clients of each worker are subscribed to a name.
//!
//! Read by every PUBLISH, written by SUBSCRIBE and its relatives. The names are spread over stripes
//! with a lock each, which is held for one look-up or one change; whoever finds that there are no
//! names at all takes none.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::RwLock;
use russet_data::glob::{Case, matches};
use smallvec::SmallVec;

/// Enough that workers seldom meet.
const STRIPES: usize = 64;

/// The workers that serve subscribers, with how many each of them does.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Audience(SmallVec<[(u32, u32); 4]>);

impl Audience {
    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many subscribers there are.
    pub fn subscribers(&self) -> u64 {
        self.0.iter().map(|(_, subscribers)| u64::from(*subscribers)).sum()
    }

    /// The workers, each once.
    pub fn workers(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|(worker, _)| *worker as usize)
    }

    /// Adds the subscribers of another audience.
    pub fn extend(&mut self, others: &Audience) {
        for (worker, subscribers) in &others.0 {
            self.add(*worker, *subscribers);
        }
    }

    fn add(&mut self, worker: u32, more: u32) {
        match self.0.iter_mut().find(|(known, _)| *known == worker) {
            Some((_, subscribers)) => *subscribers += more,
            None => self.0.push((worker, more)),
        }
    }

    fn remove_one(&mut self, worker: u32) {
        let at = self.0.iter().position(|(known, _)| *known == worker);
        let at = at.expect("who unsubscribes was subscribed");
        self.0[at].1 -= 1;
        if self.0[at].1 == 0 {
            self.0.swap_remove(at);
        }
    }
}

type Stripe = RwLock<HashMap<Box<[u8]>, Audience>>;

/// The audiences of all names of one kind. See the module's documentation.
pub struct Audiences {
    stripes: Box<[Stripe]>,
    hasher: RandomState,
    names: AtomicUsize,
}

impl Default for Audiences {
    fn default() -> Self {
        Audiences {
            stripes: (0..STRIPES).map(|_| Stripe::default()).collect(),
            hasher: RandomState::new(),
            names: AtomicUsize::new(0),
        }
    }
}

impl Audiences {
    fn stripe(&self, name: &[u8]) -> &Stripe {
        &self.stripes[self.hasher.hash_one(name) as usize % STRIPES]
    }

    /// Names with a subscriber.
    pub fn len(&self) -> usize {
        self.names.load(Ordering::Acquire)
    }

    /// Whether nobody is subscribed to anything.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A client of a worker is subscribed from now on.
    pub fn add(&self, name: &[u8], worker: usize) {
        let mut audiences = self.stripe(name).write();
        if !audiences.contains_key(name) {
            audiences.insert(name.into(), Audience::default());
            self.names.fetch_add(1, Ordering::AcqRel);
        }
        audiences.get_mut(name).expect("it was just added").add(worker as u32, 1);
    }

    /// A client of a worker, which was subscribed, is no more.
    pub fn remove(&self, name: &[u8], worker: usize) {
        let mut audiences = self.stripe(name).write();
        let audience = audiences.get_mut(name).expect("who unsubscribes was subscribed");
        audience.remove_one(worker as u32);
        if audience.is_empty() {
            audiences.remove(name);
            self.names.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// Who is subscribed to this very name.
    pub fn of(&self, name: &[u8]) -> Audience {
        if self.is_empty() {
            return Audience::default();
        }
        self.stripe(name).read().get(name).cloned().unwrap_or_default()
    }

    /// Shows each name that, as a pattern, matches `channel`, and its audience.
    pub fn for_each_match(&self, channel: &[u8], mut show: impl FnMut(&[u8], &Audience)) {
        self.for_each(|pattern, audience| {
            if matches(pattern, channel, Case::Sensitive) {
                show(pattern, audience);
            }
        });
    }

    /// Shows each name and its audience.
    pub fn for_each(&self, mut show: impl FnMut(&[u8], &Audience)) {
        if self.is_empty() {
            return;
        }
        for stripe in &self.stripes {
            stripe.read().iter().for_each(|(name, audience)| show(name, audience));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn audiences_agree_with_lists_of_subscribers(
            steps in prop::collection::vec((0..6_u8, 0..3_usize, any::<bool>()), 0..200)
        ) {
            let audiences = Audiences::default();
            let mut model = BTreeMap::<Vec<u8>, Vec<usize>>::new();
            for (name, worker, adds) in steps {
                let name = vec![b'a' + name];
                let subscribers = model.entry(name.clone()).or_default();
                if adds {
                    audiences.add(&name, worker);
                    subscribers.push(worker);
                } else if let Some(at) = subscribers.iter().position(|known| *known == worker) {
                    audiences.remove(&name, worker);
                    subscribers.remove(at);
                }
                model.retain(|_, subscribers| !subscribers.is_empty());
                let audience = audiences.of(&name);
                let subscribers = model.get(&name).cloned().unwrap_or_default();
                prop_assert_eq!(audience.subscribers(), subscribers.len() as u64);
                let mut workers: Vec<usize> = audience.workers().collect();
                workers.sort_unstable();
                let mut expected = subscribers;
                expected.sort_unstable();
                expected.dedup();
                prop_assert_eq!(workers, expected);
                prop_assert_eq!(audiences.len(), model.len());
            }
            let mut names = Vec::new();
            audiences.for_each(|name, _| names.push(name.to_vec()));
            names.sort_unstable();
            prop_assert_eq!(names, model.into_keys().collect::<Vec<_>>());
        }
    }
}
