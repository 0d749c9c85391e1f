//! INFO.
//!
//! A section is a function that writes its fields into a [`Report`]. The names, and for fields of
//! parts that are not built yet the values at rest, are Redis': tools read them.

mod activity;
mod commands;
mod process;
mod report;

use crate::command::{Categories, Command, Flags, Group};
use crate::error::Error;
use crate::exec::Ctx;
use crate::memory::{self, DbTables, Figures};
use crate::server::Server;
use report::Report;

/// See the module's documentation.
pub const INFO: Command = Command {
    group: Group::Server,
    categories: Categories::DANGEROUS,
    summary: "Returns statistics and facts about the server, all or some sections of them.",
    syntax: "[section...]",
    history: &[("7.0.0", "Takes several sections.")],
    tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    ..Command::new("info", -1, Flags::LOADING.union(Flags::STALE).union(Flags::WALKS), info)
};

/// When a section is part of the answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// Unless other sections were asked for.
    ByDefault,
    /// If it, or all, was asked for.
    OnRequest,
}

/// One section.
struct Section {
    name: &'static str,
    shown: Shown,
    write: fn(&Source<'_>, &mut Report),
}

/// What sections are written from.
struct Source<'a> {
    server: &'a Server,
    tables: &'a [DbTables],
}

const SECTIONS: &[Section] = &[
    Section { name: "server", shown: Shown::ByDefault, write: process::server },
    Section { name: "clients", shown: Shown::ByDefault, write: activity::clients },
    Section { name: "memory", shown: Shown::ByDefault, write: memory_section },
    Section { name: "persistence", shown: Shown::ByDefault, write: activity::persistence },
    Section { name: "stats", shown: Shown::ByDefault, write: activity::stats },
    Section { name: "replication", shown: Shown::ByDefault, write: activity::replication },
    Section { name: "cpu", shown: Shown::ByDefault, write: process::cpu },
    Section { name: "workers", shown: Shown::ByDefault, write: activity::workers },
    Section { name: "modules", shown: Shown::ByDefault, write: modules },
    Section { name: "commandstats", shown: Shown::OnRequest, write: commands::calls },
    Section { name: "errorstats", shown: Shown::ByDefault, write: commands::errors },
    Section { name: "latencystats", shown: Shown::OnRequest, write: commands::latencies },
    Section { name: "cluster", shown: Shown::ByDefault, write: cluster },
    Section { name: "keyspace", shown: Shown::ByDefault, write: activity::keyspace },
];

/// Which sections a report has.
struct Selection(Vec<&'static Section>);

impl Selection {
    /// What `names` select, in any case and order; unknown names select nothing.
    fn of<'a>(names: impl ExactSizeIterator<Item = &'a [u8]> + Clone) -> Self {
        let asked =
            |name: &str| names.clone().any(|asked| asked.eq_ignore_ascii_case(name.as_bytes()));
        let all = asked("all") || asked("everything");
        let default = names.len() == 0 || asked("default");
        let is_selected = |section: &&Section| {
            all || (default && section.shown == Shown::ByDefault) || asked(section.name)
        };
        Selection(SECTIONS.iter().filter(is_selected).collect())
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|section| section.name == name)
    }

    fn report(&self, server: &Server, tables: &[DbTables]) -> String {
        let mut report = Report::default();
        for section in &self.0 {
            (section.write)(&Source { server, tables }, &mut report);
        }
        report.into_text()
    }
}

fn info(ctx: &mut Ctx<'_>) -> Result<(), Error> {
    let names: Vec<&[u8]> = ctx.args.iter_from(1).collect();
    let selection = Selection::of(names.iter().copied());
    let tables = if selection.has("memory") { memory::tables(&mut ctx.db) } else { Vec::new() };
    let text = selection.report(ctx.server, &tables);
    ctx.out.verbatim(b"txt", text.as_bytes());
    Ok(())
}

/// All sections, for the report of a crash: without touching the keyspace, whose locks may be held.
pub fn for_crash_report(server: &Server) -> String {
    Selection(SECTIONS.iter().collect()).report(server, &[])
}

fn memory_section(source: &Source<'_>, report: &mut Report) {
    let Source { server, tables } = source;
    let figures = Figures::take(server, tables.to_vec());
    process::memory(server, &figures, report);
}

fn modules(_: &Source<'_>, report: &mut Report) {
    report.section("Modules");
}

/// There is no cluster yet, whatever the configuration asks for.
fn cluster(_: &Source<'_>, report: &mut Report) {
    report.section("Cluster");
    report.field("cluster_enabled", 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected(names: &[&str]) -> Vec<&'static str> {
        let selection = Selection::of(names.iter().map(|name| name.as_bytes()));
        selection.0.iter().map(|section| section.name).collect()
    }

    #[test]
    fn names_select_sections() {
        assert_eq!(selected(&["KEYSPACE", "server", "server", "nope"]), ["server", "keyspace"]);
        assert_eq!(selected(&["all"]).len(), SECTIONS.len());
        assert_eq!(selected(&["Everything"]).len(), SECTIONS.len());
        assert_eq!(selected(&["nope"]), [""; 0]);
        let default = selected(&[]);
        assert!(!default.contains(&"commandstats") && default.contains(&"errorstats"));
        assert_eq!(selected(&["default"]), default);
        assert_eq!(selected(&["default", "commandstats"]).len(), default.len() + 1);
    }
}
