//! A `redis-server` to ask, and what to ask it with.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

/// A `redis-server` of its own, gone when dropped.
pub struct Redis {
    process: Child,
    connection: BufReader<UnixStream>,
    _directory: tempfile::TempDir,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    Text(Vec<u8>),
    Error(String),
    Integer(i64),
    Null,
    Array(Vec<Reply>),
}

impl Redis {
    /// `None`, with a note, if there is no `redis-server` or it is not 7.0.
    pub fn start() -> Option<Redis> {
        let version = Command::new("redis-server").arg("--version").output();
        let version = version.map(|output| output.stdout).unwrap_or_default();
        if !String::from_utf8_lossy(&version).contains("v=7.0.") {
            eprintln!("skipped: the answers asked for are those of Redis 7.0");
            return None;
        }
        let directory = tempfile::tempdir().expect("a temporary directory");
        let socket = directory.path().join("redis.sock");
        let mut process = Command::new("redis-server")
            .args(["--port", "0", "--save", ""])
            // Flat sorted sets lose the sign of a zero score.
            .args(["--zset-max-listpack-entries", "0", "--unixsocket"])
            .arg(&socket)
            .current_dir(directory.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server starts");
        let connection = loop {
            match UnixStream::connect(&socket) {
                Ok(connection) => break BufReader::new(connection),
                Err(error) => {
                    let ended = process.try_wait().expect("the process can be asked");
                    assert!(ended.is_none(), "redis-server ended: {ended:?}, {error}");
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
        };
        Some(Redis { process, connection, _directory: directory })
    }

    /// One reply per command.
    pub fn ask(&mut self, commands: &[Vec<Vec<u8>>]) -> Vec<Reply> {
        let mut replies = Vec::with_capacity(commands.len());
        // Small pipelines: neither side's socket buffer may fill while the other writes.
        for batch in commands.chunks(32) {
            let mut request = Vec::new();
            for command in batch {
                write!(request, "*{}\r\n", command.len()).expect("a Vec takes all");
                for argument in command {
                    write!(request, "${}\r\n", argument.len()).expect("a Vec takes all");
                    request.extend_from_slice(argument);
                    request.extend_from_slice(b"\r\n");
                }
            }
            self.connection.get_mut().write_all(&request).expect("redis-server reads");
            replies.extend(batch.iter().map(|_| read_reply(&mut self.connection)));
        }
        replies
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // Failing means that it is gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn read_reply(input: &mut impl BufRead) -> Reply {
    let mut line = String::new();
    input.read_line(&mut line).expect("a reply");
    let (kind, rest) = line.trim_end().split_at(1);
    let length = || rest.parse::<i64>().expect("an integer");
    match kind {
        "+" => Reply::Text(rest.as_bytes().to_vec()),
        "-" => Reply::Error(rest.to_owned()),
        ":" => Reply::Integer(length()),
        "$" if length() < 0 => Reply::Null,
        "$" => {
            let mut text = vec![0; length() as usize + 2];
            input.read_exact(&mut text).expect("the whole reply");
            text.truncate(text.len() - 2);
            Reply::Text(text)
        }
        "*" => Reply::Array((0..length()).map(|_| read_reply(input)).collect()),
        _ => panic!("unexpected reply {line:?}"),
    }
}

pub fn command(words: &[&[u8]]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.to_vec()).collect()
}

/// `count` values of a strategy, the same in every run.
pub fn samples<T>(strategy: impl Strategy<Value = T>, count: usize) -> Vec<T> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).expect("a value").current()).collect()
}
