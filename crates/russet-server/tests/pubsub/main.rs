//! Pub/Sub and keyspace events from outside, over several workers.

mod events;
mod order;
mod subscribers;

use russet_e2e::{Client, Reply, Server};

fn four_workers(arguments: &[&str]) -> Server {
    let workers = ["--worker-threads", "4"];
    Server::russet(env!("CARGO_BIN_EXE_russet-server"), &[&workers, arguments].concat())
}

/// Several connections, which the server spreads over its workers.
fn clients<const N: usize>(server: &Server) -> [Client; N] {
    std::array::from_fn(|_| server.client())
}

/// The words of a message, numbers included.
fn words(reply: &Reply) -> Vec<String> {
    let elements = match reply {
        Reply::Push(elements) | Reply::Array(elements) => elements,
        other => panic!("{other:?} is no message"),
    };
    let word = |element: &Reply| match element {
        Reply::Integer(number) => number.to_string(),
        Reply::NullBulk | Reply::Null => "nil".to_owned(),
        other => russet_e2e::text(other),
    };
    elements.iter().map(word).collect()
}

/// The words of the next message that a client gets.
fn next(client: &mut Client) -> Vec<String> {
    words(&client.receive().expect("a message"))
}
