//! Clients that wait in blocking commands, over several workers.

mod ends;
mod queues;
mod replies;

use russet_e2e::{Client, Reply, Server, text};

fn four_workers() -> Server {
    let arguments = ["--worker-threads", "4"];
    Server::russet(env!("CARGO_BIN_EXE_russet-server"), &arguments)
}

/// Several connections, which the server spreads over its workers.
fn clients<const N: usize>(server: &Server) -> [Client; N] {
    std::array::from_fn(|_| server.client())
}

/// Sends a command without waiting for its reply.
fn send(client: &mut Client, command: &str) {
    client.send(command.as_bytes()).expect("it is open");
    client.send(b"\r\n").expect("it is open");
}

/// Sends a command that blocks, and returns when it does, as another client sees it.
fn block(asking: &mut Client, client: &mut Client, command: &str) {
    let before = blocked(asking);
    send(client, command);
    eventually("the client waits", || blocked(asking) == before + 1);
}

/// How many clients wait.
fn blocked(asking: &mut Client) -> u64 {
    field(&text(&asking.run("INFO clients")), "blocked_clients")
}

fn field(info: &str, name: &str) -> u64 {
    let value = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {name} in {info}"))
}

fn received(client: &mut Client) -> Reply {
    client.receive().expect("a reply")
}

/// The elements of a reply, or `[]` for none.
fn words(reply: &Reply) -> Vec<String> {
    match reply {
        Reply::Array(elements) => elements.iter().map(text).collect(),
        Reply::NullArray | Reply::Null => Vec::new(),
        other => panic!("{other:?} is no array"),
    }
}

/// Asks again and again until the answer is right.
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = std::time::Instant::now();
    while !is_so() {
        assert!(began.elapsed().as_secs() < 60, "{what} has not come true");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}
