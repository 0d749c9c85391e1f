//! Running a stream against two servers, and making a failing one short.

use std::fmt;
use std::io;
use std::thread;
use std::time::Duration;

use russet_e2e::client::encode;
use russet_e2e::{Client, Reply, Server};

use crate::compare::{how, same, same_elements, same_exec};
use crate::step::{Line, Step};

/// Long-lived connections that a stream's commands are spread over.
pub const CONNECTIONS: usize = 3;
/// How many times a failing stream is run again to make it shorter.
const SHRINK_RUNS: usize = 400;
/// Added to the time a step waits, so that both servers' clocks are past it.
const WAIT_MARGIN: Duration = Duration::from_millis(40);

/// What one server did with a step: a reply, the elements of an iteration, raw bytes, or the end of
/// the connection.
#[derive(PartialEq, Eq, Debug)]
enum Outcome {
    Reply(Reply),
    Elements(Result<Vec<Vec<u8>>, Reply>),
    Bytes(Bytes),
    Closed,
    Done,
}

#[derive(PartialEq, Eq)]
struct Bytes(Vec<u8>);

impl fmt::Debug for Bytes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "b\"{}\"", self.0[..self.0.len().min(2_000)].escape_ascii())
    }
}

/// The step on which two servers differed, and the steps that lead there.
pub struct Mismatch {
    pub steps: Vec<Step>,
    ours: Outcome,
    theirs: Outcome,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            writeln!(out, "    {step:?}")?;
        }
        writeln!(out, "  one:   {:?}\n  other: {:?}", self.ours, self.theirs)
    }
}

/// One server with the connections that a stream uses.
struct Side<'a> {
    server: &'a Server,
    password: Option<&'a str>,
    connections: Vec<Client>,
}

impl<'a> Side<'a> {
    /// Connections to a server emptied of keys and with default settings.
    fn fresh(server: &'a Server, password: Option<&'a str>, reset: &[Line]) -> Side<'a> {
        let mut client = connect(server, password);
        for line in reset {
            let reply = client.command(&line.0);
            assert!(!reply.is_error(), "{line:?}: {reply:?}");
        }
        let connections = (0..CONNECTIONS).map(|_| connect(server, password)).collect();
        Side { server, password, connections }
    }

    fn take(&mut self, step: &Step) -> Outcome {
        match step {
            Step::Command { connection, line } => self.reply(*connection, line),
            Step::Iteration { connection, options } => self.iterate(*connection, options),
            Step::Bytes(pieces) => {
                let mut client = self.server.client();
                for piece in pieces {
                    // The server may close at any byte; what it said is read below.
                    if client.send(piece).is_err() {
                        break;
                    }
                }
                let bytes = client.finish().unwrap_or_else(|e| format!("{e}").into_bytes());
                Outcome::Bytes(Bytes(bytes))
            }
            Step::Wait(time) => {
                thread::sleep(*time + WAIT_MARGIN);
                Outcome::Done
            }
        }
    }

    fn reply(&mut self, connection: usize, line: &Line) -> Outcome {
        match self.connections[connection].try_command(&line.0) {
            Ok(reply) => Outcome::Reply(reply),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => panic!("{line:?}: {error}"),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                panic!("{line:?}: no reply in time; log:\n{}", self.server.log())
            }
            Err(_) => {
                self.connections[connection] = connect(self.server, self.password);
                Outcome::Closed
            }
        }
    }

    fn iterate(&mut self, connection: usize, options: &Line) -> Outcome {
        let mut elements = Vec::new();
        let mut cursor = b"0".to_vec();
        loop {
            let mut line = Line::new("SCAN").with(cursor);
            line.0.extend(options.0.iter().cloned());
            let reply = match self.reply(connection, &line) {
                Outcome::Reply(reply) => reply,
                other => return other,
            };
            let Reply::Array(parts) = &reply else { return Outcome::Elements(Err(reply)) };
            elements
                .extend(parts[1].elements().iter().filter_map(|e| e.bytes()).map(<[u8]>::to_vec));
            cursor = parts[0].bytes().unwrap_or_default().to_vec();
            if cursor == b"0" {
                return Outcome::Elements(Ok(elements));
            }
        }
    }
}

fn connect(server: &Server, password: Option<&str>) -> Client {
    let mut client = server.client();
    if let Some(password) = password {
        client.command(&["AUTH", password]);
    }
    client
}

/// Two servers and what prepares them for a stream.
pub struct Pair<'a> {
    pub ours: &'a Server,
    pub theirs: &'a Server,
    /// What the long-lived connections authenticate with.
    pub password: Option<&'a str>,
    /// Sent before every stream, to undo what the last one has left.
    pub reset: Vec<Line>,
}

impl Pair<'_> {
    /// Run the steps until the servers differ.
    pub fn run(&self, steps: &[Step]) -> Option<Mismatch> {
        let mut ours = Side::fresh(self.ours, self.password, &self.reset);
        let mut theirs = Side::fresh(self.theirs, self.password, &self.reset);
        let mut queued: Vec<Vec<Line>> = vec![Vec::new(); CONNECTIONS];
        for (index, step) in steps.iter().enumerate() {
            let (a, b) = (ours.take(step), theirs.take(step));
            if !agree(step, &a, &b, &mut queued) {
                return Some(Mismatch { steps: steps[..=index].to_vec(), ours: a, theirs: b });
            }
        }
        None
    }

    /// Run the steps; when the servers differ, leave out what is not needed to make them differ.
    pub fn run_and_shrink(&self, steps: &[Step]) -> Option<Mismatch> {
        let mut best = self.run(steps)?;
        let mut runs = 0;
        let mut chunk = best.steps.len() / 2;
        while chunk > 0 && runs < SHRINK_RUNS {
            let mut start = 0;
            // The last step is where they differ: it stays.
            while start + 1 < best.steps.len() && runs < SHRINK_RUNS {
                let end = (start + chunk).min(best.steps.len() - 1);
                let mut fewer = best.steps.clone();
                fewer.drain(start..end);
                runs += 1;
                match self.run(&fewer) {
                    Some(shorter) if shorter.steps.len() < best.steps.len() => best = shorter,
                    _ => start += chunk,
                }
            }
            chunk /= 2;
        }
        Some(best)
    }
}

/// Whether both servers did the same with `step`. `queued` holds, per connection, the commands that
/// wait for EXEC.
fn agree(step: &Step, ours: &Outcome, theirs: &Outcome, queued: &mut [Vec<Line>]) -> bool {
    match (step, ours, theirs) {
        (Step::Command { connection, line }, Outcome::Reply(a), Outcome::Reply(b)) => {
            let queue = &mut queued[*connection];
            if line.begins_with("EXEC") {
                return same_exec(&std::mem::take(queue), a, b);
            }
            if *b == queued_status() {
                queue.push(line.clone());
            } else if ["MULTI", "DISCARD", "RESET"].iter().any(|name| line.begins_with(name)) {
                // MULTI within MULTI is an error that changes nothing.
                if !b.is_error() {
                    queue.clear();
                }
            }
            same(how(line), a, b)
        }
        (
            Step::Iteration { connection, options },
            Outcome::Elements(Err(a)),
            Outcome::Elements(Err(b)),
        ) => {
            if *b == queued_status() {
                let mut line = Line::new("SCAN 0");
                line.0.extend(options.0.iter().cloned());
                queued[*connection].push(line);
            }
            a == b
        }
        (Step::Command { connection, .. }, Outcome::Closed, Outcome::Closed) => {
            queued[*connection].clear();
            true
        }
        (_, Outcome::Elements(Ok(a)), Outcome::Elements(Ok(b))) => same_elements(a, b),
        _ => ours == theirs,
    }
}

fn queued_status() -> Reply {
    Reply::Status(b"QUEUED".to_vec())
}

/// The bytes that a client would send for these lines, one after another.
pub fn pipeline(lines: &[Line]) -> Vec<u8> {
    lines.iter().flat_map(|line| encode(&line.0)).collect()
}
