//! HELP, the subcommand that every container of subcommands has.
//!
//! What it says follows from the declarations of the container's other subcommands.

use crate::command::{Command, Flags, Group};
use crate::error::Error;
use crate::exec::Ctx;

use super::server::command_docs::{Synopsis, parse};

/// The declaration of a container's HELP.
pub const fn declare(group: Group, since: &'static str) -> Command {
    Command {
        group,
        since,
        summary: "Lists the subcommands.",
        ..Command::new("help", 2, Flags::LOADING.union(Flags::STALE), help)
    }
}

/// The handler of a container: nothing gets here, because its arity asks for a subcommand and the
/// look-up for one that exists.
pub fn without_subcommand(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let name = ctx.command.command.name;
    Err(Error::new(format!("ERR wrong number of arguments for '{name}' command")))
}

/// What a subcommand says whose arity leaves open how many arguments there may be at most.
pub fn too_many_arguments(ctx: &Ctx<'_>) -> Error {
    let container = ctx.command.parent.expect("it is a subcommand").command;
    let template = format!(
        "ERR unknown subcommand or wrong number of arguments for '{{}}'. Try {} HELP.",
        container.name.to_ascii_uppercase()
    );
    Error::quoting(&template, &[ctx.args.get(1)])
}

fn help(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let container = ctx.command.parent.expect("HELP is a subcommand").command;
    let mut lines = vec![format!(
        "{} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
        container.name.to_ascii_uppercase()
    )];
    for sub in container.subcommands.iter().filter(|sub| sub.name != "help") {
        let arguments = parse(sub.syntax, sub.keys.len()).expect("a test parses every syntax");
        let name = sub.name.to_ascii_uppercase();
        lines.push(format!("{name} {}", Synopsis(&arguments)));
        lines.push(format!("    {}", sub.summary));
    }
    lines.extend(["HELP".to_owned(), "    Print this help.".to_owned()]);
    ctx.out.array(lines.len());
    lines.iter().for_each(|line| ctx.out.simple(line.trim_end()));
    Ok(())
}
