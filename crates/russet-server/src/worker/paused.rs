//! Commands that have paused: each gets a slice of time in every round, until it has ended.
//!
//! Meanwhile its connection waits, as one that was set aside. If the connection is closed, the command
//! goes on all the same, because it may have changed keys; nobody is told how it ends.

use std::time::Duration;

use super::Why;
use super::connection::Deferred;
use super::event_loop::Worker;
use crate::client::Client;
use crate::exec::dispatch::{Outcome, settle_reply};
use crate::exec::fiber::{Fiber, Progress, Wish};

/// A walk that waits for a shard looks again so soon.
const RETRY: Duration = Duration::from_millis(1);

/// A command that has paused.
pub struct Paused {
    fiber: Box<Fiber>,
    wish: Wish,
    owner: Owner,
}

/// Whose command it is.
enum Owner {
    /// That of the client of this connection.
    Connection(usize),
    /// That of a client whose connection is closed.
    Nobody(Box<Client>),
}

impl Worker {
    /// How long the worker may sleep.
    pub(super) fn until_paused(&self) -> Option<Duration> {
        let wait = |paused: &Paused| match paused.wish {
            Wish::GoOn => Duration::ZERO,
            Wish::TryAgain => RETRY,
        };
        self.paused.iter().map(wait).min()
    }

    /// Puts down the command of a connection that has just paused.
    pub(super) fn keep_paused(&mut self, at: usize) {
        let (fiber, wish) = self.context.paused.take().expect("dispatch has left it there");
        self.connections[at].waits_for = Some(Why::Turn);
        self.paused.push_back(Paused { fiber, wish, owner: Owner::Connection(at) });
        self.context.under_way = self.paused.len();
    }

    /// Gives each command that has paused a slice of time. Who has been answered in this round need not
    /// wait for that.
    pub(super) fn go_on_with_paused(&mut self) {
        if !self.paused.is_empty() {
            self.read_own_mail();
            self.send_all();
        }
        for _ in 0..self.paused.len() {
            // The others stay where they are found should this one close connections.
            let Some(paused) = self.paused.pop_front() else { return };
            self.go_on_with(paused);
            self.context.under_way = self.paused.len();
        }
    }

    fn go_on_with(&mut self, mut paused: Paused) {
        let client = match &mut paused.owner {
            Owner::Connection(at) => &mut self.connections[*at].client,
            Owner::Nobody(client) => client,
        };
        match paused.fiber.go_on(&mut self.context, client) {
            Progress::Paused(wish) => {
                self.paused.push_back(Paused { wish, ..paused });
            }
            Progress::Ended(outcome) => {
                if let Owner::Connection(at) = paused.owner {
                    self.end_pause(at, &mut paused.fiber, outcome);
                }
                paused.fiber.put_away(&mut self.context);
            }
        }
        self.read_own_mail();
    }

    /// Goes on with the connection of a command that had paused and has ended.
    fn end_pause(&mut self, at: usize, fiber: &mut Fiber, outcome: Outcome) {
        self.lend_buffer(at);
        let connection = &mut *self.connections[at];
        connection.waits_for = None;
        let (entry, command) = fiber.command();
        match outcome {
            Outcome::SetAside(why) => {
                connection.deferred.push_front(Deferred::Command(Ok(entry), command));
                self.set_aside(at, why);
            }
            Outcome::Done => {
                let reply_start = connection.out.len();
                connection.out.append(fiber.reply());
                settle_reply(&mut connection.client, &mut connection.out, reply_start);
                connection.client.info.set_last_command(Some(entry));
                self.after_command(at);
                self.resume(at);
            }
            Outcome::Blocked | Outcome::Paused => unreachable!("nothing on a fiber waits for data"),
        }
    }

    /// Leaves the client of a connection that is closed to its command, if that has paused.
    pub(super) fn keep_client_of_paused(&mut self, at: usize, client: Client) {
        let is_of =
            |paused: &&mut Paused| matches!(paused.owner, Owner::Connection(of) if of == at);
        if let Some(paused) = self.paused.iter_mut().find(is_of) {
            paused.owner = Owner::Nobody(Box::new(client));
        }
    }

    /// Sees commands that have paused to their ends, when the server ends: scripts are told to stop.
    pub(super) fn end_paused(&mut self) {
        while !self.paused.is_empty() {
            self.go_on_with_paused();
        }
    }
}
