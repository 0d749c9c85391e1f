//! A client that adds nothing: bytes out, replies in.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use russet_resp::decode::Decoder;

use crate::Reply;

/// How long a reply may take before the test is taken to hang.
///
/// Far above anything a healthy server needs, so that a slow machine does not fail a test.
const PATIENCE: Duration = Duration::from_secs(60);

/// One connection to a server.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    decoder: Decoder,
}

impl Client {
    /// Connect to `address`.
    ///
    /// # Errors
    ///
    /// Those of connecting.
    pub fn connect(address: SocketAddr) -> io::Result<Client> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Client { stream, decoder: Decoder::default() })
    }

    /// Send one command and read one reply.
    ///
    /// # Panics
    ///
    /// When the connection breaks or the reply is not RESP: tests that expect this use
    /// [`try_command`](Self::try_command).
    pub fn command<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> Reply {
        self.try_command(arguments).unwrap_or_else(|error| {
            let shown: Vec<_> =
                arguments.iter().map(|a| String::from_utf8_lossy(a.as_ref())).collect();
            panic!("{shown:?}: {error}")
        })
    }

    /// Send one command and read one reply.
    ///
    /// # Errors
    ///
    /// Those of the socket, `UnexpectedEof` when the server closed, `InvalidData` for what is not
    /// RESP.
    pub fn try_command<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> io::Result<Reply> {
        self.send(&encode(arguments))?;
        self.receive()
    }

    /// Send a command written as words: `client.run("SET k v")`.
    ///
    /// # Panics
    ///
    /// As [`command`](Self::command).
    pub fn run(&mut self, words: &str) -> Reply {
        self.command(&words.split_ascii_whitespace().collect::<Vec<_>>())
    }

    /// Send bytes as they are.
    ///
    /// # Errors
    ///
    /// Those of the socket.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Read the next reply (or RESP3 push).
    ///
    /// # Errors
    ///
    /// As [`try_command`](Self::try_command).
    pub fn receive(&mut self) -> io::Result<Reply> {
        let mut bytes = [0; 16 * 1024];
        loop {
            let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
            if let Some(reply) = self.decoder.decode().map_err(invalid)? {
                return Ok(reply);
            }
            match self.stream.read(&mut bytes)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => self.decoder.feed(&bytes[..count]),
            }
        }
    }

    /// Announce that nothing more will be sent, and read all that still comes until the server
    /// closes.
    ///
    /// # Errors
    ///
    /// Those of the socket. A reset counts as the end: a server that closes while input is unread
    /// causes one.
    pub fn finish(mut self) -> io::Result<Vec<u8>> {
        // The server may have closed already, which is what the caller is about to find out.
        let _ = self.stream.shutdown(Shutdown::Write);
        self.read_to_end()
    }

    /// Read all that comes until the server closes.
    ///
    /// # Errors
    ///
    /// As [`finish`](Self::finish).
    ///
    /// # Panics
    ///
    /// When a part of what comes has already been read by [`receive`](Self::receive).
    pub fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        assert!(self.decoder.is_drained(), "replies are left that have not been received");
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => Ok(rest),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(rest),
            Err(error) => Err(error),
        }
    }

    /// The socket below, for tests of timeouts and buffers.
    pub fn socket(&self) -> &TcpStream {
        &self.stream
    }
}

/// A command as clients send it: an array of bulk strings.
pub fn encode<A: AsRef<[u8]>>(arguments: &[A]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", arguments.len()).into_bytes();
    for argument in arguments {
        let argument = argument.as_ref();
        bytes.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        bytes.extend_from_slice(argument);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}
