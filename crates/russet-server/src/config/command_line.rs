//! The command line: `russet-server [file | -] [--directive value ...]`.
//!
//! No parser of command lines understands this: any directive of the configuration is an
//! option, its values are all the words up to the next option, and a word that follows a bare
//! `--directive` is its value even if it begins with dashes. So, like Redis, this turns the
//! arguments into lines of a configuration file, which are read after those of the file.

use super::error::{Place, StartError};
use super::file::{ConfigSource, Reader, Startup};
use russet_resp::quoting::{quote, split_args};
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What the command line asks for.
#[derive(Debug)]
pub enum Launch {
    /// Serve.
    Run(Box<Startup>),
    /// Print the version and end.
    PrintVersion,
    /// Print [`HELP`] and end.
    PrintHelp,
}

/// What `--help` prints.
pub const HELP: &str = "\
Usage: russet-server [/path/to/russet.conf | -] [--directive value ...] [-]
       russet-server -v | --version
       russet-server -h | --help

The configuration is read from the file, then from the standard input if there
is a lone dash, then from the options: every directive of the file is one.
Where a directive is given twice, the last one counts.

Examples:
       russet-server
       russet-server /etc/russet/russet.conf
       russet-server --port 7777 --worker-threads 4
       russet-server russet.conf --save '' --bind 127.0.0.1 -::1
       echo 'maxmemory 128mb' | russet-server -
";

/// Understands the arguments after the program's name, and reads the files they name.
pub fn from_command_line(arguments: impl Iterator<Item = OsString>) -> Result<Launch, StartError> {
    let arguments: Vec<OsString> = arguments.collect();
    let words: Vec<&[u8]> = arguments.iter().map(|argument| argument.as_bytes()).collect();
    match words.first() {
        Some(&(b"-v" | b"--version")) => return Ok(Launch::PrintVersion),
        Some(&(b"-h" | b"--help")) => return Ok(Launch::PrintHelp),
        _ => {}
    }
    if words.contains(&b"--sentinel".as_slice()) {
        let place = Place { file: None, line: 1, text: b"sentinel".into() };
        return Err(place.error("Sentinel is not built yet: start without --sentinel"));
    }
    load(&words, &mut std::io::stdin().lock()).map(|startup| Launch::Run(startup.into()))
}

/// Reads the configuration that `words` stand for, with `stdin` as the standard input.
pub(super) fn load(words: &[&[u8]], stdin: &mut dyn Read) -> Result<Startup, StartError> {
    let (file, words) = match words {
        [file, options @ ..] if !file.starts_with(b"-") => (Some(*file), options),
        options => (None, options),
    };
    let options = Options::from_words(words, file.is_none());
    let mut reader = Reader::default();
    let mut source = ConfigSource::default();
    // Lines are counted as if all were one text, as Redis does.
    let mut line = 1;
    if let Some(file) = file {
        let path = Path::new(OsStr::from_bytes(file));
        let unreadable = |error| StartError::Unreadable { path: path.to_owned(), error };
        let path = std::path::absolute(path).map_err(unreadable)?;
        line = reader.read_file(&path)?;
        source.file = Some(path);
    }
    if options.stdin {
        let mut text = Vec::new();
        let unreadable = |error| StartError::Unreadable { path: "-".into(), error };
        stdin.read_to_end(&mut text).map_err(unreadable)?;
        line = reader.read_text(&text, line)?;
    }
    reader.read_text(&options.lines, line + 1)?;
    reader.finish(source)
}

/// The options of a command line, as lines of a configuration file.
#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    lines: Vec<u8>,
    /// Whether the standard input is to be read before them.
    stdin: bool,
}

impl Options {
    fn from_words(words: &[&[u8]], may_begin_with_dash: bool) -> Self {
        let mut options = Self::default();
        // Whether the last option has a value, so that the next dashes begin another one.
        let mut complete = true;
        for (index, word) in words.iter().enumerate() {
            let next = words.get(index + 1);
            let at_an_end = (index == 0 && may_begin_with_dash) || next.is_none();
            if *word == b"-" && at_an_end {
                options.stdin = true;
            } else if let Some(option) = word.strip_prefix(b"--").filter(|_| complete) {
                if !options.lines.is_empty() {
                    options.lines.push(b'\n');
                }
                options.lines.extend_from_slice(option);
                options.lines.push(b' ');
                // `--port 6379` may be one word.
                complete = split_args(word).is_none_or(|parts| parts.len() != 1);
                // Scripts that build a command line from a list write a bare `--save` where
                // the list is empty.
                let bare_save = !complete && word.eq_ignore_ascii_case(b"--save");
                if bare_save && next.is_none_or(|next| next.starts_with(b"--")) {
                    options.lines.extend_from_slice(b"\"\"");
                    complete = true;
                }
            } else {
                quote(word, &mut options.lines);
                options.lines.push(b' ');
                complete = true;
            }
        }
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(words: &[&str]) -> (String, bool) {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        let options = Options::from_words(&words, true);
        (String::from_utf8(options.lines).expect("options are text"), options.stdin)
    }

    #[test]
    fn words_up_to_the_next_option_are_values() {
        let (lines, stdin) = options(&["--port", "1", "--bind", "::1", "127.0.0.1"]);
        assert_eq!(lines, "port \"1\" \nbind \"::1\" \"127.0.0.1\" ");
        assert!(!stdin);
    }

    #[test]
    fn a_word_after_a_bare_option_is_its_value() {
        assert_eq!(
            options(&["--logfile", "--a", "--port", "1"]).0,
            "logfile \"--a\" \nport \"1\" "
        );
        assert_eq!(options(&["--port 1", "--hz 2"]).0, "port 1 \nhz 2 ");
    }

    #[test]
    fn a_bare_save_means_none() {
        assert_eq!(options(&["--save", "--port", "1"]).0, "save \"\"\nport \"1\" ");
        assert_eq!(options(&["--port", "1", "--save"]).0, "port \"1\" \nsave \"\"");
        assert_eq!(options(&["--save", ""]).0, "save \"\" ");
        assert_eq!(
            options(&["--logfile", "--save", "--save", ""]).0,
            "logfile \"--save\" \nsave \"\" "
        );
    }

    #[test]
    fn a_lone_dash_first_or_last_is_the_standard_input() {
        assert_eq!(options(&["-"]), (String::new(), true));
        assert_eq!(options(&["--port", "1", "-"]), ("port \"1\" ".into(), true));
        assert_eq!(options(&["-", "--port", "1"]), ("port \"1\" ".into(), true));
        assert_eq!(options(&["--bind", "-", "1"]), ("bind \"-\" \"1\" ".into(), false));
    }
}
