//! `russet.conf` and `docs/configuration.md` against the declarations.

use super::*;
use crate::testing::documents::{assert_in_step, read_project};
use std::collections::{BTreeMap, BTreeSet};

/// A block of `russet.conf`: comments, and the lines they are about.
struct Block {
    comments: String,
    /// Directives, and whether each is only shown as an example.
    lines: Vec<(&'static Directive, bool)>,
}

/// What a line of `russet.conf` says: a directive, or an example of one after a bare `#`.
fn statement(line: &str) -> Option<(&str, bool)> {
    let example = line.strip_prefix('#').filter(|rest| !rest.starts_with([' ', '#']));
    match example {
        Some("") => None,
        Some(example) => Some((example, true)),
        None => (!line.is_empty() && !line.starts_with('#')).then_some((line, false)),
    }
}

/// Lines of a configuration file that are no directives.
const STATEMENTS: [&str; 4] = ["include", "loadmodule", "user", "rename-command"];

fn blocks(text: &str) -> Vec<Block> {
    let block = |paragraph: &str| {
        let mut block = Block { comments: String::new(), lines: Vec::new() };
        for line in paragraph.lines() {
            let Some((text, is_example)) = statement(line) else {
                block.comments += line;
                continue;
            };
            let name = text.split(' ').next().expect("a line has a first word");
            match Directive::find(name.as_bytes()) {
                Some(directive) => block.lines.push((directive, is_example)),
                None => assert!(STATEMENTS.contains(&name), "{line}: no such directive"),
            }
        }
        block
    };
    text.split("\n\n").map(block).collect()
}

#[test]
fn the_file_says_what_holds_without_it() {
    let text = read_project("russet.conf");
    let startup = read(&text).expect("the file loads");
    assert_eq!(startup.config, Config::default());
    assert!(startup.renamings.is_empty() && startup.statements.is_empty());
}

#[test]
fn the_file_names_every_directive_once_in_the_order_of_the_declarations() {
    let blocks = blocks(&read_project("russet.conf"));
    let mut names: Vec<&str> =
        blocks.iter().flat_map(|block| &block.lines).map(|(directive, _)| directive.name).collect();
    names.dedup();
    let expected = DIRECTIVES.iter().filter(|directive| !directive.flags.contains(Flags::HIDDEN));
    // Sorted first, for a message that shows what is missing.
    let known: BTreeSet<&str> = expected.clone().map(|directive| directive.name).collect();
    let named: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(known.difference(&named).collect::<Vec<_>>(), [""; 0].iter().collect::<Vec<_>>());
    let mut counts = BTreeMap::new();
    for name in &names {
        *counts.entry(name).or_insert(0) += 1;
    }
    counts.retain(|_, count| *count > 1);
    assert!(counts.is_empty(), "{counts:?}");
    let themes = |name: &&str| Directive::find(name.as_bytes()).expect("it is known").theme;
    let mut order: Vec<Theme> = names.iter().map(themes).collect();
    order.dedup();
    let mut expected: Vec<Theme> = expected.map(|directive| directive.theme).collect();
    expected.dedup();
    assert_eq!(order, expected);
}

#[test]
fn the_file_shows_examples_only_where_there_is_no_default() {
    let config = Config::default();
    let default = Config::default();
    for (directive, is_example) in
        blocks(&read_project("russet.conf")).iter().flat_map(|b| &b.lines)
    {
        let has_line = !(directive.lines)(&config, &default).is_empty();
        // `bind` has a default, but a rewrite leaves it out.
        let has_value = has_line || directive.name == "bind";
        let is_path_of_nothing = directive.name == "aclfile";
        assert_eq!(*is_example, !has_value || is_path_of_nothing, "{}", directive.name);
    }
}

#[test]
fn examples_in_the_file_are_right() {
    for line in read_project("russet.conf").lines() {
        if let Some((example, true)) = statement(line) {
            read(example).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }
}

#[test]
fn the_file_says_what_does_not_work_yet() {
    for block in blocks(&read_project("russet.conf")) {
        for (directive, _) in &block.lines {
            let says = |mark| block.comments.contains(mark);
            let status = match (says("[later]"), says("[no effect]")) {
                (false, false) => Status::Works,
                (true, false) => Status::Later,
                (false, true) => Status::NoEffect,
                (true, true) => panic!("{}: one mark for each block", directive.name),
            };
            assert_eq!(status, directive.status, "{}", directive.name);
        }
    }
}

/// The tables of all directives, in Markdown.
fn tables() -> String {
    let config = Config::default();
    let mut out = String::new();
    let mut theme = None;
    for directive in DIRECTIVES.iter().filter(|it| !it.flags.contains(Flags::HIDDEN)) {
        if theme.replace(directive.theme) != Some(directive.theme) {
            let title = title(directive.theme);
            out += &format!(
                "\n### {title}\n\n| directive | values | default | status | what it is for |\n| --- | --- | --- | --- | --- |\n"
            );
        }
        let default = match directive.name {
            // What depends on the machine.
            "worker-threads" => "auto".into(),
            "dir" => "./".into(),
            _ => match String::from_utf8(directive.show(&config)).expect("defaults are text") {
                empty if empty.is_empty() => "\"\"".into(),
                value => value,
            },
        };
        let alias = directive.alias.map(|alias| format!(" (also `{alias}`)")).unwrap_or_default();
        let status = match directive.status {
            Status::Works => "works",
            Status::Later => "later",
            Status::NoEffect => "no effect",
        };
        let change = if directive.flags.intersects(Flags::IMMUTABLE | Flags::FIXED) {
            ", at start"
        } else {
            ""
        };
        let values = directive.values();
        let (name, summary) = (directive.name, directive.summary);
        out += &format!(
            "| `{name}`{alias} | {values} | `{default}` | {status}{change} | {summary} |\n"
        );
    }
    out + "\n"
}

fn title(theme: Theme) -> &'static str {
    match theme {
        Theme::Network => "Network",
        Theme::Tls => "Transport layer security",
        Theme::General => "General",
        Theme::Security => "Security",
        Theme::Clients => "Clients",
        Theme::Memory => "Memory",
        Theme::Snapshots => "Snapshots",
        Theme::AppendOnly => "Append-only file",
        Theme::Replication => "Replication",
        Theme::Cluster => "Cluster",
        Theme::Observation => "Observation",
        Theme::Encodings => "Encodings",
    }
}

#[test]
fn the_documentation_lists_every_directive_as_it_is_declared() {
    assert_in_step("docs/configuration.md", &tables());
}
