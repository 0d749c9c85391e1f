//! Tests of the configuration as a whole.

mod documents;
mod files;
mod get_and_set;
mod rewriting;

use super::*;

/// Reads `text` as a configuration file.
fn read(text: &str) -> Result<Startup, StartError> {
    command_line::load(&[b"-"], &mut text.as_bytes())
}

/// The value that CONFIG GET shows for `name`.
fn shown(config: &Config, name: &str) -> String {
    let found = config.get(&[name.as_bytes()]);
    assert_eq!(found.len(), 1, "{name}");
    String::from_utf8(found[0].1.clone()).expect("values in tests are text")
}
