//! Every interleaving of a few clients that block, are served and give up: K1 to K4.
//!
//! What happens under a shard's lock is one step, as far as nobody else can see into it; what anybody
//! may do at any time, claiming a wait, comes between all others. So a step is what the code does
//! between two looks at a flag of a wait, and a lock that is held keeps others from their steps. The
//! search visits every state that can be reached. Each flaw that the invariants guard against is then
//! built in, and must be found: the model can fail.

use std::collections::HashSet;

const KEYS: usize = 2;
const WAITS: usize = 3;

/// What a client waits with: its keys, and where it moves what it gets, if it is a BLMOVE.
struct Command {
    keys: &'static [usize],
    target: Option<usize>,
}

/// BLPOP of both keys, BLPOP of one, and BLMOVE from the other one to that.
const COMMANDS: [Command; WAITS] = [
    Command { keys: &[0, 1], target: None },
    Command { keys: &[1], target: None },
    Command { keys: &[0], target: Some(1) },
];

/// What is built in wrongly.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Flaw {
    None,
    /// Whoever serves a wait does not ask whether it was the first to claim it (K1).
    ServesUnclaimed,
    /// A client that finds nothing lets the locks go before it stands in the queues (K2).
    QueuesLate,
    /// A key whose oldest wait needs another lock is not put on a list (K3).
    ForgetsReady,
    /// The youngest wait is served first (K4).
    ServesYoungest,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Actor {
    /// A client is about to send the command of this number.
    Blocks(usize),
    /// It found nothing and has not queued yet: only with a flaw.
    FoundNothing(usize),
    /// Adds an item to a key.
    Pushes {
        key: usize,
        item: u8,
    },
    /// Holds locks and serves waiters of the keys, the first of them at present.
    Serves {
        held: Vec<usize>,
        ready: Vec<usize>,
        claiming: Option<usize>,
    },
    /// A worker has the key on its list, and a second one that has to be locked with it.
    Listed {
        key: usize,
        second: usize,
    },
    Done,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    lists: [Vec<u8>; KEYS],
    queues: [Vec<usize>; KEYS],
    /// Everybody who ever queued, in the order of arrival.
    arrivals: [Vec<usize>; KEYS],
    is_locked: [bool; KEYS],
    is_over: [bool; WAITS],
    /// What clients were told; `None` that their time is over.
    answers: [Vec<Option<u8>>; WAITS],
    actors: Vec<Actor>,
}

impl State {
    fn start(actors: Vec<Actor>) -> Self {
        State {
            lists: Default::default(),
            queues: Default::default(),
            arrivals: Default::default(),
            is_locked: [false; KEYS],
            is_over: [false; WAITS],
            answers: Default::default(),
            actors,
        }
    }

    fn are_free(&self, keys: &[usize]) -> bool {
        keys.iter().all(|key| !self.is_locked[*key])
    }

    fn set_locked(&mut self, keys: &[usize], locked: bool) {
        keys.iter().for_each(|key| self.is_locked[*key] = locked);
    }

    /// Takes an item from a key for a wait, whose locks are held; returns the key that this adds to.
    fn take(&mut self, wait: usize, key: usize) -> Option<usize> {
        let item = self.lists[key].remove(0);
        self.answers[wait].push(Some(item));
        let target = COMMANDS[wait].target?;
        self.lists[target].push(item);
        Some(target)
    }

    fn queue(&mut self, wait: usize) {
        for key in COMMANDS[wait].keys {
            self.queues[*key].push(wait);
            self.arrivals[*key].push(wait);
        }
    }

    /// The states that the next step of an actor leads to: one, or none if it has to wait.
    fn step(&self, actor: usize, flaw: Flaw) -> Option<State> {
        let mut next = self.clone();
        let becomes = match &self.actors[actor] {
            Actor::Done => return None,
            Actor::Blocks(wait) => {
                let Command { keys, target } = &COMMANDS[*wait];
                let locks: Vec<usize> = keys.iter().copied().chain(*target).collect();
                if !self.are_free(&locks) {
                    return None;
                }
                match keys.iter().find(|key| !self.lists[**key].is_empty()) {
                    Some(key) => {
                        next.is_over[*wait] = true;
                        match next.take(*wait, *key) {
                            Some(added) => {
                                next.set_locked(&locks, true);
                                Actor::Serves { held: locks, ready: vec![added], claiming: None }
                            }
                            None => Actor::Done,
                        }
                    }
                    None if flaw == Flaw::QueuesLate => Actor::FoundNothing(*wait),
                    None => {
                        next.queue(*wait);
                        Actor::Done
                    }
                }
            }
            Actor::FoundNothing(wait) => {
                if !self.are_free(COMMANDS[*wait].keys) {
                    return None;
                }
                next.queue(*wait);
                Actor::Done
            }
            Actor::Pushes { key, item } => {
                if self.is_locked[*key] {
                    return None;
                }
                next.is_locked[*key] = true;
                next.lists[*key].push(*item);
                Actor::Serves { held: vec![*key], ready: vec![*key], claiming: None }
            }
            Actor::Listed { key, second } => {
                if !self.are_free(&[*key, *second]) {
                    return None;
                }
                next.set_locked(&[*key, *second], true);
                Actor::Serves { held: vec![*key, *second], ready: vec![*key], claiming: None }
            }
            Actor::Serves { held, ready, claiming } => next.serve(held, ready, *claiming, flaw),
        };
        next.actors[actor] = becomes;
        Some(next)
    }

    /// A step of serving.
    fn serve(
        &mut self,
        held: &[usize],
        ready: &[usize],
        claiming: Option<usize>,
        flaw: Flaw,
    ) -> Actor {
        let goes_on =
            |ready: Vec<usize>, claiming| Actor::Serves { held: held.to_vec(), ready, claiming };
        let Some((&key, others)) = ready.split_first() else {
            self.set_locked(held, false);
            return Actor::Done;
        };
        if let Some(wait) = claiming {
            let mut ready = ready.to_vec();
            let was_over = std::mem::replace(&mut self.is_over[wait], true);
            if !was_over || flaw == Flaw::ServesUnclaimed {
                let mut before = self.arrivals[key].iter().take_while(|other| **other != wait);
                let are_over = before.all(|other| self.is_over[*other]);
                assert!(are_over, "K4: somebody has waited longer");
                ready.extend(self.take(wait, key));
            }
            return goes_on(ready, None);
        }
        let queue = &mut self.queues[key];
        let front = if flaw == Flaw::ServesYoungest { queue.len().saturating_sub(1) } else { 0 };
        let Some(&wait) = queue.get(front) else { return goes_on(others.to_vec(), None) };
        if self.is_over[wait] {
            queue.remove(front);
            return goes_on(ready.to_vec(), None);
        }
        if self.lists[key].is_empty() {
            return goes_on(others.to_vec(), None);
        }
        if let Some(second) = COMMANDS[wait].target.filter(|second| !held.contains(second)) {
            // What is held is only this key: whoever serves others holds all there are.
            assert!(others.is_empty());
            self.set_locked(held, false);
            return match flaw {
                Flaw::ForgetsReady => Actor::Done,
                _ => Actor::Listed { key, second },
            };
        }
        queue.remove(front);
        goes_on(ready.to_vec(), Some(wait))
    }

    /// What may happen besides at any time: a client gives up, a worker takes a wait that is over out of
    /// a queue.
    fn asides(&self) -> Vec<State> {
        let mut all = Vec::new();
        for wait in 0..WAITS {
            let has_queued = self.arrivals.iter().any(|arrivals| arrivals.contains(&wait));
            if has_queued && !self.is_over[wait] {
                let mut next = self.clone();
                next.is_over[wait] = true;
                next.answers[wait].push(None);
                all.push(next);
            }
            for key in (0..KEYS).filter(|key| self.is_over[wait] && !self.is_locked[*key]) {
                if let Some(at) = self.queues[key].iter().position(|other| *other == wait) {
                    let mut next = self.clone();
                    next.queues[key].remove(at);
                    all.push(next);
                }
            }
        }
        all
    }

    fn check(&self) {
        for answers in &self.answers {
            assert!(answers.len() <= 1, "K1: answered twice");
        }
        // Each item is in one list, or was popped once.
        let popped = (0..WAITS).filter(|wait| COMMANDS[*wait].target.is_none());
        let popped = popped.flat_map(|wait| self.answers[wait].iter().flatten());
        let mut items: Vec<u8> = self.lists.iter().flatten().chain(popped).copied().collect();
        items.sort_unstable();
        let count = items.len();
        items.dedup();
        assert_eq!(items.len(), count, "K1: an item went to two");
        for key in (0..KEYS).filter(|key| !self.is_locked[*key]) {
            let is_awaited = self.queues[key].iter().any(|wait| !self.is_over[*wait]);
            let is_listed = |actor: &Actor| matches!(actor, Actor::Listed { key: listed, .. } if *listed == key);
            assert!(
                self.lists[key].is_empty() || !is_awaited || self.actors.iter().any(is_listed),
                "K2, K3: somebody waits beside what it waits for"
            );
        }
    }
}

/// Visits every state, and returns how many there are.
fn explore(actors: Vec<Actor>, flaw: Flaw) -> usize {
    let pushed = actors.iter().filter(|actor| matches!(actor, Actor::Pushes { .. })).count();
    let mut seen = HashSet::new();
    let mut left = vec![State::start(actors)];
    while let Some(state) = left.pop() {
        if !seen.insert(state.clone()) {
            continue;
        }
        state.check();
        let steps: Vec<State> =
            (0..state.actors.len()).filter_map(|actor| state.step(actor, flaw)).collect();
        if steps.is_empty() {
            // Nobody is stuck, and nothing is lost.
            assert!(state.actors.iter().all(|actor| *actor == Actor::Done));
            let popped = (0..WAITS).filter(|wait| COMMANDS[*wait].target.is_none());
            let popped: usize =
                popped.map(|wait| state.answers[wait].iter().flatten().count()).sum();
            let kept: usize = state.lists.iter().map(Vec::len).sum();
            assert_eq!(popped + kept, pushed, "an item is lost");
        }
        left.extend(steps);
        left.extend(state.asides());
    }
    seen.len()
}

fn everybody() -> Vec<Actor> {
    let pushes = [(0, 1), (1, 2), (0, 3)].map(|(key, item)| Actor::Pushes { key, item });
    (0..WAITS).map(Actor::Blocks).chain(pushes).collect()
}

#[test]
fn waits_end_once_and_items_go_to_one() {
    let states = explore(everybody(), Flaw::None);
    assert!(states > 10_000, "{states} states are not all there are");
}

#[test]
fn each_flaw_is_found() {
    let flaws = [Flaw::ServesUnclaimed, Flaw::QueuesLate, Flaw::ForgetsReady, Flaw::ServesYoungest];
    for flaw in flaws {
        let found = std::panic::catch_unwind(|| explore(everybody(), flaw));
        assert!(found.is_err(), "{flaw:?}");
    }
}
