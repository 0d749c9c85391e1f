//! The first line of a script: `#!lua name=... flags=...`.

use russet_resp::quoting;

/// How a script wants to be run. Without a first line that says so, it is run as before there were
/// flags: what it may do is decided command by command.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Flags {
    /// The script says what it needs; without, the other flags mean nothing.
    pub are_declared: bool,
    /// It writes nothing.
    pub no_writes: bool,
    /// It may run while memory is out.
    pub allow_oom: bool,
    /// It may run on a replica with stale data.
    pub allow_stale: bool,
    /// It cannot run in a cluster.
    pub no_cluster: bool,
    /// It may use keys of several slots.
    pub allow_cross_slot_keys: bool,
}

/// Reads the flags of a script. The source to be compiled begins at the byte that is returned: with
/// the end of the first line, so that lines keep their numbers.
///
/// # Errors
///
/// What is wrong, in Redis' words, without an error code.
pub fn read(script: &[u8]) -> Result<(Flags, usize), Vec<u8>> {
    let mut flags = Flags::default();
    if !script.starts_with(b"#!") {
        return Ok((flags, 0));
    }
    let Some(end) = script.iter().position(|&byte| byte == b'\n') else {
        return Err(b"Invalid script shebang".to_vec());
    };
    let words = quoting::split_args(&script[..end]).filter(|words| !words.is_empty());
    let Some(words) = words else {
        return Err(b"Invalid engine in script shebang".to_vec());
    };
    if words[0] != b"#!lua" {
        return Err([b"Unexpected engine in script shebang: ", &words[0][..]].concat());
    }
    flags.are_declared = true;
    for word in &words[1..] {
        let Some(list) = word.strip_prefix(b"flags=") else {
            return Err([b"Unknown lua shebang option: ", &word[..]].concat());
        };
        for flag in list.split(|&byte| byte == b',').filter(|_| !list.is_empty()) {
            let flag_set = match flag {
                b"no-writes" => &mut flags.no_writes,
                b"allow-oom" => &mut flags.allow_oom,
                b"allow-stale" => &mut flags.allow_stale,
                b"no-cluster" => &mut flags.no_cluster,
                b"allow-cross-slot-keys" => &mut flags.allow_cross_slot_keys,
                _ => return Err([b"Unexpected flag in script shebang: ", flag].concat()),
            };
            *flag_set = true;
        }
    }
    Ok((flags, end))
}
