//! CLIENT ID, GETNAME, SETNAME, SETINFO.

use super::COMMON;
use crate::command::{Categories, Command, Group};
use crate::error::Error;
use crate::exec::Ctx;

pub const ID: Command = Command {
    group: Group::Connection,
    categories: Categories::CONNECTION,
    since: "5.0.0",
    summary: "Returns the number of the connection, which no other ever has.",
    ..Command::new("id", 2, COMMON, id)
};

fn id(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    ctx.out.integer(ctx.client.info.id as i64);
    Ok(())
}

pub const GETNAME: Command = Command {
    group: Group::Connection,
    categories: Categories::CONNECTION,
    since: "2.6.9",
    summary: "Returns the name of the connection.",
    ..Command::new("getname", 2, COMMON, getname)
};

fn getname(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let identity = ctx.client.info.identity.lock();
    if identity.name.is_empty() {
        ctx.out.null();
    } else {
        ctx.out.bulk(&identity.name);
    }
    Ok(())
}

pub const SETNAME: Command = Command {
    group: Group::Connection,
    categories: Categories::CONNECTION,
    since: "2.6.9",
    summary: "Names the connection; an empty name takes the name away.",
    syntax: "connection-name",
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..Command::new("setname", 3, COMMON, setname)
};

fn setname(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let name = client_name(ctx.args.get(2))?.to_vec();
    ctx.client.info.identity.lock().name = name;
    ctx.out.ok();
    Ok(())
}

/// A name that a client may have.
///
/// # Errors
///
/// The client's error if CLIENT LIST could not show the name.
pub fn client_name(name: &[u8]) -> Result<&[u8], Error> {
    if is_showable(name) {
        return Ok(name);
    }
    Err(Error::new("ERR Client names cannot contain spaces, newlines or special characters."))
}

/// Whether a text can stand in a line of CLIENT LIST, whose fields are told apart by spaces.
fn is_showable(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_graphic)
}

pub const SETINFO: Command = Command {
    group: Group::Connection,
    categories: Categories::CONNECTION,
    since: "7.2.0",
    summary: "Says which library a client uses, or the version of that library.",
    syntax: "attr(LIB-NAME libname | LIB-VER libver)",
    tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
    ..Command::new("setinfo", 4, COMMON, setinfo)
};

fn setinfo(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let (attribute, value) = (ctx.args.get(2), ctx.args.get(3));
    let refuse = |text: &str| Error::quoting(text, &[attribute]);
    let is_version = match () {
        () if ctx.is(2, "LIB-NAME") => false,
        () if ctx.is(2, "LIB-VER") => true,
        () => return Err(refuse("ERR Unrecognized option '{}'")),
    };
    if !is_showable(value) {
        return Err(refuse("ERR {} cannot contain spaces, newlines or special characters."));
    }
    let mut identity = ctx.client.info.identity.lock();
    let identity = &mut *identity;
    let field = if is_version { &mut identity.lib_version } else { &mut identity.lib_name };
    *field = value.to_vec();
    ctx.out.ok();
    Ok(())
}
