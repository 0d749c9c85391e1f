//! A connection of either kind.
//!
//! Bytes are moved by `send(2)` and `recv(2)`, which know that they are given a socket. `write(2)` and
//! `read(2)` do for it all that they do for a file, before and after, for every batch of commands.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use mio::event::Source;
use mio::{Interest, Registry, Token};
use rustix::net::{RecvFlags, SendFlags, recv, send};

/// A non-blocking TCP or unix connection.
#[derive(Debug)]
pub enum Stream {
    /// Over TCP.
    Tcp(mio::net::TcpStream),
    /// Through a unix socket.
    Unix(mio::net::UnixStream),
}

impl Stream {
    /// The descriptor's number, as CLIENT LIST shows it.
    pub fn fd(&self) -> RawFd {
        match self {
            Stream::Tcp(stream) => stream.as_raw_fd(),
            Stream::Unix(stream) => stream.as_raw_fd(),
        }
    }

    /// Receives into `buffer`.
    ///
    /// # Errors
    ///
    /// As `recv(2)`.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(recv(self, buffer, RecvFlags::empty())?.0)
    }

    /// Sends from `bytes`.
    ///
    /// # Errors
    ///
    /// As `send(2)`.
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(self, bytes, SendFlags::NOSIGNAL)?)
    }

    /// Receives behind the bytes that `buffer` holds, into the room it has.
    ///
    /// # Errors
    ///
    /// As `recv(2)`.
    pub fn append_to(&self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        Ok(recv(self, rustix::buffer::spare_capacity(buffer), RecvFlags::empty())?.0)
    }

    fn source(&mut self) -> &mut dyn Source {
        match self {
            Stream::Tcp(stream) => stream,
            Stream::Unix(stream) => stream,
        }
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Stream::Tcp(stream) => stream.as_fd(),
            Stream::Unix(stream) => stream.as_fd(),
        }
    }
}

impl Source for Stream {
    fn register(
        &mut self,
        registry: &Registry,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        self.source().register(registry, token, interest)
    }

    fn reregister(
        &mut self,
        registry: &Registry,
        token: Token,
        interest: Interest,
    ) -> io::Result<()> {
        self.source().reregister(registry, token, interest)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.source().deregister(registry)
    }
}
