//! The search for an order that explains a history.
//!
//! After Wing and Gong ("Testing and verifying concurrent objects", 1993), with Lowe's memory of
//! visited configurations ("Testing for linearizability", 2017). Each client's operations come in
//! its own order, so how far a search has come is one position per client, and a configuration is
//! those positions with the store's content. From there, the next operation can be any client's
//! next one that was sent before every other client's next one was answered: had it been sent later,
//! the answered one would have had to come first.

use std::collections::HashSet;
use std::fmt::Write;

use crate::history::{History, Operation};
use crate::model::Store;

/// `Ok` if some order of the operations explains all replies.
///
/// # Errors
///
/// The next operations of every client at the point where the longest explanation ends.
pub fn linearize(history: &History) -> Result<(), String> {
    let start = (vec![0; history.len()], Store::default());
    let mut visited = HashSet::new();
    let mut open = vec![start];
    let mut furthest = (0, String::new());
    while let Some((positions, store)) = open.pop() {
        if !visited.insert((positions.clone(), store.clone())) {
            continue;
        }
        let next = next_operations(history, &positions);
        if next.is_empty() {
            return Ok(());
        }
        let explained = positions.iter().sum::<usize>();
        if explained >= furthest.0 {
            furthest = (explained, describe(&store, &next));
        }
        let first_answer = next.iter().map(|(_, operation)| operation.answered_at).min();
        for (client, operation) in next {
            if Some(operation.sent_at) <= first_answer
                && let Some(store) = store.after(operation)
            {
                let mut positions = positions.clone();
                positions[client] += 1;
                open.push((positions, store));
            }
        }
    }
    Err(furthest.1)
}

fn next_operations<'a>(history: &'a History, positions: &[usize]) -> Vec<(usize, &'a Operation)> {
    history
        .iter()
        .zip(positions)
        .enumerate()
        .filter_map(|(client, (operations, &position))| Some((client, operations.get(position)?)))
        .collect()
}

fn describe(store: &Store, next: &[(usize, &Operation)]) -> String {
    let mut text = format!("With {store:?}, one of these had to come next:\n");
    let zero = next.iter().map(|(_, operation)| operation.sent_at).min();
    for (client, operation) in next {
        let since = |time| zero.map(|zero| time - zero);
        let (sent, answered) = (since(operation.sent_at), since(operation.answered_at));
        writeln!(
            text,
            "  client {client}: {:?} -> {:?}  ({sent:?} to {answered:?})",
            operation.request, operation.reply
        )
        .expect("a String takes all text");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use russet_e2e::Reply;

    use super::*;
    use crate::history::Request;

    /// An operation from `sent` to `answered`, in milliseconds.
    fn operation(zero: Instant, line: &str, reply: Reply, sent: u64, answered: u64) -> Operation {
        Operation {
            request: Request::Command(line.split(' ').map(str::to_owned).collect()),
            reply,
            sent_at: zero + Duration::from_millis(sent),
            answered_at: zero + Duration::from_millis(answered),
        }
    }

    fn ok() -> Reply {
        Reply::Status(b"OK".to_vec())
    }

    fn bulk(text: &str) -> Reply {
        Reply::Bulk(text.into())
    }

    #[test]
    fn operations_at_the_same_time_may_come_in_either_order() {
        let zero = Instant::now();
        for seen in [Reply::NullBulk, bulk("1")] {
            let history = vec![
                vec![operation(zero, "SET a 1", ok(), 0, 10)],
                vec![operation(zero, "GET a", seen, 5, 15)],
            ];
            assert!(linearize(&history).is_ok());
        }
    }

    #[test]
    fn a_read_after_the_answer_must_see_the_write() {
        let zero = Instant::now();
        let history = vec![
            vec![operation(zero, "SET a 1", ok(), 0, 10)],
            vec![operation(zero, "GET a", Reply::NullBulk, 11, 15)],
        ];
        assert!(linearize(&history).is_err());
    }

    #[test]
    fn two_increments_cannot_give_the_same_number() {
        let zero = Instant::now();
        let one = |sent| vec![operation(zero, "INCR a", Reply::Integer(1), sent, sent + 10)];
        assert!(linearize(&vec![one(0), one(5)]).is_err());
    }

    #[test]
    fn half_of_an_mset_cannot_be_seen() {
        let zero = Instant::now();
        let history = vec![
            vec![operation(zero, "MSET a 1 b 1", ok(), 0, 20)],
            vec![operation(
                zero,
                "MGET a b",
                Reply::Array(vec![bulk("1"), Reply::NullBulk]),
                5,
                15,
            )],
        ];
        assert!(linearize(&history).is_err());
    }

    #[test]
    fn reads_cannot_go_back_in_time() {
        let zero = Instant::now();
        let history = vec![
            vec![operation(zero, "SET a 1", ok(), 0, 50)],
            vec![
                operation(zero, "GET a", bulk("1"), 5, 10),
                operation(zero, "GET a", Reply::NullBulk, 11, 20),
            ],
        ];
        assert!(linearize(&history).is_err());
    }
}
