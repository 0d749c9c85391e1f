//! A client as CLIENT LIST shows it: one line of fields.

use std::fmt;
use std::sync::atomic::Ordering;

use super::{ClientFlags, ClientInfo};
use crate::command::COMMANDS;

/// Replies that wait to be sent, counted as Redis does. Here they are in one buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutputUse {
    /// Bytes that fit into the buffer of fixed size: `obl`.
    pub buffered_bytes: u64,
    /// Bytes that do not: `omem`, and what `client-output-buffer-limit` limits.
    pub listed_bytes: u64,
}

impl OutputUse {
    /// Bytes of replies that Redis keeps in a buffer of fixed size before it begins a list of blocks
    /// of that size. Limits of output concern the list alone.
    pub const BUFFER_BYTES: u64 = 16 << 10;

    /// Of this many bytes in all.
    pub fn of(unsent_bytes: u64) -> Self {
        let buffered_bytes = unsent_bytes.min(Self::BUFFER_BYTES);
        OutputUse { buffered_bytes, listed_bytes: unsent_bytes - buffered_bytes }
    }

    /// Blocks of the list: `oll`.
    pub fn blocks(self) -> u64 {
        self.listed_bytes.div_ceil(Self::BUFFER_BYTES)
    }
}

/// [`ClientInfo::line`].
pub struct ClientLine<'a> {
    client: &'a ClientInfo,
    now_ms: i64,
}

impl ClientInfo {
    /// The client as CLIENT LIST shows it at a time, without a line end.
    pub fn line(&self, now_ms: i64) -> ClientLine<'_> {
        ClientLine { client: self, now_ms }
    }
}

impl fmt::Display for ClientLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let client = self.client;
        let bytes = |number: &std::sync::atomic::AtomicU64| number.load(Ordering::Relaxed);
        let number = |number: &std::sync::atomic::AtomicU32| number.load(Ordering::Relaxed);
        let since_s = |then_ms: i64| (self.now_ms / 1000 - then_ms / 1000).max(0);
        let identity = client.identity.lock();
        let name = String::from_utf8_lossy(&identity.name);
        let unsent = bytes(&client.output_bytes);
        let output = OutputUse::of(unsent);
        let last_command =
            COMMANDS.entries.get(client.last_command.load(Ordering::Relaxed) as usize);
        write!(
            f,
            "id={} addr={} laddr={} fd={} name={name} age={} idle={} flags={} db={} ",
            client.id,
            client.transport.peer_text(),
            client.transport.local_text(),
            client.fd,
            since_s(client.created_ms),
            since_s(client.last_interaction_ms.load(Ordering::Relaxed)),
            letters(client),
            client.db.load(Ordering::Relaxed),
        )?;
        write!(
            f,
            "sub={} psub={} ssub={} multi={} qbuf={} qbuf-free={} argv-mem={} multi-mem={} ",
            number(&client.channels),
            number(&client.patterns),
            number(&client.shard_channels),
            client.multi.load(Ordering::Relaxed),
            bytes(&client.query_bytes),
            bytes(&client.query_free_bytes),
            bytes(&client.argv_bytes),
            bytes(&client.multi_bytes),
        )?;
        write!(
            f,
            "rbs={} rbp={} obl={} oll={} omem={} tot-mem={} events={} ",
            bytes(&client.reply_buffer_bytes),
            bytes(&client.reply_peak_bytes),
            output.buffered_bytes,
            output.blocks(),
            output.listed_bytes,
            client.total_bytes(),
            if unsent == 0 { "r" } else { "rw" },
        )?;
        write!(
            f,
            "cmd={} user=default redir=-1 resp={} lib-name={} lib-ver={}",
            last_command.map_or("NULL", |entry| &entry.full_name),
            if client.resp3.load(Ordering::Relaxed) { 3 } else { 2 },
            String::from_utf8_lossy(&identity.lib_name),
            String::from_utf8_lossy(&identity.lib_version),
        )
    }
}

/// One letter for each state that a client is in, in Redis' order.
fn letters(client: &ClientInfo) -> String {
    let mut flags = client.flags();
    flags.set(ClientFlags::DIRTY, client.watch_dirty.load(Ordering::Relaxed));
    let known = [
        (ClientFlags::MONITOR, 'O'),
        (ClientFlags::PUBSUB, 'P'),
        (ClientFlags::MULTI, 'x'),
        (ClientFlags::BLOCKED, 'b'),
        (ClientFlags::DIRTY, 'd'),
        (ClientFlags::CLOSE_AFTER_REPLY, 'c'),
        (ClientFlags::CLOSE_NOW, 'A'),
        (ClientFlags::UNIX, 'U'),
        (ClientFlags::NO_EVICT, 'e'),
        (ClientFlags::NO_TOUCH, 'T'),
    ];
    let letters: String =
        known.iter().filter(|(flag, _)| flags.contains(*flag)).map(|(_, letter)| *letter).collect();
    if letters.is_empty() { "N".to_owned() } else { letters }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Transport;

    #[test]
    fn a_client_is_shown_on_one_line() {
        let transport = Transport::Tcp {
            peer: ([127, 0, 0, 1], 40000).into(),
            local: ([127, 0, 0, 1], 6379).into(),
        };
        let client = ClientInfo::new(7, 0, 9, transport, 1_999);
        client.identity.lock().name = b"someone".to_vec();
        client.output_bytes.store(OutputUse::BUFFER_BYTES + 1, Ordering::Relaxed);
        let line = client.line(4_000).to_string();
        let total = client.total_bytes();
        assert_eq!(
            line,
            format!(
                "id=7 addr=127.0.0.1:40000 laddr=127.0.0.1:6379 fd=9 name=someone age=3 idle=3 \
                 flags=N db=0 sub=0 psub=0 ssub=0 multi=-1 qbuf=0 qbuf-free=0 argv-mem=0 \
                 multi-mem=0 rbs=0 rbp=0 obl=16384 oll=1 omem=1 tot-mem={total} events=rw \
                 cmd=NULL user=default redir=-1 resp=2 lib-name= lib-ver="
            )
        );
    }

    #[test]
    fn states_are_shown_as_letters_in_order() {
        let client = ClientInfo::new(1, 0, 0, Transport::Unix("s".into()), 0);
        assert_eq!(letters(&client), "U");
        client.set_flags(ClientFlags::NO_EVICT | ClientFlags::MONITOR, true);
        client.watch_dirty.store(true, Ordering::Relaxed);
        assert_eq!(letters(&client), "OdUe");
    }
}
