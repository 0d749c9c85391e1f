//! What WAITAOF waits for.

use russet_resp::{Protocol, ReplyWriter};

use super::AppendLog;

/// That a client's writes are durable: here, and on so many replicas.
#[derive(Clone, Copy, Debug)]
pub struct AwaitedLog {
    /// Up to where its writes reach in the log.
    pub offset: u64,
    /// Whether they are to be durable here.
    pub local: bool,
    /// On how many replicas, of which there are none yet.
    pub replicas: u64,
}

impl AwaitedLog {
    /// What the client is told when it does not have to wait any longer; `None` if it has to.
    pub fn answer(&self, log: Option<&AppendLog>, protocol: Protocol) -> Option<Vec<u8>> {
        let mut reply = Vec::new();
        let mut out = ReplyWriter::new(&mut reply, protocol);
        if self.local && log.is_none() {
            out.error(DISABLED);
        } else if self.replicas == 0 && (!self.local || self.is_durable(log)) {
            self.reply(log, &mut out);
        } else {
            return None;
        }
        Some(reply)
    }

    /// How far things have got.
    pub fn reply(&self, log: Option<&AppendLog>, out: &mut ReplyWriter<'_>) {
        out.array(2);
        out.integer(self.is_durable(log).into());
        out.integer(0);
    }

    fn is_durable(&self, log: Option<&AppendLog>) -> bool {
        log.is_some_and(|log| log.is_durable(self.offset))
    }
}

/// Why nobody waits for a log that is not there.
pub const DISABLED: &str =
    "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.";
