//! Server processes: started on a free port, waited for, ended when dropped.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::Client;

/// How long a server may take to answer its first PING.
const START_LIMIT: Duration = Duration::from_secs(30);
/// How long a server may take to end after SIGTERM.
const STOP_LIMIT: Duration = Duration::from_secs(20);
/// How often a port may turn out to be taken by someone else between asking and binding.
const START_ATTEMPTS: usize = 5;

/// A running server, its directory and its log. Dropping it ends the process.
#[derive(Debug)]
pub struct Server {
    child: Child,
    directory: TempDir,
    port: u16,
}

impl Server {
    /// Start Russet with `arguments` after the ones every test server gets.
    ///
    /// `program` is `env!("CARGO_BIN_EXE_russet-server")`; the environment variable
    /// `RUSSET_SERVER` takes its place when set, to test a binary built elsewhere.
    ///
    /// # Panics
    ///
    /// When it cannot be started, with its log.
    pub fn russet<A: AsRef<str>>(program: &str, arguments: &[A]) -> Server {
        let program = std::env::var("RUSSET_SERVER").unwrap_or_else(|_| program.to_owned());
        Server::start(Path::new(&program), arguments)
    }

    /// Start the server that Russet is compared with: Redis as Debian packages it.
    ///
    /// # Panics
    ///
    /// When it cannot be started; see [`tool_or_skip`](crate::tool_or_skip).
    pub fn oracle<A: AsRef<str>>(arguments: &[A]) -> Server {
        Server::start(Path::new("redis-server"), arguments)
    }

    /// Start `program` with an empty directory of its own, no snapshots, DEBUG allowed, a free
    /// loopback port, and then `arguments`.
    ///
    /// # Panics
    ///
    /// When it does not answer PING in time, with its log.
    pub fn start<A: AsRef<str>>(program: &Path, arguments: &[A]) -> Server {
        for _ in 0..START_ATTEMPTS {
            match Server::try_start(program, arguments) {
                Ok(server) => return server,
                Err(log) if log.contains("Address already in use") => {}
                Err(log) => panic!("{} did not start:\n{log}", program.display()),
            }
        }
        panic!("{}: no free port in {START_ATTEMPTS} attempts", program.display())
    }

    fn try_start<A: AsRef<str>>(program: &Path, arguments: &[A]) -> Result<Server, String> {
        let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
        let port = free_port().map_err(|error| error.to_string())?;
        let log = fs::File::create(directory.path().join("log")).map_err(|e| e.to_string())?;
        let errors = log.try_clone().map_err(|error| error.to_string())?;
        let child = Command::new(program)
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .args(["--enable-debug-command", "yes", "--enable-protected-configs", "yes"])
            .arg("--dir")
            .arg(directory.path())
            .args(arguments.iter().map(AsRef::as_ref))
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut server = Server { child, directory, port };
        let deadline = Instant::now() + START_LIMIT;
        loop {
            let answered = server.answers();
            // Looked at after the answer, which may have come from whoever took the port first.
            if let Ok(Some(status)) = server.child.try_wait() {
                return Err(format!("{status}\n{}", server.log()));
            }
            if answered {
                return Ok(server);
            }
            if Instant::now() > deadline {
                return Err(format!("no answer in {START_LIMIT:?}\n{}", server.log()));
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Any reply will do: a server that asks for a password is up as well.
    fn answers(&self) -> bool {
        Client::connect(self.address()).and_then(|mut c| c.try_command(&["PING"])).is_ok()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process id.
    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// The directory it was started in; gone when the server is dropped.
    pub fn directory(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    /// All that it has written to its standard output and error.
    pub fn log(&self) -> String {
        fs::read(self.directory.path().join("log"))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_else(|error| format!("(no log: {error})"))
    }

    /// A new connection.
    ///
    /// # Panics
    ///
    /// When the server does not accept it, with its log.
    pub fn client(&self) -> Client {
        Client::connect(self.address())
            .unwrap_or_else(|error| panic!("connect: {error}; log:\n{}", self.log()))
    }

    /// Resident memory of the process in bytes, from `/proc`.
    ///
    /// # Panics
    ///
    /// When the process is gone.
    pub fn resident_bytes(&self) -> u64 {
        self.memory_bytes("VmRSS:")
    }

    /// The most resident memory that the process has ever had, in bytes, from `/proc`.
    ///
    /// # Panics
    ///
    /// When the process is gone.
    pub fn peak_resident_bytes(&self) -> u64 {
        self.memory_bytes("VmHWM:")
    }

    fn memory_bytes(&self, field: &str) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(&path).expect("the server runs");
        let line = status.lines().find(|line| line.starts_with(field)).expect("Linux names it");
        let kib: u64 = line
            .split_ascii_whitespace()
            .nth(1)
            .and_then(|number| number.parse().ok())
            .expect("a number of kB");
        kib * 1024
    }

    /// Send SIGTERM and wait for the end.
    ///
    /// # Errors
    ///
    /// `TimedOut` when it does not end; it is killed then.
    pub fn terminate(&mut self) -> io::Result<ExitStatus> {
        let sent = Command::new("kill").arg(self.child.id().to_string()).status()?;
        if !sent.success() {
            return self.child.wait();
        }
        self.wait(STOP_LIMIT)
    }

    /// Wait until the process has ended by itself.
    ///
    /// # Errors
    ///
    /// `TimedOut` when it has not ended within `limit`; it is killed then.
    pub fn wait(&mut self, limit: Duration) -> io::Result<ExitStatus> {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.child.kill()?;
        self.child.wait()?;
        Err(io::ErrorKind::TimedOut.into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(Some(status)) = self.child.try_wait() {
            if !status.success() {
                eprintln!("the server had ended with {status}; its log:\n{}", self.log());
            }
            return;
        }
        // Errors here mean that it ended in between.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("log of the server on port {}:\n{}", self.port, self.log());
        }
    }
}

/// Sends a signal to a process, by its name.
///
/// # Panics
///
/// When it cannot be sent.
pub fn signal(process: u32, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &process.to_string()]).status();
    assert!(sent.expect("kill runs").success());
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Reply, text, tool_or_skip};

    #[test]
    fn a_server_is_started_asked_and_ended() {
        if !tool_or_skip("redis-server") {
            return;
        }
        let mut server = Server::oracle(&["--maxmemory", "100mb"]);
        let mut client = server.client();
        assert_eq!(client.run("SET k v"), Reply::Status(b"OK".to_vec()));
        let limit = client.run("CONFIG GET maxmemory");
        assert_eq!(limit.field(b"maxmemory").map(text), Some("104857600".to_owned()));
        assert!(server.resident_bytes() > 0);
        assert!(server.terminate().expect("it ends").success());
        assert!(client.try_command(&["PING"]).is_err());
    }

    #[test]
    #[should_panic(expected = "did not start")]
    fn a_server_that_refuses_its_arguments_is_reported() {
        if !tool_or_skip("redis-server") {
            panic!("redis-server did not start");
        }
        Server::oracle(&["--no-such-directive", "1"]);
    }
}
