//! AUTH and HELLO.
//!
//! There is one user, `default`, whose password is `requirepass`. Without one, everybody is that
//! user from the start.

use russet_data::number::parse_i64;
use russet_resp::Protocol;

use super::NEEDS_NO_AUTH;
use super::client::client_name;
use crate::client::DEFAULT_USER;
use crate::command::{Categories, Command, Group};
use crate::error::Error;
use crate::exec::Ctx;

pub const AUTH: Command = Command {
    group: Group::Connection,
    categories: Categories::CONNECTION,
    summary: "Proves who the client is.",
    complexity: "O(N) where N is the number of passwords defined for the user",
    syntax: "[username] password",
    history: &[("6.0.0", "Takes a user name too.")],
    ..Command::new("auth", -2, NEEDS_NO_AUTH, auth)
};

fn auth(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    match ctx.args.len() {
        2 if ctx.config().requirepass.is_none() => {
            return Err(Error::new(
                "ERR AUTH <password> called without any password configured for the default \
                 user. Are you sure your configuration is correct?",
            ));
        }
        2 => authenticate(ctx, DEFAULT_USER, ctx.args.get(1))?,
        3 => authenticate(ctx, ctx.args.get(1), ctx.args.get(2))?,
        _ => return Err(Error::SYNTAX),
    }
    ctx.out.ok();
    Ok(())
}

/// Lets the client act as `user` if the password is right.
fn authenticate(ctx: &mut Ctx<'_>, user: &[u8], password: &[u8]) -> Result<(), Error> {
    let right = match &ctx.config().requirepass {
        Some(required) => is_same_secret(password, required),
        None => true,
    };
    // The password is looked at for an unknown user as well, so that the time taken does not tell
    // which of the two was wrong.
    if !right || user != DEFAULT_USER {
        return Err(Error::WRONG_PASSWORD);
    }
    ctx.client.authenticated = true;
    Ok(())
}

/// Compares two secrets in a time that depends on the length of `given` alone, which its sender
/// knows anyway: where they differ must not be told by how long it took to find out.
fn is_same_secret(given: &[u8], secret: &[u8]) -> bool {
    let mut difference = given.len() ^ secret.len();
    let mut expected = secret.iter().cycle();
    for byte in given {
        let expected = expected.next().copied().unwrap_or_default();
        difference |= usize::from(std::hint::black_box(byte ^ expected));
    }
    difference == 0
}

pub const HELLO: Command = Command {
    group: Group::Connection,
    categories: Categories::CONNECTION,
    since: "6.0.0",
    summary: "Chooses the protocol, and answers with what a client wants to know of the server.",
    syntax: "[arguments(protover:integer [AUTH username_password(username password)] \
             [SETNAME clientname])]",
    history: &[("6.2.0", "`protover` is optional: without it nothing is changed.")],
    ..Command::new("hello", -1, NEEDS_NO_AUTH, hello)
};

fn hello(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let protocol = if ctx.args.len() > 1 { Some(protocol(ctx.args.get(1))?) } else { None };
    let mut at = 2;
    while at < ctx.args.len() {
        let more = ctx.args.len() - 1 - at;
        if ctx.is(at, "AUTH") && more >= 2 {
            authenticate(ctx, ctx.args.get(at + 1), ctx.args.get(at + 2))?;
            at += 3;
        } else if ctx.is(at, "SETNAME") && more >= 1 {
            let name = client_name(ctx.args.get(at + 1))?.to_vec();
            ctx.client.info.identity.lock().name = name;
            at += 2;
        } else {
            let option = ctx.args.get(at);
            return Err(Error::quoting("ERR Syntax error in HELLO option '{}'", &[option]));
        }
    }
    if ctx.client.must_authenticate(ctx.config()) {
        return Err(Error::new(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the \
             HELLO AUTH <user> <pass> option can be used to authenticate the client and select \
             the RESP protocol version at the same time",
        ));
    }
    if let Some(protocol) = protocol {
        ctx.client.speak(protocol);
        ctx.out.set_protocol(protocol);
    }
    greet(ctx);
    Ok(())
}

fn protocol(version: &[u8]) -> Result<Protocol, Error> {
    match parse_i64(version) {
        Some(2) => Ok(Protocol::Resp2),
        Some(3) => Ok(Protocol::Resp3),
        Some(_) => Err(Error::new("NOPROTO unsupported protocol version")),
        None => Err(Error::new("ERR Protocol version is not an integer or out of range")),
    }
}

fn greet(ctx: &mut Ctx<'_>) {
    let version = ctx.config().compatibility.redis_version();
    let id = ctx.client.info.id;
    let out = &mut ctx.out;
    let protocol = match out.protocol() {
        Protocol::Resp2 => 2,
        Protocol::Resp3 => 3,
    };
    out.map(7);
    for (field, value) in [("server", "redis"), ("version", version)] {
        out.bulk(field.as_bytes());
        out.bulk(value.as_bytes());
    }
    out.bulk(b"proto");
    out.integer(protocol);
    out.bulk(b"id");
    out.integer(id as i64);
    for (field, value) in [("mode", "standalone"), ("role", "master")] {
        out.bulk(field.as_bytes());
        out.bulk(value.as_bytes());
    }
    out.bulk(b"modules");
    out.empty_array();
}

#[cfg(test)]
mod tests {
    use super::is_same_secret;

    #[test]
    fn secrets_are_the_same_byte_for_byte() {
        assert!(is_same_secret(b"", b"") && is_same_secret(b"a\0b", b"a\0b"));
        for wrong in [&b""[..], b"a", b"ab", b"abcabc", b"abd", b"Abc"] {
            assert!(!is_same_secret(wrong, b"abc"), "{wrong:?}");
            assert!(!is_same_secret(b"abc", wrong), "{wrong:?}");
        }
    }
}
