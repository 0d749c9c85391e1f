//! Scripts as clients meet them: slow ones, and what goes on meanwhile.

mod effects;
mod ends;
mod slow;
mod undeclared;

use russet_e2e::{Client, Reply, Server, encode, text};

/// A script that ends only when it is told to.
const ENDLESS: &str = "while true do end";

/// Runs a check against servers with one worker and with several.
fn with_workers(check: impl Fn(&Server)) {
    for workers in ["1", "4"] {
        let arguments = ["--worker-threads", workers, "--busy-reply-threshold", "20"];
        check(&Server::russet(env!("CARGO_BIN_EXE_russet-server"), &arguments));
    }
}

/// Sends a command without waiting for its reply.
fn send<A: AsRef<[u8]>>(client: &mut Client, arguments: &[A]) {
    client.send(&encode(arguments)).expect("it is open");
}

fn received(client: &mut Client) -> String {
    text(&client.receive().expect("a reply"))
}

/// Has a client begin a script, and returns when a command that has to wait for it is told that it is
/// slow.
fn begin(client: &mut Client, script: &[&str], asking: &mut Client, waiting: &str) {
    send(client, script);
    eventually("the script is slow", || text(&asking.run(waiting)).contains("BUSY"));
}

/// The name of a key that no slow script is in the way of. One may be of keys that it does not use, by
/// chance, since it locks shards.
fn free_key(asking: &mut Client, name: &str) -> String {
    let names = (0..).map(|number| format!("{name}:{number}"));
    let free = names.take(10).find(|name| !is_busy(&asking.run(&format!("TYPE {name}"))));
    free.expect("few keys share a shard")
}

fn is_busy(reply: &Reply) -> bool {
    matches!(reply, Reply::Error(line) if line.starts_with(b"BUSY "))
}

/// Asks again and again until the answer is right.
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = std::time::Instant::now();
    while !is_so() {
        assert!(began.elapsed().as_secs() < 60, "{what}: has not come true");
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}
