//! Reading configuration files.

use super::Config;
use super::directive::{Directive, Entry, Flags};
use super::error::{Place, StartError, os_reason};
use super::format::WRONG_NUMBER_OF_ARGUMENTS;
use russet_resp::quoting::split_args;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Everything that the configuration says at start.
#[derive(Debug, Default)]
pub struct Startup {
    /// The values of all directives.
    pub config: Config,
    /// Where they came from.
    pub source: ConfigSource,
    /// Commands to rename, in the order of their lines.
    pub renamings: Vec<Renaming>,
    /// The lines that the part of the server they are for reads itself: `user`, `loadmodule`,
    /// and the settings of modules.
    pub statements: Vec<Statement>,
}

/// Where the configuration came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigSource {
    /// The absolute path of the file, for CONFIG REWRITE and INFO. None if there was no file.
    pub file: Option<PathBuf>,
}

/// A line `rename-command from to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renaming {
    /// The command's name.
    pub from: Vec<u8>,
    /// Its new name; empty for no name at all.
    pub to: Vec<u8>,
    /// Where the line stands. Whoever knows the commands finds out whether it makes sense.
    pub place: Place,
}

/// A line that is no directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// All words of the line; the first is in lower case.
    pub words: Vec<Vec<u8>>,
    /// Where the line stands.
    pub place: Place,
}

impl Startup {
    /// Names of the directives that ask for something that is not built yet, for a warning.
    pub fn asks_for_later(&self) -> Vec<&'static str> {
        let default = Config::default();
        let asks = |directive: &&Directive| {
            directive.status == super::Status::Later && !(directive.same)(&self.config, &default)
        };
        super::DIRECTIVES.iter().filter(asks).map(|directive| directive.name).collect()
    }
}

/// Directives of old versions that have had no meaning for long, and take one argument.
const FORGOTTEN: [&[u8]; 3] =
    [b"list-max-ziplist-entries", b"list-max-ziplist-value", b"lua-replicate-commands"];

/// Reads files and lines, one after the other, into a [`Startup`].
#[derive(Default)]
pub(super) struct Reader {
    startup: Startup,
    /// The directives that had a line already.
    seen: Vec<&'static str>,
}

/// Files that include each other stop being read at this depth.
const INCLUDE_DEPTH_MAX: usize = 16;

impl Reader {
    /// Reads a file. Returns the number of its last line.
    pub fn read_file(&mut self, path: &Path) -> Result<usize, StartError> {
        self.read_included(path, 0)
    }

    /// Reads lines that come from no file, the first of which has the number `first_line`.
    /// Returns the number of the last one.
    pub fn read_text(&mut self, text: &[u8], first_line: usize) -> Result<usize, StartError> {
        self.read_lines(text, None, first_line, 0)
    }

    /// Looks at everything that was read as a whole.
    pub fn finish(self, source: ConfigSource) -> Result<Startup, StartError> {
        let startup = Startup { source, ..self.startup };
        let config = &startup.config;
        if !config.logfile.as_os_str().is_empty() {
            // Later there would be nowhere left to complain.
            let path = config.dir.join(&config.logfile);
            fs::OpenOptions::new().append(true).create(true).open(path).map_err(|error| {
                let reason = format!("Can't open the log file: {}", os_reason(&error));
                StartError::Whole { reason }
            })?;
        }
        if config.cluster_enabled && config.replicaof.is_some() {
            let reason = "replicaof directive not allowed in cluster mode".into();
            return Err(StartError::Whole { reason });
        }
        Ok(startup)
    }

    fn read_included(&mut self, path: &Path, depth: usize) -> Result<usize, StartError> {
        let unreadable = |error| StartError::Unreadable { path: path.to_owned(), error };
        let text = fs::read(path).map_err(unreadable)?;
        self.read_lines(&text, Some(path.into()), 1, depth)
    }

    fn read_lines(
        &mut self,
        text: &[u8],
        file: Option<Arc<Path>>,
        first_line: usize,
        depth: usize,
    ) -> Result<usize, StartError> {
        let mut last_line = first_line;
        for (line, text) in (first_line..).zip(text.split(|byte| *byte == b'\n')) {
            last_line = line;
            let place = Place { file: file.clone(), line, text: text.trim_ascii().to_vec() };
            if !place.text.is_empty() && place.text[0] != b'#' {
                self.read_line(place, depth)?;
            }
        }
        Ok(last_line)
    }

    fn read_line(&mut self, place: Place, depth: usize) -> Result<(), StartError> {
        let Some(mut words) = split_args(&place.text) else {
            return Err(place.error("Unbalanced quotes in configuration line"));
        };
        let Some(name) = words.first_mut() else { return Ok(()) };
        name.make_ascii_lowercase();
        if let Some(Entry { directive, .. }) = Entry::find(&words[0]) {
            return self.assign(directive, &words[1..], &place);
        }
        match words.as_slice() {
            [name, _] if FORGOTTEN.contains(&name.as_slice()) => Ok(()),
            [name, pattern] if name == b"include" => self.include(pattern, &place, depth),
            [name, from, to] if name == b"rename-command" => {
                let (from, to) = (from.clone(), to.clone());
                self.startup.renamings.push(Renaming { from, to, place });
                Ok(())
            }
            [name, ..] if name == b"sentinel" => {
                Err(place.error("sentinel directive while not in sentinel mode"))
            }
            [name] if name.contains(&b'.') => {
                Err(place.error("Module config specified without value"))
            }
            [name, _, ..] if name == b"user" || name == b"loadmodule" || name.contains(&b'.') => {
                self.startup.statements.push(Statement { words, place });
                Ok(())
            }
            _ => Err(place.error("Bad directive or wrong number of arguments")),
        }
    }

    fn assign(
        &mut self,
        directive: &'static Directive,
        arguments: &[Vec<u8>],
        place: &Place,
    ) -> Result<(), StartError> {
        let words;
        let arguments = match arguments {
            [list] if directive.flags.contains(Flags::SEVERAL) && !list.is_empty() => {
                // All arguments may stand in one pair of quotes, as they do for CONFIG SET.
                words = split_args(list)
                    .ok_or_else(|| place.error("Unbalanced quotes in configuration line"))?;
                &words
            }
            [_] => arguments,
            several if directive.flags.contains(Flags::SEVERAL) => several,
            _ => return Err(place.error(WRONG_NUMBER_OF_ARGUMENTS)),
        };
        let assign = if self.seen.contains(&directive.name) {
            directive.assign_again
        } else {
            self.seen.push(directive.name);
            directive.assign
        };
        assign(&mut self.startup.config, arguments).map_err(|reason| place.error(reason))
    }

    /// Reads another file, or all files that a pattern matches, in the order of their names.
    fn include(&mut self, pattern: &[u8], place: &Place, depth: usize) -> Result<(), StartError> {
        if depth == INCLUDE_DEPTH_MAX {
            return Err(place.error("Too many levels of included files"));
        }
        let path = self.startup.config.dir.join(OsStr::from_bytes(pattern));
        if !pattern.iter().any(|byte| b"*?[".contains(byte)) {
            return self.read_included(&path, depth + 1).map(drop);
        }
        // A pattern may match nothing: a directory for additions may be empty.
        let matches = path.to_str().and_then(|pattern| glob::glob(pattern).ok());
        for path in matches.into_iter().flatten().filter_map(Result::ok) {
            self.read_included(&path, depth + 1)?;
        }
        Ok(())
    }
}
