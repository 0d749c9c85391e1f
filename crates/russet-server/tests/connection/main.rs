//! Connections from outside: who may ask, what a client is told and when it is closed, what it may
//! cost, and transactions.

mod authentication;
mod clients;
mod cost;
mod limits;
mod monitor;
mod pause;
mod pipelines;
mod transactions;

use russet_e2e::{Client, Reply, Server, text};

/// A server with `arguments`.
fn server(arguments: &[&str]) -> Server {
    Server::russet(env!("CARGO_BIN_EXE_russet-server"), arguments)
}

/// Several connections, which the server spreads over its workers.
fn clients<const N: usize>(server: &Server) -> [Client; N] {
    std::array::from_fn(|_| server.client())
}

fn ok() -> Reply {
    status("OK")
}

fn status(text: &str) -> Reply {
    Reply::Status(text.into())
}

/// The error text of a reply.
fn error(reply: &Reply) -> String {
    assert!(reply.is_error(), "{reply:?} is no error");
    text(reply)
}

/// A field of a line of CLIENT LIST.
fn field<'a>(line: &'a str, name: &str) -> &'a str {
    let mut fields = line.split(' ').filter_map(|field| field.split_once('='));
    let found = fields.find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("no {name} in {line:?}")).1.trim_end()
}

/// The line of CLIENT LIST about a client, if it is there.
fn line_of(asking: &mut Client, id: i64) -> Option<String> {
    let list = text(&asking.run("CLIENT LIST"));
    list.lines().find(|line| field(line, "id") == id.to_string()).map(str::to_owned)
}

fn id_of(client: &mut Client) -> i64 {
    client.run("CLIENT ID").integer().expect("CLIENT ID is a number")
}

/// Asks again and again until the answer is right.
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = std::time::Instant::now();
    while !is_so() {
        assert!(began.elapsed().as_secs() < 60, "{what} has not come true");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}
