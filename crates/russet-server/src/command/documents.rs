//! `docs/commands.md` against the declarations.

use super::{COMMANDS, CommandEntry, Group};
use crate::testing::documents::assert_in_step;

/// The chapters of the document, in order, with their titles.
const CHAPTERS: &[(Group, &str)] = &[
    (Group::Generic, "Keys"),
    (Group::String, "Strings"),
    (Group::Bitmap, "Bits"),
    (Group::List, "Lists"),
    (Group::Hash, "Hashes"),
    (Group::Set, "Sets"),
    (Group::SortedSet, "Sorted sets"),
    (Group::HyperLogLog, "HyperLogLog"),
    (Group::Geo, "Geo"),
    (Group::Stream, "Streams"),
    (Group::PubSub, "Pub/Sub"),
    (Group::Transactions, "Transactions"),
    (Group::Scripting, "Scripts and functions"),
    (Group::Connection, "Connections"),
    (Group::Cluster, "Cluster"),
    (Group::Server, "Server"),
];

/// The tables of all commands, in Markdown.
fn tables() -> String {
    let mut out = String::new();
    for (group, title) in CHAPTERS {
        let in_group = |entry: &&CommandEntry| entry.command.group == *group;
        let mut entries: Vec<_> = COMMANDS.entries.iter().copied().filter(in_group).collect();
        if entries.is_empty() {
            continue;
        }
        entries.sort_by_key(|entry| entry.full_name.as_str());
        out += &format!(
            "\n## {title}\n\n| command | arity | since | what it does |\n| --- | --- | --- | --- |\n"
        );
        for entry in entries {
            let name = entry.full_name.replace('|', " ").to_ascii_uppercase();
            let command = entry.command;
            let (arity, since) = (command.arity, command.since);
            let summary = command.summary.replace('|', "\\|");
            out += &format!("| `{name}` | {arity} | {since} | {summary} |\n");
        }
    }
    out + "\n"
}

#[test]
fn the_documentation_lists_every_command_as_it_is_declared() {
    let tables = tables();
    for entry in &COMMANDS.entries {
        let name = entry.full_name.replace('|', " ").to_ascii_uppercase();
        assert!(tables.contains(&format!("| `{name}` |")), "{name} is in no chapter");
    }
    assert_in_step("docs/commands.md", &tables);
}
