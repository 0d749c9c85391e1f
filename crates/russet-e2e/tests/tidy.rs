//! Style as a test: what the tree promises about itself, checked on the tree.
//!
//! Each rule collects every violation before it fails, with file, line and what to do instead.

use std::fs;
use std::path::{Path, PathBuf};

/// Files above this length are reported; a good reason keeps them.
const LONG_FILE_LINES: usize = 500;
/// Files above this length fail.
const LONGEST_FILE_LINES: usize = 800;

/// The modules meant for `unsafe`, by path prefix, and what they need it for.
///
/// Clippy demands the SAFETY comment of each block (`undocumented_unsafe_blocks`); this list keeps
/// such code where it is expected. A prefix that holds no `unsafe` any more must be removed.
const UNSAFE_MODULES: &[(&str, &str)] = &[
    ("crates/russet-data/benches/table.rs", "an item to put into tables"),
    ("crates/russet-data/src/bits/count.rs", "code for vector instructions the processor has"),
    ("crates/russet-data/src/hyperloglog/vectors.rs", "vector instructions the processor has"),
    ("crates/russet-data/src/sorted_set/element.rs", "a score and a member in one allocation"),
    ("crates/russet-data/src/sorted_set/ranked.rs", "elements that a table owns, from a tree"),
    ("crates/russet-data/src/records/record.rs", "strings of any length in one allocation"),
    ("crates/russet-data/src/keyed_hash/aes.rs", "instructions that not every processor has"),
    ("crates/russet-data/src/table/", "tagged pointers to items, in buckets of one cache line"),
    ("crates/russet-data/tests/size_class.rs", "asks the allocator what it rounds sizes up to"),
    (
        "crates/russet-server/src/memory/control.rs",
        "what the allocator lets be read and set by name",
    ),
    (
        "crates/russet-server/src/memory/allocator.rs",
        "a control of the allocator without a wrapper",
    ),
    ("crates/russet-server/src/memory/pieces.rs", "what the allocator calls to return pages"),
    (
        "crates/russet-server/src/memory/pages.rs",
        "asks which pages are resident, and to have them moved",
    ),
    ("crates/russet-script/src/lua/", "the C interface of Lua, whose errors jump"),
    ("crates/russet-server/src/processors.rs", "how the system schedules a thread"),
    ("crates/russet-server/src/exec/nested.rs", "arguments that live as long as one call"),
    ("crates/russet-server/src/persistence/writeback.rs", "a system call without a wrapper"),
    ("crates/russet-server/src/worker/clock.rs", "the processor's time stamp counter"),
    (
        "crates/russet-server/src/process/crash/in_flight.rs",
        "finds the command of a thread that has failed",
    ),
    ("crates/russet-server/src/process/crash/signal.rs", "what a signal handler may do"),
    ("crates/russet-keyspace/src/gate.rs", "a cell that the gate's model proves to be alone in"),
    ("crates/russet-keyspace/src/keyspace.rs", "hands out a shard to whoever holds its lock"),
    ("crates/russet-keyspace/src/keyspace/exclusive.rs", "reads a shard behind the closed gate"),
    ("crates/russet-keyspace/src/entry/", "header, key and value in one allocation of their size"),
];

/// What must not appear in Rust code, and what to do instead. Built with `concat!` so that this file
/// does not find itself.
const BANNED: &[(&str, &str)] = &[
    (concat!("todo", "!("), "finish it, or leave it out"),
    (concat!("unimplemented", "!("), "finish it, or leave it out"),
    (concat!("FIX", "ME"), "fix it, or write down in a comment why it is as it is"),
    (concat!("X", "XX"), "fix it, or write down in a comment why it is as it is"),
    (concat!("dbg", "!("), "remove it"),
    (concat!("assert!(", "true"), "a test must be able to fail"),
    (concat!("#[ig", "nore"), "a test that does not run checks nothing"),
];

/// Crates whose code is bytes in, bytes out: time and storage are handed to them.
const PURE_CRATES: &[&str] =
    &["russet-data", "russet-resp", "russet-keyspace", "russet-persist", "russet-script"];
const IMPURE: &[&str] =
    &["Instant::now", "SystemTime::now", "std::fs", "std::net", "std::process::Command"];

/// What each crate may depend on within the project: dependencies point down.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("russet-resp", &[]),
    ("russet-data", &[]),
    ("russet-keyspace", &["russet-data"]),
    ("russet-persist", &["russet-data", "russet-keyspace"]),
    ("russet-check", &["russet-data", "russet-persist"]),
    ("russet-e2e", &["russet-resp"]),
    ("russet-script", &["russet-data", "russet-resp"]),
    (
        "russet-server",
        &["russet-data", "russet-keyspace", "russet-persist", "russet-resp", "russet-script"],
    ),
];

#[test]
fn every_rust_file_says_what_it_is_for() {
    report(rust_files().iter().filter_map(|file| {
        let text = read(file);
        let first = text.lines().find(|line| !line.starts_with("#![") && !line.is_empty());
        (!first.is_some_and(|line| line.starts_with("//!")))
            .then(|| format!("{}: starts without a `//!` essay", shown(file)))
    }));
}

#[test]
fn files_stay_short_enough_to_hold_in_mind() {
    report(rust_files().iter().filter_map(|file| {
        let lines = read(file).lines().count();
        if lines > LONG_FILE_LINES {
            println!("note: {} has {lines} lines", shown(file));
        }
        (lines > LONGEST_FILE_LINES).then(|| format!("{}: {lines} lines, split it", shown(file)))
    }));
}

#[test]
fn no_leftovers() {
    report(rust_files().iter().flat_map(|file| {
        matching_lines(file, |line| {
            BANNED.iter().find(|(word, _)| line.contains(word)).map(|(_, instead)| *instead)
        })
    }));
}

#[test]
fn unsafe_code_stays_in_its_modules() {
    let mut violations = Vec::new();
    let mut used = vec![false; UNSAFE_MODULES.len()];
    for file in rust_files() {
        let path = shown(&file);
        let found = matching_lines(&file, |line| {
            uses_unsafe(line).then_some("`unsafe` outside the modules listed in tidy.rs")
        });
        if found.is_empty() {
            continue;
        }
        match UNSAFE_MODULES.iter().position(|(prefix, _)| path.starts_with(prefix)) {
            Some(index) => used[index] = true,
            None => violations.extend(found),
        }
    }
    let unused = UNSAFE_MODULES.iter().zip(&used).filter(|(_, used)| !**used);
    violations.extend(unused.map(|((prefix, _), _)| format!("{prefix}: listed, but all safe")));
    report(violations);
}

#[test]
fn pure_crates_have_no_clock_and_no_files() {
    let pure = |file: &&PathBuf| {
        let path = shown(file);
        PURE_CRATES.iter().any(|name| path.starts_with(&format!("crates/{name}/src/")))
    };
    report(rust_files().iter().filter(pure).flat_map(|file| {
        matching_lines(file, |line| {
            let code = line.split("//").next().unwrap_or_default();
            IMPURE.iter().any(|name| code.contains(name)).then_some("pass it in instead")
        })
    }));
}

#[test]
fn dependencies_point_down() {
    let mut violations = Vec::new();
    for entry in fs::read_dir(root().join("crates")).expect("the crates folder") {
        let folder = entry.expect("an entry").path();
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        let Some((_, allowed)) = MAY_DEPEND_ON.iter().find(|(known, _)| *known == name) else {
            violations.push(format!("{name}: say in tidy.rs what it may depend on"));
            continue;
        };
        // What tests and benchmarks use besides is theirs to choose.
        let manifest = read(&folder.join("Cargo.toml"));
        let section = manifest.split("\n[").find(|section| section.starts_with("dependencies]"));
        for line in section.unwrap_or_default().lines() {
            let dependency = line.split(['.', ' ', '=']).next().unwrap_or_default();
            if dependency.starts_with("russet-") && !allowed.contains(&dependency) {
                violations.push(format!("{name}: must not depend on {dependency}"));
            }
        }
    }
    report(violations);
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    let personal = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];
    report(text_files().iter().flat_map(|file| {
        matching_lines(file, |line| {
            personal.iter().any(|path| line.contains(path)).then_some("a path of one machine")
        })
    }));
}

#[test]
fn documents_link_only_to_what_exists() {
    let documents = text_files().into_iter().filter(|f| f.extension().is_some_and(|e| e == "md"));
    report(documents.flat_map(|document| {
        let folder = document.parent().expect("a folder").to_owned();
        links(&read(&document))
            .into_iter()
            .filter(|link| !folder.join(link).exists())
            .map(|link| format!("{}: links to {link}, which is not there", shown(&document)))
            .collect::<Vec<_>>()
    }));
}

#[test]
fn documents_name_only_paths_that_exist() {
    const FOLDERS: [&str; 5] = ["crates/", "ci/", ".ci/", "docs/", "fuzz/"];
    let documents = text_files().into_iter().filter(|f| f.extension().is_some_and(|e| e == "md"));
    report(documents.flat_map(|document| {
        code_spans(&read(&document))
            .into_iter()
            .filter(|span| FOLDERS.iter().any(|folder| span.starts_with(folder)))
            .filter_map(|span| span.split(' ').next().map(str::to_owned))
            .filter(|path| !path.contains('*') && !root().join(path).exists())
            .map(|path| format!("{}: names {path}, which is not there", shown(&document)))
            .collect::<Vec<_>>()
    }));
}

/// Each section of the code map is about one crate; its paths are relative to that crate's `src`.
#[test]
fn the_code_map_has_every_module_and_no_other() {
    let text = read(&root().join("ARCHITECTURE.md"));
    let (_, map) = text.split_once("\n## Code map\n").expect("there is a code map");
    let map = map.split("\n## ").next().expect("a section has a beginning");
    let mut violations = Vec::new();
    let mut mapped = Vec::new();
    for section in map.split("\n### `").skip(1) {
        let (name, body) = section.split_once('`').expect("a heading names a crate");
        let source = root().join(name).join("src");
        let rows: String =
            body.lines().filter(|line| line.starts_with("| `")).flat_map(|l| [l, "\n"]).collect();
        let is_path = |span: &String| span.ends_with(".rs") || span.ends_with('/');
        let named: Vec<String> = code_spans(&rows).into_iter().filter(is_path).collect();
        let missing = named.iter().filter(|path| !source.join(path).exists());
        violations.extend(missing.map(|path| format!("{name}: has no {path}")));
        // A folder beside a file of its name is part of that module.
        let module = |path: &str| path.trim_end_matches(".rs").trim_end_matches('/').to_owned();
        let modules: Vec<String> = named.iter().map(|path| module(path)).collect();
        for entry in fs::read_dir(&source).into_iter().flatten() {
            let path = entry.expect("an entry").file_name().to_string_lossy().into_owned();
            if path != "lib.rs" && !modules.contains(&module(&path)) {
                violations.push(format!("{name}: {path} is not in ARCHITECTURE.md's code map"));
            }
        }
        mapped.push(name);
    }
    for (name, _) in MAY_DEPEND_ON {
        if !mapped.contains(&format!("crates/{name}").as_str()) {
            violations.push(format!("{name}: is not in ARCHITECTURE.md's code map"));
        }
    }
    report(violations);
}

/// What stands between single backquotes in a Markdown text, outside blocks of code.
fn code_spans(text: &str) -> Vec<String> {
    let prose = text.split("```").step_by(2);
    prose.flat_map(|part| part.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

/// Targets of the relative links in a Markdown text, without their fragment.
fn links(text: &str) -> Vec<String> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', '#']).next())
        .filter(|link| !link.is_empty() && !link.contains("://") && !link.starts_with("mailto:"))
        .map(str::to_owned)
        .collect()
}

fn uses_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    ["unsafe {", "unsafe fn", "unsafe impl", "unsafe trait", "unsafe extern"]
        .iter()
        .any(|form| code.contains(form))
}

/// `FILE:LINE: remark` for each line that `judge` remarks on.
fn matching_lines(file: &Path, judge: impl Fn(&str) -> Option<&'static str>) -> Vec<String> {
    let this_file = shown(file) == "crates/russet-e2e/tests/tidy.rs";
    read(file)
        .lines()
        .enumerate()
        .filter(|_| !this_file)
        .filter_map(|(index, line)| Some((index + 1, line, judge(line)?)))
        .map(|(number, line, remark)| {
            format!("{}:{number}: {remark}: {}", shown(file), line.trim())
        })
        .collect()
}

fn report(violations: impl IntoIterator<Item = String>) {
    let violations: Vec<String> = violations.into_iter().collect();
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

fn shown(file: &Path) -> String {
    file.strip_prefix(root()).unwrap_or(file).to_string_lossy().into_owned()
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn rust_files() -> Vec<PathBuf> {
    text_files().into_iter().filter(|f| f.extension().is_some_and(|e| e == "rs")).collect()
}

/// All files of the tree that are text, without build output and hidden folders other than `.ci`.
fn text_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy();
            if path.is_symlink() || name == "target" || (name.starts_with('.') && name != ".ci") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if fs::read(&path).is_ok_and(|bytes| String::from_utf8(bytes).is_ok()) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}
